"""How a dose moved, who ordered and gave it, what gave way to what: facts with their records, no judgment."""

import pytest

from coordinator.care.medication.interactions import interaction_rules
from coordinator.reconcile import Agreed
from tests.builders import (
    FILM_8,
    METHADONE,
    NALTREXONE_ER,
    a_dispense,
    a_statement,
    an_administration,
    an_order,
    evidence,
)

TABLET = "351267"  # buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet
PLAIN_TABLET = "351265"  # buprenorphine 8 MG Sublingual Tablet
MONTHLY, WEEKLY = "1996192", "2639021"
ACAMPROSATE = "835726"


def doses(*values, ehr="otp", start=1):
    return [
        evidence(an_administration(f"A-{day}", dose=f"{value} mg", at=f"2026-03-{day:02}T07:00:00-04:00"), ehr=ehr)
        for day, value in enumerate(values, start)
    ]


def supplies(ehr, *first_days, code=FILM_8, month=3):
    return [
        evidence(a_dispense(f"D-{code}-{day}", at=f"2026-{month:02}-{day:02}T10:00:00-04:00", code=code), ehr=ehr)
        for day in first_days
    ]


def course_of(made, form):
    return next(one for one in made.courses if one.form == form)


# ---- history ---------------------------------------------------------------------------------------------------------
def test_each_dose_that_an_ehr_came_to_state_is_a_step_with_its_record(account):
    (course,) = account(*doses(30, 30, 40, 40, 40, 50)).courses
    steps = [(int(one.dose.value), str(one.since.first), one.ref) for one in course.history]
    assert steps == [
        (30, "2026-03-01", "otp/MedicationAdministration/A-1@1"),
        (40, "2026-03-03", "otp/MedicationAdministration/A-3@1"),
        (50, "2026-03-06", "otp/MedicationAdministration/A-6@1"),
    ]


def test_a_list_that_lags_behind_the_orders_of_its_ehr_is_no_step(account):
    order = an_order("M-1", dose="24 mg", at="2026-03-10")
    listed = a_statement(dose="16 mg", at="2026-03-20")
    (course,) = account(evidence(order), evidence(listed)).courses
    assert [int(one.dose.value) for one in course.history] == [24]


def test_a_list_counts_where_the_orders_of_its_ehr_tell_no_dose(account):
    order = an_order("M-1", dose=None, at="2026-03-10")
    (course,) = account(evidence(order), evidence(a_statement(dose="16 mg", at="2026-03-20"))).courses
    assert [int(one.dose.value) for one in course.history] == [16]


TRENDS = {
    "raised twice": ([30, 40, 50], ("raised", 2)),
    "lowered three times after it was raised": ([30, 50, 45, 40, 35], ("lowered", 3)),
    "changed once": ([30, 40], None),
    "raised and lowered": ([30, 40, 35], None),
    "never changed": ([30, 30], None),
}


@pytest.mark.parametrize(("values", "trend"), TRENDS.values(), ids=TRENDS)
def test_changes_in_one_direction_are_told_as_a_fact(account, values, trend):
    (course,) = account(*doses(*values)).courses
    told = course.trend and (course.trend.kind, len(course.trend.steps) - 1)
    assert told == trend


def test_a_trend_is_the_last_run_alone_with_the_step_that_it_starts_from(account):
    (course,) = account(*doses(95, 80, 90, 70, 50)).courses
    assert (course.trend.kind, [int(one.dose.value) for one in course.trend.steps]) == ("lowered", [90, 70, 50])


def test_doses_of_different_periods_make_no_trend(account):
    """60 mg each day and 70 mg every other day can't be compared."""
    each_other_day = an_order("M-2", code=METHADONE, dose="70 mg", at="2026-03-02")
    each_other_day["dosageInstruction"][0]["timing"]["repeat"]["period"] = 2
    orders = [
        an_order(f"M-{day}", code=METHADONE, dose=f"{dose} mg", at=f"2026-03-0{day}")
        for day, dose in ((1, 60), (3, 80), (4, 90))
    ]
    (course,) = account(*map(evidence, [each_other_day, *orders])).courses
    assert [one.dose.per for one in course.history] == ["d", "2d", "d", "d"]
    assert course.trend is None


