"""A turn of work: reconcile one person, pull from one EHR, or send to one; each from what the store says is so now.

A turn may come twice, late, or beside a run by hand. It begins by looking whether it is wanted and its EHR free, and
ends in one transaction with what it did, what wakes next, and its lease given back.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from coordinator.clock import Clock
from coordinator.errors import PermanentEhrError, StoreError, Superseded, TemporaryEhrError
from coordinator.outbox import Status
from coordinator.sync.connections import is_file_only, keep_profile
from coordinator.sync.decide import DecideReport, decide
from coordinator.sync.export import PENDING
from coordinator.sync.gather import Setting, setting_of
from coordinator.sync.match import match_patients
from coordinator.sync.normalize import sorter_of
from coordinator.sync.ports import Ehr, Store, Transaction
from coordinator.sync.pull import extent_of, pull
from coordinator.sync.push import push
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import read_tenant
from coordinator.sync.verify import verify
from coordinator.sync.work.leased import LEASE_SECONDS, Working
from coordinator.sync.work.outcomes import Done, Failed, NotNow, Outcome, Retrying, spread
from coordinator.sync.work.records import Counts, Job, Lease, RunOutcome, Trouble, Work
from coordinator.sync.work.stops import is_paused
from coordinator.sync.work.words import cut_short, left_out, problem_of

EVERY_SECONDS = 300.0  # between two pulls from an EHR that says nothing else: `options["every_seconds"]`
BUSY_SECONDS = 5.0
EXPORT_SECONDS = 120.0  # between two looks at an export that is not done yet
PROBE_SECONDS = 60.0
SHUT_SECONDS = 600.0  # who waits for an EHR that can't be reached is looked at again, should nothing happen before
KEPT_RUNS = timedelta(days=30)
NOTHING = Counts()
WAITS = "waits for "


class AtHand(Protocol):
    """The EHRs that this program has open. Opening one is an exchange, and so may take long or fail."""

    async def open(self, connection: EhrConnection) -> Ehr:
        """Return an open EHR. Raises EhrError, ConfigurationError."""
        ...

    async def glance(self, connection: EhrConnection) -> Ehr | None:
        """Return an EHR that is open or soon will be; None where that would take long, or has just failed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a turn works with."""

    store: Store
    ehrs: AtHand
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """A turn at an EHR under its lease, within its run."""

    desk: Desk
    job: Job
    connection: EhrConnection
    lease: Lease
    run: int

    @property
    def store(self) -> Store:
        """Return the store of this turn: what it wakes is seen to at its end."""
        return Working(store=self.desk.store, run=self.run, lease=self.lease, is_hushed=True)


async def take_turn(desk: Desk, job: Job) -> Outcome:
    """Do what a job asks for; return what it came to. Raises StoreError only."""
    try:
        if job.work is Work.PERSON:
            return await _reconcile(desk, job)
        return await _at_ehr(desk, job, _pull if job.work is Work.PULL else _push)
    except Superseded:
        return NotNow(reason="taken over by another")


async def resweep(desk: Desk) -> int:
    """Ask for all that is owed and that nobody is about to look at; return how much that was."""
    now = desk.clock.now()
    async with desk.store.transaction() as tx:
        await tx.runs.forget(now - KEPT_RUNS)
        return await tx.jobs.sweep(now)


# ---- a person --------------------------------------------------------------------------------------------------------


async def _reconcile(desk: Desk, job: Job) -> Outcome:
    try:
        decided, shut = await _decided(desk, job)
    except StoreError:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is this person's alone, and is tried again
        return await _stumbled(desk, job, problem)
    async with desk.store.transaction() as tx:
        if decided.again:
            cause = f"{WAITS}{', '.join(shut)}"
            await tx.troubles.stumble(job, cause, after=lambda _: spread(SHUT_SECONDS, job.key))
        else:
            await tx.troubles.recover([job])
    return Done(changed=decided.changed)


async def _decided(desk: Desk, job: Job) -> tuple[DecideReport, list[str]]:
    """Reconcile a person over the EHRs that are at hand; return the names of those that are not, too."""
    async with desk.store.transaction() as tx:
        setting = await _setting(tx)
        names = {one.ehr for one in await tx.people.links(job.key)} & setting.connections.keys()
    opened: dict[str, Ehr] = {}
    for name in sorted(names):
        found = await desk.ehrs.glance(setting.connections[name])
        if found is not None:
            opened[name] = found
    decided = await decide(desk.store, setting, opened, desk.clock, only=[job.key])
    return decided, sorted(names - opened.keys())


async def _setting(tx: Transaction) -> Setting:
    tenant = await read_tenant(tx)
    return await setting_of(tx, tenant.policy, tenant.forms)


# ---- an EHR ----------------------------------------------------------------------------------------------------------


async def _at_ehr(desk: Desk, job: Job, do: Callable[[_Turn], Awaitable[Outcome]]) -> Outcome:
    """Do something at an EHR under its lease; what goes wrong there is kept and tried again later."""
    began = await _begun(desk, job)
    if isinstance(began, NotNow):
        return began
    try:
        return await do(began)
    except StoreError:
        await _let_go(began)
        raise
    except Superseded:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever it is, this turn of the EHR ends and another is tried
        return await _stumbled(desk, job, problem, turn=began)


async def _begun(desk: Desk, job: Job) -> _Turn | NotNow:
    async with desk.store.transaction() as tx:
        connection = next((one for one in await tx.registry.ehrs() if one.name == job.key), None)
        if connection is None or is_file_only(connection):
            return NotNow(reason="no such EHR to ask")
        if is_paused(await tx.pauses.pauses(), job.key):
            return NotNow(reason="paused")
        wait = await tx.troubles.admit(job.key, probe=PROBE_SECONDS)
        if wait > 0:
            await tx.jobs.put([job], after=wait)
            return NotNow(reason="it is left alone since it failed", next_in=wait)
        lease = await tx.leases.take(job.key, job.work, seconds=LEASE_SECONDS)
        if lease is None:
            await tx.jobs.put([job], after=BUSY_SECONDS)
            return NotNow(reason="somebody else is at it", next_in=BUSY_SECONDS)
        run = await tx.runs.begin(job.work.value, job.key, at=desk.clock.now())
    return _Turn(desk=desk, job=job, connection=connection, lease=lease, run=run)


async def _let_go(turn: _Turn) -> None:
    """Give a lease back after the database failed us, if it hears us now; else it ends by itself."""
    with suppress(StoreError):
        async with turn.desk.store.transaction() as tx:
            await tx.leases.give_back(turn.lease)


async def _pull(turn: _Turn) -> Outcome:
    """Pull, keep what was learned of the site, say who is whom, and wake who is concerned, all at once at the end."""
    desk = turn.desk
    ehr = await desk.ehrs.open(turn.connection)
    sorter = sorter_of(ehr.profile.get("fhir_version"))
    extent = await extent_of(turn.store, turn.connection, desk.clock.now())
    try:
        report = await pull(turn.store, ehr, desk.clock, normalize=sorter, extent=extent)
    except TemporaryEhrError as problem:
        if problem.code != PENDING:
            raise
        # The EHR is well, and at work for us: that is no failure, and nobody else is to leave it alone for it.
        return await _ended(turn, NOTHING, Done(next_in=spread(EXPORT_SECONDS, turn.job.key)), cause=str(problem))
    async with turn.store.transaction() as tx:
        await keep_profile(tx, turn.connection, ehr.profile)
        tenant = await read_tenant(tx)
    matched = await match_patients(turn.store, desk.clock, tenant.options)
    counts = Counts(seen=report.seen, changed=report.changed, matched=matched)
    if silence := cut_short(report.records):
        return await _stumbled(desk, turn.job, TemporaryEhrError(silence), turn=turn, counts=counts)
    if report.refusal:
        return await _stumbled(desk, turn.job, PermanentEhrError(problem_of(report)), turn=turn, counts=counts)
    next_in = spread(every_seconds(turn.connection), turn.job.key)
    return await _ended(
        turn,
        counts,
        Done(changed=report.changed, next_in=next_in),
        cause=problem_of(report) or left_out(report.records),
    )


async def _push(turn: _Turn) -> Outcome:
    """Send, then read back what was sent; what is asked for by that begins at once."""
    desk = turn.desk
    ehr = await desk.ehrs.open(turn.connection)
    store = Working(store=desk.store, run=turn.run, lease=turn.lease)
    async with store.transaction() as tx:
        setting = await _setting(tx)
    pushed = await push(store, ehr, setting, desk.clock)
    await verify(store, ehr, desk.clock)
    if pushed.later:
        return await _stumbled(
            desk, turn.job, TemporaryEhrError(f"It takes no writes now ({pushed.later})."), turn=turn
        )
    again = BUSY_SECONDS if pushed.counts.get(Status.UNKNOWN) else None  # a lost answer is looked into before long
    return await _ended(turn, Counts(), Done(changed=sum(pushed.counts.values()), next_in=again))


async def _ended(turn: _Turn, counts: Counts, done: Done, *, cause: str = "") -> Outcome:
    """Keep how a turn ended, what comes next, and give its lease back, all at once."""
    now = turn.desk.clock.now()
    async with turn.desk.store.transaction() as tx:
        await tx.leases.hold(turn.lease, seconds=0.0)
        await tx.troubles.recover([turn.job])
        await tx.jobs.put(await tx.troubles.answered(turn.job.key))
        outcome = RunOutcome.PARTIAL if cause else RunOutcome.DONE
        await tx.runs.end(turn.run, outcome, counts, cause=cause, at=now)
        if done.next_in is not None:
            await tx.jobs.put([turn.job], after=done.next_in)
        if turn.job.work is Work.PULL:
            await tx.troubles.recover(_waiting_for(turn.job.key, await tx.troubles.troubles()))
            await tx.jobs.sweep(now)
    return done


def _waiting_for(ehr: str, troubles: Sequence[Trouble]) -> list[Job]:
    """Return the people who waited for an EHR that answers now."""
    return [
        one.job for one in troubles if one.cause.startswith(WAITS) and ehr in one.cause.removeprefix(WAITS).split(", ")
    ]


async def _stumbled(
    desk: Desk, job: Job, problem: Exception, *, turn: _Turn | None = None, counts: Counts = NOTHING
) -> Outcome:
    """Keep that work failed, why, and when it is tried again; what it did before that stays."""
    retrying = Retrying(problem)
    now = desk.clock.now()
    async with desk.store.transaction() as tx:
        times = await tx.troubles.stumble(
            job,
            retrying.sentence,
            after=lambda times: retrying.after(times, job),
            is_outage=retrying.is_outage and job.work is not Work.PERSON,
        )
        after = retrying.after(times, job)
        if turn is not None:
            await tx.leases.hold(turn.lease, seconds=0.0)
        run = turn.run if turn is not None else await tx.runs.begin(job.work.value, "", at=now)
        await tx.runs.end(run, RunOutcome.FAILED, counts, cause=retrying.sentence, at=now)
        if job.work is Work.PULL:
            await tx.jobs.sweep(now)
        if after is not None:
            await tx.jobs.put([job], after=after)
    return Failed(cause=retrying.sentence, times=times, next_in=after)


# ---- small questions -------------------------------------------------------------------------------------------------


def every_seconds(connection: EhrConnection) -> float:
    """Return how many seconds lie between two pulls: `options["every_seconds"]`, at least one."""
    told = connection.options.get("every_seconds")
    try:
        return max(1.0, float(str(told))) if told is not None else EVERY_SECONDS
    except ValueError:
        return EVERY_SECONDS
