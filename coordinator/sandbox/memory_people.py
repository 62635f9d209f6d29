"""People in memory: who is known, which EHR patient is whom, and who was whom before."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from coordinator.reconcile.model import Presence
from coordinator.sandbox.memory_rows import Rows, Table, Unit
from coordinator.sync.records import IdentityLink, Past, PatientKey, Received

Place = tuple[str, str, str]


class Wakes(Protocol):
    """Who is owed a reconciliation."""

    async def wake(self, persons: Collection[str]) -> None:
        """Note that a reconciliation is owed to these persons."""
        ...

    async def add(self, person: str) -> None:
        """Begin with a new person."""
        ...


class MemoryPeople:
    """People and which EHR patient is whom."""

    def __init__(self, unit: Unit, rows: Rows, wakes: Wakes) -> None:
        self._rows = rows
        self._wakes = wakes
        self._latest: Table[Place, Received] = Table(unit, "resource")
        self._links: Table[PatientKey, IdentityLink] = Table(unit, "identity_link")
        self._history: Table[int, IdentityLink] = Table(unit, "identity_link_history")
        self._keys: Table[PatientKey, frozenset[str]] = Table(unit, "identity_key")
        self._ehrs: Table[str, None] = Table(unit, "receiving")
        self._pasts: Table[tuple[str, ...], Past] = Table(unit, "identity_past")

    async def unmatched(self) -> list[Received]:
        """Return the Patient records that are new or changed since they were last matched."""
        found: list[Received] = []
        for one in self._latest.values():
            link = self._links.get((one.ehr, one.id))
            is_matched = link is not None and link.matched_hash == one.canonical_hash
            if one.type == "Patient" and one.presence is Presence.PRESENT and not is_matched:
                found.append(one)
        return found

    async def patients(self, patients: Collection[PatientKey]) -> list[Received]:
        """Return the latest version of these Patient records, in order of ehr and id."""
        found = [self._latest.get((ehr, "Patient", id_)) for ehr, id_ in sorted(set(patients))]
        return [one for one in found if one is not None]

    async def with_keys(self, keys: Collection[str], *, most: int | None = None) -> dict[str, list[PatientKey]]:
        """Return the patients that carry any of these matching keys, by key; not for keys that more than `most` do."""
        found: dict[str, list[PatientKey]] = {}
        for patient, carried in self._keys.items():
            for key in sorted(carried & set(keys)):
                found.setdefault(key, []).append(patient)
        return {key: held for key, held in sorted(found.items()) if most is None or len(held) <= most}

    async def crowded(self, most: int, keys: Collection[str]) -> dict[str, int]:
        """Return how many patients carry a matching key, for those of the keys that more than `most` do."""
        return {key: count for key, count in sorted(self._carriers().items()) if count > most and key in keys}

    async def crowds(self, most: int) -> list[int]:
        """Return how many patients carry each matching key that more than `most` do, the fewest first."""
        return sorted(count for count in self._carriers().values() if count > most)

    def _carriers(self) -> Counter[str]:
        return Counter(key for carried in self._keys.values() for key in carried)

    async def put_keys(self, ehr: str, patient: str, keys: Collection[str]) -> None:
        """Make these the matching keys of a patient."""
        await self._keys.put((ehr, patient), frozenset(keys))

    async def link(self, link: IdentityLink) -> None:
        """Link a patient to a person and wake the persons concerned."""
        await self._ehrs.hold(link.ehr)
        before = self._links.get((link.ehr, link.patient))
        if before is not None and replace(before, since=link.since) == link:
            return
        await self._wakes.wake({link.person} if before is None else {link.person, before.person})
        await self._links.put((link.ehr, link.patient), link)
        if before is None or (before.person, before.by) != (link.person, link.by):
            await self._history.put(self._rows.next(), link)

    async def links(self, person: str | None = None, *, known_at: datetime | None = None) -> list[IdentityLink]:
        """Return the links of a person, or all, in order of person, ehr, patient; those held at an instant if given."""
        held = dict(self._links.items())
        if known_at is not None:
            held = {(link.ehr, link.patient): link for link in self._history.values() if link.since <= known_at}
        found = [link for link in held.values() if person in {None, link.person}]
        return sorted(found, key=lambda link: (link.person, link.ehr, link.patient))

    async def linked(self, patients: Collection[PatientKey]) -> dict[PatientKey, IdentityLink]:
        """Return the links of these patients, by patient."""
        found = [(key, self._links.get(key)) for key in sorted(set(patients))]
        return {key: link for key, link in found if link is not None}

    async def create(self) -> str:
        """Return the id of a new person."""
        person = f"person-{self._rows.next()}"
        await self._wakes.add(person)
        return person

    async def remember(self, past: Past) -> None:
        """Keep what was so while exactly these records were a person's."""
        await self._pasts.put(tuple(sorted(past.records)), replace(past, shadows=dict(past.shadows)))

    async def past(self, records: Collection[str]) -> Past | None:
        """Return what was so while exactly these records were a person's."""
        return self._pasts.get(tuple(sorted(set(records))))

    async def pasts(self, person: str) -> list[Past]:
        """Return what was so while other records were this person's."""
        return [past for past in self._pasts.values() if past.person == person]
