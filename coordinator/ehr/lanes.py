"""Fast lanes: what changed since a moment of the EHR's own time, where the EHR offers to say so.

A lane is never more than a shortcut between two full compares, which check it: EHRs were seen to ignore the parameter,
to count only some changes, and to tell the day alone.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final

from coordinator.care.csv_table import packaged_rows
from coordinator.ehr.capability import Statement
from coordinator.ehr.exchange import Base
from coordinator.ehr.strategy import Pulling, Site, strategy, vendor
from coordinator.sync.ways import FastLane

LAST_UPDATED: Final = "last-updated"
HISTORY: Final = "history"
SYSTEM_HISTORY: Final = "history-system"
_HISTORIES: Final = ((HISTORY, "history-type"), (SYSTEM_HISTORY, "history-system"))
A_DAY: Final = timedelta(days=1)
USUAL_HOURS: Final = 24.0
LONG: Final = timedelta(hours=12)  # what changed in a longer time is asked for in parts, side by side
MOST_WINDOWS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A lane of a type, or in `reason` why there is none; `overlap` is how far each walk goes back before the mark."""

    way: str = ""
    reason: str = ""
    overlap: timedelta = timedelta()


def offered(statement: Statement, type_: str, site: Site) -> Offer:
    """Return the lane that a type has: history, which shows deletions, before `_lastUpdated`.

    The history of all types together is asked where a type has none of its own.
    """
    if full_every(site) <= timedelta():
        return Offer(reason="each pull is a full compare, as the operator asked")
    facts = statement.of(type_)
    pulling = strategy(statement, type_, site).pulling
    if pulling not in (Pulling.ALL, Pulling.PER_PATIENT):
        return Offer(reason="the type is not searched")
    if pulling is Pulling.PER_PATIENT and (type_ == "Patient" or not site.roster.startswith("file:")):
        return Offer(reason="who is new among the patients must be asked for whole")
    if type_ == "Patient" and site.needs_patient:
        return Offer(reason="the list of patients is needed whole for other types")
    histories = [*facts.interactions, *statement.system_interactions]
    said = [_rule(vendor(statement), type_, way) for way in _ways(histories, facts.search_params, pulling)]
    return next((one for one in said if one.way), said[0] if said else Offer(reason="the EHR declares none"))


def _ways(interactions: Collection[str], parameters: frozenset[str], pulling: Pulling) -> list[str]:
    """Return the ways that an EHR declares; a history is of everybody, as no roster may bound it."""
    declared = [way for way, code in _HISTORIES if code in interactions and pulling is Pulling.ALL]
    ways = declared[:1]
    return [*ways, LAST_UPDATED] if "_lastUpdated" in parameters else ways


def fast_lane(
    statement: Statement, type_: str, site: Site, *, base: Base, patients: tuple[str, ...]
) -> FastLane | None:
    """Return the lane of a type as those who use it see it, None where there is none."""
    offer = offered(statement, type_, site)
    if not offer.way:
        return None
    way = strategy(statement, type_, site)
    told = repr((offer.way, base.url, way.pulling.value, way.queries, sorted(patients)))
    return FastLane(way=offer.way, basis=hashlib.sha256(told.encode()).hexdigest()[:16], full_every=full_every(site))


def full_every(site: Site) -> timedelta:
    """Return after how long a full compare is due; the operator may tell hours, and 0 for no lane at all."""
    told = (site.options or {}).get("full_every_hours")
    try:
        hours = float(str(told)) if told is not None else USUAL_HOURS
    except ValueError:
        hours = USUAL_HOURS
    return timedelta(hours=max(0.0, min(hours, 24 * 31)))


def mark_of(newest: datetime, overlap: timedelta, *, days_alone: bool) -> datetime:
    """Return from where the next walk begins: at least a day back where the EHR tells no more than the day."""
    return newest.astimezone(UTC) - (max(overlap, A_DAY) if days_alone else overlap)


def windows(mark: datetime, now: datetime, overlap: timedelta) -> list[tuple[datetime, datetime | None]]:
    """Return the time since a mark in parts that are walked side by side, each to a little beyond the next's beginning.

    The last has no end: our clock says how long it was, and never what is asked for.
    """
    count = max(1, min(MOST_WINDOWS, int((now - mark) / LONG)))
    starts = [mark + (now - mark) / count * number for number in range(count)]
    return [*((one, other + overlap) for one, other in pairwise(starts)), (starts[-1], None)]


def since_text(mark: datetime) -> str:
    """Return a mark as it is asked for: UTC, to the second, so that no offset has a `+` to be lost in an address."""
    return mark.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rule(vendor_: str, type_: str, way: str) -> Offer:
    for key in ((vendor_, type_), (vendor_, "*"), ("*", type_), ("*", "*")):
        if (found := _rules().get((*key, way))) is not None:
            return found
    return Offer(reason="the EHR declares none")


@cache
def _rules() -> dict[tuple[str, str, str], Offer]:
    columns = ["vendor", "type", "lane", "says", "overlap_minutes", "source"]
    found: dict[tuple[str, str, str], Offer] = {}
    for row in packaged_rows("coordinator.ehr", "lanes.csv", columns):
        lane = row.text("lane")
        if row.flag("says"):
            minutes = int(row.text("overlap_minutes"))
            offer = Offer(way=lane, reason=f"declared ({lane})", overlap=timedelta(minutes=minutes))
        else:
            offer = Offer(reason=f"{lane} is declared and can't be relied on: {row.text('source')}")
        found[row.text("vendor"), row.text("type"), lane] = offer
    return found
