"""Pull: bring in what changed in one EHR, grade how complete the view was, and look into what vanished."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from coordinator.clock import Clock
from coordinator.fhir import Page, read_document
from coordinator.reconcile import Grade, Presence
from coordinator.sync.ports import Absent, Ehr, Found, Normalize, Pulled, Sorted, Store
from coordinator.sync.records import Known, PullRecord, Quarantined, Received
from coordinator.sync.referred import REFERRED, Referred, referred_in
from coordinator.sync.versions import received

TYPES = (
    "Patient",
    "EpisodeOfCare",
    "Encounter",
    "Appointment",
    "CarePlan",
    "Goal",
    "ServiceRequest",
    "Observation",
    "Task",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationDispense",
    "MedicationAdministration",
    "DocumentReference",
    "Communication",
)
BATCH = 1000
_PRESENCE = {
    "deleted": Presence.DELETED,
    "merged": Presence.MERGED,
    "not-found": Presence.HIDDEN,
    "forbidden": Presence.HIDDEN,
    "unreadable": Presence.UNREADABLE,
}


@dataclass(slots=True)
class _Walk:
    """The pull of one type under way."""

    ehr: str
    type: str
    began: datetime
    known: Mapping[str, Known]
    seen: set[str] = field(default_factory=set)
    changed: list[Received] = field(default_factory=list)
    bad: list[Quarantined] = field(default_factory=list)
    changed_count: int = 0
    bad_count: int = 0


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
    def refusal(self) -> str:
        """Return why the EHR showed nothing at all because we may not see it, empty where it showed anything."""
        if self.seen or any(one.grade is Grade.COMPLETE for one in self.records):
            return ""
        return next((one.reason for one in self.records if one.grade is Grade.RESTRICTED), "")


async def pull(
    store: Store, ehr: Ehr, clock: Clock, *, normalize: Normalize, types: Sequence[str] = TYPES
) -> PullReport:
    """Bring the store in step with what one EHR shows; unchanged records cost a hash and no row."""
    began = clock.now()
    walks: dict[str, _Walk] = {}
    async with store.transaction() as tx:
        for type_ in types:
            walks[type_] = _Walk(ehr=ehr.name, type=type_, began=began, known=await tx.evidence.known(ehr.name, type_))
        held = {(type_, id_) for type_ in REFERRED for id_ in await tx.evidence.known(ehr.name, type_)}
    records: list[PullRecord] = []
    async with aclosing(ehr.pull(types, None)) as stream:  # closed here, not when the garbage collector gets to it
        async for pulled in stream:
            walk = walks[pulled.type]
            if pulled.page is not None and _is_small(walk, pulled.page, normalize, clock):
                continue
            await _keep(store, walk, await _referred(ehr, walk.changed, held, clock))
            if pulled.page is None:
                grade, reason = await _look_into_vanished(store, ehr, pulled, walk, clock)
                records.append(_record(walk, grade, reason, ended=clock.now()))
    async with store.transaction() as tx:
        for record in records:
            await tx.pulls.add_pull(record)
    return PullReport(ehr=ehr.name, records=tuple(records))


def _is_small(walk: _Walk, page: Page, normalize: Normalize, clock: Clock) -> bool:
    """Take a page in; tell whether what has gathered is too little to be kept by itself."""
    _take_in(normalize(page.entries, walk.type, ehr=walk.ehr, known=walk.known, now=clock.now()), walk)
    return len(walk.changed) < BATCH


def _take_in(found: Sorted, walk: _Walk) -> None:
    """Add a page to the walk; an entry that a page repeats counts once."""
    fresh = [one for one in found.changed if one.id not in walk.seen]
    walk.changed += fresh
    walk.bad += found.quarantined
    walk.changed_count += len(fresh)
    walk.seen.update(found.seen)


async def _keep(store: Store, walk: _Walk, referred: Sequence[Received]) -> None:
    """Keep what has gathered, in one transaction: versions, what can't be read, and the wake-ups that follow."""
    if not walk.changed and not walk.bad:
        return
    async with store.transaction() as tx:
        if walk.changed:
            await tx.evidence.receive([*referred, *walk.changed])
        if walk.bad:
            walk.bad_count += await tx.pulls.quarantine(walk.bad)
    walk.changed.clear()
    walk.bad.clear()


async def _look_into_vanished(store: Store, ehr: Ehr, pulled: Pulled, walk: _Walk, clock: Clock) -> tuple[Grade, str]:
    """Read one by one what a complete pull no longer shows; what is still there shows that it was not complete."""
    if pulled.grade is not Grade.COMPLETE:
        return pulled.grade, pulled.problem
    gone = [id_ for id_, held in walk.known.items() if held.presence is Presence.PRESENT and id_ not in walk.seen]
    left_out = 0
    for id_ in sorted(gone):
        found = await ehr.read(pulled.type, id_)
        async with store.transaction() as tx:
            held = await tx.evidence.one(ehr.name, pulled.type, id_)
            version = _vanished(found, held, ehr.name, clock)
            if version is not None:
                await tx.evidence.receive([version])
                walk.changed_count += 1
        left_out += isinstance(found, Found)
    if left_out:
        return Grade.PARTIAL, f"{left_out} records are there but were left out of the search"
    return pulled.grade, pulled.problem


def _vanished(found: Found | Absent, held: Received | None, ehr: str, clock: Clock) -> Received | None:
    """Return the version that says what became of a record; its last known content stays with it."""
    match found:
        case Found(body=body):
            version = received(read_document(body), body, ehr=ehr, now=clock.now())
            same = held is not None and held.canonical_hash == version.canonical_hash
            return None if same else version
        case Absent(kind=kind):
            return None if held is None else replace(held, presence=_PRESENCE[kind], learned_at=clock.now())


async def _referred(ehr: Ehr, changed: Sequence[Received], held: set[Referred], clock: Clock) -> list[Received]:
    """Read the medicines and places that records refer to: some EHRs name a medicine only by reference.

    They are kept together with the records that need them, so that a run cut off between the two reads both again.
    """
    wanted = {each for one in changed for each in referred_in(one)}
    found: list[Received] = []
    for type_, id_ in sorted(wanted - held):
        answer = await ehr.read(type_, id_)
        held.add((type_, id_))
        if isinstance(answer, Found):
            found.append(received(read_document(answer.body), answer.body, ehr=ehr.name, now=clock.now()))
    return found


def _record(walk: _Walk, grade: Grade, reason: str, *, ended: datetime) -> PullRecord:
    return PullRecord(
        ehr=walk.ehr,
        type=walk.type,
        started_at=walk.began,
        ended_at=ended,
        grade=grade,
        reason=reason,
        seen=len(walk.seen),
        changed=walk.changed_count,
        quarantined=walk.bad_count,
    )
