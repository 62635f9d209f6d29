"""Intake: take in the lines of files as if an EHR had answered with them; a broken line never loses the others."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from coordinator.audit import Happening, audit_row
from coordinator.clock import Clock
from coordinator.errors import PermanentEhrError
from coordinator.fhir import BadJson, Json, NotAResource, head, read_document
from coordinator.outbox import Form
from coordinator.reconcile import Grade, Presence
from coordinator.sync.ports import (
    Absent,
    Found,
    MayLeave,
    Normalize,
    Pulled,
    Refused,
    Sorted,
    Store,
    WriteOutcome,
    WriteRequest,
)
from coordinator.sync.records import Known, PullRecord, Quarantined, Received
from coordinator.sync.unreadable import set_aside
from coordinator.sync.ways import ExportJob, FastLane, Hook, Hooked

BATCH = 1000
_REASON = "from files: what they leave out is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file: its bytes, and where it stands, such as `goals.ndjson line 12`.

    With a `fault` it is what could not be made into a document, as it stood in the file.
    """

    place: str
    raw: bytes
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What is taken in: the lines of all files, from which EHR, by whom."""

    ehr: str
    lines: Iterable[Line]
    actor: str


@dataclass(slots=True)
class Count:
    """What became of the lines of one type."""

    read: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What became of the lines of an import, by type; a line whose type can't be told stands under ''."""

    ehr: str
    types: dict[str, Count] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Return how many lines could not be read."""
        return sum(one.quarantined for one in self.types.values())


@dataclass(slots=True)
class _Batch:
    """What has gathered since the last commit."""

    changed: list[Received] = field(default_factory=list)
    bad: list[Quarantined] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.changed) + len(self.bad)


async def take_in(store: Store, files: Files, *, normalize: Normalize, clock: Clock) -> IntakeReport:
    """Bring the lines into the store in batches, each committed whole; taking the same file again changes nothing."""
    began = clock.now()
    report = IntakeReport(ehr=files.ehr)
    known: dict[str, dict[str, Known]] = {}
    batch = _Batch()
    async with store.transaction() as tx:
        happening = Happening(kind="pull", at=began, actor=files.actor, subject="import", ehr=files.ehr)
        await tx.audit.append([audit_row(happening)])
    for line in files.lines:
        if line.fault:
            _set_aside(line, files.ehr, batch=batch, count=report.types.setdefault("", Count()), now=clock.now())
            continue
        type_ = _type_of(line.raw)
        if type_ not in known:
            async with store.transaction() as tx:
                known[type_] = await tx.evidence.known(files.ehr, type_)
        found = normalize([line.raw], type_, ehr=files.ehr, known=known[type_], now=clock.now())
        _add(found, line, batch=batch, count=report.types.setdefault(type_, Count()))
        known[type_].update({one.id: _known(one) for one in found.changed})
        if len(batch) >= BATCH:
            await _keep(store, batch)
    await _keep(store, batch)
    await _grade(store, report, began=began, ended=clock.now())
    return report


def _add(found: Sorted, line: Line, *, batch: _Batch, count: Count) -> None:
    count.read += 1
    count.changed += len(found.changed)
    count.quarantined += len(found.quarantined)
    count.unchanged += not (found.changed or found.quarantined)
    batch.changed += found.changed
    batch.bad += [replace(one, place=f"{line.place}: {one.place}") for one in found.quarantined]


def _set_aside(line: Line, ehr: str, *, batch: _Batch, count: Count, now: datetime) -> None:
    """Keep a line that is no document whole."""
    count.read += 1
    count.quarantined += 1
    batch.bad.append(
        Quarantined(
            ehr=ehr,
            type="",
            id="",
            raw_hash=sha256(line.raw).digest(),
            body=line.raw,
            reason=line.fault,
            place=line.place,
            learned_at=now,
        )
    )


def _type_of(raw: bytes) -> str:
    """Return the type of a line, '' where it has none: then it can't be read at all."""
    try:
        return head(raw).type
    except (BadJson, NotAResource):
        pass
    try:
        return read_document(raw).type  # a resource whose id is of a wrong kind is still one of its type
    except (BadJson, NotAResource):
        return ""


