"""The decision on one segment of data for one recipient and purpose.

The order of the questions: one's own record is one's own; a record that is not under 42 CFR Part 2 may go to a known
organization that treats the person (45 CFR 164.506); everything else needs a written consent that is complete, in
force at this moment, and permits just this (42 CFR 2.31, 2.33). A source that nobody described counts as Part 2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from coordinator.care.consent.model import ConsentRecord, Question
from coordinator.care.consent.rules import in_force, permits, problems
from coordinator.fhir import BadDate, Identifier, instant_of

TREATMENT = "TREAT"
PART2_LABEL = "42CFRPart2"


class Ground(Enum):
    """Why a segment may go out."""

    OWN = "own record"
    TREATMENT = "treatment, not under 42 CFR Part 2"
    CONSENT = "written consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What would go out, as the decision needs it: whose record, which type, coded content, labels it carries."""

    organization: str
    source: Identifier | None
    part2: bool
    type: str
    codes: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConsent:
    """A consent of the registry that is about the person."""

    record: ConsentRecord
    forms: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """It may go, on this ground; `consent` is its id where one is needed."""

    ground: Ground
    consent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """It may not go; `reason` is a word of a closed list."""

    reason: str


Verdict = Permitted | Denied


def decide(
    segment: Segment,
    *,
    recipient: tuple[str, Identifier | None],
    purpose: str,
    consents: Sequence[HeldConsent],
    now: datetime,
) -> Verdict:
    """Return whether a segment may go to a recipient (organization key, identifier) for a purpose, now."""
    key, identifier = recipient
    if key and segment.organization == key:
        return Permitted(ground=Ground.OWN)
    if identifier is None:
        return Denied(reason="recipient-unknown")
    if not segment.part2 and PART2_LABEL not in segment.labels:
        return Permitted(ground=Ground.TREATMENT) if purpose == TREATMENT else Denied(reason="purpose")
    source = segment.source
    if source is None:
        return Denied(reason="source-unknown")
    question = Question(
        discloser=source,
        recipient=identifier,
        purpose=purpose,
        resource_type=segment.type,
        codes=segment.codes,
        labels=segment.labels,
    )
    fitting = [one for one in consents if permits(one.record, question)]
    valid = [one for one in fitting if in_force(one.record, now) and not problems(one.record, now=now, forms=one.forms)]
    if valid:
        return Permitted(ground=Ground.CONSENT, consent=min(one.record.consent_id for one in valid))
    return Denied(reason=_reason(fitting, now))


def _reason(fitting: Sequence[HeldConsent], now: datetime) -> str:
    """Return why no consent permits it: none does at all, or one did and was revoked, ran out, or is defective."""
    if any(one.record.revoked_at is not None for one in fitting):
        return "consent-revoked"
    if any(not in_force(one.record, now) for one in fitting):
        return "consent-not-in-force"
    return "consent-defective" if fitting else "no-consent"


def next_change(consents: Iterable[HeldConsent], now: datetime) -> datetime | None:
    """Return the next instant at which a consent begins or ends by itself, as far as its dates tell."""
    moments: list[datetime] = []
    for one in consents:
        for text in (one.record.start, one.record.end):
            moment = _moment(text)
            if moment is not None and moment > now:
                moments.append(moment)
    return min(moments, default=None)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return instant_of(text) or instant_of(f"{text}T00:00:00Z")
    except BadDate:
        return None
