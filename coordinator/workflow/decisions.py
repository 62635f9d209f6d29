"""A person's answer to a finding: checked against what the finding asks, kept with reason, applied at the next run."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.audit import Happening, audit_row
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import BadDate, Json, PartialDate
from coordinator.matching.links import IdentityLink
from coordinator.reconcile import Decision, Finding
from coordinator.reconcile.finding_life import FindingEvent, Turn
from coordinator.workflow.ports import Transaction

_KEY_LENGTH = 12
_AGAIN = b"?"  # behind the hash at which a record was linked: not the hash of what it is now, so it is looked at again


def short_key(person: str, finding: Finding) -> str:
    """Return the key by which people name a finding: stable, short, and telling nothing."""
    return hashlib.sha256(f"{person}\x1f{finding.key}".encode()).hexdigest()[:_KEY_LENGTH]


async def find_finding(tx: Transaction, key: str) -> tuple[str, Finding]:
    """Return (person, finding) of a short key. Raises NotFound."""
    for person, finding in await tx.accounts.findings():
        if short_key(person, finding) == key:
            return person, finding
    raise NotFound(
        "There is no finding of this key.", operation="find finding", hint="`coordinator findings list` shows the keys."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person answers, and why."""

    value: Mapping[str, Json]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A decision that may be made: whom it concerns, and whose records it would join to this person's."""

    person: str
    finding: Finding
    decision: Decision
    concerned: tuple[str, ...]
    joined: tuple[str, ...]


async def consider(tx: Transaction, key: str, answer: Answer, *, actor: str, now: datetime) -> Considered:
    """Return the decision that an answer would be; nothing is kept.

    Raises NotFound, and InvalidInput when the value does not answer the finding.
    """
    person, finding = await find_finding(tx, key)
    if not answer.reason.strip():
        raise InvalidInput("A decision needs a reason.", operation="resolve", hint='Add --reason "why".')
    _refuse_unfit(finding, answer.value)
    decision = Decision(
        key=finding.key,
        code=finding.code,
        value=dict(answer.value),
        reason=answer.reason.strip(),
        actor=actor,
        decided_at=now,
        facts=finding.facts,
        evidence=finding.evidence,
    )
    others = _persons_in(finding, await tx.people.links()) - {person}
    return Considered(
        person=person,
        finding=finding,
        decision=decision,
        concerned=tuple(sorted({person, *others})),
        joined=tuple(sorted(others)) if answer.value.get("same") is True else (),
    )


async def resolve_finding(
    tx: Transaction, key: str, answer: Answer, *, actor: str, now: datetime
) -> tuple[str, Finding]:
    """Keep the answer to a finding. Raises NotFound, and InvalidInput when the value does not answer it."""
    made = await consider(tx, key, answer, actor=actor, now=now)
    finding = made.finding
    happening = Happening(
        kind="decision", at=now, actor=actor, subject=finding.code, person=made.person, entities=finding.evidence
    )
    await tx.audit.append([audit_row(happening)])
    for concerned in made.concerned:
        await tx.accounts.add_decision(concerned, made.decision)
        if any(one.key == finding.key for _, one in await tx.accounts.findings(concerned)):
            event = FindingEvent(key=finding.key, turn=Turn.ANSWERED, at=now, actor=actor)
            await tx.accounts.add_finding_event(concerned, event)
    if finding.code == "identity.possible":
        await _look_again(tx, finding, await tx.people.links())
    return made.person, finding


def _persons_in(finding: Finding, links: Sequence[IdentityLink]) -> set[str]:
    """Return the persons whose records a finding compares: each of them has this finding, and one answer ends both."""
    places = _places(finding)
    return {one.person for one in links if one.place in places}


def how_to_answer(finding: Finding) -> str:
    """Return what a person may answer to a finding, as the command takes it; empty where it closes by itself."""
    wanted = _wanted(finding)
    return "" if wanted is None else wanted[0]