def _known(one: Received) -> Known:
    return Known(
        raw_hash=one.raw_hash,
        canonical_hash=one.canonical_hash,
        version=one.version,
        presence=Presence.PRESENT,
        patient=one.patient,
    )


async def _keep(store: Store, batch: _Batch) -> None:
    if not len(batch):
        return
    async with store.transaction() as tx:
        await tx.evidence.receive(batch.changed)
        await set_aside(tx, batch.bad)
    batch.changed.clear()
    batch.bad.clear()


async def _grade(store: Store, report: IntakeReport, *, began: datetime, ended: datetime) -> None:
    """Grade what was taken in as partial: a file tells what is there, never that something is not.

    Where a server was pulled completely that grade stays: the files add to it and take nothing away.
    """
    async with store.transaction() as tx:
        graded = await tx.pulls.grades()
        for type_, count in sorted(report.types.items()):
            if type_ and graded.get((report.ehr, type_)) in (None, Grade.PARTIAL):
                await tx.pulls.add_pull(_record(report.ehr, type_, count, began=began, ended=ended))


def _record(ehr: str, type_: str, count: Count, *, began: datetime, ended: datetime) -> PullRecord:
    return PullRecord(
        ehr=ehr,
        type=type_,
        started_at=began,
        ended_at=ended,
        grade=Grade.PARTIAL,
        reason=_REASON,
        seen=count.read,
        changed=count.changed,
        quarantined=count.quarantined,
    )


# ---- an EHR that gives us files only ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """An EHR without a server that we may ask: nothing can be pulled, read or written there.

    What it is owed stays visible as owed, in the form `none`: a person carries it over.
    """

    name: str

    @property
    def profile(self) -> Mapping[str, Json]:
        """Return that there is nothing to know of a site."""
        return {}

    def forms(self, _concept: str) -> tuple[Form, ...]:
        """Return the only form there is."""
        return (Form.NONE,)

    def carrier(self, _concept: str, _form: Form) -> str | None:
        """Return that nothing carries anything."""
        return None

    def can_store(self, _path: str, _value: str) -> bool:
        """Tell that nothing is known against a value: whoever carries it over will see."""
        return True

    def keeps(self, _path: str) -> bool:
        """Tell that nothing is known against a path."""
        return True

    async def pull(self, types: Sequence[str], _patients: Sequence[str] | None) -> AsyncGenerator[Pulled, None]:
        """Yield no page, and for each type that the view is partial."""
        for type_ in types:
            yield Pulled(type=type_, grade=Grade.PARTIAL, problem=_REASON)

    def lane(self, _type: str) -> FastLane | None:
        """Return that there is none."""
        return None

    async def changes(self, since: Mapping[str, datetime]) -> AsyncGenerator[Pulled, None]:
        """Yield no page, and for each type that the view is partial."""
        for type_ in since:
            yield Pulled(type=type_, grade=Grade.PARTIAL, problem=_REASON)

    async def export(self, types: Sequence[str], _job: ExportJob) -> AsyncGenerator[Pulled | ExportJob, None]:
        """Yield no page, and for each type that the view is partial."""
        for type_ in types:
            yield Pulled(type=type_, grade=Grade.PARTIAL, problem=_REASON)

    async def subscribe(self, _hook: Hook, _ids: Sequence[str]) -> Hooked:
        """Refuse: nothing can call. Raises PermanentEhrError."""
        raise PermanentEhrError("This EHR gives files only: it can't call.", operation="subscribe", subject=self.name)

    async def unsubscribe(self, _ids: Sequence[str]) -> None:
        """Do nothing: nothing calls."""

    async def read(self, _type: str, _id: str) -> Found | Absent:
        """Return that the record can't be looked at now."""
        return Absent(kind="unreadable")

    async def write(self, _request: WriteRequest, _may_leave: MayLeave) -> WriteOutcome:
        """Refuse: there is nothing to write to."""
        return Refused(status=0, reason="this EHR gives files only")
