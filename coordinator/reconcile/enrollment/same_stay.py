"""Records of different EHRs that are one stay, joined without choosing between what they tell."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import is_support, may_run_beside, row_of, same_level
from coordinator.fhir import Interval
from coordinator.reconcile.enrollment.model import Stay


def merged(stays: Sequence[Stay], *, near: timedelta, beside: timedelta) -> list[Stay]:
    """Return the stays, those joined that several EHRs tell of one organization.

    Begun within `near` of each other they are one stay; so are two at the same level that certainly run at the same
    time and began within `beside`: nobody is in one program twice. Each is held against the latest stay at each level
    that every other EHR tells of, so that the time grows with the number of records alone.
    """
    joined: list[Stay] = []
    latest: dict[str, dict[tuple[str, Level], int]] = {}
    for stay in sorted(stays, key=lambda one: (one.start.first, one.key)):
        (told,) = stay.told
        known = latest.setdefault(stay.organization, {})
        others = {at for (ehr, _), at in known.items() if ehr != told.ehr}
        fitting = [at for at in others if _is_same(joined[at], stay, near=near, beside=beside)]
        if fitting:
            at = max(fitting, key=lambda one: (same_level(joined[one].level, stay.level), one))
            joined[at] = _joined(joined[at], stay)
        else:
            at = len(joined)
            joined.append(stay)
        known[told.ehr, told.level] = at
    return joined


def _is_same(one: Stay, other: Stay, *, near: timedelta, beside: timedelta) -> bool:
    """Tell whether a stay that began no earlier, told by another EHR, is the same stay."""
    if {told.ehr for told in one.told} & {told.ehr for told in other.told}:
        return False
    is_near = other.start.first - one.start.last <= near
    if same_level(one.level, other.level):
        return is_near or (_certainly_beside(one, other) and other.start.first - one.start.last <= beside)
    return is_near and _exclude_each_other(one.level, other.level) and _end_alike(one, other, near)


def _certainly_beside(one: Stay, other: Stay) -> bool:
    return one.end is None or one.end.first >= other.start.last


def _exclude_each_other(one: Level, other: Level) -> bool:
    """Tell whether one program can't give both levels to a person at once; housing and dosing run beside others."""
    if row_of(one) is None or row_of(other) is None or is_support(one) or is_support(other):
        return False
    return may_run_beside(one, other) is None


def _end_alike(one: Stay, other: Stay, near: timedelta) -> bool:
    if one.end is None or other.end is None:
        return one.end is other.end
    return one.end.first <= other.end.last + near and other.end.first <= one.end.last + near


def _joined(one: Stay, other: Stay) -> Stay:
    """Return the stay that two records tell, at the level of the one that began first; `told` keeps who differs."""
    differs = not same_level(one.level, other.level)
    return replace(
        one,
        start=_joined_start(one, other),
        end=_both(one.end, other.end) if one.end and other.end else one.end or other.end,
        ends=tuple(dict.fromkeys((*one.ends, *other.ends))),
        confirmed=one.confirmed or other.confirmed,
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence))),
        services=tuple(dict.fromkeys((*one.services, *other.services))),
        rules=tuple(dict.fromkeys((*one.rules, *other.rules, "ST-07" if differs else "ST-03"))),
        told=(*one.told, *other.told),
    )


def _joined_start(one: Stay, other: Stay) -> Interval:
    """Return the start that records tell; contacts alone show one only where no record tells it."""
    told = [stay.start for stay in (one, other) if any(each.start for each in stay.told)]
    return _both(*told) if len(told) == 2 else told[0] if told else one.start


def _both(one: Interval, other: Interval) -> Interval:
    """Return the days that both allow; where they can't both be right, all that were told."""
    if one.overlaps(other):
        return Interval(first=max(one.first, other.first), last=min(one.last, other.last))
    return Interval(first=min(one.first, other.first), last=max(one.last, other.last))
