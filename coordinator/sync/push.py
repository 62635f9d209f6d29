"""Push: send what is owed, each after disclosure was asked anew, with its outcome kept before the next."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from coordinator.clock import Clock
from coordinator.disclosure import Recipient, Released, Request, Withheld, prepared, release
from coordinator.errors import EhrError
from coordinator.fhir import read_document, validate
from coordinator.outbox import Entry, Form, Status
from coordinator.outbox.delivery import delivery_key
from coordinator.outbox.model import subject_of
from coordinator.outbox.succession import contested, uncontested
from coordinator.sync.gather import ACTOR, Setting, gather, setting_of, sight_for
from coordinator.sync.ports import (
    Applied,
    Conflict,
    Ehr,
    Refused,
    Store,
    Transaction,
    Unavailable,
    Unknown,
    WriteOutcome,
    WriteRequest,
)
from coordinator.sync.work.stops import is_paused
from coordinator.tracing import span

BATCH = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What became of the entries of one EHR in this run; `later` is why it took no more, if it said to come later."""

    ehr: str
    counts: Mapping[Status, int]
    later: str = ""


async def push(
    store: Store, ehr: Ehr, setting: Setting, clock: Clock, *, only: Collection[str] | None = None
) -> PushReport:
    """Send what one EHR is owed, or of that only what has these delivery keys, until nothing more can be sent."""
    with span("push", ehr=ehr.name) as here:
        report = await _pushed(store, ehr, setting, clock, only=only)
        here.tell(sent=sum(report.counts.values()))
        return report


async def _pushed(
    store: Store, ehr: Ehr, setting: Setting, clock: Clock, *, only: Collection[str] | None
) -> PushReport:
    counts: dict[Status, int] = {}
    tried: set[tuple[str, str]] = set()
    while batch := await _take(store, ehr.name, tried, only):
        for entry in batch:
            tried.add(_place(entry))
            try:
                ended = await _send(store, ehr, entry, setting, clock)
            except EhrError as problem:  # what was sent before stays counted
                return PushReport(ehr=ehr.name, counts=counts, later=problem.sentence)
            if ended is None:  # another run has sent it, or it is owed no longer
                continue
            counts[ended.status] = counts.get(ended.status, 0) + 1
            if ended.status is Status.OWED:
                return PushReport(ehr=ehr.name, counts=counts, later=ended.reason)  # the rest waits, too
    return PushReport(ehr=ehr.name, counts=counts)


async def _take(store: Store, ehr: str, tried: set[tuple[str, str]], only: Collection[str] | None) -> list[Entry]:
    """Return the next entries that can be sent, each once in a run."""
    if only is not None:
        async with store.transaction() as tx:
            owed = [one for one in await tx.outbox.entries(ehr=ehr) if delivery_key(one) in only]
        return [one for one in owed if one.status is Status.OWED and _place(one) not in tried]
    async with store.transaction() as tx:
        waiting = await tx.outbox.sendable(ehr, limit=BATCH + len(tried))
    fresh = [one for one in waiting if _place(one) not in tried]
    return [one for one in fresh if one.intent.form is not Form.NONE][:BATCH]


def _place(entry: Entry) -> tuple[str, str]:
    return entry.intent.person, entry.intent.key


async def _send(store: Store, ehr: Ehr, entry: Entry, setting: Setting, clock: Clock) -> Entry | None:
    """Write one entry and keep what became of it; None where it was not ours to send any more."""
    outgoing = _Outgoing(store, ehr, entry, setting=setting, clock=clock)
    request = await outgoing.prepare()
    if request is None:
        return outgoing.entry if outgoing.is_ours else None
    outcome = await ehr.write(request, outgoing.may_leave)
    return await outgoing.keep(outcome)


