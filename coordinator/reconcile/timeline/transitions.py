"""The moves: into a stay, from one to the next, away and back, and out; each with its kind, days and rule."""

from collections.abc import Iterator, Sequence
from typing import Final

from coordinator.care.level_of_care.model import TransitionRule
from coordinator.care.level_of_care.rules import (
    Direction,
    direction,
    event_rule,
    rank,
    rule_at,
    rule_for,
)
from coordinator.fhir import Interval, Json
from coordinator.reconcile.enrollment import Pause, Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding
from coordinator.reconcile.timeline.beside import Sequel
from coordinator.reconcile.timeline.ends import still_running
from coordinator.reconcile.timeline.leaves import EMERGENCY, left_on
from coordinator.reconcile.timeline.model import Kind, Transition

READMISSION: Final = "readmission"
CONTINUING: Final = "continuing-care"
_NO_MOVE = frozenset({READMISSION, "return"})
_HANDED_ON = frozenset({"completed", "transferred"})  # ends that say nothing against the next level
_UNPLANNED = frozenset({"against-advice", "no-contact"})
_ORDER = {"discharge": 1, "leave": 2, "return": 3}  # on one day: moves in first, then out, then away and back


def transitions_of(stays: Sequence[Stay]) -> tuple[Transition, ...]:
    """Return the moves in the order of time."""
    main = [stay for stay in stays if rank(stay.level) is not None]
    sequel = Sequel(main)
    moves: list[Transition] = []
    left: set[str] = set()
    for stay in main:
        move = _into(stay, sequel)
        if move is not None:
            moves.append(move)
            left |= {move.before.key} if move.before and move.kind != READMISSION else set()
    moves += [_discharge(stay, stay.end) for stay in main if stay.end and _is_discharge(stay, is_left=stay.key in left)]
    moves += [move for stay in stays for pause in stay.pauses for move in _pause_moves(stay, pause)]
    return tuple(sorted(moves, key=lambda one: (one.on.first, one.on.last, _ORDER.get(one.kind, 0), one.key)))


# ---- into a stay -----------------------------------------------------------------------------------------------------
def _into(stay: Stay, sequel: Sequel) -> Transition | None:
    """Return the move into a stay: from the one that gave way to it, or an admission where none did.

    Where the one before runs on in another program, as far as is known, it is an admission beside that one.
    """
    before = sequel.before(stay)
    if before is None:
        later = sequel.after(stay)
        return _admission(stay, "MV-01", is_certain=later is None or later.start.first >= stay.start.last)
    left = before.end or left_on(before, stay.start)
    if left is not None:
        return _move(before, left, stay)
    return None if before.organization == stay.organization else _admission(stay, "MV-04", is_certain=True)


def _admission(stay: Stay, rule: str, *, is_certain: bool) -> Transition:
    return Transition(
        kind="admission",
        before=None,
        after=stay,
        on=stay.start,
        certain=is_certain,
        evidence=stay.evidence,
        rules=(rule,),
    )


def _move(before: Stay, left: Interval, after: Stay) -> Transition:
    """Return the move, with the days between: none are counted while both stays are told to run."""
    gap = (max(0, (after.start.first - left.last).days), max(0, (after.start.last - left.first).days))
    way = direction(before.level, after.level)
    rule = rule_for(before.level, after.level)
    kind = _kind(before, after, way=way, is_lost=_is_lost(gap, rule.outer_limit_days if rule else None))
    event = event_rule(kind, before.level, after.level)
    rule = event or rule if kind == READMISSION else rule or event
    return Transition(
        kind=kind,
        before=before,
        after=after,
        on=after.start,
        gap=gap,
        in_time=_in_time(gap, rule.expected_max_gap_days if rule else None),
        certain=before.start.last <= after.start.first,
        rule=rule,
        evidence=tuple(dict.fromkeys((*before.evidence, *after.evidence))),
        rules=_drawn_by(kind, rule),
    )


def _drawn_by(kind: Kind, rule: TransitionRule | None) -> tuple[str, ...]:
    own = {READMISSION: "TL-08", CONTINUING: "TL-09", "leave": "TL-10", "return": "TL-10"}.get(kind, "MV-02")
    return (own, rule.rule_id) if rule else (own,)


def _is_lost(gap: tuple[int, int], outer: int | None) -> bool:
    return outer is not None and gap[0] > outer


