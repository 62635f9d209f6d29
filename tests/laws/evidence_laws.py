"""The laws of what may be concluded, each a function of the way to reconcile: evidence, days, levels, supplies, pulls.

A law raises AssertionError for a history that it does not hold for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

from coordinator.care.level_of_care.rules import is_support, may_run_beside, row_of, rule_for
from coordinator.care.level_of_care.tables import transition_rules
from coordinator.care.medication.interactions import interaction_rules
from coordinator.care.medication.model import Proof
from coordinator.fhir import BadDate, Interval, Json, day_of
from coordinator.reconcile import Account, Evidence, Grade
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.medication.model import Course
from coordinator.reconcile.rules import limit, rules
from tests.laws.account_laws import DAY, How
from tests.laws.lives import History

DATED = re.compile(r"\d{4}-\d\d")  # how each day, month or instant of a record begins
TYPES = (
    *("EpisodeOfCare", "Encounter", "Appointment", "CarePlan", "Goal", "ServiceRequest", "Observation"),
    *("MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration"),
)


# ---- evidence --------------------------------------------------------------------------------------------------------
def nothing_is_concluded_without_evidence(how: How, history: History) -> None:
    """Law: each conclusion, with its parts, cites versions that are there, and a rule that stands in a table."""
    content = history.account(how).content
    versions = {one.ref for one in history.now}
    known = {*rules(), *(one.rule_id for one in transition_rules()), *interaction_rules()}
    for name, one in conclusions(content):
        assert one["evidence"], (name, one)
        assert one["rules"], (name, one)
        assert set(one["rules"]) <= known, (name, one)
    assert set(cited(content)) <= versions


def conclusions(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each conclusion of an account with the part that it stands in."""
    yield from ((name, one) for name, told in content.items() if name != "plan" for one in told)
    yield from ((name, one) for name in ("goals", "activities") for one in content["plan"][name])


