"""A level of care: edition, code and role (only what is provided moves the timeline)."""

from dataclasses import dataclass
from enum import Enum


class Edition(Enum):
    """The edition of the ASAM criteria that gives a code its meaning."""

    THIRD = "3e"
    FOURTH = "4e"
    PPC2R = "ppc2r"


class Role(Enum):
    """In which role a level stands."""

    PROVIDED = "provided"
    INDICATED = "indicated"
    AUTHORIZED = "authorized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level as a record states it; an edition of None is not known and is never guessed."""

    edition: Edition | None
    code: str
    role: Role = Role.PROVIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """A row of the level table. `rank` orders intensity; a level with overnight care is residential or inpatient."""

    edition: Edition
    code: str
    name: str
    rank: int | None
    setting: str
    hours_least: float | None
    hours_most: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRule:
    """A row of the transition rules, with its level patterns read. Gaps are in days."""

    rule_id: str
    from_levels: frozenset[str]
    to_levels: frozenset[str]
    direction: str
    expected_max_gap_days: int | None
    outer_limit_days: int | None
    concurrent_allowed: bool
    verified: bool
