"""Laws of courses: coverage is never more than what was supplied, and no order of records changes it."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.reconcile import Account, Agreed, Evidence, reconcile
from tests.builders import (
    FILM_2,
    FILM_8,
    METHADONE,
    NALTREXONE_ER,
    NOW,
    a_dispense,
    a_policy,
    a_statement,
    an_administration,
    an_encounter,
    an_order,
    evidence,
)

FIRST = date(2026, 1, 1)
DEPOT_DAYS = 28
CAP = 14
offsets = st.integers(0, 90)
ehrs = st.sampled_from(["iop", "pcp", "otp"])


def day(offset: int) -> str:
    return f"{FIRST + timedelta(days=offset)}T10:00:00-05:00"


@st.composite
def supplies(draw: st.DrawFn) -> Evidence:
    record = a_dispense(
        f"D-{draw(st.integers(0, 40))}",
        at=day(draw(offsets)),
        days=draw(st.sampled_from([1, 7, 14, 30, 90])),
        code=draw(st.sampled_from([FILM_8, FILM_2])),
    )
    return evidence(record, ehr=draw(ehrs))


@st.composite
def doses(draw: st.DrawFn) -> Evidence:
    code, dose = draw(st.sampled_from([(METHADONE, "85 mg"), (METHADONE, "90 mg"), (NALTREXONE_ER, "380 mg")]))
    record = an_administration(f"A-{draw(st.integers(0, 40))}", code=code, dose=dose, at=day(draw(offsets)))
    return evidence(record, ehr=draw(ehrs))


@st.composite
def words(draw: st.DrawFn) -> Evidence:
    status = draw(st.sampled_from(["active", "stopped", "on-hold"]))
    code = draw(st.sampled_from([FILM_8, METHADONE]))
    at, number, ehr = day(draw(offsets)), draw(st.integers(0, 9)), draw(ehrs)
    said = st.sampled_from(["order", "statement", "own report"])
    match draw(said):
        case "order":
            return evidence(an_order(f"M-{number}", status=status, code=code, at=at), ehr=ehr)
        case "statement":
            return evidence(a_statement(f"P-{number}", status=status, code=code, at=at), ehr=ehr)
        case _:
            source = {"informationSource": {"reference": "Patient/p-1"}}
            return evidence(a_statement(f"P-{number}", status="not-taken", code=code, at=at) | source, ehr=ehr)


@st.composite
def hospitals(draw: st.DrawFn) -> Evidence:
    start = draw(offsets)
    end = draw(st.none() | st.integers(start, 100))
    record = an_encounter("H-1", class_="IMP", start=day(start), end=None if end is None else day(end))
    return evidence(record, ehr="ced")


@st.composite
def charts(draw: st.DrawFn) -> list[Evidence]:
    drawn = draw(st.lists(st.one_of(supplies(), doses(), words(), hospitals()), max_size=14))
    return list({one.place: one for one in drawn}.values())


def reconciled(chart: list[Evidence]) -> Account:
    return reconcile(chart, Agreed(), [], policy=a_policy(), as_of=NOW)


def length(intervals) -> int:
    return sum((one.last - one.first).days + 1 for one in intervals)


@given(charts())
@settings(max_examples=200, deadline=None)
def test_coverage_never_exceeds_supply_and_cap(chart):
    """Law: a course covers at most the days supplied and given, and ends at most the cap after a supply's own last."""
    for course in reconciled(chart).courses:
        given_days = [one.covers for one in course.received]
        assert length(course.covered) <= length(given_days)
        if course.covered:
            assert course.covered[-1].last <= max(one.last for one in given_days) + timedelta(days=CAP)


@given(charts())
@settings(max_examples=200, deadline=None)
def test_days_are_covered_or_bridged_or_a_gap_and_never_two_of_them(chart):
    """Law: covered, bridged and gap days are disjoint, and gaps lie within."""
    for course in reconciled(chart).courses:
        parts = (*course.covered, *course.gaps, *course.bridged)
        days = [one.first + timedelta(days=n) for one in parts for n in range((one.last - one.first).days + 1)]
        assert len(days) == len(set(days))


@given(charts(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_no_order_of_records_changes_a_course(chart, chance):
    """Law: reconcile(shuffled(chart)) = reconcile(chart)."""
    first = reconciled(chart)
    chance.shuffle(chart)
    assert reconciled(chart).hash == first.hash


@given(charts())
@settings(max_examples=100, deadline=None)
def test_what_is_not_about_medication_changes_no_course(chart):
    """Law: an outpatient visit more is no news to a course."""
    visit = evidence(an_encounter("N-99", start="2026-03-03T09:00:00-05:00"), ehr="ced")
    with_visit = reconciled([*chart, visit]).content["courses"]
    assert with_visit == reconciled(chart).content["courses"]


@given(charts())
@settings(max_examples=100, deadline=None)
def test_silence_never_reads_as_stopped(chart):
    """Law: a course is ended or not taken only where a record says so."""
    said = {one.document.get("status") for one in chart}
    for course in reconciled(chart).courses:
        assert course.status in {"active", "unknown"} | said
        assert course.taking.status != "not-taking" or course.taking.basis in {"own-report", "statement"}
