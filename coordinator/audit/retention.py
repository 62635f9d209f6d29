"""How long events are kept, and what a prune takes: the body and columns of an event go, its hash stays in the tree.

    kept ──as long as a law asks (the table beside), or longer──► may go ──prune, unless held──► its hash alone

A prune is an event itself, kept before anything goes, and names the places: `verify` holds each gap against it. Events
of prunes and holds stay for ever.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from coordinator.audit.event import Happening
from coordinator.care.csv_table import packaged_rows
from coordinator.fhir import Json, parse

_YEAR: Final = timedelta(days=366)  # never a day less than a year
STAYS: Final = frozenset({"prune", "hold", "release-hold"})
_EACH: Final = 500  # how many ranges of places one event names


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold: until it is released nothing of a person, or nothing at all, is pruned."""

    name: str
    person: str | None
    reason: str
    actor: str
    since: datetime


def least_years(kind: str) -> int:
    """Return for how many years the law asks to keep an event of a kind."""
    return max(years for kinds, years in _rules() if "*" in kinds or kind in kinds)


def prunable_before(now: datetime, *, kept_years: int = 0) -> datetime:
    """Return the instant before which an event of whatever kind may go; a tenant may keep longer, never shorter."""
    longest = max(years for _, years in _rules())
    return now - max(longest, kept_years) * _YEAR


def ranges_of(places: Iterable[int]) -> list[tuple[int, int]]:
    """Return places as ranges, (first, last)."""
    found: list[tuple[int, int]] = []
    for place in sorted(places):
        if found and found[-1][1] == place - 1:
            found[-1] = found[-1][0], place
        else:
            found.append((place, place))
    return found


def prune_of(ranges: Sequence[tuple[int, int]], *, actor: str, now: datetime) -> Happening:
    """Return what is logged before events go."""
    places = tuple(("places", f"{first}-{last}") for first, last in ranges)
    return Happening(kind="prune", at=now, actor=actor, subject="audit log", details=places)


def in_parts(ranges: Sequence[tuple[int, int]]) -> list[Sequence[tuple[int, int]]]:
    """Return ranges in parts of which one event can tell."""
    return [ranges[at : at + _EACH] for at in range(0, len(ranges), _EACH)]


def hold_of(hold: Hold, *, is_end: bool, actor: str, now: datetime) -> Happening:
    """Return what is logged of a hold, or of its end."""
    kind = "release-hold" if is_end else "hold"
    told = (("name", hold.name), ("reason", hold.reason))
    return Happening(kind=kind, at=now, actor=actor, subject=f"hold {hold.name}", person=hold.person, details=told)


def held_persons(holds: Collection[Hold]) -> tuple[str, ...] | None:
    """Return whose events stay; None where all do."""
    persons = {one.person for one in holds}
    return None if None in persons else tuple(sorted(one for one in persons if one is not None))


def holds_json(holds: Iterable[Hold]) -> list[Json]:
    """Return holds as they are kept among the settings of a tenant."""
    return [
        {
            "name": one.name,
            "person": one.person,
            "reason": one.reason,
            "actor": one.actor,
            "since": one.since.isoformat(),
        }
        for one in holds
    ]


def read_holds(value: Json) -> list[Hold]:
    """Return the holds that are kept."""
    return [
        Hold(
            name=str(one["name"]),
            person=None if one["person"] is None else str(one["person"]),
            reason=str(one["reason"]),
            actor=str(one["actor"]),
            since=datetime.fromisoformat(str(one["since"])),
        )
        for one in (value if isinstance(value, list) else [])
        if isinstance(one, dict)
    ]


def pruned_places(body: bytes) -> set[tuple[int, int]]:
    """Return the places, (first, last), whose events a prune took, as its own event tells."""
    event = parse(body)
    entities = event.get("entity") if isinstance(event, dict) else None
    found: set[tuple[int, int]] = set()
    for one in entities if isinstance(entities, list) else ():
        details = one.get("detail") if isinstance(one, dict) else None
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, dict) and detail.get("type") == "places":
                first, _, last = str(detail.get("valueString")).partition("-")
                found.add((int(first), int(last)))
    return found


@cache
def _rules() -> tuple[tuple[frozenset[str], int], ...]:
    rows = packaged_rows("coordinator.audit", "retention.csv", ("kinds", "years", "about", "source"))
    return tuple((frozenset(row.words("kinds")), int(row.text("years"))) for row in rows)