def test_of_two_ehrs_with_equally_many_changes_the_one_that_changed_last_is_told(account):
    early = [
        evidence(an_administration(f"A-{day}", dose=f"{dose} mg", at=f"2026-03-{day:02}T07:00:00-04:00"), ehr="otp")
        for day, dose in ((1, 30), (8, 40), (9, 50))
    ]
    late = [
        evidence(an_administration(f"A-{day}", dose=f"{dose} mg", at=f"2026-03-{day:02}T07:00:00-04:00"), ehr="ced")
        for day, dose in ((2, 50), (3, 40), (20, 30))
    ]
    (course,) = account(*early, *late).courses
    assert (course.trend.kind, course.trend.steps[0].ehr) == ("lowered", "ced")


def test_of_two_ehrs_that_changed_a_dose_the_longer_run_is_told(account):
    made = account(*doses(30, 40, 50), *doses(20, 30, 40, 50, ehr="ced"))
    assert [(one.trend.kind, len(one.trend.steps), one.trend.steps[0].ehr) for one in made.courses] == [
        ("raised", 4, "ced")
    ]


def test_a_record_without_a_dose_states_none_and_breaks_no_history(account):
    orders = [an_order("M-1", dose="16 mg", at="2026-03-02"), an_order("M-2", dose=None, at="2026-03-09")]
    (course,) = account(*map(evidence, orders)).courses
    assert (int(course.dose.value), [int(one.dose.value) for one in course.history]) == (16, [16])


def test_the_account_shows_a_trend_with_both_ends_and_its_records(account):
    (course,) = account(*doses(30, 40, 50)).content["courses"]
    refs = [f"otp/MedicationAdministration/A-{day}@1" for day in (1, 2, 3)]
    assert course["trend"] == {
        "kind": "raised",
        "times": 2,
        "from": {"value": 30, "unit": "mg", "per": "d"},
        "to": {"value": 50, "unit": "mg", "per": "d"},
        "since": ["2026-03-02", "2026-03-02"],
        "evidence": refs,
    }
    assert course["switched_from"] is None


def test_who_orders_and_who_supplies_are_told(account):
    order = an_order() | {"requester": {"reference": "Practitioner/pr-1"}}
    stopped = an_order("M-0", status="stopped") | {"requester": {"reference": "Practitioner/pr-0"}}
    (course,) = account(evidence(order), evidence(stopped), *supplies("ced", 20)).content["courses"]
    assert course["prescribers"] == [{"organization": "iop", "reference": "Practitioner/pr-1"}]
    assert course["suppliers"] == ["ced"]


def test_an_order_that_names_nobody_is_told_by_its_organization(account):
    named = an_order("M-2") | {"requester": {"reference": "Practitioner/pr-1"}}
    (course,) = account(evidence(an_order("M-1")), evidence(named)).courses
    assert course.prescribers == (("iop", ""), ("iop", "Practitioner/pr-1"))


# ---- switch ----------------------------------------------------------------------------------------------------------
def test_a_change_of_form_is_a_switch_with_its_day_and_the_days_of_both(account):
    made = account(*supplies("iop", 1, 15), *supplies("iop", 25, code=TABLET))
    switch = course_of(made, "SL tablet").switched_from
    assert (switch.course, str(switch.day), switch.crossover) == (
        "course:buprenorphine/naloxone|SL film",
        "2026-03-25",
        4,
    )
    assert course_of(made, "SL film").switched_from is None
    assert [course_of(made, form).rules for form in ("SL film", "SL tablet")] == [
        ("MC-01", "MC-03", "MC-04"),
        ("MC-01", "MC-03", "MC-04", "MC-10"),
    ]
    assert [one["switched_from"] for one in made.content["courses"]] == [
        None,
        {"course": "course:buprenorphine/naloxone|SL film", "day": "2026-03-25", "crossover_days": 4},
    ]
    assert made.findings == ()


def test_a_change_of_treatment_is_a_switch_too(account):
    made = account(*doses(*[60] * 20, start=1), *supplies("iop", 21, month=3))
    assert course_of(made, "SL film").switched_from.course == "course:methadone|oral solution"


OLD_ORDERS = {
    "stopped": ([evidence(an_order("M-1", status="stopped", at="2026-03-01"))], "stopped"),
    "still open": ([evidence(an_order("M-1", at="2026-03-01"))], "active"),
    "of a status that is not known": ([evidence(an_order("M-1", status="unknown", at="2026-03-01"))], "active"),
    "one stopped, one still open": (
        [
            evidence(an_order("M-1", at="2026-03-01")),
            evidence(an_order("M-2", status="stopped", at="2026-03-02")),
        ],
        "active",
    ),
    "not known": ([], "active"),
}


