"""Which stays can't be at the same time, found in the order of time instead of by comparing all with all."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from functools import cache

from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import may_run_beside, rank
from coordinator.reconcile.enrollment import Stay

OTP = "OTP"  # the level code of dosing at an opioid treatment program, which runs beside any other level


@cache
def compatible(one: Level, other: Level) -> bool:
    """Tell whether a person may be at both levels at once, or whether that can't be said for lack of a known level.

    Support and a suffix without its level, such as COE, have no rank: they exclude no treatment.
    """
    return rank(one) is None or rank(other) is None or may_run_beside(one, other) is not None


class Sequel:
    """Stays by level, each level in order of time: answers what came before and after a stay."""

    def __init__(self, stays: Sequence[Stay]) -> None:
        self._by_start: dict[Level, list[Stay]] = {}
        for stay in sorted(stays, key=_place):
            self._by_start.setdefault(stay.level, []).append(stay)
        self._starts = {level: [one.start.first for one in held] for level, held in self._by_start.items()}
        self._by_end = {level: _Ended(held) for level, held in self._by_start.items()}

    def after(self, stay: Stay) -> Stay | None:
        """Return the next stay that a person can't be in at the same time."""
        found: list[Stay] = []
        for level, starts in self._starts.items():
            at = bisect_right(starts, stay.start.first)
            if not compatible(stay.level, level) and at < len(starts):
                found.append(self._by_start[level][at])
        return min(found, key=_place, default=None)

    def before(self, stay: Stay) -> Stay | None:
        """Return the stay that gave way to this one: the latest before it that can't run beside it, or did not.

        Levels that may run side by side gave way where one ended as the other began; dosing at an OTP never does.
        """
        found = [one for level in self._starts if (one := self._before_at(level, stay)) is not None]
        return max(found, key=_place, default=None)

    def _before_at(self, level: Level, stay: Stay) -> Stay | None:
        if not compatible(level, stay.level):
            at = bisect_left(self._starts[level], stay.start.first)
            return self._by_start[level][at - 1] if at else None
        if OTP in (level.code, stay.level.code):
            return None
        return self._by_end[level].ended_by(stay.start.first)


class _Ended:
    """The stays of one level in order of their ends, with the latest start up to each.

    Stays of a single day stand last among those of one end: they began before no stay that begins on that day.
    """

    def __init__(self, stays: Sequence[Stay]) -> None:
        ended = sorted((pair for stay in stays if (pair := _ended(stay))), key=lambda pair: (pair[0], _place(pair[1])))
        self._ends = [end for end, _ in ended]
        self._latest: list[Stay] = []
        for _, stay in ended:
            self._latest.append(max(self._latest[-1], stay, key=_place) if self._latest else stay)

    def ended_by(self, day: date) -> Stay | None:
        """Return the stay of the latest start among those that began before a day and ended by it."""
        at = bisect_right(self._ends, (day, False))
        return self._latest[at - 1] if at else None


def _ended(stay: Stay) -> tuple[tuple[date, bool], Stay] | None:
    return None if stay.end is None else ((stay.end.last, stay.end.last == stay.start.first), stay)


def _place(stay: Stay) -> tuple[date, str]:
    return stay.start.first, stay.key
