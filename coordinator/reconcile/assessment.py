"""Assessments of a person, and the changes of level that none of them lies near."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from coordinator.care.assessment.mapping import read_assessment
from coordinator.care.assessment.rules import (
    as_assessment,
    asks_about_substance_use,
    assessed_at,
    is_final,
    is_instrument,
    looks_at_substance_use,
)
from coordinator.care.level_of_care.model import Role
from coordinator.fhir import Interval, Json, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.findings import finding
from coordinator.reconcile.level_of_care.stated import Statement
from coordinator.reconcile.model import Finding, Grade, Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.timeline import Transition

_CHANGES = frozenset({"step-down", "step-up"})
_TYPES = ("Observation", "Encounter")  # where assessments may stand: what of them was not seen may hold one
_ASSESSED = frozenset({"Observation", "QuestionnaireResponse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """That the person was assessed: on which days, by which record of which EHR."""

    days: Interval
    ref: str
    ehr: str


def assessments_of(chart: Chart, statements: Sequence[Statement], zone: ZoneInfo) -> tuple[Assessed, ...]:
    """Return when the person was assessed, in order of days.

    An instrument that looks at substance use, a level that an assessor recommends and an attended session of
    assessment each show one.
    """
    found = {one.ref: one for one in (*_instruments(chart, zone), *_recommended(statements), *_sessions(chart, zone))}
    return tuple(sorted(found.values(), key=lambda one: (one.days.first, one.days.last, one.ref)))


def unassessed_changes(
    assessed: Sequence[Assessed], transitions: Sequence[Transition], policy: Policy, *, as_of: date
) -> list[Finding]:
    """Return a finding for each change of level that certainly has no assessment near it.

    Only where this person's sources tell of assessments at all, and all of them were pulled completely: else none may
    be missing. The program has some days to write it down.
    """
    near = timedelta(days=int(limit("assessment_near_days", policy.options)))
    grace = timedelta(days=int(limit("assessment_grace_days", policy.options)))
    latest = list(accumulate((one.days.last for one in assessed), max))
    found: list[Finding] = []
    for move in transitions:
        if move.kind not in _CHANGES or move.before is None or move.after is None:
            continue
        change = move.after.start
        at = bisect_right(assessed, change.last + near, key=lambda one: one.days.first)
        is_near = at > 0 and latest[at - 1] >= change.first - near
        if assessed and not is_near and change.last + grace < as_of and _saw_all(assessed, move, policy):
            about = f"{move.before.key}+{move.after.key}"
            found.append(_unassessed(move, about, change, assessed[max(0, at - 1)], within=near.days))
    return found


def _instruments(chart: Chart, zone: ZoneInfo) -> Iterator[Assessed]:
    for one in chart.observations:
        if is_instrument(one.document):
            record = read_assessment(one.document)
            at = assessed_at(record)
            if at and is_final(record) and looks_at_substance_use(record):
                yield Assessed(days=day_of(at, zone), ref=one.ref, ehr=one.ehr)
    for one in chart.answers:
        answered = as_assessment(one.document) if asks_about_substance_use(one.document) else None
        if answered is not None and answered.at is not None:
            yield Assessed(days=day_of(answered.at, zone), ref=one.ref, ehr=one.ehr)


def _recommended(statements: Sequence[Statement]) -> Iterator[Assessed]:
    for one in statements:
        by_assessor = one.level.role is Role.INDICATED and one.evidence.document.type in _ASSESSED
        if by_assessor and one.start is not None:
            yield Assessed(days=one.start, ref=one.ref, ehr=one.evidence.ehr)


def _sessions(chart: Chart, zone: ZoneInfo) -> Iterator[Assessed]:
    yield from (
        Assessed(days=day_of(start, zone), ref=seen.ref, ehr=seen.ehr)
        for seen in chart.assessing
        if (start := seen.record.start) is not None
    )


def _saw_all(assessed: Sequence[Assessed], move: Transition, policy: Policy) -> bool:
    told = {ref.partition("/")[0] for ref in move.evidence} | {one.ehr for one in assessed}
    wanted = {(ehr, type_) for ehr in told for type_ in _TYPES}
    wanted |= {(one.ehr, one.ref.split("/")[1]) for one in assessed}  # an EHR that writes them elsewhere does so again
    return all(policy.grades.get(place) is Grade.COMPLETE for place in wanted)


def _unassessed(move: Transition, about: str, change: Interval, nearest: Assessed, *, within: int) -> Finding:
    facts: dict[str, Json] = {
        "change": [str(change.first), str(change.last)],
        "within_days": within,
        "last_assessed": [str(nearest.days.first), str(nearest.days.last)],
    }
    found = finding("level.no-assessment", about, facts=facts, evidence=(*move.evidence, nearest.ref))
    return found.drawn_by("AS-01", *((move.rule.rule_id,) if move.rule else ()))
