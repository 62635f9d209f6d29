"""Pull: bring in what changed in one EHR, grade how complete the view was, and look into what vanished."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from coordinator.clock import Clock
from coordinator.fhir import Page, id_of, read_document
from coordinator.reconcile import Grade, Presence
from coordinator.sync.ports import Absent, Ehr, Found, Normalize, Pulled, Store
from coordinator.sync.records import Known, PullRecord, Received
from coordinator.sync.referred import Referred, referred_in
from coordinator.sync.versions import received

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
BATCH = 1000
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
    """

    types: Sequence[str] = TYPES
    anew: bool = False


USUAL = Extent()


@dataclass(slots=True)
class _Walk:
    """The pull of one type under way. `waiting` are the entries that are not held as they came."""

    ehr: str
    type: str
    began: datetime
    held: Mapping[bytes, str]
    is_first: bool  # nothing of this type was received before
    seen: set[str] = field(default_factory=set)
    waiting: list[bytes] = field(default_factory=list)
    changed: int = 0
    bad: int = 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taker:
    """Takes pages of one EHR into the store."""

    store: Store
    ehr: Ehr
    clock: Clock
    normalize: Normalize
    anew: bool
    asked: set[Referred] = field(default_factory=set)  # what was asked for as records refer to it

    async def add(self, walk: _Walk, page: Page) -> None:
        """Add a page; what is held as it came is seen and no more, the others wait until they are enough to be kept."""
        if walk.held and not self.anew:
            for raw in page.entries:
                held = walk.held.get(sha256(raw).digest())
                if held is None:
                    walk.waiting.append(raw)
                else:
                    walk.seen.add(held)
        else:
            walk.waiting += page.entries
        if len(walk.waiting) >= BATCH:
            await self.take(walk)

    async def take(self, walk: _Walk) -> None:
        """Take in what waits: keep in one transaction versions, what can't be read, and the wake-ups that follow."""
        if not walk.waiting:
            return
        known = {} if walk.is_first else await self._known(walk)
        found = self.normalize(walk.waiting, walk.type, ehr=walk.ehr, known=known, now=self.clock.now())
        changed = list({one.id: one for one in found.changed}.values())  # of a record that came twice, the later
        referred = await self._referred(changed)
        async with self.store.transaction() as tx:
            if changed:
                await tx.evidence.receive([*referred, *changed])
            if found.quarantined:
                walk.bad += await tx.pulls.quarantine(found.quarantined)
        walk.changed += len(changed)
        walk.seen.update(found.seen)
        walk.waiting.clear()

    async def _known(self, walk: _Walk) -> dict[str, Known]:
        """Return what we hold of the records that wait."""
        async with self.store.transaction() as tx:
            known = await tx.evidence.known(walk.ehr, walk.type, set(map(id_of, walk.waiting)))
        return {id_: replace(one, raw_hash=b"") for id_, one in known.items()} if self.anew else known

    async def _referred(self, changed: Sequence[Received]) -> list[Received]:
        """Read the medicines and places that records refer to: some EHRs name a medicine only by reference.

        They are kept together with the records that need them, so that a run cut off between the two reads both again.
        """
        wanted = {each for one in changed for each in referred_in(one)} - self.asked
        self.asked.update(wanted)
        found: list[Received] = []
        for type_, id_ in sorted(wanted - await self._held(wanted)):
            answer = await self.ehr.read(type_, id_)
            if isinstance(answer, Found):
                document = read_document(answer.body)
                found.append(received(document, answer.body, ehr=self.ehr.name, now=self.clock.now()))
        return found

    async def _held(self, wanted: set[Referred]) -> set[Referred]:
        """Return those that we hold already."""
        held: set[Referred] = set()
        for type_ in {type_ for type_, _ in wanted}:
            async with self.store.transaction() as tx:
                known = await tx.evidence.known(self.ehr.name, type_, {id_ for of, id_ in wanted if of == type_})
            held.update((type_, id_) for id_ in known)
        return held


async def pull(store: Store, ehr: Ehr, clock: Clock, *, normalize: Normalize, extent: Extent = USUAL) -> PullReport:
    """Bring the store in step with what one EHR shows; unchanged records cost a hash and no row."""
    types = extent.types
    began = clock.now()
    taker = _Taker(store=store, ehr=ehr, clock=clock, normalize=normalize, anew=extent.anew)
    walks = {type_: await _begun(store, ehr.name, type_, began) for type_ in types}
    records: list[PullRecord] = []
    async with aclosing(ehr.pull(types, None)) as stream:  # closed here, not when the garbage collector gets to it
        async for pulled in stream:
            walk = walks[pulled.type]
            if pulled.page is not None:
                await taker.add(walk, pulled.page)
                continue
            await taker.take(walk)
            grade, reason = await _look_into_vanished(store, ehr, pulled, walk, clock)
            records.append(_record(walk, grade, reason, ended=clock.now()))
    async with store.transaction() as tx:
        for record in records:
            await tx.pulls.add_pull(record)
    return PullReport(ehr=ehr.name, records=tuple(records))


async def _begun(store: Store, ehr: str, type_: str, began: datetime) -> _Walk:
    async with store.transaction() as tx:
        held = await tx.evidence.held(ehr, type_)
        is_first = not held and not await tx.evidence.known(ehr, type_)
    return _Walk(ehr=ehr, type=type_, began=began, held=held, is_first=is_first)


async def _look_into_vanished(store: Store, ehr: Ehr, pulled: Pulled, walk: _Walk, clock: Clock) -> tuple[Grade, str]:
    """Read one by one what a complete pull no longer shows; what is still there shows that it was not complete."""
    if pulled.grade is not Grade.COMPLETE:
        return pulled.grade, pulled.problem
    gone = set(walk.held.values()) - walk.seen
    left_out = 0
    for id_ in sorted(gone):
        found = await ehr.read(pulled.type, id_)
        async with store.transaction() as tx:
            held = await tx.evidence.one(ehr.name, pulled.type, id_)
            version = _vanished(found, held, ehr.name, clock)
            if version is not None:
                await tx.evidence.receive([version])
                walk.changed += 1
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


def _record(walk: _Walk, grade: Grade, reason: str, *, ended: datetime) -> PullRecord:
    return PullRecord(
        ehr=walk.ehr,
        type=walk.type,
        started_at=walk.began,
        ended_at=ended,
        grade=grade,
        reason=reason,
        seen=len(walk.seen),
        changed=walk.changed,
        quarantined=walk.bad,
    )
