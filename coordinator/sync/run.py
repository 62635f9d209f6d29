"""A run: every EHR pulled, everybody concerned reconciled, what is owed sent and verified, until nothing is left to do.

Level-triggered: each stage starts from what the store says is so. A run that was killed anywhere is finished by the
next one; a run with nothing new reads and writes no row.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from coordinator.clock import Clock
from coordinator.errors import CoordinatorError, EhrError, Superseded
from coordinator.outbox import Status
from coordinator.sync.connections import find_ehr, is_file_only, keep_profile
from coordinator.sync.decide import decide
from coordinator.sync.gather import setting_of
from coordinator.sync.intake import Files, FileSource, IntakeReport, take_in
from coordinator.sync.match import match_patients
from coordinator.sync.normalize import sort_entries, sorter_of
from coordinator.sync.opening import open_ehrs
from coordinator.sync.planned import Line, Moved, moved
from coordinator.sync.ports import Ehr, Ehrs, Store
from coordinator.sync.pull import USUAL, Extent, PullReport, extent_of, pull
from coordinator.sync.push import push
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import read_tenant
from coordinator.sync.verify import verify
from coordinator.sync.work.leased import LEASE_SECONDS, Working
from coordinator.sync.work.records import Counts, Job, RunOutcome, Work
from coordinator.sync.work.stops import is_paused
from coordinator.sync.work.words import given_up, problem_of
from coordinator.tracing import span

_ELSEWHERE = "A worker is at it now. Try again in a moment."
ROUNDS = 4  # a write changes evidence, which may settle what is owed elsewhere; more rounds than EHRs are never needed


@dataclass(slots=True)
class RunReport:
    """What a run did. `problems` names EHRs that could not be reached or used, each with a sentence.

    `persons` are those who were reconciled, `withheld` by EHR what consent holds back at the end of the run. At EHRs
    `elsewhere` a worker is now, others are `paused`: both were left alone. `run` is the number of the run.
    """

    run: int = 0

    pulls: list[PullReport] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)
    changed: int = 0
    applied: int = 0
    verified: int = 0
    withheld: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    matched: int = 0
    elsewhere: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    taken: IntakeReport | None = None

    @property
    def cause(self) -> str:
        """Return the problems as one line."""
        return " ".join(f"{name}: {told}" for name, told in sorted(self.problems.items()))

    @property
    def seen(self) -> int:
        """Return how many records were seen."""
        return sum(one.seen for one in self.pulls)

    @property
    def received(self) -> int:
        """Return how many records were new or changed."""
        return sum(one.changed for one in self.pulls)


async def run(store: Store, ehrs: Ehrs, clock: Clock, *, only: Sequence[str] = (), is_full: bool = False) -> RunReport:
    """Run all stages for all registered EHRs, or pull and push only the named ones.

    A full run reads and checks every record anew, also where its bytes are those we hold, and reconciles everybody.
    What is paused is left alone; so is an EHR while a worker is at it.
    """
    with span("run", work="sync") as here:
        report = await _ran(store, ehrs, clock, only=only, is_full=is_full)
        here.tell(
            outcome="partial" if report.problems else "done",
            seen=report.seen,
            changed=report.received,
            people=len(report.persons),
            applied=report.applied,
            verified=report.verified,
        )
        return report


async def _ran(store: Store, ehrs: Ehrs, clock: Clock, *, only: Sequence[str], is_full: bool) -> RunReport:
    report = RunReport()
    async with store.transaction() as tx:
        wanted = [one for one in await tx.registry.ehrs() if not only or one.name in only]
        pauses = await tx.pauses.pauses()
    report.paused = {one.name for one in wanted if is_paused(pauses, one.name)}
    connections = [one for one in wanted if one.name not in report.paused]
    async with _kept(store, clock, "sync", report) as working:
        await _run(working, ehrs, clock, report, connections=connections, is_full=is_full)
    return report


@asynccontextmanager
async def _kept(store: Store, clock: Clock, work: str, report: RunReport, *, ehr: str = "") -> AsyncIterator[Working]:
    """Keep what the block does as a run, with how it ended; what it wakes is seen to at its end."""
    async with store.transaction() as tx:
        report.run = await tx.runs.begin(work, ehr, at=clock.now())
    try:
        yield Working(store=store, run=report.run, is_hushed=True)
    except CoordinatorError as problem:
        await _end(store, clock, report, RunOutcome.FAILED, cause=problem.sentence)
        raise
    await _end(store, clock, report, RunOutcome.PARTIAL if report.problems else RunOutcome.DONE, cause=report.cause)


async def _run(
    store: Working,
    ehrs: Ehrs,
    clock: Clock,
    report: RunReport,
    *,
    connections: Sequence[EhrConnection],
    is_full: bool,
) -> None:
    async with AsyncExitStack() as stack:
        opened = await open_ehrs(stack, ehrs, connections, problems=report.problems)
        by_name = {one.name: one for one in connections}
        extents = {
            name: Extent(anew=True) if is_full else await extent_of(store, by_name[name], clock.now())
            for name in opened
        }
        await asyncio.gather(*(_pull(store, ehr, clock, report, extent=extents[ehr.name]) for ehr in opened.values()))
        await _keep_profiles(store, opened, connections)
        await _match(store, clock, report)
        if is_full:
            await _wake_all(store)
        for _ in range(ROUNDS):
            if not await _settle(store, opened, clock, report):
                break
    _tell_drift(opened, report)


async def _end(store: Store, clock: Clock, report: RunReport, outcome: RunOutcome, *, cause: str) -> None:
    """Keep how the run ended, and ask workers, if there are any, for what it left over."""
    now = clock.now()
    lines = list(report.taken.types.values()) if report.taken is not None else []
    counts = Counts(
        seen=report.seen + sum(one.read for one in lines),
        changed=report.received + sum(one.changed for one in lines),
        matched=report.matched,
        people=len(report.persons),
    )
    async with store.transaction() as tx:
        await tx.runs.end(report.run, outcome, counts, cause=cause, at=now)
        await tx.jobs.sweep(now)


async def _leased(store: Store, ehr: str, work: Work) -> Working | None:
    """Return a store under the lease of an EHR; None where a worker is at it."""
    async with store.transaction() as tx:
        lease = await tx.leases.take(ehr, work, seconds=LEASE_SECONDS)
    if lease is None:
        return None
    return replace(store, lease=lease) if isinstance(store, Working) else Working(store=store, lease=lease)


async def _give_back(working: Working) -> None:
    if working.lease is not None:
        async with working.store.transaction() as tx:
            await tx.leases.give_back(working.lease)


def _tell_drift(opened: Mapping[str, Ehr], report: RunReport) -> None:
    """Tell of each EHR that took away what we use; the run went on with what is there."""
    for name, ehr in opened.items():
        if lost := ehr.profile.get("drift"):
            report.problems.setdefault(name, f"{lost} `coordinator ehr check {name}` shows the difference.")


async def take_files(store: Store, ehrs: Ehrs, clock: Clock, *, files: Files) -> tuple[IntakeReport, RunReport]:
    """Take in the lines of files of one EHR, then match and decide as in a run; nothing is sent. Raises NotFound."""
    report = RunReport()
    async with store.transaction() as tx:
        connection = await find_ehr(tx, files.ehr)
        connections = await tx.registry.ehrs()
    async with _kept(store, clock, "import", report, ehr=files.ehr) as working, AsyncExitStack() as stack:
        taken = await take_in(working, files, normalize=sort_entries, clock=clock)
        report.taken = taken
        if is_file_only(connection):
            await _pull(working, FileSource(name=files.ehr), clock, report)
        await _match(working, clock, report)
        opened = await open_ehrs(stack, ehrs, connections, problems=report.problems)
        await _decide(working, opened, clock, report)
    return taken, report


async def take_exports(store: Store, ehrs: Ehrs, clock: Clock, *, only: Sequence[str] = ()) -> RunReport:
    """Pull EHRs by a bulk export, then match and decide as in a run; nothing is sent.

    An export that is not done yet is told as a problem; the next call goes on with it.
    """
    report = RunReport()
    async with store.transaction() as tx:
        connections = [one for one in await tx.registry.ehrs() if not only or one.name in only]
        pauses = await tx.pauses.pauses()
    report.paused = {one.name for one in connections if is_paused(pauses, one.name)}
    wanted = [one for one in connections if not is_file_only(one) and one.name not in report.paused]
    async with _kept(store, clock, "export", report) as working, AsyncExitStack() as stack:
        opened = await open_ehrs(stack, ehrs, wanted, problems=report.problems)
        extent = Extent(by_export=True)
        await asyncio.gather(*(_pull(working, ehr, clock, report, extent=extent) for ehr in opened.values()))
        await _match(working, clock, report)
        await _decide(working, opened, clock, report)
    return report


async def apply_plan(store: Store, ehrs: Ehrs, clock: Clock, *, plan: Sequence[Line]) -> tuple[RunReport, list[Moved]]:
    """Look at all EHRs anew, then send exactly what was planned; where anything of it has moved, nothing is sent.

    What else is owed by then waits for a plan or a run of its own. An EHR of the plan that can't be read holds it up.
    """
    report = RunReport()
    keys = {one.key for one in plan}
    async with store.transaction() as tx:
        connections = await tx.registry.ehrs()
    async with _kept(store, clock, "apply", report) as working, AsyncExitStack() as stack:
        opened = await open_ehrs(stack, ehrs, connections, problems=report.problems)
        await asyncio.gather(*(_pull(working, ehr, clock, report) for ehr in opened.values()))
        report.problems |= dict.fromkeys(report.elsewhere, _ELSEWHERE)
        await _match(working, clock, report)
        await _decide(working, opened, clock, report)
        async with working.transaction() as tx:
            entries = await tx.outbox.entries()
        has_moved = moved(plan, entries)
        named = {one.ehr for one in plan}
        has_moved += [
            Moved(line=one, why="its EHR can't be worked with now")
            for one in plan
            if one.ehr in report.problems and one.key not in {each.line.key for each in has_moved}
        ]
        if not has_moved:
            await asyncio.gather(*(_send(working, opened[name], clock, report, only=keys) for name in sorted(named)))
            report.problems |= dict.fromkeys(report.elsewhere, _ELSEWHERE)
    return report, has_moved


async def _match(store: Store, clock: Clock, report: RunReport) -> None:
    async with store.transaction() as tx:
        tenant = await read_tenant(tx)
    report.matched += await match_patients(store, clock, tenant.options)


async def _wake_all(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.wakes.wake(sorted({one.person for one in await tx.people.links()}))


async def _pull(store: Store, ehr: Ehr, clock: Clock, report: RunReport, *, extent: Extent = USUAL) -> None:
    working = await _leased(store, ehr.name, Work.PULL)
    if working is None:
        report.elsewhere.add(ehr.name)
        return
    try:
        sorter = sorter_of(ehr.profile.get("fhir_version"))
        pulled = await pull(working, ehr, clock, normalize=sorter, extent=extent)
    except Superseded:
        report.elsewhere.add(ehr.name)
        return
    except EhrError as problem:
        report.problems[ehr.name] = problem.sentence
        return
    finally:
        await _give_back(working)
    report.pulls.append(pulled)
    async with store.transaction() as tx:
        await tx.troubles.recover([Job(work=Work.PULL, key=ehr.name)])
        await tx.jobs.put(await tx.troubles.answered(ehr.name))
    told = problem_of(pulled) or given_up(pulled.records)
    if told:
        report.problems[ehr.name] = told


async def _keep_profiles(store: Store, opened: Mapping[str, Ehr], connections: Sequence[EhrConnection]) -> None:
    """Keep what the pulls learned of each site, so that the next run is not refused anew."""
    asked = [one for one in connections if one.name in opened]
    if all(dict(opened[one.name].profile) == dict(one.profile) for one in asked):
        return
    async with store.transaction() as tx:
        for one in asked:
            await keep_profile(tx, one, opened[one.name].profile)


async def _settle(store: Store, opened: Mapping[str, Ehr], clock: Clock, report: RunReport) -> bool:
    """Decide, push and verify once; return whether anything was sent that deciding must look at again."""
    await _decide(store, opened, clock, report)
    results = await asyncio.gather(
        *(_send(store, ehr, clock, report) for name, ehr in opened.items() if name not in report.problems)
    )
    return any(results)


async def _decide(store: Store, opened: Mapping[str, Ehr], clock: Clock, report: RunReport) -> None:
    async with store.transaction() as tx:
        tenant = await read_tenant(tx)
        setting = await setting_of(tx, tenant.policy, tenant.forms)
    decided = await decide(store, setting, opened, clock)
    report.persons |= decided.persons
    report.changed += decided.changed


async def _send(
    store: Store, ehr: Ehr, clock: Clock, report: RunReport, *, only: Collection[str] | None = None
) -> bool:
    working = await _leased(store, ehr.name, Work.PUSH)
    if working is None:
        report.elsewhere.add(ehr.name)
        return False
    try:
        return await _send_leased(working, ehr, clock, report, only=only)
    except Superseded:
        report.elsewhere.add(ehr.name)
        return False
    finally:
        await _give_back(working)


async def _send_leased(
    store: Store, ehr: Ehr, clock: Clock, report: RunReport, *, only: Collection[str] | None
) -> bool:
    async with store.transaction() as tx:
        tenant = await read_tenant(tx)
        setting = await setting_of(tx, tenant.policy, tenant.forms)
    pushed = await push(store, ehr, setting, clock, only=only)
    report.applied += pushed.counts.get(Status.APPLIED, 0)
    if pushed.later:
        report.problems[ehr.name] = f"It takes no writes now ({pushed.later}). What it is owed waits for the next run."
    try:
        checked = await verify(store, ehr, clock)
    except EhrError as problem:
        report.problems[ehr.name] = f"{problem.sentence} What was written is verified by the next run."
        return False
    report.verified += checked.verified
    report.withheld[ehr.name] = checked.withheld
    return bool(pushed.counts)
