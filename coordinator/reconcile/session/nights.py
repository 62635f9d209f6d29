"""Nights that a person spent elsewhere: in those days nobody can expect them at a program they come to by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import is_overnight, is_support, may_run_beside, row_of
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import is_away
from coordinator.fhir import Interval, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """A run of days with overnight care, by one organization at one level; None where no stay tells of which.

    `after_leave` says that the person had come back: the run before it ended with a leave, however short.
    """

    organization: str
    level: Level | None
    days: Interval
    evidence: tuple[str, ...]
    after_leave: bool = False

    def beside(self, level: Level) -> bool:
        """Say whether such care may run beside a level: housing with treatment by day is no absence."""
        if self.level is None:
            return False
        if row_of(self.level) is None:
            return True  # of a level that can't be read nobody can say that it keeps the person away
        return is_support(self.level) or may_run_beside(self.level, level) is not None


def nights_seen(chart: Chart, stays: Sequence[Stay], *, policy: Policy, as_of: date) -> tuple[Nights, ...]:
    """Return the runs of overnight care that contacts show, in order of time."""
    levels = {one.ref: stay.level for stay in stays for one in stay.services}
    return _runs(_of_contacts(chart, levels, policy, as_of))


def nights_told(stays: Sequence[Stay]) -> tuple[Nights, ...]:
    """Return the stays with overnight care, each up to its end, or to its last service where none is told."""
    return _runs(_of_stays(stays))


def _of_contacts(chart: Chart, levels: dict[str, Level], policy: Policy, as_of: date) -> Iterable[Nights]:
    for seen in chart.overnight:
        record, start = seen.record, seen.record.start or ""
        first = day_of(start, policy.zone).last
        open_end = as_of if record.status == "in-progress" else first
        last = day_of(record.end, policy.zone).first if record.end else open_end
        for days in _but_leaves(first, last, record, policy):
            yield Nights(
                organization=seen.evidence.organization,
                level=levels.get(seen.ref),
                days=days,
                evidence=(seen.ref,),
                after_leave=days.first > first,
            )


def _but_leaves(first: date, last: date, record: EncounterRecord, policy: Policy) -> Iterable[Interval]:
    """Yield the days without those that may be a leave: on them the person may have been anywhere."""
    away = [
        (day_of(one.start, policy.zone).first, day_of(one.end, policy.zone).last if one.end else last)
        for one in record.history
        if is_away(one) and one.start
    ]
    for begin, end in sorted(away):
        if first < begin:
            yield Interval(first=first, last=min(begin, last))
        first = max(first, end)
    if first <= last:
        yield Interval(first=first, last=last)


def _of_stays(stays: Sequence[Stay]) -> Iterable[Nights]:
    for stay in stays:
        last = stay.end.first if stay.end else max((one.day for one in stay.services), default=stay.start.last)
        if is_overnight(stay.level) and stay.start.last <= last:
            yield Nights(
                organization=stay.organization,
                level=stay.level,
                days=Interval(first=stay.start.last, last=last),
                evidence=stay.evidence,
            )


def _runs(nights: Iterable[Nights]) -> tuple[Nights, ...]:
    """Join what follows day on day at one place and level: an EHR may write an Encounter for each day of a stay."""
    runs: dict[tuple[str, str], list[Nights]] = {}
    for one in sorted(nights, key=lambda each: (each.days.first, each.days.last, each.evidence)):
        before = runs.setdefault((one.organization, str(one.level)), [])
        if before and not one.after_leave and one.days.first <= before[-1].days.last + timedelta(days=1):
            last = max(before[-1].days.last, one.days.last)
            evidence = (*before[-1].evidence, *one.evidence)
            days = Interval(first=before[-1].days.first, last=last)
            before[-1] = replace(before[-1], days=days, evidence=evidence)
        else:
            before.append(one)
    found = (one for run in runs.values() for one in run)
    return tuple(sorted(found, key=lambda one: (one.days.first, one.days.last, one.organization, one.evidence)))
