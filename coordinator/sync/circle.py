"""The circle of patient records that may be of the same persons as some: all that parting them into persons needs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from coordinator.care.patient.rules import Agreement, Thresholds, Weighed, at_least
from coordinator.fhir import Json, read_document
from coordinator.matching import Bond, KnownPatient, Pair, Tie, Verdict, bonds_between, known_patient, pair_of, verdicts
from coordinator.matching.known import place_of
from coordinator.reconcile.rules import limit
from coordinator.sync.ports import Transaction
from coordinator.sync.records import IdentityLink, PatientKey

POSSIBLE = "identity.possible"
STAYED = f"rule:{Tie.STAYED.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what records are compared: thresholds, what people decided, and how many may carry a key until it is a crowd.

    `partners` are the records that people said to be the same person as a record, whatever they share.
    """

    limits: Thresholds
    verdicts: Mapping[Pair, Verdict]
    most: int
    partners: Mapping[str, frozenset[str]] = field(default_factory=dict)


async def terms_of(tx: Transaction, options: Mapping[str, Json]) -> Terms:
    """Return the terms of a tenant: thresholds may be raised, and are never lower than those of the table."""
    found = verdicts(await tx.accounts.decided(POSSIBLE))
    partners: dict[str, set[str]] = {}
    for (one, other), verdict in found.items():
        if verdict.same:
            partners.setdefault(one, set()).add(other)
            partners.setdefault(other, set()).add(one)
    return Terms(
        limits=at_least(certain=_bits(options, "certain"), possible=_bits(options, "possible")),
        verdicts=found,
        most=int(limit("shared_key_most", options)),
        partners={place: frozenset(others) for place, others in partners.items()},
    )


def _bits(options: Mapping[str, Json], name: str) -> Decimal | None:
    """Return from how many bits on a tenant takes a pair for certain, or possible."""
    chosen = options.get(f"same_person_{name}_bits")
    return Decimal(str(chosen)) if isinstance(chosen, int | Decimal) and not isinstance(chosen, bool) else None


@dataclass(slots=True)
class Circle:
    """Records that are one person's or may be. `opened` are those of which all neighbors are here."""

    terms: Terms
    records: dict[str, KnownPatient] = field(default_factory=dict)
    hashes: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, IdentityLink] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    bonds: dict[Pair, list[Bond]] = field(default_factory=dict)
    weighed: dict[Pair, Weighed] = field(default_factory=dict)

    @property
    def doubtful(self) -> list[Pair]:
        """Return the pairs that may be one person's, as far as they agree."""
        return sorted(pair for pair, one in self.weighed.items() if one.agreement is not Agreement.NONE)


async def circle_around(tx: Transaction, patients: Collection[PatientKey], terms: Terms) -> Circle:
    """Return the circle around some records: they, their neighbors, and the neighbors of whoever is joined to them.

    What is linked to the same person belongs to the circle, too, as it may have to be parted.
    """
    circle = Circle(terms=terms)
    wave = set(patients)
    while wave:
        await _know(tx, circle, wave)
        places = {place_of(ehr, id_) for ehr, id_ in wave}
        circle.opened |= places
        here = sorted(places & circle.records.keys())
        joined = await _meet(tx, circle, here) | await _beside(tx, circle, here)
        wave = {key for key in joined if place_of(*key) not in circle.opened}
    return circle


async def near(tx: Transaction, patients: Collection[PatientKey], terms: Terms) -> Circle:
    """Return some records with their neighbors alone, and how far they agree."""
    circle = Circle(terms=terms)
    await _know(tx, circle, patients)
    await _meet(tx, circle, sorted(circle.records))
    circle.links = _by_place((await tx.people.linked([_key(place) for place in circle.records])).values())
    return circle


async def _know(tx: Transaction, circle: Circle, patients: Collection[PatientKey]) -> None:
    wanted = [key for key in patients if place_of(*key) not in circle.records]
    for version in await tx.people.patients(wanted):
        known = known_patient(version.ehr, read_document(version.body))
        circle.records[known.place] = known
        circle.hashes[known.place] = version.canonical_hash


async def _meet(tx: Transaction, circle: Circle, here: Iterable[str]) -> set[PatientKey]:
    """Compare some records with all that they share a key with; return those that something joins to them."""
    opened = [circle.records[place] for place in here]
    keys = {key for one in opened for key in one.keys} | {f"m|{one.place}" for one in opened}
    crowded = frozenset(await tx.people.crowded(circle.terms.most, keys))
    held = await tx.people.with_keys(keys - crowded)
    told = {one.place: one.merged | circle.terms.partners.get(one.place, frozenset()) for one in opened}
    named = {_key(place) for places in told.values() for place in places}
    await _know(tx, circle, {key for keys in held.values() for key in keys} | named)
    joined: set[PatientKey] = set()
    for one in opened:
        asked = (one.keys | {f"m|{one.place}"}) - crowded
        others = {place_of(ehr, id_) for key in asked for ehr, id_ in held.get(key, ())}
        others |= told[one.place]
        for place in sorted(others & circle.records.keys() - {one.place}):
            if _compare(circle, one.without(crowded), circle.records[place]):
                joined.add(_key(place))
    return joined


def _compare(circle: Circle, one: KnownPatient, other: KnownPatient) -> bool:
    """Compare two records once; tell whether something holds them together."""
    pair = pair_of(one.place, other.place)
    if pair not in circle.weighed:
        terms = circle.terms
        found, circle.weighed[pair] = bonds_between(one, other, verdicts=terms.verdicts, limits=terms.limits)
        circle.bonds[pair] = found
    return bool(circle.bonds[pair])


async def _beside(tx: Transaction, circle: Circle, here: Collection[str]) -> set[PatientKey]:
    """Return what else is linked to the persons of some records."""
    own = _by_place((await tx.people.linked([_key(place) for place in here])).values())
    beside = dict(own)
    for person in sorted({link.person for link in own.values()}):
        beside |= _by_place(await tx.people.links(person))
    circle.links |= beside
    keys = {_key(place) for place in beside}
    await _know(tx, circle, keys)
    return keys


def _by_place(links: Iterable[IdentityLink]) -> dict[str, IdentityLink]:
    return {link.place: link for link in links}


def _key(place: str) -> PatientKey:
    ehr, _, patient = place.partition("/Patient/")
    return ehr, patient


# ---- what stayed -----------------------------------------------------------------------------------------------------


def stayed(circle: Circle) -> list[Bond]:
    """Return the bonds by which a record that changed stays with its person, as far as it may still be theirs."""
    found: list[Bond] = []
    for place in sorted(circle.opened & circle.links.keys() & circle.records.keys()):
        link = circle.links[place]
        if not _has_changed(link, circle.hashes[place]):
            continue
        beside = [
            other
            for other, its in circle.links.items()
            if its.person == link.person and other != place and other in circle.records
        ]
        pairs = [pair_of(place, other) for other in sorted(beside)]
        for pair in pairs:
            _compare(circle, circle.records[pair[0]], circle.records[pair[1]])
        if any(circle.weighed[pair].agreement is not Agreement.NONE for pair in pairs):
            found += [Bond(pair=pair, tie=Tie.STAYED, rule=Tie.STAYED.value, by=place) for pair in pairs]
    return found


def _has_changed(link: IdentityLink, now: bytes) -> bool:
    """Say whether a record was another one when it was linked, or has stayed through such a change before.

    A record that is only to be looked at again keeps the hash at which it was linked, with a mark behind it.
    """
    return link.by == STAYED or link.matched_hash[: len(now)] != now