class _Outgoing:
    """One entry on its way out: disclosure is asked before it is prepared, and again at the moment bytes would leave.

    So a revocation that was committed before that moment stops it, and the log has an event for each body that left
    and for none that did not.
    """

    def __init__(self, store: Store, ehr: Ehr, entry: Entry, *, setting: Setting, clock: Clock) -> None:
        self.entry = entry
        self._store, self._ehr, self._setting, self._clock = store, ehr, setting, clock
        self._body = b""
        self._withheld = ""
        self.is_ours = False

    async def prepare(self) -> WriteRequest | None:
        """Return what to send, in flight from here on; None where it is not ours, is withheld or must not be sent.

        The entry is taken as it stands now: since it was listed another run may have sent it, or deciding changed it.
        """
        async with self._store.transaction() as tx:
            taken = await tx.outbox.take(self.entry)
            if taken is None:
                return None
            self.entry, self.is_ours = taken, True
            result = await self._asked(tx, keep=False)
            if isinstance(result, Withheld):
                await self._asked(tx, keep=True)
                await self._set(tx, Status.WITHHELD, result.reason)
                return None
            faults = validate(read_document(result.body))
            if faults:
                await self._set(tx, Status.REFUSED, f"not fit to be sent: {faults[0].path} {faults[0].code}")
                return None
            self.entry = replace(self.entry, attempts=self.entry.attempts + 1)
            await self._set(tx, Status.IN_FLIGHT, self.entry.reason)
        self._body = result.body
        intent = taken.intent
        return WriteRequest(
            type=intent.type,
            target=intent.target,
            body=result.body,
            base_hash=intent.base_hash,
            claim=intent.claim,
            resume=taken.status in (Status.UNKNOWN, Status.IN_FLIGHT),
        )

    async def may_leave(self) -> bool:
        """Tell whether the prepared body may leave now; the answer is in the audit log before it is given.

        Where it would be labeled otherwise by now, as another consent counts, or somebody has paused the EHR or the
        person, it does not leave, and no event says so.
        """
        async with self._store.transaction() as tx:
            if is_paused(await tx.pauses.pauses(), self._ehr.name, self.entry.intent.person):
                return False
            result = await self._asked(tx, keep=False)
            if isinstance(result, Released) and result.body != self._body:
                return False
            result = await self._asked(tx, keep=True)
        if isinstance(result, Withheld):
            self._withheld = result.reason
        return isinstance(result, Released)

    async def keep(self, outcome: WriteOutcome) -> Entry:
        """Keep what became of the write; what needs a person or another look wakes the person concerned."""
        async with self._store.transaction() as tx:
            self.entry = _ended(self.entry, outcome)
            if self._withheld:
                self.entry = replace(self.entry, status=Status.WITHHELD, reason=self._withheld)
            await self._set(tx, self.entry.status, self.entry.reason)
            if self.entry.status in (Status.UNKNOWN, Status.REFUSED, Status.CONFLICT):
                await tx.wakes.wake([self.entry.intent.person])
        return self.entry

    async def _asked(self, tx: Transaction, *, keep: bool) -> Released | Withheld:
        """Ask disclosure with the consents and the evidence as they are in this transaction."""
        intent = self.entry.intent
        fresh = await setting_of(tx, self._setting.policy, self._setting.forms)
        dossier = await gather(tx, intent.person, fresh)
        now = self._clock.now()
        seen = sight_for(dossier, self._ehr.name, fresh, now=now)
        request = Request(
            body=intent.body,
            citations=intent.evidence,
            person=intent.person,
            ehr=self._ehr.name,
            actor=ACTOR,
            subject=subject_of(intent),
        )
        if not keep:
            return prepared(request, seen)
        recipient = Recipient(organization=fresh.connections[self._ehr.name].organization)
        return await release(request, recipient, seen, log=tx.audit, now=now)

    async def _set(self, tx: Transaction, status: Status, reason: str) -> None:
        self.entry = replace(self.entry, status=status, reason=reason, updated_at=self._clock.now())
        await tx.outbox.set_status(self.entry)


def _ended(entry: Entry, outcome: WriteOutcome) -> Entry:
    match outcome:
        case Applied(id=id_, version=version):
            applied = replace(entry, status=Status.APPLIED, reason="", result_id=id_, result_version=version)
            return uncontested(applied)
        case Conflict(by=by):
            return contested(replace(entry, status=Status.CONFLICT, reason=by))
        case Unknown(reason=reason):
            return replace(entry, status=Status.UNKNOWN, reason=reason)
        case Refused(status=status, reason=reason):
            return replace(entry, status=Status.REFUSED, reason=f"{status} {reason}".strip())
        case Unavailable(reason=reason):
            return replace(entry, status=Status.OWED, reason=reason)
        case _:
            assert_never(outcome)
