"""The timeline of levels: where one stay gave way to the next, where an end is missing, where two stays collide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from coordinator.care.level_of_care.model import Level, TransitionRule
from coordinator.care.level_of_care.rules import direction, event_rule, is_support, may_run_beside, row_of, rule_for
from coordinator.fhir import Interval, Json, PartialDate
from coordinator.reconcile.enrollment import Service, Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Decision, Finding, Grade, Policy

OTP = "OTP"  # the level code of dosing at an opioid treatment program, which runs beside any other level
READMISSION = "readmission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A move between levels. `gap` is the least and most days between them; `in_time` None where it can't be told."""

    kind: str
    before: Stay | None
    after: Stay | None
    gap: tuple[int, int] | None
    in_time: bool | None
    rule: TransitionRule | None
    evidence: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names the move: the stays it leads out of and into."""
        return f"{self.before.key if self.before else ''}>{self.after.key if self.after else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Stays in order of start, the transitions between them, and what is open about them."""

    stays: tuple[Stay, ...]
    transitions: tuple[Transition, ...]
    findings: tuple[Finding, ...]


def timeline_of(stays: Sequence[Stay], decisions: Sequence[Decision], policy: Policy, *, as_of: date) -> Timeline:
    """Return the timeline: ends that people decided hold, ends that the next stay implies are intervals."""
    sound, reversed_ones = _without_reversed(stays)
    closed: list[Stay] = []
    findings: list[Finding] = [*reversed_ones]
    unsure: set[str] = set()
    for stay in sound:
        choice = _decided_end(stay, decisions)
        if choice is not None:
            held, found = _decided(stay, *choice)
        else:
            held, found = _with_end(stay, _next_stay(stay, sound), policy)
            found += _unconfirmed(held, as_of)
            unsure |= {held.key} if found and held.end is None else set()
        closed.append(held)
        findings += found
    findings += _collisions([one for one in closed if one.key not in unsure], as_of)
    transitions = _transitions(closed)
    findings += _gaps(transitions)
    return Timeline(stays=tuple(closed), transitions=transitions, findings=tuple(findings))


# ---- ends ------------------------------------------------------------------------------------------------------------
def _without_reversed(stays: Sequence[Stay]) -> tuple[list[Stay], list[Finding]]:
    """Take out stays that certainly end before they begin; each is a finding."""
    wrong = [stay for stay in stays if stay.end is not None and stay.end.last < stay.start.first]
    facts: list[dict[str, Json]] = [{"start": _days(stay.start), "end": _days(stay.end)} for stay in wrong]
    found = [
        finding("stay.reversed-period", stay.key, facts=fact, evidence=stay.evidence)
        for stay, fact in zip(wrong, facts, strict=True)
    ]
    return [stay for stay in stays if stay not in wrong], found


def _next_stay(stay: Stay, stays: Sequence[Stay]) -> Stay | None:
    """Return the next stay that a person can't be in at the same time."""
    later = [
        other
        for other in stays
        if other is not stay and other.start.first > stay.start.first and not _compatible(stay.level, other.level)
    ]
    return min(later, key=lambda one: (one.start.first, one.key), default=None)


def _with_end(stay: Stay, after: Stay | None, policy: Policy) -> tuple[Stay, list[Finding]]:
    """Return the stay with the end that holds, and the finding where a person must say which."""
    if stay.end is not None or after is None:
        return stay, _differing_ends(stay)
    last = stay.last_service
    if last is not None and last.day > after.start.last:
        return stay, []  # care went on beside the next stay: that is an overlap, not a missing end
    evidence = tuple(dict.fromkeys((*stay.evidence, *((last.ref,) if last else ()), *after.evidence)))
    found = [finding("stay.end-missing", stay.key, facts={"ends": []}, evidence=evidence)]
    if not _saw_all_services(stay, policy):
        return stay, found
    least = max(last.day if last else stay.start.first, stay.start.first)
    end = Interval(first=least, last=max(least, after.start.last))
    return replace(stay, end=end, evidence=evidence, rules=(*stay.rules, "ST-04")), found


def _decided(stay: Stay, decision: Decision, text: str) -> tuple[Stay, list[Finding]]:
    """Hold the decided end; an end that was told since and differs opens the question again, once."""
    end = PartialDate.parse(text).interval
    held = replace(stay, end=end, rules=(*stay.rules, "ST-05"))
    known = {str(one.get("date")) for one in _ends_in(decision)}
    news = [day for day, _ in stay.ends if day not in known and not PartialDate.parse(day).interval.overlaps(end)]
    if not news:
        return held, []
    told: list[Json] = [*_told(stay), {"date": text, "by": "decision"}]
    last = stay.last_service
    evidence = (*stay.evidence, *((last.ref,) if last else ()))
    return held, [finding("stay.end-missing", stay.key, facts={"ends": told}, evidence=evidence)]


