"""Stays that only weak evidence shows: bills and requests that tell of care where no better record shows any."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta

from coordinator.care.level_of_care.model import Role
from coordinator.care.level_of_care.rules import row_of
from coordinator.fhir import Interval
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.level_of_care.stated import Statement, first_and_last
from coordinator.reconcile.model import Policy
from coordinator.reconcile.rules import limit

_Spans = tuple[list[date], list[date]]  # first and last days of stretches that lie apart, in order


def possible_stays(
    chart: Chart, statements: Sequence[Statement], stays: Sequence[Stay], *, policy: Policy, as_of: date
) -> tuple[Stay, ...]:
    """Return stays of no known status where bills or requests tell of provided care and the organization shows no stay.

    They stand in the account as possible: they end no other stay, make no transition and collide with none. One bill
    may have lines of several stays, so its level and first day are in the key.
    """
    near = timedelta(days=int(limit("same_stay_days", policy.options)))
    apart = timedelta(days=int(limit("possible_stay_gap_days", policy.options)))
    shown = _shown(stays, near)
    groups: dict[tuple[str, str], list[tuple[Interval, Statement]]] = {}
    for days, one in _weak(chart, statements):
        if days.first <= as_of and not _lies_in(days, shown.get(one.organization)):
            key = (one.organization, f"{one.level.edition} {one.level.code}")
            groups.setdefault(key, []).append((days, one))
    bills = {one.ref for one in chart.bills}
    return tuple(_possible(run, bills) for key in sorted(groups) for run in _runs(groups[key], apart))


def _weak(chart: Chart, statements: Iterable[Statement]) -> Iterable[tuple[Interval, Statement]]:
    """Yield what tells of provided care and is no record of a stay: bills, contacts that were billed, and requests."""
    billing = {seen.ref for seen in chart.attended} | {seen.ref for seen in chart.bills}
    for one in statements:
        tells = one.ref in billing if one.billed else one.evidence.document.type == "ServiceRequest"
        if tells and one.level.role is Role.PROVIDED and one.start is not None and row_of(one.level) is not None:
            yield one.start, one


def _shown(stays: Sequence[Stay], near: timedelta) -> Mapping[str, _Spans]:
    """Return the days on which stays of each organization are shown, with some days of grace on either side."""
    shown: dict[str, _Spans] = {}
    for stay in sorted(stays, key=lambda one: one.start.first):
        firsts, lasts = shown.setdefault(stay.organization, ([], []))
        first, last = stay.start.first - near, stay.end.last + near if stay.end else date.max
        if lasts and first <= lasts[-1]:
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)
    return shown


def _lies_in(days: Interval, spans: _Spans | None) -> bool:
    if spans is None:
        return False
    firsts, lasts = spans
    at = bisect_right(firsts, days.last) - 1
    return at >= 0 and lasts[at] >= days.first


def _runs(told: Iterable[tuple[Interval, Statement]], apart: timedelta) -> list[list[tuple[Interval, Statement]]]:
    """Cut what one organization tells of one level where more days lie between than a stay is silent for."""
    runs: list[list[tuple[Interval, Statement]]] = []
    for pair in sorted(told, key=lambda one: (one[0].first, one[1].ref)):
        if runs and pair[0].first - runs[-1][-1][0].last <= apart:
            runs[-1].append(pair)
        else:
            runs.append([pair])
    return runs


def _possible(run: Sequence[tuple[Interval, Statement]], bills: AbstractSet[str]) -> Stay:
    start, first = run[0]
    return Stay(
        key=f"{first.evidence.place}:{first.level.code}:{start.first}" if first.ref in bills else first.evidence.place,
        level=first.level,
        organization=first.organization,
        start=start,
        end=None,
        ends=(),
        confirmed=False,
        status="unknown",
        evidence=first_and_last([one for _, one in run]),
        services=(),
        rules=tuple(dict.fromkeys(("ST-06", *first.rules))),
        possible=True,
    )
