"""Levels that bills speak of: procedure, revenue and place codes, by the table of what each can and can't tell.

A bill is weak evidence. Only a code that names one level is read at all; most fit several, or care that is no treatment
of a use disorder.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, indexed, packaged_rows
from coordinator.care.level_of_care.mapping import codings_of, walk
from coordinator.care.level_of_care.model import Edition, Level, Role, StatedLevel
from coordinator.care.level_of_care.rules import is_overnight
from coordinator.care.level_of_care.tables import Place, level_table, place_of_level
from coordinator.fhir import Document, normal_system, once

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


@once
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


def level_of_line(codes: Iterable[tuple[str, str]], role: Role) -> Level | None:
    """Return the level that one line of a bill names without ambiguity, by system and code of all that it carries.

    None where its codes name two levels, and where no such place has care of that kind: residential care is not given
    at a clinic that people come to by day.
    """
    known = [found for system, code in codes if (found := _known(system, code)) is not None]
    clear = {(one.levels[0], one.edition) for one in known if not one.ambiguous}
    if len({code for code, _ in clear}) != 1 or len({edition for _, edition in clear if edition}) > 1:
        return None
    code, edition = max(clear, key=lambda pair: pair[1].value if pair[1] else "")
    level = Level(edition=edition, code=code, role=role)
    places = [one for one in known if one.kind == "place"]
    return level if all(_may_be_at(level, one) for one in places) else None


def _may_be_at(level: Level, place: BillingCode) -> bool:
    return any(is_overnight(Level(edition=place.edition, code=code)) is is_overnight(level) for code in place.levels)


def _known(system: str, code: str) -> BillingCode | None:
    return billing_codes().get((normal_system(system), code.upper()))


def _stated(system: str, code: str, path: str, role: Role) -> Iterator[StatedLevel]:
    known = _known(system, code)
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