def cited(value: Any) -> Iterator[str]:
    """Yield each citation in an account, of conclusions and of their parts."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from below if name == "evidence" else cited(below)
    elif isinstance(value, list):
        for below in value:
            yield from cited(below)


# ---- days ------------------------------------------------------------------------------------------------------------
def no_day_is_invented(how: How, history: History) -> None:
    """Law: each day that an account tells is a day of some record or decision, or follows from one as its part says.

    A month is told by its first and last day. Today and the day on which we learned of a record are ends of what is
    open. Supplies run so many days from the day they were handed over (the law of coverage holds them to that); what is
    not covered begins the day after and ends the day before. Weeks run from Monday to Sunday. While two move the day on
    which a goal is due, the one holds on which they had agreed.
    """
    content = history.account(how).content
    told = {str(day) for day in days_told(history, history.now)}
    covered = told | {str(day) for one in content["courses"] for each in one["covered"] for day in _edges(each)}
    bridged = covered | {str(day) for one in content["courses"] for each in one["bridged"] for day in _edges(each)}
    agreed = told | {str(day) for day in days_told(history, history.before)}
    allowed = {
        **dict.fromkeys(("plan.goals.due", "findings.plan.goal-differs.base"), agreed),
        **dict.fromkeys(("courses.covered", "courses.bridged"), covered),
        **dict.fromkeys(FROM_GAPS, bridged),
    }
    for path, day in dated(content):
        if path.startswith("weeks.") or path == "findings.attendance.below-level.weeks.from":
            assert date.fromisoformat(day).weekday() == (6 if path.endswith(".to") else 0), (path, day)
        else:
            assert day in allowed.get(path, told), (path, day)


FROM_GAPS = ("courses.gaps", "findings.mat.coverage-gap.from", "findings.mat.not-bridged.covered_until")


def _edges(stretch: Sequence[str]) -> tuple[date, ...]:
    first, last = (date.fromisoformat(day) for day in stretch)
    return first - timedelta(days=1), first, last, last + timedelta(days=1)


def dated(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each day in an account with the path at which it stands; of findings the facts, under their code."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name not in ("evidence", "key", "rules"):
                yield from dated(below, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for below in value:
            is_finding = path == "findings"
            yield from dated(below["facts"], f"{path}.{below['code']}") if is_finding else dated(below, path)
    elif isinstance(value, str):
        yield from ((path, day) for day in DAY.findall(value))


def days_told(history: History, evidence: Sequence[Evidence]) -> set[date]:
    """Return the days that records and decisions tell, that of looking and those on which we learned of records."""
    zone = history.telling.zone
    instants = [history.telling.now, *(one.learned_at for one in evidence)]
    found = {one.astimezone(zone).date() for one in instants}
    values: list[Json] = [*(one.document.tree for one in evidence), *(dict(one.value) for one in history.decisions)]
    for text in _texts(values):
        try:
            days = day_of(text, zone)
        except BadDate:
            continue
        found |= {days.first, days.last}
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _texts(below)
    elif isinstance(value, str) and DATED.match(value):
        yield value


# ---- levels ----------------------------------------------------------------------------------------------------------
def two_primary_levels_are_a_finding(how: How, history: History) -> None:
    """Law: where two stays exclude each other and share more days than their move takes, a finding cites both.

    Right in practice and no finding: what a table lets run side by side (OTP dosing, a recovery residence, living at
    3rd-edition 3.1 beside IOP), the days of a handover, and days on which one of the two may have been on hold: an IOP
    goes on hold while another program has the person (TR-12, TR-21), and a bed or a place that is kept is no care.
    """
    account = history.account(how)
    today = history.telling.now.astimezone(history.telling.zone).date()
    told = [set(one.evidence) for one in account.findings if one.code.partition(".")[0] in ("stay", "otp")]
    for one, other in combinations(account.timeline.stays, 2):
        if not excludes(one, other):
            continue
        if len(_certain_days(one, today) & _certain_days(other, today)) > _allowed(one, other):
            assert any(refs & {*one.evidence} and refs & {*other.evidence} for refs in told), (one, other)


def excludes(one: Stay, other: Stay) -> bool:
    """Say whether nobody can be at the levels of two stays at once."""
    if row_of(one.level) is None or row_of(other.level) is None:
        return False
    return not (is_support(one.level) or is_support(other.level) or may_run_beside(one.level, other.level))


def _allowed(one: Stay, other: Stay) -> int:
    rule = rule_for(one.level, other.level)
    return max(int(limit("handover_days", {})), (rule.overlap_days or 0) if rule else 0)


def _certain_days(stay: Stay, today: date) -> set[date]:
    """Return the days on which a stay certainly ran and nobody was on leave; who was seen there was on none."""
    seen = {one.day for one in stay.services}
    days = _days(stay.start.last, stay.end.first if stay.end else today)
    for pause in stay.pauses:
        if pause.why == "leave":
            last = max((day for day in seen if day < pause.start.last), default=date.min)
            away = _days(pause.start.first, pause.end.last if pause.end else today)
            days -= {day for day in away if day > last}
    return days


def _days(first: date, last: date) -> set[date]:
    return {first + timedelta(days=number) for number in range((last - first).days + 1)}


# ---- supplies --------------------------------------------------------------------------------------------------------
def coverage_keeps_to_supply(how: How, history: History) -> None:
    """Law: a day is covered by a dose, or by a supply of which it is one of the days, carried over up to the cap.

    So no more days are covered than were supplied and given, none before the first, and none later than a supply
    lasts with the cap of what an early refill may carry over: that of the table, or the tenant's own.
    """
    cap = history.chance.choice([None, 0, 3, 30])
    options: dict[str, Json] = {} if cap is None else {"carry_over_days": cap}
    policy = replace(history.telling.policy, options=options)
    account = history.account(how, policy=policy)
    for course in account.courses:
        _keeps_to_supply(course, int(limit("carry_over_days", options)))


def _keeps_to_supply(course: Course, cap: int) -> None:
    supplies = [(one, one.covers) for one in course.takes if one.covers]
    total = sum(_length(days) for _, days in supplies)
    assert sum(_length(one) for one in course.covered) <= total, course.key
    may_last = set()
    for one, days in supplies:
        carries = one.proof is Proof.SUPPLY and one.product.interval_days is None
        may_last |= _days(days.first, days.last + timedelta(days=cap if carries else 0))
    for stretch in course.covered:
        assert _days(stretch.first, stretch.last) <= may_last, (course.key, stretch)


def _length(interval: Interval) -> int:
    return (interval.last - interval.first).days + 1


# ---- pulls -----------------------------------------------------------------------------------------------------------
def less_seen_ends_nothing(how: How, history: History) -> None:
    """Law: what an incomplete pull did not show closes no stay, ends no course, removes no goal and misses nothing.

    The EHR that was not read in full keeps back some of its records, too.
    """
    chance = history.chance
    ehr = chance.choice(sorted({one.ehr for one in history.now}))
    grade = chance.choice([Grade.PARTIAL, Grade.RESTRICTED, Grade.STALE])
    policy = replace(history.telling.policy, grades={(ehr, type_): grade for type_ in TYPES})
    evidence = [one for one in history.now if one.ehr != ehr or chance.random() < 0.75]
    account = history.account(how, policy=policy, evidence=evidence)
    for stay in account.timeline.stays:
        if ehr in {one.ehr for one in stay.told}:
            assert stay.end is None or stay.ends or "ST-05" in stay.rules, stay
            assert stay.stale_since is None, stay
    _no_goal_is_removed(account, evidence, ehr)
    for course in account.courses:
        if ehr in {one.seen.ehr for one in course.takes}:
            said = {one.seen.record.status for one in course.takes}
            assert course.status in {"active", "unknown", "not-taken", *said}, course
        if ehr in {one.seen.ehr for one in course.received}:
            assert not any(one.key.startswith(f"mat.coverage-gap:{course.key}:") for one in account.findings), course


def _no_goal_is_removed(account: Account, evidence: Sequence[Evidence], ehr: str) -> None:
    """Hold that each goal of the EHR is in the plan, and none asked about as one that its plan names no more."""
    members = {seen.evidence.place for goal in account.plan.goals for seen in goal.members.values()}
    assert {one.evidence.place for one in account.chart.goals} <= members
    assert {one.place for one in evidence} >= members
    for one in account.findings:
        values = one.facts.get("values")
        removed = isinstance(values, dict) and one.facts.get("field") == "presence" and values.get(ehr) == "removed"
        assert not removed, one
