"""The decision on one segment of data for one recipient and purpose, now.

The order of the questions: no tenant sees another's; one's own record is one's own; what is not necessary for the
purpose does not go; a restriction that was agreed to beats every permit but an emergency (42 CFR 2.26); a record that
is not under 42 CFR Part 2 may go to a known organization that treats the person (45 CFR 164.506); audit and research go
by an agreement (2.52, 2.53), an emergency by its record (2.51); everything else needs a written consent that is
complete, in force at this moment, contradicted by no other, and permits just this (2.31, 2.33). Unknown means no.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from coordinator.access.conflict import contradicting, is_restricted, is_settled, undisputed
from coordinator.access.model import (
    Denied,
    Ground,
    HeldConsent,
    Inquiry,
    Permitted,
    Reason,
    Segment,
    Verdict,
)
from coordinator.access.state_law import is_forbidden, is_met
from coordinator.access.tables import (
    Purpose,
    Redisclosure,
    Rule,
    cuts_for,
    kinds_of,
    purposes,
    recipient_types,
)
from coordinator.care.consent.model import ConsentRecord, Question
from coordinator.care.consent.rules import UNVERIFIED, in_force, moments, needs_own_consent, permits, problems
from coordinator.care.consent.tables import consent_codes

PART2_LABEL = "42CFRPart2"
NO_REDISCLOSURE = "NORDSCLCD"  # HL7/UTG v3-ActCode: no redisclosure without consent directive


def decide(segment: Segment, inquiry: Inquiry, held: Sequence[HeldConsent]) -> Verdict:
    """Return whether a segment may go to the recipient of an inquiry, by the consents held about the person."""
    if segment.tenant != inquiry.tenant:
        return Denied(reason="other-tenant")
    if not inquiry.actor:
        return Denied(reason="actor-unknown")
    own = inquiry.recipient.organization
    if own and segment.organization == own:
        return Permitted(ground=Ground.OWN)
    purpose = purposes().get(inquiry.purpose)
    if purpose is None:
        return Denied(reason="purpose")
    refused = _refused(segment, inquiry, purpose)
    if refused is not None:
        return Denied(reason=refused)
    verdict = _by_rule(segment, inquiry, purpose, held)
    cuts = cuts_for(purpose, segment.type)
    if isinstance(verdict, Denied):
        return verdict
    return Denied(reason="not-necessary") if cuts is None else replace(verdict, cuts=cuts)


def _refused(segment: Segment, inquiry: Inquiry, purpose: Purpose) -> Reason | None:
    """Return why a recipient can't receive it whatever the consents say."""
    recipient = inquiry.recipient
    kind = recipient_types().get(recipient.kind)
    if kind is None or (recipient.identifier is None and purpose.rule is not Rule.EMERGENCY):
        return "recipient-unknown"
    if purpose.recipients and recipient.kind not in purpose.recipients:
        return "recipient-type"
    if purpose.rule is not Rule.EMERGENCY and is_forbidden(segment, inquiry):
        return "state-law"
    return None


def _by_rule(segment: Segment, inquiry: Inquiry, purpose: Purpose, held: Sequence[HeldConsent]) -> Verdict:
    match purpose.rule:
        case Rule.EMERGENCY:
            return _by_emergency(segment, inquiry)
        case Rule.AGREEMENT:
            return _by_agreement(segment, inquiry, held)
        case Rule.CONSENT:
            return _by_consent(segment, inquiry, purpose, held)
        case Rule.NEVER:
            return Denied(reason="purpose")
        case _:
            assert_never(purpose.rule)


def _by_emergency(segment: Segment, inquiry: Inquiry) -> Verdict:
    """Permit what meets a medical emergency; notes of counseling or psychotherapy are kept apart even then."""
    if not inquiry.emergency:
        return Denied(reason="emergency-not-recorded")
    if needs_own_consent(segment.labels):
        return Denied(reason="not-necessary")
    return Permitted(ground=Ground.EMERGENCY)


def _by_agreement(segment: Segment, inquiry: Inquiry, held: Sequence[HeldConsent]) -> Verdict:
    question = _question(segment, inquiry)
    if question is None:
        return Denied(reason="source-unknown")
    if is_restricted(held, question, inquiry):
        return Denied(reason="restricted")
    if needs_own_consent(segment.labels):
        return Denied(reason="not-necessary")
    day = inquiry.at.date()
    for one in inquiry.terms.agreements:
        named = (one.organization, one.purpose) == (inquiry.recipient.organization, inquiry.purpose)
        if named and one.start <= day <= one.end:
            return Permitted(ground=Ground.AGREEMENT, marks=frozenset({NO_REDISCLOSURE}))
    return Denied(reason="no-agreement")


