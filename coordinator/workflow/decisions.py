"""A person's answer to a finding: checked against what the finding asks, kept with reason, applied at the next run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from coordinator.audit import Happening, audit_row
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import BadDate, Json, PartialDate
from coordinator.matching.links import IdentityLink
from coordinator.reconcile import Decision, Finding
from coordinator.workflow.ports import Transaction

_KEY_LENGTH = 12


def short_key(person: str, finding: Finding) -> str:
    """Return the key by which people name a finding: stable, short, and telling nothing."""
    return hashlib.sha256(f"{person}\x1f{finding.key}".encode()).hexdigest()[:_KEY_LENGTH]


async def find_finding(tx: Transaction, key: str) -> tuple[str, Finding]:
    """Return (person, finding) of a short key. Raises NotFound."""
    for person, finding in await tx.accounts.findings():
        if short_key(person, finding) == key:
            return person, finding
    raise NotFound(
        f"There is no finding {key!r}.", operation="find finding", hint="`coordinator findings list` shows the keys."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person answers, and why."""

    value: Mapping[str, Json]
    reason: str


async def resolve_finding(
    tx: Transaction, key: str, answer: Answer, *, actor: str, now: datetime
) -> tuple[str, Finding]:
    """Keep the answer to a finding. Raises NotFound, and InvalidInput when the value does not answer it."""
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
    happening = Happening(
        kind="decision", at=now, actor=actor, subject=finding.code, person=person, entities=finding.evidence
    )
    await tx.audit.append([audit_row(happening)])
    await tx.accounts.add_decision(person, decision)
    if finding.code == "identity.possible" and answer.value.get("same") is True:
        await _join(tx, person, finding, actor=actor, now=now)
    return person, finding


def _refuse_unfit(finding: Finding, value: Mapping[str, Json]) -> None:
    """Raise InvalidInput unless the value is an answer that this kind of finding takes."""
    match finding.code.partition(".")[0]:
        case "stay":
            _refuse_unless('{"end": "YYYY-MM-DD"}', fits=_is_day(value.get("end")))
        case "identity":
            _refuse_unless('{"same": true} or {"same": false}', fits=isinstance(value.get("same"), bool))
        case "mat" | "plan":
            places = sorted({one.partition("@")[0] for one in finding.evidence})
            expected = f'{{"accept": "…"}} with one of: {", ".join(places)}'
            _refuse_unless(expected, fits=value.get("accept") in places)
        case _:
            raise InvalidInput(
                f"A finding {finding.code} is not answered by a decision.",
                operation="resolve",
                hint="It closes by itself once its cause is gone.",
            )


def _refuse_unless(expected: str, *, fits: bool) -> None:
    if not fits:
        raise InvalidInput("The value does not answer this finding.", operation="resolve", hint=f"Give {expected}.")


def _is_day(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return PartialDate.parse(value).interval.is_day
    except BadDate:
        return False


async def _join(tx: Transaction, person: str, finding: Finding, *, actor: str, now: datetime) -> None:
    """Link the records of both sides to one person; nothing is moved but links."""
    records = finding.facts.get("records")
    places = [str(one) for one in records] if isinstance(records, list) else []
    links = {f"{one.ehr}/Patient/{one.patient}": one for one in await tx.people.links()}
    joined = {links[place].person for place in places if place in links} - {person}
    for link in links.values():
        if link.person in joined:
            await tx.people.link(
                IdentityLink(
                    ehr=link.ehr,
                    patient=link.patient,
                    person=person,
                    since=now,
                    by=actor,
                    matched_hash=link.matched_hash,
                )
            )
