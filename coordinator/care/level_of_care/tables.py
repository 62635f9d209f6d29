"""The tables of levels, of their counterparts in the other edition, and of the moves between them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, indexed, packaged_rows
from coordinator.care.level_of_care.model import Edition, LevelRow, Role, TransitionRule

_PACKAGE = "coordinator.care.level_of_care"
_SETTINGS = frozenset({"ambulatory", "residential", "inpatient", "support", "modifier"})
_ANY = "*"

LevelKey = tuple[Edition, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One level's counterpart in another edition; lossy where going there and back may end elsewhere."""

    here: LevelKey
    there: LevelKey
    lossy: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class LevelTable:
    """The levels by edition and code, with their aliases and counterparts."""

    rows: Mapping[LevelKey, LevelRow]
    aliases: Mapping[LevelKey, str]
    crossings: tuple[Crossing, ...]

    def row(self, edition: Edition, code: str) -> LevelRow | None:
        """Return the row of a code in an edition, None where that edition has no such level.

        An alias (4.0) and a suffixed code (2.1-COE) give the row of the level they name.
        """
        code = code.strip().upper()
        code = self.aliases.get((edition, code), code)
        found = self.rows.get((edition, code))
        if found is None:
            base, _, suffix = code.rpartition("-")
            modifier = self.rows.get((edition, suffix))
            if base and modifier is not None and modifier.setting == "modifier":
                found = self.row(edition, base)
        return found

    def shared_row(self, code: str) -> LevelRow | None:
        """Return the newest row of a code that means the same in the third and in the fourth edition, else None."""
        old, new = self.row(Edition.THIRD, code), self.row(Edition.FOURTH, code)
        if old is None or new is None:
            return None
        crossing = self.crossing((old.edition, old.code), (new.edition, new.code))
        return new if crossing is not None and not crossing.lossy else None

    def counterparts(self, key: LevelKey) -> tuple[LevelKey, ...]:
        """Return the levels that the crosswalk ties to one, in either direction."""
        pairs = [(crossing.here, crossing.there) for crossing in self.crossings]
        return tuple(there if here == key else here for here, there in pairs if key in (here, there))

    def crossing(self, one: LevelKey, other: LevelKey) -> Crossing | None:
        """Return what ties two levels of different editions together, in either direction."""
        pair = {one, other}
        return next((crossing for crossing in self.crossings if {crossing.here, crossing.there} == pair), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An element that may carry a level by its canonical code, and the role in which a level stands there."""

    type: str
    path: tuple[str, ...]
    role: Role


@cache
def level_table() -> LevelTable:
    """Return the checked level table. Raises ConfigurationError with file and line of a bad row."""
    columns = ("edition", "code", "name", "rank", "setting", "hours_least", "hours_most", "aliases", "source", "status")
    lines = tuple(packaged_rows(_PACKAGE, "levels_of_care.csv", columns))
    rows = indexed(lines, "code", lambda row: (_level_key(row), level_row(row)))
    aliases = {(_level_key(row)[0], alias): _level_key(row)[1] for row in lines for alias in row.words("aliases")}
    return LevelTable(rows, aliases, crossings_among(_crosswalk(), rows))


def level_row(row: Row) -> LevelRow:
    """Return one line of the level table."""
    setting = row.text("setting")
    if setting not in _SETTINGS:
        raise row.bad("setting", f"is none of: {', '.join(sorted(_SETTINGS))}")
    least, most = row.whole("hours_least"), row.whole("hours_most")
    if least is not None and most is not None and least > most:
        raise row.bad("hours_most", "is below hours_least")
    return LevelRow(
        edition=row.member("edition", Edition),
        code=row.text("code"),
        name=row.text("name"),
        rank=row.whole("rank"),
        setting=setting,
        hours_least=least,
        hours_most=most,
        verified=_verified(row),
    )


def crossings_among(table: Iterable[Row], rows: Mapping[LevelKey, LevelRow]) -> tuple[Crossing, ...]:
    """Return the lines of the crosswalk; both ends of each must be levels."""
    found = []
    for row in table:
        here = (row.member("from_edition", Edition), row.text("from_code"))
        there = (row.member("to_edition", Edition), row.text("to_code"))
        if here not in rows:
            raise row.bad("from_code", "is no level of that edition")
        if there not in rows:
            raise row.bad("to_code", "is no level of that edition")
        found.append(Crossing(here=here, there=there, lossy=row.flag("lossy"), verified=_verified(row)))
    return tuple(found)


@cache
def adolescent_hours() -> Mapping[LevelKey, tuple[int, bool]]:
    """Return the least hours of an adolescent's week, and whether that is verified, of the levels that have a floor."""
    rows = packaged_rows(_PACKAGE, "adolescent_hours.csv", ("edition", "code", "hours_least", "source", "status"))
    known = level_table().rows
    found: dict[LevelKey, tuple[int, bool]] = {}
    for row in rows:
        least = row.whole("hours_least")
        if least is None or _level_key(row) not in known:
            raise row.bad("hours_least", "is empty, or its level is not in the level table")
        found[_level_key(row)] = (least, _verified(row))
    return found


@cache
def transition_rules() -> tuple[TransitionRule, ...]:
    """Return the checked transition rules in the order of the table."""
    columns = (
        *("rule_id", "direction", "kind", "from_codes", "to_codes", "gap_days", "limit_days"),
        *("may_overlap", "overlap_days", "source", "status"),
    )
    rows = packaged_rows(_PACKAGE, "transition_rules.csv", columns)
    return tuple(indexed(rows, "rule_id", lambda row: (row.text("rule_id"), transition_rule(row))).values())


def transition_rule(row: Row) -> TransitionRule:
    """Return one line of the transition rules; its patterns must name levels of the level table."""
    gap, limit = row.whole("gap_days"), row.whole("limit_days")
    if gap is not None and limit is not None and gap > limit:
        raise row.bad("limit_days", "is below gap_days")
    is_move = row.flag("kind", yes="move", no="event")
    patterns = {column: frozenset(_pattern(row, column)) for column in ("from_codes", "to_codes")}
    if is_move and not all(patterns.values()):
        raise row.bad("from_codes", "or to_codes is empty, and a move needs both")
    return TransitionRule(
        rule_id=row.text("rule_id"),
        from_levels=patterns["from_codes"],
        to_levels=patterns["to_codes"],
        direction=row.text("direction"),
        expected_max_gap_days=gap,
        outer_limit_days=limit,
        concurrent_allowed=row.flag("may_overlap"),
        verified=_verified(row),
        is_move=is_move,
        overlap_days=row.whole("overlap_days"),
    )


@cache
def level_systems() -> Mapping[str, Edition]:
    """Return the canonical code systems and the edition of each."""
    rows = packaged_rows(_PACKAGE, "level_systems.csv", ("system", "edition"))
    return {row.text("system"): row.member("edition", Edition) for row in rows}


@cache
def level_places() -> tuple[Place, ...]:
    """Return the elements that may carry a level by its canonical code."""
    return tuple(place_of_level(row) for row in packaged_rows(_PACKAGE, "level_places.csv", ("type", "path", "role")))


def place_of_level(row: Row) -> Place:
    """Return one line of a table of elements that may carry a level."""
    return Place(type=row.text("type"), path=tuple(row.text("path").split(".")), role=row.member("role", Role))


def _level_key(row: Row) -> LevelKey:
    return row.member("edition", Edition), row.text("code")


def _crosswalk() -> Iterable[Row]:
    columns = ("from_edition", "from_code", "to_edition", "to_code", "lossy", "status")
    return packaged_rows(_PACKAGE, "level_crosswalk.csv", columns)


def _pattern(row: Row, column: str) -> Iterable[str]:
    known = level_table().rows
    for word in row.words(column):
        edition, _, code = word.partition(":")
        if word != _ANY and not any(key[0].value == edition and key[1] == code for key in known):
            raise row.bad(column, "names a level that the level table does not have")
        yield word


def _verified(row: Row) -> bool:
    return row.flag("status", yes="verified", no="unverified")
