"""Pull: bring in what changed in one EHR, grade how complete the view was, and look into what vanished."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from coordinator.audit import Happening, audit_row
from coordinator.clock import Clock
from coordinator.errors import EhrError, PermanentEhrError
from coordinator.fhir import read_document
from coordinator.reconcile import Grade, Presence
from coordinator.sync.export import begun, is_due
from coordinator.sync.gather import ACTOR
from coordinator.sync.lanes import Check, Course, compared, course, walked
from coordinator.sync.ports import Absent, Ehr, Found, Normalize, Pulled, Store
from coordinator.sync.records import Cursor, EhrConnection, PullRecord, Received
from coordinator.sync.restored import forget, guard_of, note_set_back
from coordinator.sync.subscriptions import renew
from coordinator.sync.taking import Taker, Walk
from coordinator.sync.versions import received
from coordinator.tracing import span

TYPES = (
    "Patient",
    "EpisodeOfCare",
    "Encounter",
    "Appointment",
    "CarePlan",
    "Goal",
    "CareTeam",
    "ServiceRequest",
    "Observation",
    "QuestionnaireResponse",
    "Claim",
    "ExplanationOfBenefit",
    "ChargeItem",
    "Task",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationDispense",
    "MedicationAdministration",
    "DocumentReference",
    "Communication",
)
_PRESENCE = {
    "deleted": Presence.DELETED,
    "merged": Presence.MERGED,
    "not-found": Presence.HIDDEN,
    "forbidden": Presence.HIDDEN,
    "unreadable": Presence.UNREADABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a pull looks at.

    Anew: also what is held as it came is read and checked, as a checker that has learned may see more in old bytes.
    By export: by a bulk export in place of searches, as for the first load of a large EHR. By lanes alone: what changed
    between two exports that are made on a schedule; only what a lane could not show whole is compared in full.
    """

    types: Sequence[str] = TYPES
    anew: bool = False
    by_export: bool = False
    by_lanes: bool = False


