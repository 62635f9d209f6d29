"""The records of a person as one recipient may read them: cut, marked, under ids of our own."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from coordinator.access import served_types
from coordinator.disclosure.marking import labeled
from coordinator.disclosure.view import Sight
from coordinator.fhir import (
    Contained,
    Document,
    Json,
    Relative,
    Shelf,
    difference,
    patched,
    read_document,
    read_reference,
)
from coordinator.reconcile import Evidence, Presence

_ID_CHARACTERS = 32  # 128 bits: nobody guesses one


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A record as it may be read: the citation of the version that it is made of, and the consents that permit it."""

    document: Document
    citation: str
    consents: tuple[str, ...]


def own_id(place: str, key: bytes) -> str:
    """Return our id of a record, by its place `ehr/Type/id`; without the key it tells nothing of the place."""
    return hmac.new(key, place.encode(), hashlib.sha256).hexdigest()[:_ID_CHARACTERS]


def served(seen: Sight, key: bytes) -> tuple[Served, ...]:
    """Return what the recipient of a sight may read, in order of type and id."""
    types = frozenset(served_types())
    present = [one for one in seen.evidence if one.presence is Presence.PRESENT and one.document.type in types]
    places = frozenset(one.place for one in present)
    found = [_served(one, seen, places, key) for one in present]
    return tuple(sorted(found, key=lambda one: (one.document.type, one.document.id)))


def shelf_of(records: Iterable[Served]) -> Shelf:
    """Return what a search may know of: these records alone."""
    return Shelf({f"{one.document.type}/{one.document.id}": one.document for one in records})


def _served(one: Evidence, seen: Sight, places: frozenset[str], key: bytes) -> Served:
    tree = _as_own(one, places, key)
    document = patched(one.document, difference(one.document.tree, tree))
    body = labeled(document.raw, seen.marking([one.ref]))
    return Served(document=read_document(body), citation=one.ref, consents=seen.consents([one.ref]))


def _as_own(one: Evidence, places: frozenset[str], key: bytes) -> Json:
    """Return the tree under our ids. The version is a hash, too: an EHR may name its versions after itself."""
    told = _told(one.document.tree, one.ehr, places, key)
    tree = told if isinstance(told, dict) else {}  # nothing but references, which no resource is
    meta = tree.get("meta")
    kept = {name: value for name, value in meta.items() if name != "source"} if isinstance(meta, dict) else {}
    version = own_id(one.ref, key)[:16]
    return {**tree, "id": own_id(one.place, key), "meta": {**kept, "versionId": version}}


def _told(value: Json, ehr: str, places: frozenset[str], key: bytes) -> Json:
    """Return a value with our references; None where nothing is left of it.

    A reference to what the recipient may not read is left out whole, and what was nothing but that: kept, it would tell
    that there is something.
    """
    if isinstance(value, list):
        elements = [(one, _told(one, ehr, places, key)) for one in value]
        return [new for old, new in elements if new is not None or old is None] or None
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("reference"), str):
        return _led(value, ehr, places, key)
    members = {name: _told(one, ehr, places, key) for name, one in value.items()}
    return {name: one for name, one in members.items() if one is not None} or None


def _led(value: dict[str, Json], ehr: str, places: frozenset[str], key: bytes) -> Json:
    """Return a reference that leads to a record of ours; to what we don't serve at all by its words alone."""
    target = read_reference(value)
    if isinstance(target, Contained):
        return dict(value)
    if isinstance(target, Relative):
        place = f"{ehr}/{target.type}/{target.id}"
        if place in places:
            return {**value, "reference": f"{target.type}/{own_id(place, key)}"}
        if target.type not in served_types():
            return {name: one for name, one in value.items() if name not in {"reference", "identifier"}} or None
    return None