def _kind(before: Stay, after: Stay, *, way: Direction | None, is_lost: bool) -> Kind:
    """Return the kind of a move; who was discharged and comes back after the outer limit is admitted again."""
    if way == "lateral" and before.organization == after.organization:
        return READMISSION
    if before.confirmed and is_lost:
        return READMISSION
    if way == "step-down":
        is_aftercare = before.confirmed and event_rule(CONTINUING, before.level, after.level) is not None
        return CONTINUING if is_aftercare else "step-down"
    return "step-up" if way == "step-up" else "transfer"


def _in_time(gap: tuple[int, int], expected: int | None) -> bool | None:
    if expected is None:
        return None
    least, most = gap
    if most <= expected:
        return True
    return False if least > expected else None


# ---- out of care -----------------------------------------------------------------------------------------------------
def _is_discharge(stay: Stay, *, is_left: bool) -> bool:
    """Say whether a stay ended in a discharge: a recorded one that led to no other level, or whose kind is recorded.

    Who left against advice was discharged even where they came to another program within days.
    """
    return stay.confirmed and (not is_left or bool({kind for kind, _ in stay.reasons} - _HANDED_ON))


def _discharge(stay: Stay, end: Interval) -> Transition:
    kinds = {kind for kind, _ in stay.reasons}
    reason = next(iter(kinds)) if len(kinds) == 1 else None
    rule = rule_at("unplanned exit", stay.level) if reason in _UNPLANNED else None
    return Transition(
        kind="discharge",
        before=stay,
        after=None,
        on=end,
        certain=not still_running(stay),
        reason=reason,
        rule=rule,
        evidence=stay.evidence,
        rules=("MV-03", rule.rule_id) if rule else ("MV-03",),
    )


# ---- away and back ---------------------------------------------------------------------------------------------------
def _pause_moves(stay: Stay, pause: Pause) -> Iterator[Transition]:
    """Yield the leave and, where the person came back, the return. An emergency of a single day is neither."""
    rule = rule_at(pause.why, stay.level)
    if pause.why == EMERGENCY and pause.end is not None and pause.end.last == pause.start.first:
        return
    evidence = tuple(dict.fromkeys((*stay.evidence, *pause.evidence)))
    yield Transition(
        kind="leave",
        before=stay,
        after=None,
        on=pause.start,
        certain=pause.start.is_day,
        reason=pause.why,
        rule=rule,
        evidence=evidence,
        rules=_drawn_by("leave", rule),
    )
    if pause.end is None or _ended_away(stay, pause.end):
        return
    gap = (max(0, (pause.end.first - pause.start.last).days), max(0, (pause.end.last - pause.start.first).days))
    yield Transition(
        kind="return",
        before=None,
        after=stay,
        on=pause.end,
        gap=gap,
        in_time=_in_time(gap, rule.expected_max_gap_days if rule else None),
        certain=pause.end.is_day,
        reason=pause.why,
        rule=rule,
        evidence=evidence,
        rules=_drawn_by("return", rule),
    )


def _ended_away(stay: Stay, back: Interval) -> bool:
    """Say whether the stay ended while the person was away, so that nobody came back."""
    return (
        stay.end is not None and stay.end.last <= back.first and not any(one.day >= back.first for one in stay.services)
    )


# ---- days between ----------------------------------------------------------------------------------------------------
def gaps(transitions: Sequence[Transition]) -> list[Finding]:
    """Return the findings of moves that certainly took longer than expected; past the outer limit they are urgent."""
    return [
        _gap(one, one.before, one.after, gap=one.gap, rule=one.rule)
        for one in transitions
        if one.in_time is False and one.kind not in _NO_MOVE and one.before and one.after and one.gap and one.rule
    ]


def _gap(one: Transition, before: Stay, after: Stay, *, gap: tuple[int, int], rule: TransitionRule) -> Finding:
    facts: dict[str, Json] = {
        "gap_days": list[Json](gap),
        "expected": rule.expected_max_gap_days,
        "limit": rule.outer_limit_days,
        "rule": rule.rule_id,
    }
    urgency = "" if _is_lost(gap, rule.outer_limit_days) else "soon"
    found = finding("transition.gap", f"{before.key}+{after.key}", facts=facts, evidence=one.evidence, urgency=urgency)
    return found.drawn_by("TL-07", rule.rule_id)
