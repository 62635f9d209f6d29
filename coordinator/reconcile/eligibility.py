"""Eligibility for a program that people come to by day: what is recorded, by whom and when, and what is missing.

These are facts with their records. Whether a program fits a person is said by the clinician who assessed them: nothing
here places anybody, and ratings stay the opaque tokens that the assessor wrote.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from coordinator.care.assessment.mapping import read_assessment
from coordinator.care.assessment.model import AssessmentRecord, Part, Rating
from coordinator.care.assessment.rules import (
    as_assessment,
    asks_about_substance_use,
    assessed_at,
    clinicians,
    is_final,
    part_of,
)
from coordinator.care.level_of_care.mapping import says
from coordinator.care.level_of_care.model import Level, Role
from coordinator.care.level_of_care.rules import hours_asked, is_overnight
from coordinator.fhir import Interval, Json, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.level_of_care.stated import Statement, level_json
from coordinator.reconcile.model import Evidence, Grade, Policy
from coordinator.reconcile.rules import limit

DOCUMENT, ANSWERS = "DocumentReference", "QuestionnaireResponse"
ASSESSOR = "assessor"
WANTED = (Part.ASSESSMENT.value, ASSESSOR, Part.CLEARANCE.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One record that says something: when, by whom, which levels it recommends, and how dimensions were rated."""

    part: Part
    ref: str
    days: Interval | None
    by: tuple[str, ...]
    levels: tuple[Level, ...] = ()
    ratings: tuple[Rating, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """What is recorded of one stay. `missing` is what no record shows; `not_seen` what an incomplete pull may hide.

    `before` is the key of the overnight stay that came before, told where something spoke for one: `spoke_for_it`.
    """

    stay: str
    evidence: tuple[str, ...]
    recorded: tuple[Recorded, ...]
    missing: tuple[str, ...]
    not_seen: tuple[str, ...]
    spoke_for_it: tuple[str, ...]
    before: str | None
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names it: the stay."""
        return self.stay


def eligibility_of(
    chart: Chart, stays: Sequence[Stay], statements: Sequence[Statement], *, policy: Policy, as_of: date
) -> tuple[Eligibility, ...]:
    """Return what is recorded of the eligibility for each stay whose level asks for hours a week."""
    asking = [one for one in stays if hours_asked(one.level, adolescent=False) is not None]
    if not asking:
        return ()
    recorded = [*_assessments(chart, statements, policy), *_sessions(chart, policy), *_documents(chart, policy)]
    recorded.sort(key=lambda one: (one.days.first if one.days else date.min, one.ref, one.part.value))
    whole = _saw_all(chart, policy)
    windows = {one.key: _window(one, policy, as_of) for one in stays}
    return tuple(_of_stay(one, stays, recorded, whole=whole, windows=windows) for one in asking)


def _window(stay: Stay, policy: Policy, as_of: date) -> Interval:
    """Return the days on which an assessment may speak of a stay: from before it begins for as long as it lasts."""
    first = stay.start.first - timedelta(days=int(limit("eligibility_days", policy.options)))
    return Interval(first=first, last=max(first, min(stay.end.last, as_of) if stay.end else as_of))


def _nights_before(stay: Stay, stays: Sequence[Stay], days: Interval) -> Stay | None:
    """Return the latest overnight stay that began before a stay and did not end long before it."""
    earlier = [one for one in stays if is_overnight(one.level) and one.start.first < stay.start.first]
    near = [one for one in earlier if one.end is None or one.end.last >= days.first]
    return max(near, key=lambda one: (one.start.first, one.key), default=None)


# ---- what is recorded ------------------------------------------------------------------------------------------------
def _assessments(chart: Chart, statements: Sequence[Statement], policy: Policy) -> Iterator[Recorded]:
    levels: dict[str, list[Level]] = {}
    for one in statements:
        if one.level.role is Role.INDICATED:
            levels.setdefault(one.ref, []).append(one.level)
    for seen in chart.observations:
        told = tuple(levels.get(seen.ref, ()))
        part = part_of(seen.document) or _mapped(seen, policy) or (Part.ASSESSMENT if told else None)
        if part is None:
            continue
        record = read_assessment(seen.document)
        if is_final(record):
            yield _recorded(part, seen.ref, record, levels=told, policy=policy)
    for seen in chart.answers:
        told = tuple(levels.get(seen.ref, ()))
        part = _mapped(seen, policy) or (Part.ASSESSMENT if told or asks_about_substance_use(seen.document) else None)
        if part is not None and (answered := as_assessment(seen.document)) is not None:
            yield _recorded(part, seen.ref, answered, levels=told, policy=policy)


def _recorded(part: Part, ref: str, record: AssessmentRecord, *, levels: tuple[Level, ...], policy: Policy) -> Recorded:
    text = assessed_at(record)
    return Recorded(
        part=part,
        ref=ref,
        days=day_of(text, policy.zone) if text else None,
        by=clinicians(record),
        levels=levels,
        ratings=record.ratings,
    )


def _sessions(chart: Chart, policy: Policy) -> Iterator[Recorded]:
    """Yield the attended sessions of assessment; what came of them stands elsewhere."""
    yield from (
        Recorded(part=Part.ASSESSMENT, ref=seen.ref, days=day_of(start, policy.zone), by=())
        for seen in chart.assessing
        if (start := seen.record.start) is not None
    )


def _documents(chart: Chart, policy: Policy) -> Iterator[Recorded]:
    """Yield the documents that a mapping table names: much of medical clearance is a letter."""
    for seen in chart.certifying:
        part = _mapped(seen.evidence, policy) if seen.evidence.document.type == DOCUMENT else None
        if part is not None:
            text = seen.record.signed
            authors = (str(one) for one in seen.evidence.document.all("author", "reference"))
            yield Recorded(part=part, ref=seen.ref, days=day_of(text, policy.zone) if text else None, by=tuple(authors))


def _mapped(evidence: Evidence, policy: Policy) -> Part | None:
    rows = policy.mappings.get(evidence.ehr, ())
    return next((part for part in Part if says(evidence.document, rows, part.value)), None)


def _saw_all(chart: Chart, policy: Policy) -> bool:
    """Say whether every EHR that knows the person showed all of the types in which these things are recorded."""
    ehrs = {*(one.ehr for one in chart.patients), *(one.ehr for one in chart.episodes)}
    places = [
        *((ehr, type_) for ehr in ehrs for type_ in ("Observation", "Encounter")),
        *((ehr, row.type) for ehr in ehrs for row in policy.mappings.get(ehr, ()) if row.type in (DOCUMENT, ANSWERS)),
        *((one.ehr, ANSWERS) for one in chart.answers),
    ]
    return all(policy.grades.get(place, Grade.COMPLETE) is Grade.COMPLETE for place in places)


# ---- of one stay -----------------------------------------------------------------------------------------------------
def _of_stay(
    stay: Stay, stays: Sequence[Stay], recorded: Sequence[Recorded], *, whole: bool, windows: Mapping[str, Interval]
) -> Eligibility:
    days = windows[stay.key]
    before = _nights_before(stay, stays, days)
    since = Interval(first=min(days.first, windows[before.key].first), last=days.last) if before else days
    lacking = _lacking([one for one in recorded if _may_be_in(one, days)])
    spoke = tuple(one.ref for one in recorded if _speaks_for_nights(one) and _may_be_in(one, since))
    before = before if spoke else None
    return Eligibility(
        stay=stay.key,
        evidence=tuple(dict.fromkeys((*stay.evidence, *(before.evidence if before else ())))),
        recorded=tuple(one for one in recorded if _may_be_in(one, since if _speaks_for_nights(one) else days)),
        missing=lacking if whole else (),
        not_seen=() if whole else lacking,
        spoke_for_it=spoke,
        before=before.key if before else None,
        rules=("EL-01", "EL-02", *(("EL-03",) if spoke else ())),
    )


def _may_be_in(one: Recorded, days: Interval) -> bool:
    return one.days is None or one.days.overlaps(days)


def _lacking(recorded: Sequence[Recorded]) -> tuple[str, ...]:
    assessed = [one for one in recorded if one.part is Part.ASSESSMENT]
    there: Mapping[str, bool] = {
        Part.ASSESSMENT.value: bool(assessed),
        ASSESSOR: any(one.by for one in assessed),
        Part.CLEARANCE.value: any(one.part is Part.CLEARANCE for one in recorded),
    }
    return tuple(name for name in WANTED if not there[name])


def _speaks_for_nights(one: Recorded) -> bool:
    return one.part in (Part.SEVERITY, Part.COMORBIDITY) or any(is_overnight(level) for level in one.levels)


# ---- as JSON ---------------------------------------------------------------------------------------------------------
def eligibility_json(one: Eligibility) -> Json:
    """Return what is recorded of the eligibility for a stay."""
    return {
        "stay": one.stay,
        "recorded": [_recorded_json(each) for each in one.recorded],
        "missing": list(one.missing),
        "not_seen": list(one.not_seen),
        "residential_first": {"recorded": list(one.spoke_for_it), "stay": one.before} if one.spoke_for_it else None,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def _recorded_json(one: Recorded) -> Json:
    ratings: list[Json] = [
        {"dimension": _name(each), "value": each.value} for each in one.ratings if each.value is not None
    ]
    return {
        "part": one.part.value,
        "days": [str(one.days.first), str(one.days.last)] if one.days else None,
        "by": list(one.by),
        "levels": [level_json(level) for level in one.levels],
        "ratings": ratings,
        "evidence": [one.ref],
    }


def _name(rating: Rating) -> str | None:
    """Return the words of a dimension as the record has them, else its code."""
    if rating.dimension is None:
        return None
    codes = (coding.code for coding in rating.dimension.codings)
    return rating.dimension.text or next((code for code in codes if code), None)
