"""What EHRs sent: latest and every received version, how pulls went, what could not be read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import cast

from psycopg.rows import TupleRow

from coordinator.reconcile.model import Grade, Presence
from coordinator.store.tables.session import Session
from coordinator.sync.records import Cursor, Known, PatientKey, PullRecord, Quarantined, Received

_FILE = "evidence"
BODY = "resource_version.body"
_UNREAD = "quarantine.body"
_BATCH_ROWS = 1000
_BATCH_BYTES = 8 * 1024 * 1024
_COLUMNS = (
    "ehr", "type", "id", "version", "raw_hash", "canonical_hash", "body", "patient", "learned_at", "presence",
)  # fmt: skip

_PULL = (
    "ehr", "type", "started_at", "ended_at", "grade", "reason", "seen", "changed", "quarantined", "lane", "missed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """Latest and every received version."""

    session: Session

    async def held(self, ehr: str, type_: str) -> dict[bytes, str]:
        """Return the ids of what is present of a type from an EHR, by the hash of its bytes."""
        rows = await self.session.rows(_FILE, "held", ehr=ehr, type=type_)
        return dict(cast("list[tuple[bytes, str]]", rows))

    async def known(self, ehr: str, type_: str, ids: Collection[str] | None = None) -> dict[str, Known]:
        """Return what we hold of a type from an EHR, by id; of these ids alone where they are given."""
        wanted = None if ids is None else sorted(ids)
        return {
            row[0]: Known(
                raw_hash=row[1], canonical_hash=row[2], version=row[3], presence=Presence(row[4]), patient=row[5]
            )
            async for row in self.session.stream(_FILE, "known", ehr=ehr, type=type_, ids=wanted)
        }

    async def had(self, ehr: str, type_: str, contents: Mapping[str, bytes]) -> set[str]:
        """Return the ids of the records that had this content, by its canonical hash, before they had another."""
        values = {"ids": list(contents), "hashes": list(contents.values())}
        return {id_ for (id_,) in await self.session.rows(_FILE, "had", ehr=ehr, type=type_, **values)}

    async def receive(self, versions: Sequence[Received]) -> int:
        """Keep versions, make them the latest, wake the persons linked to their patients; return how many rows."""
        if not versions:
            return 0
        await self.session.rows(_FILE, "hold_ehr", ehrs=sorted({one.ehr for one in versions}))
        written = 0
        for batch in _batches(versions):
            columns: dict[str, list[object]] = {name: [getattr(one, name) for one in batch] for name in _COLUMNS}
            columns["presence"] = [one.presence.value for one in batch]
            columns["body"] = [self.session.seals.seal(BODY, one.body, one.ehr, one.type, one.id) for one in batch]
            named = [(at, patient) for at, one in enumerate(batch, 1) for patient in one.named]
            columns |= {"named_at": [at for at, _ in named], "named": [patient for _, patient in named]}
            written += (await self.session.rows(_FILE, "receive", **columns))[0][0]
        return written

    async def latest(self, patients: Collection[PatientKey], *, known_at: datetime | None = None) -> list[Received]:
        """Return the latest version of each record of these patients, as it was known at an instant if one is given."""
        wanted = sorted(set(patients))
        ehrs, ids = [ehr for ehr, _ in wanted], [id_ for _, id_ in wanted]
        if known_at is None:
            rows = await self.session.rows(_FILE, "latest", ehrs=ehrs, patients=ids)
        else:
            rows = await self.session.rows(_FILE, "latest_known_at", ehrs=ehrs, patients=ids, known_at=known_at)
        return [received(self.session, row) for row in rows]

    async def one(self, ehr: str, type_: str, id_: str, *, known_at: datetime | None = None) -> Received | None:
        """Return the latest version of one record, as it was known at an instant if one is given."""
        values = {"ehr": ehr, "type": type_, "id": id_}
        if known_at is None:
            rows = await self.session.rows(_FILE, "one", **values)
        else:
            rows = await self.session.rows(_FILE, "one_known_at", **values, known_at=known_at)
        return received(self.session, rows[0]) if rows else None

    async def counts(self) -> dict[tuple[str, str], int]:
        """Return how many records are present, by (ehr, type)."""
        return {(ehr, type_): count for ehr, type_, count in await self.session.rows(_FILE, "counts")}


@dataclass(frozen=True, slots=True)
class Pulls:
    """How pulls went, and what could not be read."""

    session: Session

    async def add_pull(self, record: PullRecord) -> None:
        """Keep how the pull of a type went."""
        await self.session.change(_FILE, "add_pull", **{**asdict(record), "grade": record.grade.value})

    async def grades(self, *, known_at: datetime | None = None) -> dict[tuple[str, str], Grade]:
        """Return the grade of the latest pull, by (ehr, type); of the latest that had ended by an instant, if given."""
        if known_at is None:
            rows = await self.session.rows(_FILE, "grades")
        else:
            rows = await self.session.rows(_FILE, "grades_known_at", known_at=known_at)
        return {(ehr, type_): Grade(grade) for ehr, type_, grade in rows}

    async def cursors(self, ehr: str) -> dict[str, Cursor]:
        """Return how far the fast lanes of an EHR have come, by type."""
        names = ("ehr", "type", "way", "basis", "mark", "compared_at", "missed", "off")
        rows = await self.session.rows(_FILE, "cursors", ehr=ehr)
        return {row[1]: Cursor(**dict(zip(names, row, strict=True))) for row in rows}

    async def put_cursor(self, cursor: Cursor) -> None:
        """Keep how far a lane has come, in place of what was kept of it."""
        await self.session.change(_FILE, "put_cursor", **asdict(cursor))

    async def last_pulls(self) -> list[PullRecord]:
        """Return the latest pull of each type from each EHR, in order of both."""
        return [
            PullRecord(**{**dict(zip(_PULL, row, strict=True)), "grade": Grade(row[4])})
            for row in await self.session.rows(_FILE, "last_pulls")
        ]

    async def quarantine(self, rows: Sequence[Quarantined]) -> int:
        """Keep what could not be read; the same bytes of the same record are kept once. Return how many were new."""
        seal = self.session.seals.seal
        values = [
            {**asdict(row), "body": seal(_UNREAD, row.body, row.ehr, row.type or "", row.id or "")} for row in rows
        ]
        return await self.session.change_many(_FILE, "quarantine", values)

    async def quarantined(self) -> list[Quarantined]:
        """Return what could not be read, in the order in which it came."""
        return [_unread(self.session, row) for row in await self.session.rows(_FILE, "quarantined")]

    async def unread_of(self, patients: Collection[PatientKey]) -> list[Quarantined]:
        """Return what could not be read of these patients, in the order in which it came."""
        asked = sorted(set(patients))
        ehrs, ids = [ehr for ehr, _ in asked], [patient for _, patient in asked]
        rows = await self.session.rows(_FILE, "unread_of", ehrs=ehrs, patients=ids)
        return [_unread(self.session, row) for row in rows]


def _unread(session: Session, row: TupleRow) -> Quarantined:
    found = Quarantined(**dict(zip((one.name for one in fields(Quarantined)), row, strict=True)))
    place = found.ehr, found.type or "", found.id or ""
    return replace(found, body=session.seals.open(_UNREAD, found.body, *place))


def received(session: Session, row: TupleRow) -> Received:
    """Return a version from its row. Raises SealBroken."""
    values = dict(zip(_COLUMNS, row, strict=True))
    values["body"] = session.seals.open(BODY, values["body"], values["ehr"], values["type"], values["id"])
    return Received(**cast("dict[str, str]", values | {"presence": Presence(values["presence"])}))  # type: ignore[arg-type]


def _batches(versions: Sequence[Received]) -> Iterator[list[Received]]:
    """Cut into batches that hold each record once: a page may repeat an entry, and then the later one counts."""
    batch: list[Received] = []
    places: set[tuple[str, str, str]] = set()
    size = 0
    for one in versions:
        place = (one.ehr, one.type, one.id)
        if batch and (place in places or len(batch) >= _BATCH_ROWS or size + len(one.body) > _BATCH_BYTES):
            yield batch
            batch, places, size = [], set(), 0
        batch.append(one)
        places.add(place)
        size += len(one.body)
    if batch:
        yield batch
