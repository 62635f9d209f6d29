"""Push: send what is owed, each after disclosure was asked anew, with its outcome kept before the next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from coordinator.clock import Clock
from coordinator.disclosure import Recipient, Released, Withheld, release
from coordinator.disclosure.release import Request
from coordinator.outbox import Entry, Form, Status
from coordinator.sync.gather import ACTOR, Setting, gather, setting_of, sight_for
from coordinator.sync.ports import (
    Applied,
    Conflict,
    Ehr,
    Refused,
    Store,
    Unavailable,
    Unknown,
    WriteOutcome,
    WriteRequest,
)

BATCH = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What became of the entries of one EHR in this run."""

    ehr: str
    counts: Mapping[Status, int]


async def push(store: Store, ehr: Ehr, setting: Setting, clock: Clock) -> PushReport:
    """Send what one EHR is owed until nothing is left that can be sent in this run."""
    counts: dict[Status, int] = {}
    tried: set[tuple[str, str]] = set()
    while batch := await _take(store, ehr.name, tried):
        for entry in batch:
            tried.add((entry.intent.person, entry.intent.key))
            ended = await _send(store, ehr, entry, setting, clock)
            counts[ended.status] = counts.get(ended.status, 0) + 1
            if ended.status is Status.OWED:
                return PushReport(ehr=ehr.name, counts=counts)  # it said to come later: the rest waits, too
    return PushReport(ehr=ehr.name, counts=counts)


async def _take(store: Store, ehr: str, tried: set[tuple[str, str]]) -> list[Entry]:
    """Return the next entries that can be sent, each once in a run."""
    async with store.transaction() as tx:
        waiting = await tx.outbox.sendable(ehr, limit=BATCH + len(tried))
    fresh = [one for one in waiting if (one.intent.person, one.intent.key) not in tried]
    return [one for one in fresh if one.intent.form is not Form.NONE][:BATCH]


async def _send(store: Store, ehr: Ehr, entry: Entry, setting: Setting, clock: Clock) -> Entry:
    """Ask disclosure, write, keep the outcome; a revocation that was committed before now stops it here."""
    intent = entry.intent
    resume = entry.status in (Status.UNKNOWN, Status.IN_FLIGHT)
    async with store.transaction() as tx:
        fresh = await setting_of(tx, setting.policy, setting.forms)
        dossier = await gather(tx, intent.person, fresh)
        request = Request(
            body=intent.body,
            citations=intent.evidence,
            person=intent.person,
            ehr=ehr.name,
            actor=ACTOR,
            subject=f"{intent.type}/{intent.target or ''}".rstrip("/"),
        )
        recipient = Recipient(organization=fresh.connections[ehr.name].organization)
        seen = sight_for(dossier, ehr.name, fresh, now=clock.now())
        result = await release(request, recipient, seen, log=tx.audit, now=clock.now())
        now = clock.now()
        if isinstance(result, Withheld):
            ended = replace(entry, status=Status.WITHHELD, reason=result.reason, updated_at=now)
            await tx.outbox.set_status(ended)
            return ended
        flying = replace(entry, status=Status.IN_FLIGHT, attempts=entry.attempts + 1, updated_at=now)
        await tx.outbox.set_status(flying)
    outcome = await ehr.write(_request(entry, result, resume=resume))
    async with store.transaction() as tx:
        ended = replace(_ended(flying, outcome), updated_at=clock.now())
        await tx.outbox.set_status(ended)
        if ended.status in (Status.UNKNOWN, Status.REFUSED, Status.CONFLICT):
            await tx.wakes.wake([intent.person])
    return ended


def _request(entry: Entry, released: Released, *, resume: bool) -> WriteRequest:
    intent = entry.intent
    return WriteRequest(
        type=intent.type,
        target=intent.target,
        body=released.body,
        base_hash=intent.base_hash,
        claim=intent.claim,
        resume=resume,
    )


def _ended(entry: Entry, outcome: WriteOutcome) -> Entry:
    match outcome:
        case Applied(id=id_):
            return replace(entry, status=Status.APPLIED, reason="", result_id=id_)
        case Conflict(by=by):
            return replace(entry, status=Status.CONFLICT, reason=by)
        case Unknown(reason=reason):
            return replace(entry, status=Status.UNKNOWN, reason=reason)
        case Refused(status=status, reason=reason):
            return replace(entry, status=Status.REFUSED, reason=f"{status} {reason}".strip())
        case Unavailable(reason=reason):
            return replace(entry, status=Status.OWED, reason=reason)
        case _:
            assert_never(outcome)
