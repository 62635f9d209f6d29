"""The kinds of events by the tables beside: codes, agents by shape, and the profile that each is held to."""

from collections.abc import Iterator, Mapping
from functools import cache

from coordinator.care.csv_table import Row, by_text, packaged_rows
from coordinator.fhir import Json

_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
Cells = Mapping[str, str]
_ANY_OUTCOME = frozenset({"PrivacyDisclosure.Source", "PrivacyDisclosure.Recipient", "AuthZconsent"})


@cache
def kinds() -> Mapping[str, Cells]:
    """Return the rows of the table of kinds, by kind."""
    columns = ("kind", "type_system", "type_code", "subtype_system", "subtype_code", "action", "shape", "profile")
    return by_text(_table("event_kinds", columns), "kind", lambda row: row.cells)


@cache
def agents_of(shape: str) -> tuple[Cells, ...]:
    """Return who takes part in an event of this shape."""
    columns = ("shape", "system", "code", "who", "requestor", "network")
    return tuple(row.cells for row in _table("event_agents", columns) if row.cells["shape"] == shape)


@cache
def system(name: str) -> str:
    """Return the code system that the tables name so."""
    return by_text(_table("systems", ("name", "system")), "name", lambda row: row.text("system"))[name]


def coding(name: str, code: str, display: str = "") -> dict[str, Json]:
    """Return a coding of one of the systems."""
    found: dict[str, Json] = {"system": system(name), "code": code}
    return {**found, "display": display} if display else found


def profile_of(kind: Cells, *, has_person: bool, outcome: str) -> str:
    """Return the BALP profile that an event of a kind keeps, empty where there is none.

    Those of reads, searches and writes are of what succeeded, and come with and without a patient; the others are
    always about one.
    """
    name = kind["profile"]
    if not name:
        return ""
    if name in _ANY_OUTCOME:
        return f"{_PROFILE}{name}" if has_person else ""
    if outcome != "0":
        return ""
    return f"{_PROFILE}{name if has_person else name.removeprefix('Patient')}"


def _table(name: str, columns: tuple[str, ...]) -> Iterator[Row]:
    return packaged_rows("coordinator.audit", f"{name}.csv", columns)
