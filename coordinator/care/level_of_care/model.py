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

    def __hash__(self) -> int:
        """Return the hash of the code alone: few levels share one, and tables are asked by levels all the time."""
        return hash(self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """A row of the level table. `rank` orders intensity; a level with overnight care is residential or inpatient.

    Hours are those of an adult's week; a code without a floor or a ceiling has None. `setting` is `ambulatory`,
    `residential`, `inpatient`, `support` (housing beside treatment) or `modifier` (a suffix on a level, such as COE).
    """

    edition: Edition
    code: str
    name: str
    rank: int | None
    setting: str
    hours_least: float | None
    hours_most: float | None
    verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRule:
    """A row of the transition rules, with its level patterns read. Gaps are in days.

    A pattern is `EDITION:CODE`, or `*` for any level. `is_move` is false for rules about events (a leave, a
    certification), which two levels alone do not show. `overlap_days` is how long both may run during a handover,
    None without a limit.
    """

    rule_id: str
    from_levels: frozenset[str]
    to_levels: frozenset[str]
    direction: str
    expected_max_gap_days: int | None
    outer_limit_days: int | None
    concurrent_allowed: bool
    verified: bool
    is_move: bool = True
    overlap_days: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLevel:
    """A level found in a record: whose it is, where a mapping row tells, and the path of the element that states it."""

    level: Level
    organization: str | None
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """A row of a connection's mapping table: what a value at a path of a type means, where codes alone do not tell."""

    type: str
    path: tuple[str, ...]
    system: str | None
    value: str
    concept: str
    edition: Edition | None
    code: str
    role: Role
    organization: str | None
