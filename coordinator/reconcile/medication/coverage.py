"""Which days a person has supply in hand or had a dose: early refills carried over up to a cap, hospital days bridged.

Coverage says what was there to take, not that it was taken. It never exceeds what was supplied and given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from coordinator.care.medication.model import Dose, Proof
from coordinator.care.session.model import EncounterRecord
from coordinator.fhir import Interval, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.medication.model import Received, Take
from coordinator.reconcile.model import Policy
from coordinator.reconcile.rules import limit

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HospitalDays:
    """Days on which the person certainly was an inpatient, by an EHR's record of it."""

    ehr: str
    days: Interval
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The days covered, the days without between them and after them, and those of them that a hospital bridged."""

    covered: tuple[Interval, ...]
    gaps: tuple[Interval, ...]
    after: tuple[Interval, ...]
    bridged: tuple[Interval, ...]
    bridging: tuple[str, ...]


def coverage_of(takes: Sequence[Take], hospital: Sequence[HospitalDays], *, policy: Policy, as_of: date) -> Coverage:
    """Return the coverage of a course. Days in a hospital that is none of the course's own sources are no gap."""
    received = [one for one in takes if isinstance(one, Received)]
    refilled = _refilled(received, int(limit("carry_over_days", policy.options)))
    covered = joined([*(one.covers for one in received), *refilled])
    between, since = between_of(covered), _since(covered, as_of)
    sources = {one.seen.ehr for one in takes}
    elsewhere = [one for one in hospital if one.ehr not in sources]
    inpatient = joined(one.days for one in elsewhere)
    bridged = common((*between, *since), inpatient)
    return Coverage(
        covered=covered,
        gaps=without(between, inpatient),
        after=without(since, inpatient),
        bridged=bridged,
        bridging=tuple(one.ref for one in elsewhere if common(bridged, (one.days,))),
    )


def _since(covered: Sequence[Interval], as_of: date) -> tuple[Interval, ...]:
    """Return the days after the last one covered until today."""
    if not covered or covered[-1].last >= as_of:
        return ()
    return (Interval(first=covered[-1].last + _DAY, last=as_of),)


def hospital_days(chart: Chart, policy: Policy, as_of: date) -> tuple[HospitalDays, ...]:
    """Return the inpatient days that are certain: a stay without an end is known for its first day, or until today."""
    return tuple(
        HospitalDays(ehr=seen.ehr, days=days, ref=seen.ref)
        for seen in chart.overnight
        if (start := seen.record.start) is not None
        if (days := _certain_days(start, seen.record, policy, as_of)) is not None
    )


def _certain_days(start: str, record: EncounterRecord, policy: Policy, as_of: date) -> Interval | None:
    begun = day_of(start, policy.zone).last
    so_far = as_of if record.status == "in-progress" else begun
    over = day_of(record.end, policy.zone).first if record.end else so_far
    return Interval(first=begun, last=over) if begun <= over else None


# ---- supply ----------------------------------------------------------------------------------------------------------
def _refilled(received: Iterable[Received], cap: int) -> list[Interval]:
    """Return the days of supplies; an early refill carries over what is left of the supply before, at most the cap.

    Carried over is only what is the same: product, dose, and EHR. Another product is a change of dose or an addition
    to it, and another EHR may tell of the same supply again. A depot given early adds none of what was left.
    """
    chains: dict[tuple[str, str, Dose | None], dict[date, int]] = {}
    for one in received:
        if one.proof is not Proof.SUPPLY or one.product.interval_days is not None:
            continue
        chain = chains.setdefault((one.seen.ehr, one.product.code, one.supplied), {})
        days = (one.covers.last - one.covers.first).days + 1
        chain[one.covers.first] = max(days, chain.get(one.covers.first, days))
    return [interval for chain in chains.values() for interval in _carried(chain, cap)]


def _carried(chain: dict[date, int], cap: int) -> list[Interval]:
    """Return the days of supplies by the day they were handed over; two of one day are one supply told twice."""
    found: list[Interval] = []
    for first, days in sorted(chain.items()):
        end = found[-1].last if found else first - _DAY
        left = max(0, (end - first).days + 1)
        last = first + timedelta(days=days + min(left, cap)) - _DAY
        found.append(Interval(first=first, last=max(last, end)))
    return found


# ---- sets of days ----------------------------------------------------------------------------------------------------
def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return days as stretches in order, joined where they touch."""
    found: list[Interval] = []
    for one in sorted(intervals, key=lambda each: (each.first, each.last)):
        if found and one.first <= found[-1].last + _DAY:
            found[-1] = Interval(first=found[-1].first, last=max(found[-1].last, one.last))
        else:
            found.append(one)
    return tuple(found)


def between_of(stretches: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return what lies between stretches that are joined."""
    return tuple(Interval(first=one.last + _DAY, last=other.first - _DAY) for one, other in pairwise(stretches))


def common(some: Sequence[Interval], others: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return the days in both of two joined sequences."""
    found: list[Interval] = []
    left = right = 0
    while left < len(some) and right < len(others):
        one, other = some[left], others[right]
        if one.overlaps(other):
            found.append(Interval(first=max(one.first, other.first), last=min(one.last, other.last)))
        if one.last <= other.last:
            left += 1
        else:
            right += 1
    return tuple(found)


def without(some: Sequence[Interval], others: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return the days of the first of two joined sequences that are not in the second."""
    if not some:
        return ()
    least, most = some[0].first, some[-1].last
    outside = (Interval(first=one, last=one) for one in (least - _DAY, most + _DAY))
    return common(some, between_of(joined([*outside, *others])))


def length(intervals: Iterable[Interval]) -> int:
    """Return how many days there are in joined stretches."""
    return sum((one.last - one.first).days + 1 for one in intervals)
