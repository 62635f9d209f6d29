"""A run: every EHR pulled, everybody concerned reconciled, what is owed sent and verified, until nothing is left to do.

Level-triggered: each stage starts from what the store says is so. A run that was killed anywhere is finished by the
next one; a run with nothing new reads and writes no row.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from coordinator.clock import Clock
from coordinator.errors import EhrError
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
from coordinator.sync.pull import USUAL, Extent, PullReport, pull
from coordinator.sync.push import push
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import read_tenant
from coordinator.sync.verify import verify

ROUNDS = 4  # a write changes evidence, which may settle what is owed elsewhere; more rounds than EHRs are never needed


@dataclass(slots=True)
class RunReport:
    """What a run did. `problems` names EHRs that could not be reached or used, each with a sentence.

    `persons` are those who were reconciled, `withheld` by EHR what consent holds back at the end of the run.
    """

    pulls: list[PullReport] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)
    changed: int = 0
    applied: int = 0
    verified: int = 0
    withheld: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

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
    """
    report = RunReport()
    async with store.transaction() as tx:
        connections = [one for one in await tx.registry.ehrs() if not only or one.name in only]
    async with AsyncExitStack() as stack:
        opened = await open_ehrs(stack, ehrs, connections, problems=report.problems)
        await asyncio.gather(
            *(_pull(store, ehr, clock, report, extent=Extent(anew=is_full)) for ehr in opened.values())
        )
        await _keep_profiles(store, opened, connections)
        await _match(store, clock)
        if is_full:
            await _wake_all(store)
        for _ in range(ROUNDS):
            if not await _settle(store, opened, clock, report):
                break
    _tell_drift(opened, report)
    return report


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
    taken = await take_in(store, files, normalize=sort_entries, clock=clock)
    async with AsyncExitStack() as stack:
        if is_file_only(connection):
            await _pull(store, FileSource(name=files.ehr), clock, report)
        await _match(store, clock)
        opened = await open_ehrs(stack, ehrs, connections, problems=report.problems)
        await _decide(store, opened, clock, report)
    return taken, report


async def take_exports(store: Store, ehrs: Ehrs, clock: Clock, *, only: Sequence[str] = ()) -> RunReport:
    """Pull EHRs by a bulk export, then match and decide as in a run; nothing is sent.

    An export that is not done yet is told as a problem; the next call goes on with it.
    """
    report = RunReport()
    async with store.transaction() as tx:
        connections = [one for one in await tx.registry.ehrs() if not only or one.name in only]
    wanted = [one for one in connections if not is_file_only(one)]
    async with AsyncExitStack() as stack:
        opened = await open_ehrs(stack, ehrs, wanted, problems=report.problems)
        extent = Extent(by_export=True)
        await asyncio.gather(*(_pull(store, ehr, clock, report, extent=extent) for ehr in opened.values()))
        await _match(store, clock)
        await _decide(store, opened, clock, report)
    return report


async def apply_plan(store: Store, ehrs: Ehrs, clock: Clock, *, plan: Sequence[Line]) -> tuple[RunReport, list[Moved]]:
    """Look at all EHRs anew, then send exactly what was planned; where anything of it has moved, nothing is sent.

    What else is owed by then waits for a plan or a run of its own. An EHR of the plan that can't be read holds it up.
    """
    report = RunReport()
    keys = {one.key for one in plan}
    async with store.transaction() as tx:
        connections = await tx.registry.ehrs()
    async with AsyncExitStack() as stack:
        opened = await open_ehrs(stack, ehrs, connections, problems=report.problems)
        await asyncio.gather(*(_pull(store, ehr, clock, report) for ehr in opened.values()))
        await _match(store, clock)
        await _decide(store, opened, clock, report)
        async with store.transaction() as tx:
            entries = await tx.outbox.entries()
        has_moved = moved(plan, entries)
        named = {one.ehr for one in plan}
        has_moved += [
            Moved(line=one, why="its EHR can't be worked with now")
            for one in plan
            if one.ehr in report.problems and one.key not in {each.line.key for each in has_moved}
        ]
        if not has_moved:
            await asyncio.gather(*(_send(store, opened[name], clock, report, only=keys) for name in sorted(named)))
    return report, has_moved


async def _match(store: Store, clock: Clock) -> None:
    async with store.transaction() as tx:
        tenant = await read_tenant(tx)
    await match_patients(store, clock, tenant.options)


async def _wake_all(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.wakes.wake(sorted({one.person for one in await tx.people.links()}))


async def _pull(store: Store, ehr: Ehr, clock: Clock, report: RunReport, *, extent: Extent = USUAL) -> None:
    try:
        sorter = sorter_of(ehr.profile.get("fhir_version"))
        pulled = await pull(store, ehr, clock, normalize=sorter, extent=extent)
    except EhrError as problem:
        report.problems[ehr.name] = problem.sentence
        return
    report.pulls.append(pulled)
    if pulled.missed:
        told = ", ".join(f"{type_} {count}" for type_, count in sorted(pulled.missed.items()))
        report.problems[ehr.name] = (
            f"Its fast lane had not shown all changes ({told}): the full compare found them, and the lane is off. "
            f"`coordinator ehr lane {ehr.name} --on` turns it on again."
        )
    if pulled.refusal:
        report.problems[ehr.name] = (
            f"It shows nothing to us: {pulled.refusal}. If it asks for a sign-in, register it anew with "
            "`ehr add --replace --smart …`; `coordinator ehr check` tells more."
        )


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
