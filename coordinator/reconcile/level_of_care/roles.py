"""Levels in other roles than provided: what a payer authorized beside what was given, without contradiction."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from coordinator.care.level_of_care.model import Level, Role
from coordinator.care.level_of_care.rules import is_support, may_run_beside, row_of, same_level
from coordinator.fhir import Json
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.level_of_care.stated import Statement, level_json
from coordinator.reconcile.model import Finding, Policy
from coordinator.reconcile.rules import limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Days on which something certainly was so."""

    first: date
    last: date

    def shared(self, other: "_Span") -> int:
        """Return how many days both have; none is told by a number that is not above zero."""
        return (min(self.last, other.last) - max(self.first, other.first)).days + 1


def authorized_differs(
    statements: Sequence[Statement], stays: Sequence[Stay], policy: Policy, *, as_of: date
) -> list[Finding]:
    """Return a finding for each stay that certainly ran for long at another level than the one authorized then.

    Levels that may run side by side, such as housing beside treatment, say nothing of one another; a stay at the
    authorized level at the same time answers the question.
    """
    least = int(limit("authorized_differs_days", policy.options))
    asked = _authorized(statements, as_of)
    found = []
    for stay in stays:
        span = _ran(stay, as_of)
        if span is None or row_of(stay.level) is None:
            continue
        near = [pair for told in asked.values() for pair in _sharing(told, span) if pair[0].shared(span) >= least]
        other = [(days, one) for days, one in near if not _may_be_so(stay.level, one.level)]
        if other and not any(same_level(stay.level, one.level) for _, one in near):
            days, one = max(other, key=lambda pair: (pair[0].shared(span), pair[1].ref))
            found.append(_differing(stay, one, days.shared(span)))
    return found


def _sharing(told: Sequence[tuple[_Span, Statement]], span: _Span) -> Sequence[tuple[_Span, Statement]]:
    """Return those of one EHR's authorizations, which follow one another, that may share days with a span."""
    at = bisect_left(told, span.first, key=lambda pair: pair[0].last)
    return told[at : bisect_right(told, span.last, key=lambda pair: pair[0].first)]


def _authorized(statements: Sequence[Statement], as_of: date) -> dict[str, list[tuple[_Span, Statement]]]:
    """Return by EHR what was authorized with its certain days, in order: each holds at most until the next is told."""
    told = [(one.start, one) for one in statements if one.level.role is Role.AUTHORIZED and one.start]
    told.sort(key=lambda pair: (pair[0].first, pair[1].ref), reverse=True)
    following: dict[str, date] = {}
    spans: dict[str, list[tuple[_Span, Statement]]] = {}
    for start, one in told:
        ehr = one.evidence.ehr
        last = min(one.end.first if one.end else as_of, following.get(ehr, date.max) - timedelta(days=1), as_of)
        if start.last <= last:
            spans.setdefault(ehr, []).append((_Span(first=start.last, last=last), one))
        following[ehr] = start.first
    return {ehr: found[::-1] for ehr, found in spans.items()}


def _ran(stay: Stay, as_of: date) -> _Span | None:
    last = min(stay.end.first, as_of) if stay.end else as_of
    return _Span(first=stay.start.last, last=last) if stay.start.last <= last else None


def _may_be_so(provided: Level, authorized: Level) -> bool:
    """Say whether another level that is authorized asks nothing, as it can't be read or may be given beside."""
    if row_of(authorized) is None or is_support(provided) or is_support(authorized):
        return True
    return may_run_beside(provided, authorized) is not None


def _differing(stay: Stay, one: Statement, days: int) -> Finding:
    facts: dict[str, Json] = {"provided": level_json(stay.level), "authorized": level_json(one.level), "days": days}
    evidence = (*stay.evidence, one.ref)
    return finding("level.authorized-differs", stay.key, facts=facts, evidence=evidence).drawn_by("LV-07")