@pytest.mark.parametrize(("orders", "status"), OLD_ORDERS.values(), ids=OLD_ORDERS)
def test_what_gave_way_stands_as_its_order_says_and_not_as_what_is_left_of_it(account, orders, status):
    made = account(*supplies("iop", 25), *orders, *supplies("iop", 1, code=TABLET, month=4))
    assert course_of(made, "SL film").status == status
    assert ("MC-10" in course_of(made, "SL film").rules) is (status == "stopped")


def test_of_several_that_gave_way_the_one_ordered_or_given_last_is_named(account):
    made = account(*doses(*[60] * 18), *supplies("iop", 20), *supplies("iop", 26, code=TABLET))
    assert course_of(made, "SL tablet").switched_from.course == "course:buprenorphine/naloxone|SL film"


def test_a_switch_is_told_by_days_in_the_zone_and_not_by_the_order_of_the_texts(account):
    """An order of 3 March, a supply of the evening before in New York, and the new form on 3 March."""
    made = account(
        evidence(an_order("M-1", at="2026-03-03", status="stopped")),
        evidence(a_dispense("D-1", at="2026-03-03T02:00:00+00:00")),
        evidence(a_dispense("D-2", at="2026-03-03T15:00:00-05:00", code=TABLET)),
    )
    assert str(course_of(made, "SL tablet").switched_from.day) == "2026-03-03"


def test_of_two_that_gave_way_the_one_in_use_last_is_named(account):
    made = account(*doses(*[60] * 10, start=1), *supplies("iop", 12), *supplies("iop", 25, code=TABLET))
    assert course_of(made, "SL tablet").switched_from.course == "course:buprenorphine/naloxone|SL film"


def test_a_form_supplied_for_the_last_time_on_the_day_of_the_new_one_gave_way_to_it(account):
    made = account(*supplies("iop", 1, 15), *supplies("iop", 15, code=TABLET))
    assert str(course_of(made, "SL tablet").switched_from.day) == "2026-03-15"
    assert [one.key for one in made.findings] == [
        "mat.coverage-gap:course:buprenorphine/naloxone|SL tablet:2026-03-29"  # and not the same days of the film
    ]


@pytest.mark.parametrize(("day", "is_switch"), [(22, True), (23, False)], ids=["as long as allowed", "a day longer"])
def test_a_new_form_after_a_gap_is_a_switch_only_within_the_days_of_one_treatment(account, day, is_switch):
    made = account(*supplies("iop", 1), *supplies("iop", day, code=TABLET))
    assert (course_of(made, "SL tablet").switched_from is not None) is is_switch


def without_a_day(tree):
    return {name: value for name, value in tree.items() if name != "authoredOn"}


NO_SWITCH = {
    "both began on one day": [*supplies("iop", 10), *supplies("iop", 10, code=TABLET)],
    "only the month of the first is known": [
        evidence(an_order("M-1", status="stopped", at="2026-03")),
        evidence(an_order("M-2", code=TABLET, at="2026-03-15")),
    ],
    "no day of the first is known": [
        evidence(without_a_day(an_order("M-1", status="stopped"))),
        evidence(an_order("M-2", code=TABLET, at="2026-03-15")),
    ],
    "the first goes on": [*supplies("iop", 1, 15, 29), *supplies("iop", 20, code=TABLET)],
    "a treatment long before": [*supplies("iop", 1, month=1), *supplies("iop", 20, code=TABLET)],
    "of another disorder": [*supplies("iop", 1), *supplies("iop", 15, code=ACAMPROSATE)],
    "only a statement": [*supplies("iop", 1), evidence(a_statement(code=TABLET, at="2026-03-15"))],
}


@pytest.mark.parametrize("records", NO_SWITCH.values(), ids=NO_SWITCH)
def test_there_is_no_switch_where(account, records):
    assert all(one.switched_from is None for one in account(*records).courses)


def test_an_order_that_was_stopped_gave_way_to_the_next(account):
    made = account(
        evidence(an_order("M-1", status="stopped", at="2026-03-01")),
        evidence(an_order("M-2", code=TABLET, at="2026-03-15")),
    )
    assert course_of(made, "SL tablet").switched_from.crossover == 0


# ---- duplicate -------------------------------------------------------------------------------------------------------
def duplicates_in(made):
    return [one.facts for one in made.findings if one.code == "mat.duplicate"]


