"""Courses of MAT: what each kind of record can prove, the dose between EHRs, and what is covered until when."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from coordinator.care.medication.model import Dose, Proof
from coordinator.care.medication.tables import status_worth
from coordinator.fhir import Interval
from coordinator.reconcile import Presence
from tests.builders import (
    ACETAMINOPHEN,
    FILM_2,
    FILM_8,
    METHADONE,
    NALTREXONE_ER,
    RXNORM,
    a_decision,
    a_dispense,
    a_statement,
    agreed,
    an_administration,
    an_order,
    evidence,
)

FILM = "course:buprenorphine/naloxone|SL film"


def days(first, last=None):
    return Interval(first=date.fromisoformat(first), last=date.fromisoformat(last or first))


def mg(value):
    return Dose(value=Decimal(value), unit="mg", per="d")


def told(value):
    return {"value": value, "unit": "mg", "per": "d"}


def the_course(account):
    (course,) = account.courses
    return course


# ---- which records are a course --------------------------------------------------------------------------------------
KINDS = {
    "an order": (an_order(), "active", []),
    "a supply": (a_dispense(), "active", [days("2026-04-01", "2026-04-14")]),
    "a dose": (an_administration(), "active", [days("2026-04-06")]),
    "a statement": (a_statement(), "active", []),
}


@pytest.mark.parametrize(("record", "status", "covered"), KINDS.values(), ids=KINDS)
def test_any_of_the_four_kinds_of_record_shows_a_course(account, record, status, covered):
    course = the_course(account(evidence(record)))
    assert (course.status, list(course.covered)) == (status, covered)


NO_COURSE = {
    "another medicine": an_order(code=ACETAMINOPHEN),
    "a code that the table does not know": an_order(code="999999999"),
    "words without a code": an_order() | {"medicationCodeableConcept": {"text": "buprenorphine naloxone film"}},
    "a draft": an_order(status="draft"),
    "entered in error": a_statement(status="entered-in-error"),
    "a supply that was not handed over": a_dispense(status="cancelled"),
    "a dose that was not given": an_administration(status="not-done"),
}


@pytest.mark.parametrize("record", NO_COURSE.values(), ids=NO_COURSE)
def test_what_is_no_mat_or_did_not_happen_shows_no_course(account, record):
    assert account(evidence(record)).courses == ()


NO_PART = {
    "a draft": an_order("M-0", status="draft"),
    "a dose that was not given": an_administration("A-0", code=FILM_8, dose="8 mg", status="not-done"),
    "a statement of what is meant to be taken": a_statement("P-0", status="intended"),
    "an order of nothing": {
        name: value for name, value in an_order("M-0").items() if not name.startswith("medication")
    },
}


@pytest.mark.parametrize("record", NO_PART.values(), ids=NO_PART)
def test_what_did_not_happen_is_no_part_of_a_course_and_hides_none(account, record):
    course = the_course(account(evidence(record), evidence(an_order())))
    assert course.evidence == ("iop/MedicationRequest/M-1@1",)


def test_all_records_of_one_product_form_are_one_course_over_all_ehrs(account):
    course = the_course(
        account(
            evidence(an_order()),
            evidence(a_dispense(), ehr="ced"),
            evidence(a_statement(code=FILM_2, dose=None), ehr="pcp"),
        )
    )
    assert course.evidence == (
        "ced/MedicationDispense/D-1@1",
        "iop/MedicationRequest/M-1@1",
        "pcp/MedicationStatement/P-9@1",
    )


def test_other_ingredients_are_other_courses(account):
    made = account(evidence(an_order()), evidence(an_administration(), ehr="otp"))
    assert [(one.ingredient, one.form) for one in made.courses] == [
        ("buprenorphine/naloxone", "SL film"),
        ("methadone", "oral solution"),
    ]


MEDICINE = {"resourceType": "Medication", "id": "med-1", "code": {"coding": [{"system": RXNORM, "code": FILM_8}]}}


@pytest.mark.parametrize(
    "reference",
    ["Medication/med-1", "Medication/med-1/_history/3", "https://ehr.example/fhir/Medication/med-1"],
    ids=["relative", "versioned", "absolute"],
)
def test_a_medicine_is_known_by_reference(account, reference):
    made = account(evidence(an_order(reference=reference)), evidence(MEDICINE))
    assert the_course(made).form == "SL film"


def test_a_medicine_of_another_ehr_with_the_same_id_is_another(account):
    assert account(evidence(an_order(reference="Medication/med-1")), evidence(MEDICINE, ehr="ced")).courses == ()


def test_a_medicine_is_known_where_it_is_contained(account):
    order = an_order(reference="#m") | {"contained": [MEDICINE | {"id": "m"}]}
    assert the_course(account(evidence(order))).form == "SL film"


def test_a_reference_to_nothing_at_hand_is_no_course(account):
    assert account(evidence(an_order(reference="Medication/med-2")), evidence(MEDICINE)).courses == ()


# ---- dose ------------------------------------------------------------------------------------------------------------
def test_a_dose_that_only_one_ehr_states_is_the_dose(account):
    course = the_course(account(evidence(an_order(dose="16 mg"))))
    assert (course.dose, course.disputed) == (mg(16), False)


def test_units_of_a_product_and_milligrams_are_one_dose(account):
    """Two films of 8 mg daily and 16 mg daily say the same."""
    made = account(evidence(an_order(dose="2 film")), evidence(a_statement(dose="16 mg"), ehr="pcp"))
    assert (the_course(made).dose, made.findings) == (mg(16), ())


def test_a_course_without_a_stated_dose_has_none(account):
    course = the_course(account(evidence(an_order(dose=None))))
    assert (course.dose, course.disputed) == (None, False)


NOW_STATED = {
    "the newest active order": (
        [an_order("M-1", dose="16 mg"), an_order("M-2", dose="24 mg", at="2026-04-05T10:00:00-04:00")],
        mg(24),
    ),
    "an order that holds, not a newer one that is stopped": (
        [
            an_order("M-1", dose="16 mg"),
            an_order("M-2", dose="24 mg", at="2026-04-05T10:00:00-04:00", status="stopped"),
        ],
        mg(16),
    ),
    "an order before a statement": (
        [an_order(dose="16 mg"), a_statement(dose="8 mg", at="2026-04-05T10:00:00-04:00")],
        mg(16),
    ),
    "a dose given after the order": (
        [
            an_order(dose="80 mg", code=METHADONE, at="2026-04-01T10:00:00-04:00"),
            an_administration(dose="85 mg", at="2026-04-06T07:00:00-04:00"),
        ],
        mg(85),
    ),
    "an order after the dose": (
        [
            an_administration(dose="85 mg", at="2026-04-05T07:00:00-04:00"),
            an_order(dose="90 mg", code=METHADONE, at="2026-04-06T10:00:00-04:00"),
        ],
        mg(90),
    ),
    "times are compared as instants": (
        [
            an_order("M-1", dose="16 mg", at="2026-04-05T23:00:00-04:00"),
            an_order("M-2", dose="24 mg", at="2026-04-06T02:00:00Z"),
        ],
        mg(16),
    ),
    "never a supply": ([an_order(dose=None), a_dispense()], None),
}


@pytest.mark.parametrize(("records", "dose"), NOW_STATED.values(), ids=NOW_STATED)
def test_an_ehr_states_one_dose_now(account, records, dose):
    assert the_course(account(*(evidence(one) for one in records))).dose == dose


def both(iop="16 mg", pcp="16 mg", **more):
    return [
        evidence(an_order("M-2", dose=iop, at="2026-04-01T10:05:00-04:00")),
        evidence(a_statement(dose=pcp, at="2026-04-02T15:20:00-04:00"), ehr="pcp"),
    ]


BEFORE = agreed(**{FILM: {"dose": {"": told(16), "iop": told(16), "pcp": told(16)}}})


def test_a_dose_changed_in_one_ehr_is_followed(account):
    made = account(*both(iop="24 mg"), agreed=BEFORE)
    assert (the_course(made).dose, made.findings) == (mg(24), ())


def test_a_dose_changed_in_both_is_disputed_with_what_agrees_with_each(account):
    """Neither chosen nor summed: two prescribers must speak."""
    handed_over = a_dispense("D-7", at="2026-04-03T10:00:00-04:00", films=42)
    made = account(*both(iop="24 mg", pcp="8 mg"), evidence(handed_over), agreed=BEFORE)
    assert (the_course(made).dose, the_course(made).disputed) == (None, True)
    (found,) = made.findings
    assert (found.code, found.urgency) == ("mat.dose-differs", "urgent")
    assert found.facts == {
        "doses": [
            {"ehr": "iop", "value": 24, "unit": "mg", "agrees_with": ["iop/MedicationDispense/D-7"]},
            {"ehr": "pcp", "value": 8, "unit": "mg", "agrees_with": []},
        ],
        "values": {"iop": told(24), "pcp": told(8)},
        "base": told(16),
    }
    assert "iop/MedicationDispense/D-7@1" in found.evidence


def test_a_given_dose_agrees_with_the_dose_that_it_follows(account):
    made = account(
        evidence(an_order(dose="85 mg", code=METHADONE, at="2026-04-01")),
        evidence(a_statement(dose="80 mg", code=METHADONE), ehr="pcp"),
        evidence(an_administration(dose="85 mg"), ehr="otp"),
    )
    doses = made.findings[0].facts["doses"]
    assert {one["ehr"]: one["agrees_with"] for one in doses} == {
        "iop": ["otp/MedicationAdministration/A-1"],
        "otp": [],
        "pcp": [],
    }


def test_an_order_that_says_the_same_is_a_side_of_its_own_and_proves_nothing_for_another(account):
    third = an_order("M-3", dose="24 mg", at="2026-04-05T10:00:00-04:00")
    made = account(*both(iop="24 mg", pcp="8 mg"), evidence(third, ehr="ced"), agreed=BEFORE)
    assert [(one["ehr"], one["agrees_with"]) for one in made.findings[0].facts["doses"]] == [
        ("ced", []),
        ("iop", []),
        ("pcp", []),
    ]


def test_a_supply_older_than_the_order_agrees_with_nothing(account):
    old = a_dispense("D-7", at="2026-03-20T10:00:00-04:00", films=42)
    made = account(*both(iop="24 mg", pcp="8 mg"), evidence(old), agreed=BEFORE)
    assert [one["agrees_with"] for one in made.findings[0].facts["doses"]] == [[], []]


@pytest.mark.parametrize(
    ("place", "dose"), [("iop/MedicationRequest/M-2", mg(24)), ("pcp/MedicationStatement/P-9", mg(8))]
)
def test_a_person_decides_the_dose(account, place, dose):
    records = both(iop="24 mg", pcp="8 mg")
    (found,) = account(*records, agreed=BEFORE).findings
    made = account(*records, agreed=BEFORE, decisions=[a_decision(found.key, {"accept": place}, facts=found.facts)])
    assert (the_course(made).dose, made.findings) == (dose, ())


def test_a_decision_about_other_doses_does_not_hold(account):
    (found,) = account(*both(iop="24 mg", pcp="8 mg"), agreed=BEFORE).findings
    old = a_decision(found.key, {"accept": "iop/MedicationRequest/M-2"}, facts=found.facts)
    made = account(*both(iop="32 mg", pcp="8 mg"), agreed=BEFORE, decisions=[old])
    assert the_course(made).disputed


def test_a_dose_whose_order_was_stopped_is_stated_by_nobody(account):
    made = account(evidence(an_order(status="stopped")), agreed=BEFORE)
    assert (the_course(made).dose, the_course(made).status, made.agreed.items) == (None, "stopped", {})


def test_a_fraction_of_a_milligram_is_kept(account):
    made = account(evidence(an_order(dose="1.4 mg")))
    assert made.content["courses"][0]["dose"]["value"] == Decimal("1.4")
    assert account(evidence(an_order(dose="1.4 mg")), agreed=made.agreed).hash == made.hash


def test_an_injection_is_a_dose_per_injection(account):
    order = an_order(code=NALTREXONE_ER, dose="380 mg")
    assert the_course(account(evidence(order))).dose == Dose(value=Decimal(380), unit="mg", per="dose")


# ---- last seen -------------------------------------------------------------------------------------------------------
def test_the_last_seen_day_is_that_of_the_last_dose_or_supply_so_far(account):
    made = account(
        evidence(an_administration("A-1", at="2026-04-05T07:00:00-04:00")),
        evidence(an_administration("A-2", at="2026-04-06T07:00:00-04:00")),
        evidence(an_administration("A-3", at="2026-04-08T07:00:00-04:00")),
        evidence(a_statement(code=METHADONE, at="2026-04-07T07:00:00-04:00"), ehr="pcp"),
    )
    assert the_course(made).last_seen == date(2026, 4, 6)


def test_a_dose_of_today_was_seen_and_one_of_which_only_the_month_is_known_was_not(account):
    today = an_administration("A-2", at="2026-04-07T07:00:00-04:00")
    month = an_administration("A-3", at="2026-03")
    assert the_course(account(evidence(today), evidence(month))).last_seen == date(2026, 4, 7)
    assert the_course(account(evidence(month))).last_seen is None


def test_a_supply_of_which_no_day_is_told_was_not_seen(account):
    supply = {name: value for name, value in a_dispense().items() if name != "whenHandedOver"}
    assert the_course(account(evidence(supply))).last_seen is None


RULES = {
    "an order": ([an_order()], ("MC-01", "MC-02", "MC-04")),
    "an order without a dose": ([an_order(dose=None)], ("MC-01", "MC-04")),
    "a supply": ([a_dispense()], ("MC-01", "MC-03", "MC-04")),
}


@pytest.mark.parametrize(("records", "rules"), RULES.values(), ids=RULES)
def test_a_course_names_the_rules_that_it_was_drawn_by(account, records, rules):
    assert the_course(account(*map(evidence, records))).rules == rules


def test_without_dose_or_supply_nothing_was_seen(account):
    assert the_course(account(evidence(an_order()))).last_seen is None


# ---- status ----------------------------------------------------------------------------------------------------------
LATER = datetime(2026, 6, 1, 12, tzinfo=UTC)
STATUSES = {
    "doses until today": ([an_administration()], None, "active"),
    "silence after the last dose is unknown, never stopped": ([an_administration()], LATER, "unknown"),
    "silence after a supply ran out": ([a_dispense()], LATER, "unknown"),
    "an order that is active": ([an_order()], LATER, "active"),
    "an order that was stopped": ([an_order(status="stopped")], None, "stopped"),
    "an order that was completed": ([an_order(status="completed")], None, "completed"),
    "an order that is halted": ([an_order(status="on-hold")], None, "on-hold"),
    "an order of unknown status": ([an_order(status="unknown")], None, "unknown"),
    "a stopped order with supply in hand": ([an_order(status="stopped"), a_dispense()], None, "active"),
    "the later word counts": (
        [an_order("M-1", status="completed"), an_order("M-2", status="stopped", at="2026-04-05")],
        None,
        "stopped",
    ),
}


@pytest.mark.parametrize(("records", "as_of", "status"), STATUSES.values(), ids=STATUSES)
def test_a_status_is_said_or_shown_by_supply(account, records, as_of, status):
    ask = {"as_of": as_of} if as_of else {}
    assert the_course(account(*(evidence(one) for one in records), **ask)).status == status


def test_each_status_that_counts_is_a_word_of_a_medication_statement():
    words = {"active", "completed", "intended", "stopped", "on-hold", "unknown", "not-taken"}  # FHIR R4
    told = {word for (proof, word), worth in status_worth().items() if worth.counts and proof in _SAID}
    assert told <= words


_SAID = (Proof.ORDER, Proof.STATEMENT)


@pytest.mark.parametrize(("day", "status"), [(14, "active"), (15, "unknown")])
def test_an_eighth_day_without_supply_makes_it_unknown(account, day, status):
    made = account(evidence(an_administration()), as_of=datetime(2026, 4, day - 1, 16, tzinfo=UTC))
    assert the_course(made).status == status


@pytest.mark.parametrize("presence", [Presence.HIDDEN, Presence.DELETED, Presence.UNREADABLE])
def test_a_record_that_vanished_stops_nothing(account, presence):
    made = account(evidence(an_administration()), evidence(an_order(code=METHADONE), ehr="pcp", presence=presence))
    assert the_course(made).status == "active"
