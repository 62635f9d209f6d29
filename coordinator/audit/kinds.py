"""The kinds of events by the tables beside: codes, agents by shape, and the profile that each is held to."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from coordinator.fhir import Json

_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_ANY_OUTCOME = frozenset({"PrivacyDisclosure.Source", "PrivacyDisclosure.Recipient", "AuthZconsent"})

Row = Mapping[str, str]


@cache
def kinds() -> Mapping[str, Row]:
    """Return the rows of the table of kinds, by kind."""
    return {row["kind"]: row for row in _table("event_kinds")}


@cache
def agents_of(shape: str) -> tuple[Row, ...]:
    """Return who takes part in an event of this shape."""
    return tuple(row for row in _table("event_agents") if row["shape"] == shape)


@cache
def system(name: str) -> str:
    """Return the code system that the tables name so."""
    return {row["name"]: row["system"] for row in _table("systems")}[name]


def coding(name: str, code: str, display: str = "") -> dict[str, Json]:
    """Return a coding of one of the systems."""
    found: dict[str, Json] = {"system": system(name), "code": code}
    return {**found, "display": display} if display else found


def profile_of(kind: Row, *, has_person: bool, outcome: str) -> str:
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


def _table(name: str) -> list[Row]:
    with files("coordinator.audit").joinpath(f"tables/{name}.csv").open(encoding="utf-8") as lines:
        return [dict(row) for row in csv.DictReader(lines)]
