"""Where the sources of one stay differ about its start or level: what a person decided, and what is still to ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from coordinator.care.level_of_care.rules import same_level
from coordinator.fhir import Json, PartialDate
from coordinator.reconcile.enrollment.model import Stay, Told, in_order
from coordinator.reconcile.findings import finding
from coordinator.reconcile.level_of_care.stated import level_json
from coordinator.reconcile.model import Decision, Finding

CODE = "stay.source-differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Stays with what people decided about their sources, and what is still open about them."""

    stays: tuple[Stay, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """One thing that sources of a stay may tell differently."""

    name: str
    facts: str
    value: Callable[[Told], dict[str, Json]]
    differs: Callable[[Sequence[Told]], bool]
    held: Callable[[Stay, Told], Stay]


def settled(stays: Sequence[Stay], decisions: Sequence[Decision]) -> Settled:
    """Return the stays with the accepted start and level; what no decision settles is a finding, its days uncertain."""
    chosen: dict[str, list[Decision]] = {}
    for one in decisions:
        if one.code == CODE:
            chosen.setdefault(one.key, []).append(one)
    held: list[Stay] = []
    findings: list[Finding] = []
    for stay in stays:
        now = stay
        for point in _POINTS:
            if point.differs(stay.told):
                now, found = _settle(now, point, chosen)
                findings += found
        held.append(now)
    return Settled(stays=in_order(held), findings=tuple(findings))


def _settle(stay: Stay, point: _Point, chosen: Mapping[str, Sequence[Decision]]) -> tuple[Stay, list[Finding]]:
    """Hold what was accepted last; it is asked anew once a source tells what nobody knew when deciding."""
    about = f"{stay.key}:{point.name}"
    made = [(one, told) for one in chosen.get(f"{CODE}:{about}", ()) if (told := _accepted(one, stay)) is not None]
    if not made:
        return stay, [_asked(stay, point, about)]
    decision, told = max(made, key=lambda pair: (pair[0].decided_at, pair[0].actor))
    now = replace(point.held(stay, told), rules=(*stay.rules, "ST-09"))
    known = decision.facts.get(point.facts)
    new = [one for one in _values(stay, point) if not isinstance(known, list) or one not in known]
    return now, [_asked(stay, point, about)] if new else []


def _accepted(decision: Decision, stay: Stay) -> Told | None:
    """Return what the accepted record tells now."""
    place = str(decision.value.get("accept")).partition("@")[0]
    return next((one for one in stay.told if one.place == place), None)


def _asked(stay: Stay, point: _Point, about: str) -> Finding:
    facts: dict[str, Json] = {point.facts: list[Json](_values(stay, point))}
    evidence = (*stay.evidence, *(one.ref for one in stay.told))
    return finding(CODE, about, facts=facts, evidence=evidence).drawn_by("ST-08")


def _values(stay: Stay, point: _Point) -> list[dict[str, Json]]:
    told = sorted(stay.told, key=lambda one: one.ref)
    return [{**point.value(one), "by": one.ehr, "record": one.place} for one in told]


# ---- the start -------------------------------------------------------------------------------------------------------
def _starts_differ(told: Sequence[Told]) -> bool:
    """Tell whether the days can't all be right; a month and a day within it can."""
    days = [PartialDate.parse(one.start) for one in told if one.start is not None]
    return bool(days) and max(one.first for one in days) > min(one.last for one in days)


def _start_of(told: Told) -> dict[str, Json]:
    return {"date": told.start}


def _with_start(stay: Stay, told: Told) -> Stay:
    return stay if told.start is None else replace(stay, start=PartialDate.parse(told.start).interval)


# ---- the level -------------------------------------------------------------------------------------------------------
def _levels_differ(told: Sequence[Told]) -> bool:
    """Tell whether two sources name different levels; the same level in another edition is no difference of level.

    Each pair counts: 3.5 of the fourth edition stands for 3.3 and for 3.5 of the third, which are two levels.
    """
    return any(not same_level(one.level, other.level) for one, other in combinations(told, 2))


def _level_of(told: Told) -> dict[str, Json]:
    return level_json(told.level)


def _with_level(stay: Stay, told: Told) -> Stay:
    return replace(stay, level=told.level)


_POINTS = (
    _Point(name="start", facts="starts", value=_start_of, differs=_starts_differ, held=_with_start),
    _Point(name="level", facts="levels", value=_level_of, differs=_levels_differ, held=_with_level),
)
