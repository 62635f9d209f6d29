"""Interactions advise those who prescribe; none is raised where one of the two is not in use, none blocks anything."""

from datetime import UTC, datetime

import pytest

from coordinator.care.medication.interactions import Evaluated, class_members, interaction_rules
from coordinator.care.medication.rules import consent_codes
from coordinator.care.medication.tables import product_table
from coordinator.reconcile import Program
from tests.builders import (
    FILM_8,
    METHADONE,
    NALTREXONE_ER,
    a_dispense,
    a_policy,
    a_statement,
    an_administration,
    an_order,
    evidence,
)

ALPRAZOLAM, OXYCODONE, CITALOPRAM, LISINOPRIL = "596", "7804", "2556", "29046"
METHADONE_TABLET = "864706"


def rules_in(made):
    return sorted(one.facts["rule"] for one in made.findings if one.code == "mat.interaction")


def methadone(**more):
    return evidence(an_administration(**more), ehr="otp")


BESIDE = {
    "a benzodiazepine on order": (an_order("M-9", code=ALPRAZOLAM, dose=None), ["INT-006"]),
    "a benzodiazepine that somebody states": (a_statement(code=ALPRAZOLAM, dose=None), ["INT-006"]),
    "a benzodiazepine in hand": (
        a_dispense(code=ALPRAZOLAM, at="2026-04-01T10:00:00-04:00", days=14),
        ["INT-006"],
    ),
    "a supply of it that ran out": (a_dispense(code=ALPRAZOLAM, at="2026-03-01T10:00:00-05:00", days=14), []),
    "a supply on its last day": (a_dispense(code=ALPRAZOLAM, at="2026-03-25T10:00:00-04:00", days=14), ["INT-006"]),
    "a supply the day after": (a_dispense(code=ALPRAZOLAM, at="2026-03-24T10:00:00-04:00", days=14), []),
    "a supply of today": (a_dispense(code=ALPRAZOLAM, at="2026-04-07T07:00:00-04:00", days=14), ["INT-006"]),
    "a supply of which nobody knows for how long": (
        {**a_dispense(code=ALPRAZOLAM, days=None), "quantity": None},
        [],
    ),
    "one that was stopped": (an_order("M-9", code=ALPRAZOLAM, dose=None, status="stopped"), []),
    "one that is only a draft": (an_order("M-9", code=ALPRAZOLAM, dose=None, status="draft"), []),
    "a medicine of two rules": (an_order("M-9", code=CITALOPRAM, dose=None), ["INT-009"]),
    "a medicine of no class": (an_order("M-9", code=LISINOPRIL, dose=None), []),
    "methadone tablets of a retail prescription": (
        an_order("M-9", code=METHADONE_TABLET, dose=None),
        ["INT-024"],
    ),
    "naltrexone in a depot": (
        an_administration("A-9", code=NALTREXONE_ER, dose="380 mg", at="2026-03-25T10:00:00-04:00"),
        ["INT-001"],
    ),
}


@pytest.mark.parametrize(("record", "rules"), BESIDE.values(), ids=BESIDE)
def test_what_is_in_use_beside_methadone_is_advice(account, record, rules):
    assert rules_in(account(methadone(), evidence(record, ehr="pcp"))) == rules


def test_the_advice_names_the_rule_what_it_rests_on_and_whom_it_advises(account):
    made = account(methadone(), evidence(an_order("PM-31", code=ALPRAZOLAM, dose=None), ehr="pcp"))
    (found,) = made.findings
    assert found.evidence == ("otp/MedicationAdministration/A-1@1", "pcp/MedicationRequest/PM-31@1")
    assert found.facts["advises"] == ["otp", "pcp"]
    assert (found.facts["class"], found.rules) == ("benzodiazepine", ("INT-006",))
    assert made.courses[0].status == "active"


def test_advice_is_as_urgent_as_its_rule(account):
    made = account(methadone(), evidence(an_order("PM-31", code=ALPRAZOLAM, dose=None), ehr="pcp"))
    depot = an_administration("A-9", code=NALTREXONE_ER, dose="380 mg", at="2026-03-25T10:00:00-04:00")
    urgent = account(methadone(), evidence(depot, ehr="pcp"))
    told = [one.urgency for one in (*made.findings, *urgent.findings) if one.code == "mat.interaction"]
    assert told == [interaction_rules()[rule].urgency for rule in ("INT-006", "INT-001")]
    assert len(set(told)) == 2


def test_a_medicine_of_no_class_beside_one_of_a_class_hides_no_advice(account):
    orders = [
        evidence(an_order("M-8", code=LISINOPRIL, dose=None), ehr="pcp"),
        evidence(an_order("M-9", code=ALPRAZOLAM, dose=None), ehr="pcp"),
    ]
    assert rules_in(account(methadone(), *orders)) == ["INT-006"]


def test_a_record_of_an_unknown_medicine_raises_no_advice_and_hides_none(account):
    unknown = evidence(an_order("M-8", code=None, reference="Medication/none", dose=None), ehr="pcp")
    order = evidence(an_order("M-9", code=ALPRAZOLAM, dose=None), ehr="pcp")
    assert rules_in(account(methadone(), unknown, order)) == ["INT-006"]