def _by_consent(segment: Segment, inquiry: Inquiry, purpose: Purpose, held: Sequence[HeldConsent]) -> Verdict:
    question = _question(segment, inquiry)
    if question is None:
        return Denied(reason="source-unknown")
    if is_restricted(held, question, inquiry):
        return Denied(reason="restricted")
    if not _needs_consent(segment):
        return _without_consent(inquiry, purpose)
    fitting = [one for one in held if permits(one.record, question) and is_met(one.record, segment, inquiry)]
    valid = [one for one in fitting if _is_valid(one, question, inquiry)]
    if not valid:
        return _why_not(fitting, question, inquiry)
    permitting = [one.record for one in valid]
    against = contradicting(held, question, inquiry)
    counting = undisputed(permitting, against, inquiry)
    if not counting:
        asked = against | {one.consent_id for one in permitting}
        settled = is_settled(permitting, against, inquiry)
        return Denied(reason="consent-conflict", consents=frozenset() if settled else asked)
    return Permitted(
        ground=Ground.CONSENT,
        consent=min(one.consent_id for one in counting),
        marks=_marks(inquiry.recipient.kind, counting),
    )


def _without_consent(inquiry: Inquiry, purpose: Purpose) -> Verdict:
    """Permit what is not under Part 2 to who treats the person, by kind and in fact (45 CFR 164.506(c)(2))."""
    if not purpose.without_consent:
        return Denied(reason="purpose")
    is_treating = inquiry.recipient.treats and recipient_types()[inquiry.recipient.kind].treats
    return Permitted(ground=Ground.TREATMENT) if is_treating else Denied(reason="no-consent")


def _needs_consent(segment: Segment) -> bool:
    """Say whether it is under Part 2, or holds notes that need an authorization anyway (45 CFR 164.508(a)(2))."""
    return segment.part2 or PART2_LABEL in segment.labels or needs_own_consent(segment.labels)


def _question(segment: Segment, inquiry: Inquiry) -> Question | None:
    """Return what the consents are asked; None where nobody described the source or the recipient."""
    if segment.source is None or inquiry.recipient.identifier is None:
        return None
    kind = recipient_types()[inquiry.recipient.kind]
    classes = {one for one in kind.classes if one != "treating-providers" or inquiry.recipient.treats}
    return Question(
        discloser=segment.source,
        recipient=inquiry.recipient.identifier,
        purpose=inquiry.purpose,
        kinds=kinds_of(inquiry.purpose),
        resource_type=segment.type,
        codes=segment.codes,
        labels=segment.labels,
        mentions=segment.mentions,
        classes=frozenset(classes),
        is_intermediary=inquiry.recipient.kind == "intermediary",
        is_treating=segment.is_treating,
    )


def _is_valid(one: HeldConsent, question: Question, inquiry: Inquiry) -> bool:
    """Say whether a consent is in force and whole; that a person has verified the signature counts as if it said so."""
    return in_force(one.record, inquiry.at, is_treating=question.is_treating) and not _faults(one, inquiry)


def _faults(one: HeldConsent, inquiry: Inquiry) -> set[tuple[str, str]]:
    found = {(each.element_id, each.text) for each in problems(one.record, now=inquiry.at, forms=one.forms)}
    return found - {UNVERIFIED} if inquiry.terms.checked.get(one.record.consent_id) else found


def _marks(kind: str, permitting: Sequence[ConsentRecord]) -> frozenset[str]:
    """Return the marks for a recipient: not for covered entities under a consent for treatment, payment, operations.

    42 CFR 2.33(b)(1) lets those redisclose as HIPAA permits; (b)(2), (b)(3) and any other consent do not.
    """
    free = recipient_types()[kind].redisclosure is Redisclosure.HIPAA
    tpo = consent_codes("tpo")
    return frozenset() if free and any(one.purposes <= tpo for one in permitting) else frozenset({NO_REDISCLOSURE})


def _why_not(fitting: Sequence[HeldConsent], question: Question, inquiry: Inquiry) -> Denied:
    """Return why no consent permits it: none does at all, or one did and was revoked, ran out, or is defective."""
    if any(one.record.revoked_at is not None for one in fitting):
        return Denied(reason="consent-revoked")
    current = [one for one in fitting if in_force(one.record, inquiry.at, is_treating=question.is_treating)]
    if len(current) < len(fitting):
        return Denied(reason="consent-not-in-force")
    unverified = {one.record.consent_id for one in current if _faults(one, inquiry) == {UNVERIFIED}}
    if asked := frozenset(unverified - inquiry.terms.checked.keys()):
        return Denied(reason="consent-unverified", consents=asked)
    return Denied(reason="consent-defective" if fitting else "no-consent")


def next_change(consents: Iterable[HeldConsent], now: datetime) -> datetime | None:
    """Return the next instant at which a consent begins or ends by itself, as far as its dates tell."""
    found = (moment for one in consents for moment in moments(one.record))
    return min((moment for moment in found if moment > now), default=None)
