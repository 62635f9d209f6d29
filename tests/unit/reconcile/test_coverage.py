"""Which days are covered: by supply in hand and by doses, never by more than was supplied; hospital days bridged."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coordinator.fhir import Interval
from coordinator.reconcile import Grade
from tests.builders import (
    FILM_2,
    FILM_8,
    NALTREXONE_ER,
    a_dispense,
    a_policy,
    an_administration,
    an_encounter,
    an_order,
    evidence,
)

ACAMPROSATE = "835726"  # acamprosate calcium 333 MG Delayed Release Oral Tablet
MONTHLY, TABLET = "1996192", "351267"  # buprenorphine 300 MG ER injection; buprenorphine/naloxone 8/2 SL tablet


def days(first, last=None):
    return Interval(first=date.fromisoformat(first), last=date.fromisoformat(last or first))


def next_day(day):
    return str(date.fromisoformat(day) + timedelta(days=1))


def at(day):
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)


def a_supply(number, first, count=14, *, ehr="iop", code=FILM_8, films=None):
    record = a_dispense(f"D-{number}", at=f"{first}T10:00:00-04:00", days=count, code=code, films=films or 2 * count)
    return evidence(record, ehr=ehr)


def an_injection(number, day, *, code=NALTREXONE_ER, dose="380 mg", ehr="iop"):
    return evidence(an_administration(f"A-{number}", code=code, dose=dose, at=f"{day}T10:00:00-04:00"), ehr=ehr)


def the_course(account):
    (course,) = account.courses
    return course


def gaps_in(made):
    return [(one.facts["from"], one.facts["days"]) for one in made.findings if one.code == "mat.coverage-gap"]


# ---- supply ----------------------------------------------------------------------------------------------------------
COVERAGE = {
    "one supply": ([("2026-03-04", 14)], [days("2026-03-04", "2026-03-17")]),
    "supplies that touch are one stretch": (
        [("2026-03-04", 14), ("2026-03-18", 14)],
        [days("2026-03-04", "2026-03-31")],
    ),
    "an early refill carries over what is left": (
        [("2026-03-04", 14), ("2026-03-11", 14)],
        [days("2026-03-04", "2026-03-31")],
    ),
    "what is left is carried over up to the cap of 14 days": (
        [("2026-02-01", 30), ("2026-02-05", 30)],
        [days("2026-02-01", "2026-03-20")],
    ),
    "a short supply within a long one never takes days away": (
        [("2026-03-04", 60), ("2026-03-11", 7)],
        [days("2026-03-04", "2026-05-02")],
    ),
    "two supplies of one day are one supply told twice": (
        [("2026-03-04", 14), ("2026-03-04", 14)],
        [days("2026-03-04", "2026-03-17")],
    ),
    "two supplies of one day for other times are the longer one": (
        [("2026-03-04", 14), ("2026-03-04", 7), ("2026-03-11", 14)],
        [days("2026-03-04", "2026-03-31")],
    ),
    "days between are a gap": (
        [("2026-03-04", 7), ("2026-03-14", 7)],
        [days("2026-03-04", "2026-03-10"), days("2026-03-14", "2026-03-20")],
    ),
}


@pytest.mark.parametrize(("supplies", "covered"), COVERAGE.values(), ids=COVERAGE)
def test_days_are_covered_by_supply(account, supplies, covered):
    course = the_course(account(*(a_supply(number, *one) for number, one in enumerate(supplies))))
    assert list(course.covered) == covered


NOT_CARRIED = {
    "another strength, which adds to the dose or replaces it": {"code": FILM_2},
    "another dose": {"films": 42},
    "the same supply told by another EHR": {"ehr": "ced"},
}


@pytest.mark.parametrize("more", NOT_CARRIED.values(), ids=NOT_CARRIED)
def test_nothing_is_carried_over_to(account, more):
    course = the_course(account(a_supply(1, "2026-03-04"), a_supply(2, "2026-03-11", **more)))
    assert list(course.covered) == [days("2026-03-04", "2026-03-24")]


def test_a_dose_adds_no_day_to_a_supply_of_an_unknown_amount(account):
    supply = {name: value for name, value in a_dispense(at="2026-03-04T10:00:00-05:00").items() if name != "quantity"}
    dose = an_administration(code=FILM_8, dose=None, at="2026-03-08T10:00:00-05:00")
    course = the_course(account(evidence(supply), evidence(dose)))
    assert list(course.covered) == [days("2026-03-04", "2026-03-17")]


def test_a_dose_before_supplies_keeps_none_of_them_from_being_carried_over(account):
    dose = evidence(an_administration(code=FILM_8, dose="8 mg", at="2026-03-01T10:00:00-05:00"))
    course = the_course(account(dose, a_supply(1, "2026-03-04"), a_supply(2, "2026-03-11")))
    assert course.covered == (days("2026-03-01"), days("2026-03-04", "2026-03-31"))


def test_what_is_left_is_told_by_days_in_the_zone_and_not_by_the_order_of_the_texts(account):
    """Handed over on the evening of 2 March in New York, and on 3 March."""
    supplies = [
        evidence(a_dispense("D-1", at="2026-03-03", days=7, films=14)),
        evidence(a_dispense("D-2", at="2026-03-03T02:00:00+00:00", days=7, films=14)),
    ]
    assert list(the_course(account(*supplies)).covered) == [days("2026-03-02", "2026-03-15")]


def test_a_tenant_may_choose_another_cap(account):
    supplies = [a_supply(1, "2026-03-04", 30), a_supply(2, "2026-03-06", 30)]
    course = the_course(account(*supplies, policy=a_policy(options={"carry_over_days": 0})))
    assert list(course.covered) == [days("2026-03-04", "2026-04-04")]


def test_a_supply_without_days_covers_nothing_and_was_seen(account):
    course = the_course(account(evidence(a_dispense(days=None))))
    assert (course.covered, course.last_seen) == ((), date(2026, 4, 1))


def test_a_supply_of_an_unknown_day_covers_nothing(account):
    course = the_course(account(evidence(a_dispense(at="2026-04"))))
    assert (course.covered, course.last_seen) == ((), None)


# ---- injections ------------------------------------------------------------------------------------------------------
def test_an_injection_covers_its_interval(account):
    course = the_course(account(an_injection(1, "2026-03-20")))
    assert course.covered == (days("2026-03-20", "2026-04-16"),)


def test_a_tenant_chooses_how_long_an_injection_covers(account):
    course = the_course(
        account(an_injection(1, "2026-03-20"), policy=a_policy(options={"injection_coverage_days": 31}))
    )
    assert course.covered == (days("2026-03-20", "2026-04-19"),)


@pytest.mark.parametrize("chosen", [True, "31", 0, None])
def test_what_is_no_number_of_days_is_not_chosen(account, chosen):
    policy = a_policy(options={"injection_coverage_days": chosen})
    assert the_course(account(an_injection(1, "2026-03-20"), policy=policy)).covered[0].last == date(2026, 4, 16)


def test_an_injection_given_early_adds_none_of_what_was_left(account):
    course = the_course(account(an_injection(1, "2026-03-01"), an_injection(2, "2026-03-20")))
    assert course.covered == (days("2026-03-01", "2026-04-16"),)


def test_a_depot_that_a_pharmacy_sent_early_adds_none_of_what_was_left(account):
    sent = [a_supply(number, day, 28, code=MONTHLY, films=1) for number, day in enumerate(("2026-03-01", "2026-03-20"))]
    assert the_course(account(*sent)).covered == (days("2026-03-01", "2026-04-16"),)


INTERVALS = {
    "25 days": ("2026-03-26", {"days": 25, "least": 26}),
    "26 days": ("2026-03-27", None),
    "one dose told twice": ("2026-03-01", None),
    "while the second acts for the last day": ("2026-03-11", {"days": 10, "least": 26}),
    "when the second acts no more": ("2026-03-10", None),
}


@pytest.mark.parametrize(("second", "facts"), INTERVALS.values(), ids=INTERVALS)
def test_a_monthly_injection_sooner_than_its_label_allows_is_a_finding(account, second, facts):
    made = account(*(an_injection(n, day, code=MONTHLY, dose="300 mg") for n, day in enumerate(["2026-03-01", second])))
    found = [one for one in made.findings if one.code == "mat.interval-short"]
    assert [one.facts for one in found] == ([facts] if facts else [])
    assert all(one.evidence == tuple(f"iop/MedicationAdministration/A-{n}@1" for n in (0, 1)) for one in found)


def test_a_short_interval_names_its_rules_and_the_dose_that_came_too_soon(account):
    made = account(
        *(an_injection(n, day, code=MONTHLY, dose="300 mg") for n, day in enumerate(["2026-03-01", "2026-03-15"]))
    )
    (found,) = [one for one in made.findings if one.code == "mat.interval-short"]
    assert found.key.endswith(":iop/MedicationAdministration/A-1")
    assert "MC-06" in found.rules
    assert {one.partition("-")[0] for one in found.rules} == {"INT", "MC"}


def test_a_dose_of_these_days_that_is_told_twice_is_not_too_soon(account):
    made = account(*(an_injection(n, "2026-03-20", code=MONTHLY, dose="300 mg") for n in (1, 2)))
    assert [one.code for one in made.findings if one.code == "mat.interval-short"] == []


def test_doses_of_two_days_in_a_row_are_told_as_such(account):
    made = account(
        *(an_injection(n, day, code=MONTHLY, dose="300 mg") for n, day in enumerate(["2026-03-20", "2026-03-21"]))
    )
    assert [one.facts["days"] for one in made.findings if one.code == "mat.interval-short"] == [1]


def test_a_depot_that_a_pharmacy_sent_before_it_was_given_is_no_dose(account):
    sent = a_supply(1, "2026-03-10", 28, code=MONTHLY, films=1)
    made = account(sent, an_injection(2, "2026-03-20", code=MONTHLY, dose="300 mg"))
    assert [one.code for one in made.findings if one.code == "mat.interval-short"] == []


def test_an_interval_that_was_short_long_ago_is_history(account):
    given = [an_injection(n, day, code=MONTHLY, dose="300 mg") for n, day in enumerate(["2025-03-01", "2025-03-20"])]
    assert [one.code for one in account(*given).findings if one.code == "mat.interval-short"] == []


def test_where_the_label_names_no_least_interval_none_is_short(account):
    assert account(an_injection(1, "2026-03-15"), an_injection(2, "2026-03-20")).findings == ()


# ---- gaps ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("second", "found"), [("2026-03-18", []), ("2026-03-19", [("2026-03-11", 8)])])
def test_a_gap_of_eight_days_is_a_finding(account, second, found):
    assert gaps_in(account(a_supply(1, "2026-03-04", 7), a_supply(2, second, 28))) == found


def test_a_gap_says_from_when_how_long_and_cites_both_sides(account):
    made = account(a_supply(1, "2026-03-04", 7), a_supply(2, "2026-03-25", 28), evidence(an_order()))
    (found,) = made.findings
    assert found.facts == {"from": "2026-03-11", "days": 14}
    assert found.evidence == ("iop/MedicationDispense/D-1@1", "iop/MedicationDispense/D-2@1")
    assert found.rules == ("INT-022", "MC-03")


def test_a_gap_cites_the_supply_before_it_and_the_one_after_it_and_no_other(account):
    supplied = [
        a_supply(0, "2026-02-18", 7),
        a_supply(1, "2026-02-25", 7),
        a_supply(2, "2026-03-20", 7),
        a_supply(3, "2026-03-27", 28),
    ]
    (found,) = account(*supplied).findings
    assert found.evidence == ("iop/MedicationDispense/D-1@1", "iop/MedicationDispense/D-2@1")


def test_a_gap_cites_the_supply_of_the_last_day_before_it_in_the_zone(account):
    """Handed over on the evening of 2 March in New York, and on 3 March."""
    supplied = [
        evidence(a_dispense("D-3", at="2026-03-03", days=7, code=FILM_2)),
        evidence(a_dispense("D-2", at="2026-03-03T02:00:00+00:00", days=7)),
        a_supply(4, "2026-03-30", 14),
    ]
    (found,) = account(*supplied).findings
    assert found.evidence == ("iop/MedicationDispense/D-3@1", "iop/MedicationDispense/D-4@1")


def test_medication_for_another_disorder_fills_no_gap_and_has_gaps_of_its_own(account):
    films = (a_supply(1, "2026-02-01", 7), a_supply(2, "2026-03-25", 28))
    tablets = (a_supply(3, "2026-02-01", 40, code=ACAMPROSATE), a_supply(4, "2026-03-30", 28, code=ACAMPROSATE))
    ordered = evidence(an_order(code=ACAMPROSATE, dose=None))
    assert gaps_in(account(*films, ordered)) == [("2026-02-08", 45)]
    assert sorted(gaps_in(account(*films, *tablets))) == [("2026-02-08", 45), ("2026-03-13", 17)]


def test_a_gap_that_goes_on_in_a_treatment_that_another_joined_later_is_told_once(account):
    """The film ran out, then the tablet: the days since are without medication once, not twice."""
    made = account(a_supply(1, "2026-02-01", 14), a_supply(2, "2026-02-10", 14, code=TABLET))
    assert gaps_in(made) == [("2026-02-24", 43)]


@pytest.mark.parametrize(("first", "found"), [("2025-10-09", True), ("2025-10-08", False)], ids=["within", "before"])
def test_a_gap_is_told_as_long_as_its_last_day_is_not_history(account, first, found):
    """180 days before 7 April 2026 is 9 October 2025."""
    made = account(a_supply(1, "2025-09-01", 7), a_supply(2, next_day(first), 200))
    assert bool(gaps_in(made)) is found


def test_a_gap_that_goes_on_is_told_from_its_eighth_day_under_the_key_it_keeps(account):
    supply = a_supply(1, "2026-03-04", 14)
    assert gaps_in(account(supply, as_of=at("2026-03-24"))) == []
    (opened,) = account(supply, as_of=at("2026-03-25")).findings
    assert opened.facts == {"from": "2026-03-18", "days": 8, "goes_on": "yes"}
    (closed,) = account(supply, a_supply(2, "2026-03-30", 14), as_of=at("2026-03-31")).findings
    assert (closed.key, closed.facts) == (opened.key, {"from": "2026-03-18", "days": 12})


NO_GAP = {
    "an order that was stopped": [evidence(an_order(status="stopped"))],
    "tablets in the place of films": [a_supply(9, "2026-03-18", 30, code=TABLET)],
    "another treatment of the same disorder": [an_injection(9, "2026-03-20")],
}


@pytest.mark.parametrize("more", NO_GAP.values(), ids=NO_GAP)
def test_days_without_supply_are_no_gap_after(account, more):
    assert gaps_in(account(a_supply(1, "2026-03-04", 14), *more)) == []


@pytest.mark.parametrize("grade", [Grade.PARTIAL, Grade.RESTRICTED, Grade.STALE])
def test_what_an_incomplete_pull_may_have_left_out_is_no_gap(account, grade):
    """Design D3: only a complete pull supports that something is missing."""
    policy = a_policy(grades={("iop", "MedicationDispense"): grade})
    supplies = [a_supply(1, "2026-03-04", 7), a_supply(2, "2026-03-25", 28)]
    assert gaps_in(account(*supplies, policy=policy)) == []


def test_a_gap_needs_each_ehr_that_tells_of_supplies_to_be_read_in_full(account):
    supplies = [a_supply(1, "2026-03-04", 7), a_supply(2, "2026-03-25", 28, ehr="pcp")]
    for ehr in ("iop", "pcp"):
        policy = a_policy(grades={(ehr, "MedicationDispense"): Grade.PARTIAL})
        assert gaps_in(account(*supplies, policy=policy)) == []
    assert len(gaps_in(account(*supplies))) == 1


def test_a_gap_that_ended_long_ago_is_history(account):
    made = account(a_supply(1, "2025-01-04", 7), a_supply(2, "2025-03-25", 7), a_supply(3, "2026-03-25", 28))
    assert gaps_in(made) == [("2025-04-01", 358)]


# ---- hospital days ---------------------------------------------------------------------------------------------------
TWO = [a_supply(1, "2026-03-04", 7), a_supply(2, "2026-03-25", 28)]  # 11 to 24 March without


def a_stay(first, last, *, ehr="ced", **more):
    made = {"class_": "IMP", "start": f"{first}T10:00:00-04:00", "end": last and f"{last}T10:00:00-04:00"} | more
    return evidence(an_encounter("H-1", **made), ehr=ehr)


HOSPITAL = {
    "all of the gap": (a_stay("2026-03-10", "2026-03-25"), [], [days("2026-03-11", "2026-03-24")]),
    "a part of it": (
        a_stay("2026-03-12", "2026-03-20"),
        [days("2026-03-11"), days("2026-03-21", "2026-03-24")],
        [days("2026-03-12", "2026-03-20")],
    ),
    "its last day": (
        a_stay("2026-03-24", "2026-03-28"),
        [days("2026-03-11", "2026-03-23")],
        [days("2026-03-24")],
    ),
    "its first day": (
        a_stay("2026-03-08", "2026-03-11"),
        [days("2026-03-12", "2026-03-24")],
        [days("2026-03-11")],
    ),
    "a stay whose end nobody told is known for its first day": (
        a_stay("2026-03-12", None),
        [days("2026-03-11"), days("2026-03-13", "2026-03-24")],
        [days("2026-03-12")],
    ),
    "an outpatient visit": (a_stay("2026-03-12", "2026-03-20", class_="AMB"), [days("2026-03-11", "2026-03-24")], []),
    "a stay that did not happen": (
        a_stay("2026-03-12", "2026-03-20", status="cancelled"),
        [days("2026-03-11", "2026-03-24")],
        [],
    ),
    "a stay where the medication comes from": (
        a_stay("2026-03-10", "2026-03-25", ehr="iop"),
        [days("2026-03-11", "2026-03-24")],
        [],
    ),
    "a stay that ends before it begins": (
        a_stay("2026-03-20", "2026-03-12"),
        [days("2026-03-11", "2026-03-24")],
        [],
    ),
}


@pytest.mark.parametrize(("stay", "gaps", "bridged"), HOSPITAL.values(), ids=HOSPITAL)
def test_days_in_a_hospital_elsewhere_are_no_gap(account, stay, gaps, bridged):
    course = the_course(account(*TWO, stay))
    assert (list(course.gaps), list(course.bridged)) == (gaps, bridged)
    assert ("ced/Encounter/H-1@1" in course.evidence) == bool(bridged)


def test_a_person_who_still_is_in_the_hospital_has_no_open_gap(account):
    stay = a_stay("2026-03-10", None, status="in-progress")
    made = account(TWO[0], stay)
    assert gaps_in(made) == []
    assert the_course(made).bridged == (days("2026-03-11", "2026-04-07"),)