def test_two_organizations_that_supply_one_treatment_in_turn_are_a_duplicate(account):
    made = account(*supplies("iop", 10, 24), *supplies("pcp", 17, 31))
    (found,) = duplicates_in(made)
    assert found == {
        "overlap_days": 21,
        "from": "2026-03-17",
        "forms": ["SL film"],
        "organizations": ["iop", "pcp"],
        "rule": "INT-018",
        "verified": False,
    }


def test_a_duplicate_cites_the_last_supply_of_each_and_names_both_and_its_rules(account):
    made = account(*supplies("iop", 10, 24), *supplies("pcp", 17, 31, code=TABLET))
    (found,) = [one for one in made.findings if one.code == "mat.duplicate"]
    film, tablet = "course:buprenorphine/naloxone|SL film", "course:buprenorphine/naloxone|SL tablet"
    assert found.key == f"mat.duplicate:{film}@iop+{tablet}@pcp"
    assert found.evidence == (
        f"iop/MedicationDispense/D-{FILM_8}-24@1",
        f"pcp/MedicationDispense/D-{TABLET}-31@1",
    )
    assert (found.urgency, found.rules) == (
        interaction_rules()[found.facts["rule"]].urgency,
        (found.facts["rule"], "MC-07"),
    )


def test_a_duplicate_is_named_in_one_order_whatever_the_forms_are_called(account):
    plain, film = "course:buprenorphine|SL tablet", "course:buprenorphine/naloxone|SL film"
    made = account(*supplies("iop", 10, 24, code=PLAIN_TABLET), *supplies("pcp", 17, 31))
    (found,) = [one for one in made.findings if one.code == "mat.duplicate"]
    assert found.key == f"mat.duplicate:{film}@pcp+{plain}@iop"
    assert found.facts["forms"] == ["SL film", "SL tablet"]


def test_a_depot_with_films_of_another_organization_is_as_urgent_as_its_rule(account):
    depot = [
        evidence(an_administration(f"A-{day}", code=MONTHLY, dose="300 mg", at=f"2026-{day}T10:00:00-04:00"))
        for day in ("03-10", "04-06")
    ]
    (found,) = [one for one in account(*depot, *supplies("pcp", 12, 26)).findings if one.code == "mat.duplicate"]
    assert (found.facts["rule"], found.urgency) == ("INT-019", "routine")
    assert found.facts["forms"] == ["ER injection (monthly)", "SL film"]


def test_of_many_supplies_a_duplicate_cites_the_last_of_each(account):
    more = [
        evidence(a_dispense(f"D-{day}", at=f"2026-04-0{day}T10:00:00-04:00"), ehr=ehr)
        for ehr, day in (("iop", 7), ("pcp", 6))
    ]
    made = account(*supplies("iop", 10, 24), *supplies("pcp", 17, 30), *more)
    (found,) = [one for one in made.findings if one.code == "mat.duplicate"]
    assert found.evidence == ("iop/MedicationDispense/D-7@1", "pcp/MedicationDispense/D-6@1")


OVERLAPS = {
    "as long as a handover may take": ((7, 25), False),
    "a day longer": ((8, 25), True),
    "until the first of the days that still count": ((8, 23), True),
    "until the day before": ((8, 22), False),
}


@pytest.mark.parametrize(("other", "is_duplicate"), OVERLAPS.values(), ids=OVERLAPS)
def test_a_duplicate_is_longer_than_a_handover_and_of_these_days(account, other, is_duplicate):
    days, first = other
    made = account(*supplies("iop", 17, 31), *of(days, first))
    assert bool(duplicates_in(made)) is is_duplicate


def test_supplies_of_one_day_and_product_in_other_amounts_are_not_one_supply_told_twice(account):
    half = [
        evidence(a_dispense(f"D-{day}", at=f"2026-03-{day}T10:00:00-04:00", films=14), ehr="pcp") for day in (10, 24)
    ]
    assert len(duplicates_in(account(*supplies("iop", 10, 24), *half))) == 1


def test_each_pair_of_organizations_is_judged_by_itself(account):
    made = account(
        *supplies("iop", 10, 24), *supplies("iop", 12, 26, code=TABLET), *supplies("pcp", 17, 31, code=TABLET)
    )
    assert [one["organizations"] for one in duplicates_in(made)] == [["iop", "pcp"], ["iop", "pcp"]]


def test_two_forms_from_two_organizations_in_turn_are_a_duplicate(account):
    (found,) = duplicates_in(account(*supplies("iop", 10, 24), *supplies("pcp", 17, 31, code=TABLET)))
    assert found["forms"] == ["SL film", "SL tablet"]


