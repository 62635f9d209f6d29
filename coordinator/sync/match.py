"""Match: link each patient record to the person it is, so that the same records always make the same persons.

New and changed records, and those about which a person decided, are looked at with all that may be of the same person;
the circle is parted anew, and whoever changed hands is linked. Links are all that moves.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from coordinator.clock import Clock
from coordinator.fhir import Json, read_document
from coordinator.matching import Partition, Tie, known_patient, partition
from coordinator.sync.circle import STAYED, Circle, circle_around, stayed, terms_of
from coordinator.sync.hands import change_hands
from coordinator.sync.ports import Store, Transaction
from coordinator.sync.records import IdentityLink, PatientKey, Received

_ALONE = "ID-24"  # nothing known joins it to anybody


async def match_patients(store: Store, clock: Clock, options: Mapping[str, Json]) -> int:
    """Link the patients that are new, changed, or to be looked at again; return how many."""
    async with store.transaction() as tx:
        waiting = await tx.people.unmatched()
        if not waiting:
            return 0
        terms = await terms_of(tx, options)
        crowds = await _put_keys(tx, waiting, terms.most)
        around = {(one.ehr, one.id) for one in waiting} | crowds
        circle = await circle_around(tx, around, terms)
        bonds = [bond for found in circle.bonds.values() for bond in found] + stayed(circle)
        known = {place: one.traits for place, one in circle.records.items() if place in circle.opened}
        parted = partition(known, [one for one in bonds if set(one.pair) <= known.keys()], terms.verdicts)
        persons = await change_hands(tx, _held(circle), parted.groups, clock.now())
        links = _links(circle, parted, persons, clock)
        for link in links:
            await tx.people.link(link)
        await _wake_doubtful(tx, circle)
    return len(waiting)


async def _put_keys(tx: Transaction, waiting: Collection[Received], most: int) -> set[PatientKey]:
    """Keep the keys of records; return all who carry a key that became a crowd by this, and so joins nobody now."""
    carried: dict[str, int] = {}
    for version in waiting:
        keys = known_patient(version.ehr, read_document(version.body)).keys
        await tx.people.put_keys(version.ehr, version.id, keys)
        for key in keys:
            carried[key] = carried.get(key, 0) + 1
    crowded = await tx.people.crowded(most, carried)
    fresh = [key for key, count in crowded.items() if count - carried[key] <= most]
    return {patient for held in (await tx.people.with_keys(fresh)).values() for patient in held}


def _held(circle: Circle) -> dict[str, IdentityLink]:
    """Return the links of the records that are parted."""
    return {place: link for place, link in circle.links.items() if place in circle.opened & circle.records.keys()}


def _links(circle: Circle, parted: Partition, persons: Mapping[str, str], clock: Clock) -> list[IdentityLink]:
    """Return the links that are new, other than before, or were looked at again."""
    reasons: dict[str, str] = {}
    for bond in reversed(parted.held):  # the strongest comes first, and its word is the last
        places = (bond.by,) if bond.tie is Tie.STAYED else bond.pair
        reasons |= dict.fromkeys(places, bond.by if bond.tie is Tie.DECIDED else f"rule:{bond.rule}")
    now = clock.now()
    found: list[IdentityLink] = []
    for place, person in sorted(persons.items()):
        known, old = circle.records[place], circle.links.get(place)
        link = IdentityLink(
            ehr=known.ehr,
            patient=known.patient,
            person=person,
            since=now,
            by=reasons.get(place, f"rule:{_ALONE}"),
            matched_hash=circle.hashes[place],
        )
        if old is not None and old.person == person:
            by = old.by if _keeps_reason(old, reasons.get(place)) else link.by
            link = replace(link, since=old.since, by=by)
        if link != old:
            found.append(link)
    return found


def _keeps_reason(old: IdentityLink, reason: str | None) -> bool:
    """Say whether a link that stays where it was keeps its reason; what has stayed for now may be certain again."""
    return reason is None or STAYED not in {reason, old.by}


async def _wake_doubtful(tx: Transaction, circle: Circle) -> None:
    """Wake whoever may be the same person as somebody in the circle: the question stands at one of the two."""
    places = {place for pair in circle.doubtful for place in pair}
    keys = [(one.ehr, one.patient) for place, one in circle.records.items() if place in places]
    await tx.wakes.wake({link.person for link in (await tx.people.linked(keys)).values()})
