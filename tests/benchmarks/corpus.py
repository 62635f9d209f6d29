"""A corpus of any size: synthetic people copied under new identities, the same bytes each time."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

SYNTHEA = Path(__file__).parent.parent / "fixtures" / "synthea"
TYPES = ("Patient", "Encounter", "Condition", "MedicationRequest", "CarePlan", "Procedure")

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LIKE_A_UUID = 4  # dashes; such identifiers are copied anew with the ids

Person = list[tuple[str, bytes]]  # (type, received line)


def corpus(people: int) -> dict[str, list[bytes]]:
    """Return the resources of so many people by type: whole people, whose records keep pointing at each other."""
    originals = _people()
    found: dict[str, list[bytes]] = {type_: [] for type_ in TYPES}
    for number in range(people):
        for type_, body in _copied(originals[number % len(originals)], number):
            found[type_].append(body)
    return found


def lines_of(type_: str) -> list[bytes]:
    """Return the received lines of a type."""
    return gzip.decompress((SYNTHEA / f"{type_}.ndjson.gz").read_bytes()).splitlines()


def _people() -> list[Person]:
    found: dict[str, Person] = defaultdict(list)
    for type_ in TYPES:
        for line in lines_of(type_):
            resource = json.loads(line)
            subject = resource["id"] if type_ == "Patient" else resource["subject"]["reference"].partition("/")[2]
            found[subject].append((type_, line))
    return list(found.values())


def _copied(person: Person, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield a person's records with ids of the copy's own; ids of organizations and practitioners stay."""
    own = {json.loads(line)["id"].encode() for _, line in person}
    new = {id_: str(uuid5(NAMESPACE_OID, f"{number}/{id_.decode()}")).encode() for id_ in own}
    for place, (type_, line) in enumerate(person):
        resource = json.loads(_UUID.sub(lambda found: new.get(found[0], found[0]), line))
        # A server would add these; most corpora of the wild have them, and the hot path reads them.
        resource["meta"] = {
            **resource.get("meta", {}),
            "versionId": "1",
            "lastUpdated": f"2026-0{number % 9 + 1}-1{place % 10}T0{place % 10}:00:00.{place % 1000:03}Z",
        }
        if type_ == "Patient":
            _rename(resource, number)
        yield type_, json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def _rename(patient: dict[str, list[dict[str, str]]], number: int) -> None:
    for name in patient.get("name", []):
        name["family"] = f"{name.get('family', 'Person')}{number}"
    for identifier in patient.get("identifier", []):
        if identifier.get("value", "").count("-") != _LIKE_A_UUID:
            identifier["value"] = f"{identifier.get('value', '')}-{number}"