USUAL = Extent()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What a pull of one EHR brought, by type."""

    ehr: str
    records: tuple[PullRecord, ...]

    @property
    def seen(self) -> int:
        """Return how many records were seen."""
        return sum(one.seen for one in self.records)

    @property
    def changed(self) -> int:
        """Return how many were new, changed or gone."""
        return sum(one.changed for one in self.records)

    @property
    def missed(self) -> dict[str, int]:
        """Return how many changes full compares found that the fast lane of a type had not shown, by type."""
        return {one.type: one.missed for one in self.records if one.missed}

    @property
    def refusal(self) -> str:
        """Return why the EHR showed nothing at all because we may not see it, empty where it showed anything."""
        if self.seen or any(one.grade is Grade.COMPLETE for one in self.records):
            return ""
        return next((one.reason for one in self.records if one.grade is Grade.RESTRICTED), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """A pull under way: what it works with, and how the fast lanes stood when it began."""

    taker: Taker
    began: datetime
    cursors: Mapping[str, Cursor]
    records: list[PullRecord] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)

    @property
    def ehr(self) -> Ehr:
        return self.taker.ehr

    @property
    def store(self) -> Store:
        return self.taker.store


async def extent_of(store: Store, connection: EhrConnection, now: datetime) -> Extent:
    """Return how much a usual pull of an EHR looks at: by an export where one is due by its schedule."""
    async with store.transaction() as tx:
        is_export = await is_due(tx, connection, now)
    return USUAL if is_export is None else Extent(by_export=is_export, by_lanes=not is_export)


async def pull(store: Store, ehr: Ehr, clock: Clock, *, normalize: Normalize, extent: Extent = USUAL) -> PullReport:
    """Bring the store in step with what one EHR shows; unchanged records cost a hash and no row.

    Types that have a fast lane are asked for what changed, until a full compare of them is due. Raises EhrError, also
    for an EHR that seems to have been set back to a backup.
    """
    with span("pull", ehr=ehr.name) as here:
        report = await _pulled(store, ehr, clock, normalize=normalize, extent=extent)
        here.tell(seen=report.seen, changed=report.changed)
        return report


async def _pulled(store: Store, ehr: Ehr, clock: Clock, *, normalize: Normalize, extent: Extent) -> PullReport:
    async with store.transaction() as tx:
        guard = await guard_of(tx, ehr.name)
        cursors = await tx.pulls.cursors(ehr.name)
    taker = Taker(store=store, ehr=ehr, clock=clock, normalize=normalize, anew=extent.anew, guard=guard)
    here = _Pass(taker=taker, began=clock.now(), cursors=cursors)
    try:
        await _pull(here, extent)
    except PermanentEhrError:
        if guard.is_tripped:
            async with store.transaction() as tx:
                await note_set_back(tx, guard, clock.now())
        raise
    report = PullReport(ehr=ehr.name, records=tuple(here.records))
    async with store.transaction() as tx:
        for record in here.records:
            await tx.pulls.add_pull(record)
        await forget(tx, guard)
        if report.changed:
            happening = Happening(kind="pull", at=clock.now(), actor=ACTOR, subject="pull", ehr=ehr.name)
            await tx.audit.append([audit_row(happening)])
    with suppress(EhrError):  # it is polled all the same; when its subscriptions end is shown by `ehr check`
        await renew(store, ehr, clock.now())
    return report


async def _pull(here: _Pass, extent: Extent) -> None:
    if extent.anew or extent.by_export:
        chosen = Course(full=tuple(extent.types))
    else:
        chosen = course(here.ehr, extent.types, cursors=here.cursors, now=here.began)
    if extent.by_lanes:
        chosen = Course(fast={**chosen.fast, **chosen.checked})
    fell_short = await _ask_lanes(here, chosen) if chosen.since else []
    full = [one for one in extent.types if one in {*chosen.full, *chosen.checked, *fell_short}]
    if full and extent.by_export:
        await _export(here, full)
    elif full:
        await _compare(here, full, here.ehr.pull(full, None))


async def _ask_lanes(here: _Pass, chosen: Course) -> list[str]:
    """Walk the fast lanes; return the types of which that was not enough, for a full compare."""
    fell_short: list[str] = []
    walks = {one: Walk(ehr=here.ehr.name, type=one, began=here.began, held={}, is_first=False) for one in chosen.since}
    async with aclosing(here.ehr.changes(chosen.since)) as stream:
        async for pulled in stream:
            walk, before = walks[pulled.type], here.cursors[pulled.type]
            if pulled.page is not None:
                await here.taker.add(walk, pulled.page)
                continue
            is_whole = pulled.grade is Grade.COMPLETE
            # A walk goes back before its mark, so it shows at least where the mark came from: nothing is no proof.
            is_enough = is_whole and bool(walk.seen or walk.waiting or walk.gone)
            await here.taker.take(walk, _after(before, pulled) if is_enough or pulled.not_honored else None)
            if walk.gone:
                await _look_into(here, walk, walk.gone)
            if is_whole:
                until = pulled.mark if walk.seen else None
                here.checks[pulled.type] = Check(since=before.mark, until=until, brought=frozenset(walk.seen))
            if not is_enough:
                fell_short.append(pulled.type)
            elif pulled.type in chosen.fast:
                here.records.append(_record(here, walk, pulled, lane=before))
    return fell_short


def _after(before: Cursor, ended: Pulled) -> Cursor:
    """Return how a lane stands after a walk."""
    return replace(before, off=ended.not_honored) if ended.not_honored else walked(before, ended)


async def _compare(here: _Pass, types: Sequence[str], shown: AsyncGenerator[Pulled, None]) -> None:
    """Compare all that the EHR shows of these types with what is held."""
    walks = {type_: await _begun(here, type_) for type_ in types}
    async with aclosing(shown) as stream:  # closed here, not when the garbage collector gets to it
        async for pulled in stream:
            walk = walks[pulled.type]
            if pulled.page is not None:
                await here.taker.add(walk, pulled.page)
                continue
            await here.taker.take(walk)
            if walk.gone:
                await _look_into(here, walk, walk.gone)
            ended = await _look_into_vanished(here, pulled, walk)
            missed = walk.check.count(pulled) if walk.check and ended.grade is Grade.COMPLETE else 0
            here.records.append(_record(here, walk, ended, missed=missed))
            if ended.grade is Grade.COMPLETE:
                await _keep_cursor(here, ended, missed)


async def _export(here: _Pass, types: Sequence[str]) -> None:
    """Compare what a bulk export brings with what is held, or take in what it says changed since the last."""
    export = await begun(here.store, here.ehr, here.began)
    async with here.store.transaction() as tx:
        graded = await tx.pulls.grades()
    first = await anext(shown := export.shown(types))  # only once it is started it is known which of the two it is
    if export.is_whole:
        await _compare(here, types, _after_all(first, shown))
        return
    walks = {one: Walk(ehr=here.ehr.name, type=one, began=here.began, held={}, is_first=False) for one in types}
    async with aclosing(_after_all(first, shown)) as stream:
        async for pulled in stream:
            walk = walks[pulled.type]
            if pulled.page is not None:
                await here.taker.add(walk, pulled.page)
                continue
            await here.taker.take(walk)
            await _look_into(here, walk, walk.gone)
            before = graded.get((here.ehr.name, pulled.type), Grade.PARTIAL)
            ended = pulled if pulled.problem else replace(pulled, grade=before, problem=_SINCE)
            here.records.append(replace(_record(here, walk, ended), lane="export"))


_SINCE = "what changed since the export before"


async def _after_all(first: Pulled, rest: AsyncGenerator[Pulled, None]) -> AsyncGenerator[Pulled, None]:
    async with aclosing(rest):
        yield first
        async for pulled in rest:
            yield pulled


async def _keep_cursor(here: _Pass, ended: Pulled, missed: int) -> None:
    """Let the lane of a type go on from a complete full compare, where the EHR stamps what it shows."""
    lane = here.ehr.lane(ended.type)
    if lane is None or ended.mark is None:
        return
    began = Cursor(
        ehr=here.ehr.name,
        type=ended.type,
        way=lane.way,
        basis=lane.basis,
        mark=ended.mark,
        compared_at=here.began,
    )
    async with here.store.transaction() as tx:
        before = (await tx.pulls.cursors(here.ehr.name)).get(ended.type)
        await tx.pulls.put_cursor(compared(before, began, missed))


async def _begun(here: _Pass, type_: str) -> Walk:
    async with here.store.transaction() as tx:
        held = await tx.evidence.held(here.ehr.name, type_)
        is_first = not held and not await tx.evidence.known(here.ehr.name, type_)
    check = here.checks.get(type_)
    return Walk(ehr=here.ehr.name, type=type_, began=here.began, held=held, is_first=is_first, check=check)


async def _look_into_vanished(here: _Pass, pulled: Pulled, walk: Walk) -> Pulled:
    """Read one by one what a complete pull no longer shows; what is still there shows that it was not complete."""
    if pulled.grade is not Grade.COMPLETE:
        return pulled
    left_out = await _look_into(here, walk, set(walk.held.values()) - walk.seen)
    if left_out:
        problem = f"{left_out} records are there but were left out of the search"
        return replace(pulled, grade=Grade.PARTIAL, problem=problem)
    return pulled


async def _look_into(here: _Pass, walk: Walk, ids: Collection[str]) -> int:
    """Read records one by one and keep what became of each; return how many are still there."""
    ehr, clock = here.ehr, here.taker.clock
    left_out = 0
    async with here.store.transaction() as tx:
        known = await tx.evidence.known(ehr.name, walk.type, ids) if ids else {}
    for id_ in sorted(known):  # a history tells of the end of many that we never held
        found = await ehr.read(walk.type, id_)
        async with here.store.transaction() as tx:
            held = await tx.evidence.one(ehr.name, walk.type, id_)
            version = _vanished(found, held, ehr.name, clock)
            if version is not None:
                await tx.evidence.receive([version])
                walk.changed += 1
        left_out += isinstance(found, Found) and not _tells_why(found)
    return left_out


def _tells_why(found: Found) -> bool:
    """Say whether a record that searches leave out tells itself why: it was entered in error, or merged into another.

    Some EHRs go on giving such records to whoever reads them by id (Oracle Health: inactive, with a link).
    """
    tree = read_document(found.body).tree
    links = tree.get("link")
    kinds = [one.get("type") for one in links if isinstance(one, dict)] if isinstance(links, list) else []
    return tree.get("status") == "entered-in-error" or (tree.get("active") is False and "replaced-by" in kinds)


def _vanished(found: Found | Absent, held: Received | None, ehr: str, clock: Clock) -> Received | None:
    """Return the version that says what became of a record; its last known content stays with it."""
    match found:
        case Found(body=body):
            version = received(read_document(body), body, ehr=ehr, now=clock.now())
            same = held is not None and held.canonical_hash == version.canonical_hash
            return None if same else version
        case Absent(kind=kind):
            return None if held is None else replace(held, presence=_PRESENCE[kind], learned_at=clock.now())


def _record(here: _Pass, walk: Walk, ended: Pulled, *, lane: Cursor | None = None, missed: int = 0) -> PullRecord:
    """Return how the pull of a type went.

    A walk of a lane leaves the grade as the full compare made it, which was complete: it only adds to what that saw.
    """
    told = "" if lane is None else f"changes since {lane.mark:%Y-%m-%d %H:%M}Z of its own time; in full when due"
    return PullRecord(
        ehr=walk.ehr,
        type=walk.type,
        started_at=walk.began,
        ended_at=here.taker.clock.now(),
        grade=ended.grade,
        reason=told or ended.problem,
        seen=len(walk.seen),
        changed=walk.changed,
        quarantined=walk.bad,
        lane=lane.way if lane else "",
        missed=missed,
    )
