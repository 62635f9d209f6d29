"""Stays that collide: two primary levels, or two opioid treatment programs, at once.

Stays are swept in the order of time, so that only those that share days are compared.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from heapq import heappop, heappush
from itertools import count

from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import rule_for
from coordinator.fhir import Interval, Json
from coordinator.reconcile.enrollment import Service, Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding, Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.timeline.beside import OTP, compatible
from coordinator.reconcile.timeline.leaves import LEAVE

_Group = tuple[Level, str]  # level and organization


def collisions(stays: Sequence[Stay], as_of: date, *, policy: Policy) -> list[Finding]:
    """Return the findings of stays that certainly share more than a day of handover, or an hour of service."""
    handover = int(limit("handover_days", policy.options))
    found = (_collision(stay, other, as_of, handover=handover) for stay, other in _pairs(stays, as_of))
    return [one for one in found if one is not None]


def _pairs(stays: Sequence[Stay], as_of: date) -> Iterator[tuple[Stay, Stay]]:
    """Yield the pairs that share days and may not, each in the order of the stays."""
    spans = [(days.first, number, days.last) for number, stay in enumerate(stays) if (days := _span(stay, as_of))]
    running: dict[_Group, dict[int, Stay]] = {}
    ends: list[tuple[date, int, _Group]] = []
    for first, number, last in sorted(spans):
        while ends and ends[0][0] < first:
            _, gone, group = heappop(ends)
            del running[group][gone]
        stay = stays[number]
        for (level, _), held in running.items():
            if not compatible(level, stay.level):
                pairs = ((number, other) for other in held)
                yield from ((stays[min(pair)], stays[max(pair)]) for pair in pairs)
        running.setdefault((stay.level, stay.organization), {})[number] = stay
        heappush(ends, (last, number, (stay.level, stay.organization)))


def _span(stay: Stay, as_of: date) -> Interval | None:
    """Return the days from which a stay is looked at: those on which it certainly ran, and those of its services."""
    days = [one.day for one in stay.services]
    first, last = min([stay.start.last, *days]), max([stay.end.first if stay.end else as_of, *days])
    return Interval(first=first, last=last) if first <= last else None


def _collision(stay: Stay, other: Stay, as_of: date, *, handover: int) -> Finding | None:
    """Return what collides; in one organization only the days do: a contact there may be care of either stay."""
    about = f"{stay.key}+{other.key}"
    evidence = (*stay.evidence, *other.evidence)
    rule = rule_for(stay.level, other.level)
    moved = [rule.rule_id] if rule else []
    days, allowed = _shared(stay, other, as_of), max(handover, (rule.overlap_days or handover) if rule else handover)
    if stay.organization == other.organization:
        within: dict[str, Json] = {"calendar_days": days, "service_days": 0, "boundary": _boundary(stay, other)}
        found = finding("stay.overlap", about, facts=within, evidence=evidence).drawn_by("TL-18", *moved)
        return found if days > allowed else None
    shared = _service_days(stay.services, other.services)
    facts: dict[str, Json] = {"calendar_days": days, "service_days": shared, "boundary": _boundary(stay, other)}
    if stay.level.code == other.level.code == OTP:
        found = finding("otp.double-enrollment", about, facts=facts, evidence=evidence).drawn_by("TL-06")
        return found if days > handover else None
    doubles = _doubles(stay.services, other.services)
    if doubles:
        double: dict[str, Json] = {"service_days": shared}
        return finding("stay.double-service", about, facts=double, evidence=(*evidence, *doubles)).drawn_by("TL-05")
    if days <= allowed:
        return None
    found = finding("stay.overlap", about, facts=facts, evidence=evidence, urgency="urgent" if shared else "")
    return found.drawn_by("TL-04", *moved)


def _shared(stay: Stay, other: Stay, as_of: date) -> int:
    """Return the least number of days on which both certainly ran; days that may be a leave from either are none."""
    first = max(one.start.last for one in (stay, other))
    last = min(one.end.first if one.end else as_of for one in (stay, other))
    at, days = first, 0
    for begin, end in sorted(one for one in _away(stay, as_of) + _away(other, as_of) if one[0] <= last):
        days += max(0, (begin - at).days)
        at = max(at, date.fromordinal(end.toordinal() + 1))
    return days + max(0, (last - at).days + 1)


def _away(stay: Stay, as_of: date) -> list[tuple[date, date]]:
    """Return first and last day of each leave that records of the stay tell; it began after a day of care there."""
    told = [one for one in stay.pauses if one.why == LEAVE]
    return [(_gone_since(one.start, stay), one.end.last if one.end else max(as_of, one.start.last)) for one in told]


def _gone_since(start: Interval, stay: Stay) -> date:
    """Return the first day on which a leave may have begun: somebody who was seen had not left before that day."""
    seen = max((one.day for one in stay.services if start.first <= one.day <= start.last), default=None)
    return start.first if seen is None else min(date.fromordinal(seen.toordinal() + 1), start.last)


def _doubles(ones: Sequence[Service], others: Sequence[Service]) -> list[str]:
    """Return the citations of services of two places that share time."""
    found: list[str] = []
    mark = count()
    running: tuple[list[tuple[float, int, str]], list[tuple[float, int, str]]] = ([], [])
    for start, side, end, ref in sorted(_hours(ones, 0) + _hours(others, 1)):
        for held in running:
            while held and held[0][0] <= start:
                heappop(held)
        beside = running[1 - side]
        found += [each for _, _, each in beside]
        found += [ref] if beside else []
        heappush(running[side], (end, next(mark), ref))
    return found


def _hours(services: Sequence[Service], side: int) -> list[tuple[float, int, float, str]]:
    return [
        (one.start.timestamp(), side, one.end.timestamp(), one.ref)
        for one in services
        if one.start is not None and one.end is not None and one.start < one.end
    ]


def _service_days(ones: Sequence[Service], others: Sequence[Service]) -> int:
    return len({one.day for one in ones} & {one.day for one in others})


def _boundary(stay: Stay, other: Stay) -> Json:
    """Return the last day of service there and the first here, where the one lies before the other."""
    last, first = stay.last_service, min(other.services, key=lambda one: one.day, default=None)
    if last is None or first is None or last.day >= first.day:
        return None
    return [str(last.day), str(first.day)]
