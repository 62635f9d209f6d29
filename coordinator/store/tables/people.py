"""People, which EHR patient is whom, and to whom a reconciliation is owed."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.rows import TupleRow

from coordinator.errors import NotFound
from coordinator.store.tables.evidence import received
from coordinator.store.tables.session import Session, json_bytes, json_object
from coordinator.sync.records import Due, IdentityLink, Past, PatientKey, Received

_FILE = "people"
_SHADOWS = "identity_past.shadows"


@dataclass(frozen=True, slots=True)
class People:
    """People and which EHR patient is whom."""

    session: Session

    async def unmatched(self) -> list[Received]:
        """Return the Patient records that are new or changed since they were last matched; nobody else matches now."""
        await self.session.rows(_FILE, "hold_matching")
        return [received(self.session, row) for row in await self.session.rows(_FILE, "unmatched")]

    async def patients(self, patients: Collection[PatientKey]) -> list[Received]:
        """Return the latest version of these Patient records, in order of ehr and id; what is not there is left out."""
        asked = sorted(set(patients))
        ehrs, ids = [ehr for ehr, _ in asked], [patient for _, patient in asked]
        rows = await self.session.rows(_FILE, "patients", ehrs=ehrs, patients=ids)
        return [received(self.session, row) for row in rows]

    async def with_keys(self, keys: Collection[str], *, most: int | None = None) -> dict[str, list[PatientKey]]:
        """Return the patients that carry any of these matching keys, by key; not for keys that more than `most` do."""
        asked = self._blinded(keys)
        found: dict[str, list[PatientKey]] = {}
        for word, ehr, patient in await self.session.rows(_FILE, "with_keys", keys=sorted(asked), most=most):
            found.setdefault(asked[word], []).append((ehr, patient))
        return dict(sorted(found.items()))

    async def crowded(self, most: int, keys: Collection[str]) -> dict[str, int]:
        """Return how many patients carry a matching key, for those of the keys that more than `most` do."""
        asked = self._blinded(keys)
        rows = await self.session.rows(_FILE, "crowded", keys=sorted(asked), most=most)
        return dict(sorted((asked[word], count) for word, count in rows))

    async def crowds(self, most: int) -> list[int]:
        """Return how many patients carry each matching key that more than `most` do, the fewest first."""
        return [count for (count,) in await self.session.rows(_FILE, "crowds", most=most)]

    async def put_keys(self, ehr: str, patient: str, keys: Collection[str]) -> None:
        """Make these the matching keys of a patient."""
        wanted = sorted(self._blinded(keys))
        await self.session.change(_FILE, "drop_keys", ehr=ehr, patient=patient, keys=wanted)
        await self.session.change(_FILE, "add_keys", ehr=ehr, patient=patient, keys=wanted)

    def _blinded(self, keys: Collection[str]) -> dict[str, str]:
        """Return the keys by the words under which they are looked up."""
        return {self.session.seals.blind(key): key for key in set(keys)}

    async def link(self, link: IdentityLink) -> None:
        """Link a patient to a person (moving it if it was linked elsewhere) and wake the persons concerned.

        A link that says what it said before changes nothing. Raises NotFound where there is no such person.
        """
        await self.session.rows(_FILE, "hold_ehr", ehr=link.ehr)
        rows = await self.session.rows(_FILE, "link_of", ehr=link.ehr, patient=link.patient)
        before = _link(rows[0]) if rows else None
        if before is not None and _meaning(before) == _meaning(link):
            return
        await Wakes(self.session).wake({link.person} if before is None else {link.person, before.person})
        await self.session.change(_FILE, "link", **asdict(link))

    async def links(self, person: str | None = None, *, known_at: datetime | None = None) -> list[IdentityLink]:
        """Return the links of a person, or all, in order of person, ehr, patient; those held at an instant if given."""
        if known_at is not None:
            rows = await self.session.rows(_FILE, "links_known_at", person=person, known_at=known_at)
            return [_link(row) for row in rows]
        if person is None:
            return [_link(row) for row in await self.session.rows(_FILE, "links")]
        return [_link(row) for row in await self.session.rows(_FILE, "links_of", person=person)]

    async def linked(self, patients: Collection[PatientKey]) -> dict[PatientKey, IdentityLink]:
        """Return the links of these patients, by patient; one without a link is left out."""
        asked = sorted(set(patients))
        ehrs, ids = [ehr for ehr, _ in asked], [patient for _, patient in asked]
        rows = await self.session.rows(_FILE, "linked", ehrs=ehrs, patients=ids)
        return {(link.ehr, link.patient): link for link in map(_link, rows)}

    async def create(self) -> str:
        """Return the id of a new person."""
        person: str = (await self.session.rows(_FILE, "create"))[0][0]
        await self.session.change(_FILE, "create_state", person=person)
        return person

    async def remember(self, past: Past) -> None:
        """Keep what was so while exactly these records were a person's, in place of what was kept of them before."""
        shadows = json_bytes({view: body.decode() for view, body in past.shadows.items()})
        records = sorted(past.records)
        sealed = self.session.seals.seal(_SHADOWS, shadows, *records)
        values = {"records": records, "person": past.person, "shadows": sealed}
        await self.session.change(_FILE, "remember", **values)

    async def past(self, records: Collection[str]) -> Past | None:
        """Return what was so while exactly these records, `ehr/Patient/id`, were a person's."""
        rows = await self.session.rows(_FILE, "past", records=sorted(set(records)))
        return _past(self.session, rows[0]) if rows else None

    async def pasts(self, person: str) -> list[Past]:
        """Return what was so while other records were this person's, in order of the records."""
        return [_past(self.session, row) for row in await self.session.rows(_FILE, "pasts", person=person)]


@dataclass(frozen=True, slots=True)
class Wakes:
    """Which persons are owed a reconciliation."""

    session: Session

    async def wake(self, persons: Collection[str]) -> None:
        """Note that a reconciliation is owed to these persons. Raises NotFound where there is no such person."""
        wanted = sorted(set(persons))
        if await self.session.change(_FILE, "wake", persons=wanted) < len(wanted):
            raise NotFound("There is no such person.", operation="wake", subject="person")

    async def due(self, now: datetime, *, limit: int, only: Collection[str] | None = None) -> list[Due]:
        """Return persons woken since they were last reconciled or whose moment has come, locked here."""
        asked = None if only is None else sorted(set(only))
        rows = await self.session.rows(_FILE, "due", now=now, limit=limit, only=asked)
        return [Due(person=person, wanted=wanted) for person, wanted in rows]

    async def reconciled(self, due: Due, *, at: datetime, due_at: datetime | None) -> None:
        """Note that a person was reconciled, up to the wake-ups that were counted when it became due."""
        values = {"person": due.person, "wanted": due.wanted, "at": at, "due_at": due_at}
        await self.session.change(_FILE, "reconciled", **values)


def _past(session: Session, row: TupleRow) -> Past:
    records, person, sealed = row
    shadows = json_object(session.seals.open(_SHADOWS, sealed, *records))
    bodies = {view: str(body).encode() for view, body in shadows.items()}
    return Past(records=frozenset(records), person=person, shadows=bodies)


def _link(row: TupleRow) -> IdentityLink:
    ehr, patient, person, since, by, matched_hash = row
    return IdentityLink(ehr=ehr, patient=patient, person=person, since=since, by=by, matched_hash=matched_hash)


def _meaning(link: IdentityLink) -> tuple[str, str, bytes]:
    return link.person, link.by, link.matched_hash
