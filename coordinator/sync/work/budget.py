"""How many requests an EHR may get from all of us together: by minute, by day, and by hour at some hours of the day.

Not every EHR says 429, and one that does has been bothered already. A budget is kept in rows that all workers share,
and taken in small allotments, so that few requests need a look into the database and no two processes count apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from coordinator.clock import Clock
from coordinator.errors import InvalidInput
from coordinator.fhir import Json
from coordinator.sync.ports import Store
from coordinator.sync.work.records import Span

_HOURS = re.compile(r"([01]\d|2[0-4])-([01]\d|2[0-4])")
_MOST_AT_ONCE = 10
_PARTS = 20  # an allotment is at most such a part of the smallest limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The limits of one EHR; `hours` are (from, to, most in an hour), by the clock of the tenant's zone."""

    minute: int | None = None
    day: int | None = None
    hours: tuple[tuple[int, int, int], ...] = ()

    def spans(self, now: datetime, zone: tzinfo) -> list[Span]:
        """Return the spans of time that count now, each with its limit, in one order."""
        local = now.astimezone(zone)
        hour = local.replace(minute=0, second=0, microsecond=0)
        found: list[Span] = []
        if self.day is not None:
            midnight = hour.replace(hour=0)
            found.append(Span(name="day", start=midnight, end=midnight + timedelta(days=1), most=self.day))
        limits = [most for first, last, most in self.hours if _is_within(local.hour, first, last)]
        if limits:
            found.append(Span(name="hour", start=hour, end=hour + timedelta(hours=1), most=min(limits)))
        if self.minute is not None:
            start = local.replace(second=0, microsecond=0)
            found.append(Span(name="minute", start=start, end=start + timedelta(minutes=1), most=self.minute))
        return found


def read_budget(told: Json) -> Budget | None:
    """Return a connection's `options["budget"]`, such as {"minute": 250, "hours": {"08-18": 100}}; None for none.

    Raises InvalidInput for one that can't be read: it would else not be kept.
    """
    if told is None:
        return None
    if not isinstance(told, dict) or told.keys() - {"minute", "day", "hours"}:
        raise _bad()
    hours = told.get("hours", {})
    if not isinstance(hours, dict):
        raise _bad()
    return Budget(minute=_most(told.get("minute")), day=_most(told.get("day")), hours=tuple(map(_hours, hours.items())))


class Allowance:
    """Hands out the budget of one EHR to one process, request by request."""

    def __init__(self, store: Store, ehr: str, budget: Budget, *, clock: Clock, zone: tzinfo) -> None:
        self._store, self._ehr, self._budget, self._clock, self._zone = store, ehr, budget, clock, zone
        self._left = 0
        self._until: datetime | None = None

    async def __call__(self) -> float:
        """Return 0 where a request may go now, which counts it; else in how many seconds to ask again."""
        now = self._clock.now()
        if self._until is None or now >= self._until:
            self._left = 0  # what was taken for a minute is not used in another
        if self._left == 0:
            wait = await self._draw(now)
            if wait > 0:
                return wait
        self._left -= 1
        return 0.0

    async def _draw(self, now: datetime) -> float:
        spans = self._budget.spans(now, self._zone)
        if not spans:
            self._left, self._until = 1, now
            return 0.0
        most = max(1, min(_MOST_AT_ONCE, min(one.most for one in spans) // _PARTS))
        async with self._store.transaction() as tx:
            granted, empty = await tx.budgets.draw(self._ehr, spans, most=most)
        self._left, self._until = granted, min(one.end for one in spans)
        return 0.0 if granted else max(0.1, (max(one.end for one in empty) - now).total_seconds())


def _hours(item: tuple[str, Json]) -> tuple[int, int, int]:
    match = _HOURS.fullmatch(item[0])
    most = _most(item[1])
    if match is None or most is None:
        raise _bad()
    return int(match[1]), int(match[2]), most


def _most(told: Json) -> int | None:
    if told is None:
        return None
    text = str(told)
    if isinstance(told, bool) or not text.isdecimal() or int(text) < 1:
        raise _bad()
    return int(text)


def _is_within(hour: int, first: int, last: int) -> bool:
    return first <= hour < last if first <= last else hour >= first or hour < last


def _bad() -> InvalidInput:
    return InvalidInput(
        "This is no budget of requests.",
        operation="ehr add",
        hint="Give numbers from 1 for minute, day and hours, such as minute=250,day=20000,08-18=100.",
    )


def parse_budget(text: str) -> Mapping[str, Json]:
    """Return a budget as it was typed, `minute=250,day=20000,08-18=100`, the way a connection keeps it."""
    plain: dict[str, Json] = {}
    hours: dict[str, Json] = {}
    for part in text.split(","):
        name, _, most = part.strip().partition("=")
        kept = plain if name in {"minute", "day"} else hours
        if not most.isascii() or not most.isdecimal() or name in kept:
            raise _bad()
        kept[name] = int(most)
    told: dict[str, Json] = {**plain, **({"hours": hours} if hours else {})}
    read_budget(told)
    return told