def _refuse_unfit(finding: Finding, value: Mapping[str, Json]) -> None:
    """Raise InvalidInput unless the value is an answer that reconciling takes to this kind of finding."""
    wanted = _wanted(finding)
    if wanted is None:
        raise InvalidInput(
            f"A finding {finding.code} is not answered by a decision.",
            operation="resolve",
            hint="It closes by itself once its cause is gone.",
        )
    words, fits = wanted
    if not fits(value):
        raise InvalidInput("The value does not answer this finding.", operation="resolve", hint=f"Give {words}.")


def _wanted(finding: Finding) -> tuple[str, Callable[[Mapping[str, Json]], bool]] | None:
    """Return the words for an answer and the test of it; None for a finding that no answer ends."""
    places = _answerable_places(finding)
    accepts = f'{{"accept": "…"}} with one of: {", ".join(places)}'
    match finding.code:
        case "stay.end-missing" | "stay.end-unconfirmed":
            return '{"end": "YYYY-MM-DD"}', lambda value: _is_day(value.get("end"))
        case "stay.source-differs":
            if "ends" not in finding.facts:
                return accepts, lambda value: value.get("accept") in places
            words = f'{{"end": "YYYY-MM-DD"}} or {accepts}'
            return words, lambda value: _is_day(value.get("end")) or value.get("accept") in places
        case "identity.possible":
            return '{"same": true} or {"same": false}', lambda value: isinstance(value.get("same"), bool)
        case "plan.goal-split" | "plan.goal-merged":
            return _KEEP
        case "plan.goal-differs" if finding.facts.get("field") == "presence":
            return _KEEP
        case "mat.dose-differs" | "plan.goal-differs" | "plan.activity-differs" if places:
            return accepts, lambda value: value.get("accept") in places
        case "consent.conflict":
            consents = _consents(finding)
            words = f'{{"accept": "…"}} with one of: {", ".join(consents)}'
            return words, lambda value: value.get("accept") in consents
        case "consent.unverified":
            words = '{"verified": true} or {"verified": false}'
            return words, lambda value: isinstance(value.get("verified"), bool)
        case "write.contested" if "tries" in finding.facts:
            return '{"retry": true}', lambda value: value.get("retry") is True
        case code if code in _FOR_INFORMATION:
            return '{"seen": true}', lambda value: value.get("seen") is True
        case _:
            return None


def _consents(finding: Finding) -> list[str]:
    told = finding.facts.get("consents")
    return [str(one) for one in told] if isinstance(told, list) else []


_KEEP: tuple[str, Callable[[Mapping[str, Json]], bool]] = (
    '{"keep": true} or {"keep": false}',
    lambda value: isinstance(value.get("keep"), bool),
)
_FOR_INFORMATION = frozenset(
    {
        *("identity.merged-at-source", "disclosure.wrong-person", "stay.back-dated", "source.restored"),
        *("source.retracted", "transition.same-day", "stay.no-next-step", "referral.not-admitted", "stay.leave-long"),
    }
)


def _answerable_places(finding: Finding) -> list[str]:
    """Return the records, `ehr/Type/id`, that tell one of the values in question, or are of an EHR that does."""
    values = finding.facts.get("values")
    tellers = set(values) if isinstance(values, dict) and finding.facts.get("field") != "presence" else set()
    told = [one for name in _TOLD for one in _listed(finding.facts.get(name))]
    tellers |= {str(one["by"]) for one in told if "record" not in one}
    places = {ref.partition("@")[0] for ref in finding.evidence}
    named = {str(one["record"]) for one in told if "record" in one}
    return sorted(named | {place for place in places if place.partition("/")[0] in tellers})


_TOLD = ("ends", "starts", "levels", "reasons")  # what sources of a stay may tell differently


def _listed(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_day(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return PartialDate.parse(value).interval.is_day
    except BadDate:
        return False


async def _look_again(tx: Transaction, finding: Finding, links: Sequence[IdentityLink]) -> None:
    """Let the next run part the records anew: the answer joins two persons, or undoes that they were joined."""
    for link in links:
        if link.place in _places(finding):
            await tx.people.link(replace(link, matched_hash=link.matched_hash + _AGAIN))


def _places(finding: Finding) -> set[str]:
    records = finding.facts.get("records")
    return {str(one) for one in records} if isinstance(records, list) else set()