def _decided_end(stay: Stay, decisions: Sequence[Decision]) -> tuple[Decision, str] | None:
    """Return the latest decision about the end of a stay and the day it names; none that lies before the stay."""
    keys = {f"{code}:{stay.key}" for code in ("stay.end-missing", "stay.end-unconfirmed", "stay.source-differs")}
    named = [(one, day) for one in decisions if one.key in keys and (day := _day_named(one)) is not None]
    fitting = [(one, day) for one, day in named if PartialDate.parse(day).last >= stay.start.first]
    return max(fitting, key=lambda pair: (pair[0].decided_at, pair[0].actor), default=None)


def _day_named(decision: Decision) -> str | None:
    """Return the day that a decision names: itself, or as the end that the accepted EHR had told."""
    if "end" in decision.value:
        return str(decision.value["end"])
    ehr = str(decision.value.get("accept")).partition("/")[0]
    return next((str(one.get("date")) for one in _ends_in(decision) if one.get("by") == ehr), None)


def _ends_in(decision: Decision) -> list[dict[str, object]]:
    ends = decision.facts.get("ends")
    return [dict(one) for one in ends if isinstance(one, dict)] if isinstance(ends, list) else []


def _differing_ends(stay: Stay) -> list[Finding]:
    """Return the finding of ends that can't all be right; a month and a day within it can."""
    told = [PartialDate.parse(day) for day, _ in stay.ends]
    if not told or max(one.first for one in told) <= min(one.last for one in told):
        return []
    return [finding("stay.source-differs", stay.key, facts={"ends": _told(stay)}, evidence=stay.evidence)]


def _saw_all_services(stay: Stay, policy: Policy) -> bool:
    """Tell whether the last service we saw can be the last: only a complete pull supports an end."""
    return policy.grades.get((stay.key.partition("/")[0], "Encounter"), Grade.COMPLETE) is Grade.COMPLETE


def _unconfirmed(stay: Stay, as_of: date) -> list[Finding]:
    """A period that ended without a recorded discharge: the end of a period is not a discharge."""
    if not stay.ends or stay.confirmed or stay.end is None or stay.end.last >= as_of:
        return []
    facts: dict[str, Json] = {"end": _days(stay.end), "ends": _told(stay)}
    return [finding("stay.end-unconfirmed", stay.key, facts=facts, evidence=stay.evidence)]


# ---- collisions ------------------------------------------------------------------------------------------------------
def _compatible(one: Level, other: Level) -> bool:
    """Tell whether a person may be at both levels at once, or whether that can't be said for lack of a known level."""
    if row_of(one) is None or row_of(other) is None:
        return True
    return is_support(one) or is_support(other) or may_run_beside(one, other) is not None


def _collisions(stays: Sequence[Stay], as_of: date) -> list[Finding]:
    found: list[Finding] = []
    for number, stay in enumerate(stays):
        for other in stays[number + 1 :]:
            if stay.organization != other.organization and not _compatible(stay.level, other.level):
                found += _collision(stay, other, as_of)
    return found


def _collision(stay: Stay, other: Stay, as_of: date) -> list[Finding]:
    """Return the finding of two stays that certainly share more than a day of handover, or an hour of service."""
    first = other.start.last
    last = min(one.end.first if one.end else as_of for one in (stay, other))
    days = (last - first).days + 1
    about = f"{stay.key}+{other.key}"
    evidence = (*stay.evidence, *other.evidence)
    doubles = [(a, b) for a in stay.services for b in other.services if _same_hour(a, b)]
    shared = _shared_days(stay.services, other.services)
    if doubles:
        refs = [one.ref for pair in doubles for one in pair]
        return [finding("stay.double-service", about, facts={"service_days": shared}, evidence=(*evidence, *refs))]
    if days <= 1:
        return []
    code = "otp.double-enrollment" if _both_otp(stay, other) else "stay.overlap"
    facts: dict[str, Json] = {"calendar_days": days, "service_days": shared, "boundary": _boundary(stay, other)}
    urgency = "urgent" if shared else ""
    return [finding(code, about, facts=facts, evidence=evidence, urgency=urgency)]


