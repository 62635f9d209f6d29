"""Levels that bills speak of: procedure, revenue and place codes, by the table of what each can and can't tell.

A bill is weak evidence. Only a code that names one level is read at all; most fit several, or care that is no treatment
of a use disorder.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, indexed, packaged_rows
from coordinator.care.level_of_care.mapping import codings_of, walk
from coordinator.care.level_of_care.model import Edition, Level, Role, StatedLevel
from coordinator.care.level_of_care.tables import Place, level_table, place_of_level
from coordinator.fhir import Document, normal_system

_PACKAGE = "coordinator.care.level_of_care"
_KINDS = frozenset({"service", "revenue", "place"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingCode:
    """A code of a bill with the levels it may stand for; an ambiguous one is too weak to show any of them."""

    system: str
    code: str
    kind: str
    edition: Edition | None
    levels: tuple[str, ...]
    role: Role
    ambiguous: bool
    verified: bool


def billed_levels(document: Document) -> tuple[StatedLevel, ...]:
    """Return the levels that the billing codes of a document name without ambiguity, each once."""
    found = {
        stated.level: stated
        for place in _places().get(document.type, ())
        for path, value in walk(document, place.path)
        for system, code in codings_of(value)
        for stated in _stated(system, code, path, place.role)
    }
    return tuple(found.values())


def _stated(system: str, code: str, path: str, role: Role) -> Iterator[StatedLevel]:
    known = billing_codes().get((normal_system(system), code.upper()))
    if known is not None and not known.ambiguous:
        level = Level(edition=known.edition, code=known.levels[0], role=role)
        yield StatedLevel(level=level, organization=None, path=path)


@cache
def billing_codes() -> Mapping[tuple[str, str], BillingCode]:
    """Return the billing codes by normalized system and code. Raises ConfigurationError with file and line."""
    columns = ("system", "code", "kind", "edition", "levels", "role", "ambiguous", "source", "status")
    rows = packaged_rows(_PACKAGE, "billing_codes.csv", columns)
    return indexed(rows, "code", lambda row: ((normal_system(row.text("system")), row.text("code")), billing_row(row)))


def billing_row(row: Row) -> BillingCode:
    """Return one line of the billing codes; its levels are those of the level table, one unless it is ambiguous."""
    edition = row.member("edition", Edition) if row.optional("edition") else None
    levels, ambiguous = row.words("levels"), row.flag("ambiguous")
    if row.text("kind") not in _KINDS:
        raise row.bad("kind", f"is none of: {', '.join(sorted(_KINDS))}")
    known = level_table()
    if not levels or any((known.row(edition, one) if edition else known.shared_row(one)) is None for one in levels):
        raise row.bad("levels", "names no level, or one that its edition does not have")
    if len(levels) > 1 and not ambiguous:
        raise row.bad("ambiguous", "is no, and the code has several levels")
    return BillingCode(
        system=row.text("system"),
        code=row.text("code"),
        kind=row.text("kind"),
        edition=edition,
        levels=levels,
        role=row.member("role", Role),
        ambiguous=ambiguous,
        verified=row.flag("status", yes="verified", no="unverified"),
    )


@cache
def _places() -> Mapping[str, tuple[Place, ...]]:
    places = [place_of_level(row) for row in packaged_rows(_PACKAGE, "billing_places.csv", ("type", "path", "role"))]
    return {place.type: tuple(one for one in places if one.type == place.type) for place in places}