def test_the_newest_record_is_the_one_of_the_latest_time_and_not_of_the_highest_id(account):
    orders = [
        evidence(an_order("M-9", code=OXYCODONE, dose=None, at="2026-03-01"), ehr="pcp"),
        evidence(an_order("M-1", code=OXYCODONE, dose=None, at="2026-03-20"), ehr="pcp"),
    ]
    (found,) = account(evidence(an_order("M-0", code=FILM_8), ehr="iop"), *orders).findings
    assert found.evidence == ("iop/MedicationRequest/M-0@1", "pcp/MedicationRequest/M-1@1")


def test_a_record_without_a_time_is_never_the_newest(account):
    undated = {
        name: value for name, value in an_order("M-9", code=OXYCODONE, dose=None).items() if name != "authoredOn"
    }
    dated = an_order("M-1", code=OXYCODONE, dose=None)
    given = [evidence(one, ehr="pcp") for one in (undated, dated)]
    (found,) = account(evidence(an_order("M-0", code=FILM_8), ehr="iop"), *given).findings
    assert found.evidence == ("iop/MedicationRequest/M-0@1", "pcp/MedicationRequest/M-1@1")


def test_everybody_whose_records_meet_is_advised(account):
    ehrs = ("pcp", "iop", "res", "ced", "psy", "lab")
    orders = [evidence(an_order("M-9", code=ALPRAZOLAM, dose=None), ehr=ehr) for ehr in ehrs]
    (found,) = account(methadone(), *orders).findings
    assert found.facts["advises"] == ["ced", "iop", "lab", "otp", "pcp", "psy", "res"]


def test_no_treatment_stands_in_a_class_that_acts_on_itself():
    own = {
        (product.ingredient, member.name, rule)
        for product in product_table().products.values()
        for code in consent_codes(product) - {product.code}
        for member in class_members().get(code, ())
        for rule in member.rules
        if interaction_rules()[rule].evaluated is Evaluated.PAIR
        and product.ingredient.partition("/")[0] in interaction_rules()[rule].treatments
    }
    assert own == set()


def test_advice_that_rests_on_an_unverified_row_is_marked_so(account):
    """The codes of most medicines in the classes were never checked against RxNorm."""
    order = evidence(an_order("M-9", code=ALPRAZOLAM, dose=None), ehr="pcp")
    assert account(methadone(), order).findings[0].facts["verified"] is False
    depot = an_administration("A-9", code=NALTREXONE_ER, dose="380 mg", at="2026-03-25T10:00:00-04:00")
    assert account(methadone(), evidence(depot, ehr="pcp")).findings[0].facts["verified"] is True


def test_advice_by_an_unverified_rule_is_marked_so_though_the_medicine_is_verified(account):
    made = account(methadone(), evidence(an_order("M-0", code=FILM_8)))
    told = {one.facts["rule"]: one.facts["verified"] for one in made.findings if one.code == "mat.interaction"}
    assert told
    assert [rule for rule, verified in told.items() if verified and not interaction_rules()[rule].verified] == []
    assert False in told.values()


def test_a_course_that_is_not_known_to_go_on_raises_no_advice(account):
    made = account(
        methadone(),
        evidence(an_order("M-9", code=ALPRAZOLAM, dose=None), ehr="pcp"),
        as_of=datetime(2026, 6, 1, 12, tzinfo=UTC),
    )
    assert rules_in(made) == []


def test_many_records_of_one_medicine_are_one_advice_with_the_newest_of_each_ehr(account):
    orders = [
        evidence(an_order(f"M-{day}", code=OXYCODONE, dose=None, at=f"2026-03-0{day}"), ehr="pcp") for day in (1, 2, 3)
    ]
    made = account(evidence(an_order("M-0", code=FILM_8), ehr="iop"), *orders)
    (found,) = made.findings
    assert found.facts["rule"] == "INT-004"
    assert found.evidence == ("iop/MedicationRequest/M-0@1", "pcp/MedicationRequest/M-3@1")


OTP_POLICY = {"otp": Program(key="otp", name="OTP", organization="otp", edition="3e", code="OTP")}


@pytest.mark.parametrize(("ehr", "courses"), [("otp", ["tablet"]), ("pcp", [])], ids=["at the OTP", "at retail"])
def test_a_methadone_tablet_is_treatment_only_where_an_otp_gives_it(account, ehr, courses):
    """Methadone tablets on a retail prescription treat pain: for opioid use disorder only an OTP dispenses it."""
    record = evidence(an_order(code=METHADONE_TABLET, dose=None), ehr=ehr)
    made = account(record, policy=a_policy(programs=OTP_POLICY))
    assert [one.form for one in made.courses] == courses


def test_two_forms_of_methadone_at_one_otp_are_no_interaction(account):
    made = account(
        methadone(code=METHADONE),
        evidence(an_order(code=METHADONE_TABLET, dose=None), ehr="otp"),
        policy=a_policy(programs=OTP_POLICY),
    )
    assert rules_in(made) == []