def test_forms_that_two_organizations_order_are_a_duplicate(account):
    made = account(evidence(an_order("M-1")), evidence(an_order("M-2", code=TABLET), ehr="pcp"))
    (found,) = [one for one in made.findings if one.code == "mat.duplicate"]
    assert found.facts["organizations"] == ["iop", "pcp"]
    assert found.evidence == ("iop/MedicationRequest/M-1@1", "pcp/MedicationRequest/M-2@1")


def test_the_newest_order_that_holds_is_cited_of_each(account):
    made = account(
        evidence(an_order("M-0", at="2026-02-02T09:00:00-05:00")),
        evidence(an_order("M-1", at="2026-03-02T09:00:00-05:00")),
        evidence(an_order("M-3", at="2026-03-20T09:00:00-04:00", status="stopped")),
        evidence(a_statement(at="2026-03-25T09:00:00-04:00")),
        evidence(an_order("M-2", code=TABLET), ehr="pcp"),
    )
    (found,) = [one for one in made.findings if one.code == "mat.duplicate"]
    assert found.evidence == ("iop/MedicationRequest/M-1@1", "pcp/MedicationRequest/M-2@1")


def of(days, *first_days, ehr="pcp"):
    return [
        evidence(a_dispense(f"D-{day}", at=f"2026-03-{day:02}T10:00:00-04:00", days=days, films=2 * days), ehr=ehr)
        for day in first_days
    ]


NO_DUPLICATE = {
    "one took over with supply of the other left": [*supplies("iop", 20), *supplies("pcp", 24)],
    "both overlapped no longer than a handover takes": [*supplies("iop", 10, 28), *of(7, 21)],
    "one organization gives two forms": [*supplies("iop", 10, 24), *supplies("iop", 17, 31, code=TABLET)],
    "two treatments are ordered": [
        evidence(an_order("M-1")),
        evidence(an_order("M-2", code=METHADONE, dose="60 mg"), ehr="otp"),
    ],
    "one organization orders both forms": [
        evidence(an_order("M-1")),
        evidence(an_order("M-3", code=TABLET)),
        evidence(an_order("M-2", code=TABLET), ehr="pcp"),
    ],
    "handed over from one to the other": [*supplies("iop", 3, 10), *supplies("pcp", 17, 31)],
    "one supply told by two EHRs": [*supplies("iop", 10, 17, 24), *supplies("pcp", 10, 17, 24)],
    "a depot and a film of one organization": [
        evidence(an_administration("A-1", code=MONTHLY, dose="300 mg", at="2026-03-20T10:00:00-04:00")),
        *supplies("iop", 21, 28),
    ],
    "two treatments": [*supplies("iop", 10, 24), *doses(*[60] * 25, start=7)],
    "long ago": [*supplies("iop", 1, 10, month=1), *supplies("pcp", 5, 15, month=1)],
}


@pytest.mark.parametrize("records", NO_DUPLICATE.values(), ids=NO_DUPLICATE)
def test_there_is_no_duplicate_where(account, records):
    assert duplicates_in(account(*records)) == []


def test_two_opioid_treatment_programs_that_dose_in_turn_are_a_duplicate_without_a_rule_of_interactions(account):
    one, other = doses(*[60] * 28, ehr="otp", start=4), doses(*[50] * 28, ehr="ced", start=4)
    (found,) = [one for one in account(*one[::2], *other[1::2], *one[1::2]).findings if one.code == "mat.duplicate"]
    assert (found.facts["organizations"], "rule" in found.facts) == (["ced", "otp"], False)
    assert (found.urgency, found.rules) == ("soon", ("MC-07",))


# ---- cost and order --------------------------------------------------------------------------------------------------
def test_a_long_depot_history_is_one_course_whatever_the_order_of_its_records(account):
    given = [
        evidence(an_administration(f"A-{n}", code=NALTREXONE_ER, dose="380 mg", at=f"2025-{n:02}-05T10:00:00-05:00"))
        for n in range(1, 13)
    ]
    forward, backward = account(*given, agreed=Agreed()), account(*reversed(given), agreed=Agreed())
    assert forward.hash == backward.hash
    assert len(forward.courses) == 1


def test_methadone_and_a_weekly_depot_have_their_own_courses(account):
    weekly = an_administration("A-9", code=WEEKLY, dose="16 mg", at="2026-04-01T10:00:00-04:00")
    made = account(evidence(weekly), evidence(an_administration(code=METHADONE), ehr="otp"))
    assert [one.treatment for one in made.courses] == ["buprenorphine", "methadone"]
