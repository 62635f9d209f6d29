"""Questions about levels of care: how they rank, which are the same, which moves and overlaps are expected."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal

from coordinator.care.level_of_care.model import Edition, Level, LevelRow, TransitionRule
from coordinator.care.level_of_care.tables import Crossing, LevelKey, adolescent_hours, level_table, transition_rules

Direction = Literal["step-down", "step-up", "lateral"]

_OVERNIGHT = frozenset({"residential", "inpatient"})
_BY_DAY = "ambulatory"
_ANY = "*"
# Few levels stand in all records, and what the tables say of them is asked for each stay, night and week.
_remembered = lru_cache(maxsize=4_096)


@_remembered
def row_of(level: Level) -> LevelRow | None:
    """Return the row of a level, None where its edition has no such code.

    Where the edition is not known, only a code that means the same in the third and the fourth has a row.
    """
    if level.edition is None:
        return level_table().shared_row(level.code)
    return level_table().row(level.edition, level.code)


def as_third(level: Level) -> Level:
    """Return a level of the old roman form as the level of the third edition that it means; others as they are."""
    row = row_of(level)
    if row is None or row.edition is not Edition.PPC2R:
        return level
    here = (row.edition, row.code)
    crossing = next((found for found in level_table().crossings if found.here == here), None)
    return level if crossing is None else replace(level, edition=crossing.there[0], code=crossing.there[1])


def rank(level: Level) -> int | None:
    """Return where a level stands in intensity; None where it is not known, or is support and no treatment level."""
    row = row_of(level)
    return None if row is None else row.rank


def is_overnight(level: Level) -> bool:
    """Say whether care at this level includes the night; an unknown level does not say so."""
    row = row_of(level)
    return row is not None and row.setting in _OVERNIGHT


def hours_asked(level: Level, *, adolescent: bool) -> tuple[float, bool] | None:
    """Return the least hours of a week at a level without overnight care, and whether that number is verified.

    An adolescent has a floor of their own where the table has one. None where the level asks for no hours, or for care
    around the clock.
    """
    row = row_of(level)
    if row is None or row.hours_least is None or row.setting != "ambulatory":
        return None
    own = adolescent_hours().get((row.edition, row.code)) if adolescent else None
    return own or (row.hours_least, row.verified)


def is_support(level: Level) -> bool:
    """Say whether this is support beside treatment, such as a recovery residence, and no level of treatment."""
    row = row_of(level)
    return row is not None and row.setting == "support"


@_remembered
def same_level(a: Level, b: Level) -> bool:
    """Say whether two levels are one level of care, across editions by the crosswalk.

    A level of unknown edition is the same as none, unless its code means the same in both: 1 of the third edition is
    outpatient care, 1.0 of the fourth is remission monitoring. Roles are not compared.
    """
    one, other = _key(a), _key(b)
    if one is None or other is None:
        return False
    return one == other or level_table().crossing(one, other) is not None


def counterparts(level: Level) -> tuple[LevelKey, ...]:
    """Return the levels of the other edition that a level may stand for, by the crosswalk; none where it has no row."""
    key = _key(level)
    return () if key is None else level_table().counterparts(key)


def is_lossy(a: Level, b: Level) -> bool:
    """Say whether calling two levels the same loses something: their editions draw the line in different places."""
    crossing = _crossing(a, b)
    return crossing is not None and crossing.lossy


@_remembered
def direction(a: Level, b: Level) -> Direction | None:
    """Return which way a move from one level to another goes; None where a level or its edition is not known."""
    if same_level(a, b):
        return "lateral"
    before, after = rank(a), rank(b)
    if before is None or after is None:
        return None
    if before == after:
        return "lateral"
    return "step-down" if after < before else "step-up"


@_remembered
def rule_for(a: Level, b: Level) -> TransitionRule | None:
    """Return the rule of the table that speaks of a move from one level to another most closely."""
    before, after = _word(a), _word(b)
    if before is None or after is None:
        return None
    fitting = [rule for rule in transition_rules() if rule.is_move and _fits(rule, before, after)]
    return min(fitting, key=_breadth, default=None)


@_remembered
def event_rule(word: str, a: Level, b: Level) -> TransitionRule | None:
    """Return the rule about an event that is no move between levels, such as a readmission, at these levels."""
    before, after = _word(a), _word(b)
    if before is None or after is None:
        return None
    rules = [rule for rule in transition_rules() if not rule.is_move and rule.direction == word]
    return next((rule for rule in rules if _fits(rule, before, after)), None)


@_remembered
def rule_at(word: str, level: Level) -> TransitionRule | None:
    """Return the rule about an event at one level, such as a leave."""
    key = _word(level)
    rules = [rule for rule in transition_rules() if not rule.is_move and rule.direction == word]
    return next((rule for rule in rules if key in rule.from_levels), None)


def asks_for_hours(level: Level) -> bool:
    """Say whether a person comes to this level by day for hours that it asks for each week, such as an IOP."""
    row = row_of(level)
    return row is not None and row.setting == _BY_DAY and row.hours_least is not None


@_remembered
def may_run_beside(a: Level, b: Level) -> TransitionRule | None:
    """Return the rule that lets two levels run at the same time, whichever began first.

    A level beside any other (OTP dosing) is never that level twice: two OTPs at once are a conflict, 42 CFR 2.34.
    """
    one, other = _word(a), _word(b)
    if one is None or other is None:
        return None
    fitting = [
        rule
        for rule in transition_rules()
        if rule.is_move and rule.concurrent_allowed and (_fits(rule, one, other) or _fits(rule, other, one))
    ]
    return min(fitting, key=_breadth, default=None)


def _fits(rule: TransitionRule, before: str, after: str) -> bool:
    if after not in rule.to_levels:
        return False
    if _ANY in rule.from_levels:
        return before not in rule.to_levels
    return before in rule.from_levels


def _breadth(rule: TransitionRule) -> tuple[bool, int]:
    """Order rules from the narrowest to the widest; min keeps the first of the table among equals."""
    return _ANY in rule.from_levels, len(rule.from_levels) * len(rule.to_levels)


def _key(level: Level) -> LevelKey | None:
    row = row_of(as_third(level))
    return None if row is None else (row.edition, row.code)


def _word(level: Level) -> str | None:
    key = _key(level)
    return None if key is None else f"{key[0].value}:{key[1]}"


def _crossing(a: Level, b: Level) -> Crossing | None:
    one, other = _key(a), _key(b)
    return None if one is None or other is None else level_table().crossing(one, other)