def _both_otp(stay: Stay, other: Stay) -> bool:
    return stay.level.code == other.level.code == OTP


def _same_hour(one: Service, other: Service) -> bool:
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return False
    return one.start < other.end and other.start < one.end


def _shared_days(ones: Sequence[Service], others: Sequence[Service]) -> int:
    return len({one.day for one in ones} & {one.day for one in others})


def _boundary(stay: Stay, other: Stay) -> Json:
    """Return the last day of service there and the first here, where the one lies before the other."""
    last, first = stay.last_service, min(other.services, key=lambda one: one.day, default=None)
    if last is None or first is None or last.day >= first.day:
        return None
    return [str(last.day), str(first.day)]


# ---- transitions -----------------------------------------------------------------------------------------------------
def _transitions(stays: Sequence[Stay]) -> tuple[Transition, ...]:
    """Return the moves: into each stay that nothing can run beside, from the one before it, and out of the last."""
    main = [stay for stay in stays if row_of(stay.level) is not None and not is_support(stay.level)]
    moves: list[Transition] = []
    for stay in main:
        before = _before(stay, main)
        if before is None:
            moves.append(_admission(stay))
        elif before.end is not None:
            moves += _move(before, before.end, stay)
    moves += [_discharge(stay) for stay in main if stay.confirmed and stay.end and _next_stay(stay, main) is None]
    return tuple(moves)


def _before(stay: Stay, stays: Sequence[Stay]) -> Stay | None:
    """Return the stay that gave way to this one: the latest before it that can't run beside it, or did not."""
    earlier = [one for one in stays if one.start.first < stay.start.first and _gave_way(one, stay)]
    return max(earlier, key=lambda one: (one.start.first, one.key), default=None)


def _gave_way(before: Stay, after: Stay) -> bool:
    """Tell whether a stay gave way: levels that may run side by side did where one ended as the other began."""
    if not _compatible(before.level, after.level):
        return True
    if OTP in (before.level.code, after.level.code):
        return False
    return before.end is not None and before.end.last <= after.start.first


def _admission(stay: Stay) -> Transition:
    return Transition(
        kind="admission",
        before=None,
        after=stay,
        gap=None,
        in_time=None,
        rule=None,
        evidence=stay.evidence,
        rules=("MV-01",),
    )


def _discharge(stay: Stay) -> Transition:
    return Transition(
        kind="discharge",
        before=stay,
        after=None,
        gap=None,
        in_time=None,
        rule=None,
        evidence=stay.evidence,
        rules=("MV-03",),
    )


def _move(before: Stay, end: Interval, after: Stay) -> list[Transition]:
    """Return the move, with the days between: none are counted while both stays are told to run."""
    least = max(0, (after.start.first - end.last).days)
    most = max(0, (after.start.last - end.first).days)
    kind = _kind(before, after)
    if kind is None:
        return []
    rule = event_rule(kind, before.level, after.level) or rule_for(before.level, after.level)
    expected = rule.expected_max_gap_days if rule else None
    return [
        Transition(
            kind=kind,
            before=before,
            after=after,
            gap=(least, most),
            in_time=_in_time(least, most, expected),
            rule=rule,
            evidence=tuple(dict.fromkeys((*before.evidence, *after.evidence))),
            rules=("MV-02", rule.rule_id) if rule else ("MV-02",),
        )
    ]


def _kind(before: Stay, after: Stay) -> str | None:
    way = direction(before.level, after.level)
    if way != "lateral":
        return way
    return "transfer" if before.organization != after.organization else READMISSION


def _in_time(least: int, most: int, expected: int | None) -> bool | None:
    if expected is None:
        return None
    if most <= expected:
        return True
    return False if least > expected else None


def _gaps(transitions: Sequence[Transition]) -> list[Finding]:
    late = [one for one in transitions if one.in_time is False and one.kind != READMISSION]
    return [
        finding(
            "transition.gap",
            f"{one.before.key}+{one.after.key}",
            facts={"gap_days": list(one.gap), "expected": one.rule.expected_max_gap_days, "rule": one.rule.rule_id},
            evidence=one.evidence,
        )
        for one in late
        if one.before and one.after and one.gap and one.rule
    ]


def _told(stay: Stay) -> list[Json]:
    return [{"date": day, "by": by} for day, by in sorted(stay.ends)]


def _days(interval: Interval | None) -> Json:
    return None if interval is None else [str(interval.first), str(interval.last)]
