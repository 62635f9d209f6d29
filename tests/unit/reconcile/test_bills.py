"""Bills: a Claim, a charge and the payer's view may show care or allow it, and none of them moves the timeline."""

import pytest

from coordinator.care.level_of_care.model import Edition, Level, Role
from coordinator.reconcile.level_of_care.bills import billed_statements
from tests.builders import DIRECTORY, a_policy, an_encounter, an_episode, evidence

HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
NUBC = "https://www.nubc.org/CodeSystem/RevenueCodes"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
IOP = Level(edition=None, code="2.1")
DETOX = Level(edition=Edition.THIRD, code="3.7-WM")


def coded(system, *codes):
    return {"coding": [{"system": system, "code": code} for code in codes]}


def a_line(*services, day="2026-03-02", revenue=(), place=(), **more):
    codes = {
        "productOrService": (HCPCS, services),
        "revenue": (NUBC, revenue),
        "locationCodeableConcept": (PLACE, place),
    }
    made = {name: coded(system, *each) for name, (system, each) in codes.items() if each}
    return made | ({"servicedDate": day} if day else {}) | more


def a_bill(*lines, type_="Claim", number=1, use="claim", status="active", provider="iop", **more):
    named = {"identifier": {"system": DIRECTORY, "value": provider}}
    return {
        "resourceType": type_,
        "id": f"B-{number}",
        "status": status,
        "use": use,
        "patient": {"reference": "Patient/p-1"},
        **({"provider": named} if provider else {}),
        "item": [{"sequence": at + 1} | line for at, line in enumerate(lines)],
    } | more


def a_charge(status="billed", **more):
    return {
        "resourceType": "ChargeItem",
        "id": "X-1",
        "status": status,
        "code": coded(HCPCS, "H0015"),
        "subject": {"reference": "Patient/p-1"},
        "occurrenceDateTime": "2026-03-02T09:00:00-05:00",
    } | more


def possible(made):
    return [(one.key, one.organization, one.level, str(one.start.first)) for one in made.possible]


LINES = {
    "a service that names a level": (a_line("H0015"), IOP),
    "a revenue center that does": (a_line(revenue=("0906",)), IOP),
    "both alike": (a_line("H0015", revenue=("0906",)), IOP),
    "a service of many levels, at a revenue center of one": (a_line("H0005", revenue=("0906",)), IOP),
    "two services of two levels": (a_line("H0015", "H0010"), None),
    "a level in two editions": (a_line("H0020", "G2086"), None),
    "a place alone": (a_line(place=("58",)), None),
    "care by day at a clinic": (a_line("H0015", place=("57",)), IOP),
    "care by day at a residence": (a_line("H0015", place=("55",)), None),
    "nights at a residence": (a_line("H0010", place=("55",)), DETOX),
    "nights at an office": (a_line("H0010", place=("11",)), None),
    "at a place that nobody knows": (a_line("H0015", place=("10",)), IOP),
    "a line without codes": (a_line(), None),
    "no day": (a_line("H0015", day=None), None),
}


@pytest.mark.parametrize(("line", "level"), LINES.values(), ids=LINES)
def test_a_line_shows_a_possible_stay_where_its_codes_name_one_level(account, line, level):
    made = account(evidence(a_bill(line)))
    assert [one for _, _, one, _ in possible(made)] == ([level] if level else [])
    assert (made.timeline.stays, made.timeline.transitions, made.findings) == ((), (), ())


DAYS = {
    "its own day": (a_line("H0015"), {}, "2026-03-02"),
    "its own days": (
        a_line("H0015", day=None, servicedPeriod={"start": "2026-03-09", "end": "2026-03-13"}),
        {"billablePeriod": {"start": "2026-03-01"}},
        "2026-03-09",
    ),
    "those of the bill": (a_line("H0015", day=None), {"billablePeriod": {"start": "2026-03-01"}}, "2026-03-01"),
}


@pytest.mark.parametrize(("line", "more", "day"), DAYS.values(), ids=DAYS)
def test_a_line_speaks_of(account, line, more, day):
    made = account(evidence(a_bill(line, created="2026-01-01", **more)))
    assert [first for *_, first in possible(made)] == [day]


NO_CARE = {
    "a draft": {"status": "draft"},
    "called off": {"status": "cancelled"},
    "entered in error": {"status": "entered-in-error"},
    "a request for an authorization": {"use": "preauthorization"},
    "a question what would be paid": {"use": "predetermination"},
}


@pytest.mark.parametrize("how", NO_CARE.values(), ids=NO_CARE)
def test_a_bill_that_tells_of_no_care_shows_none(account, how):
    assert possible(account(evidence(a_bill(a_line("H0015"), **how)))) == []


def test_bills_of_care_that_a_stay_shows_add_nothing(account):
    stay = evidence(an_episode("I-1", level="4e 2.1", start="2026-03-01"))
    with_bill = account(stay, evidence(a_bill(a_line("H0015"))))
    assert with_bill.content == account(stay).content


def test_claim_charge_and_payer_tell_of_one_possible_stay_and_lines_far_apart_of_two(account):
    made = account(
        evidence(a_bill(a_line("H0015"), a_line("H0015", day="2026-03-30"))),
        evidence(a_bill(a_line("H0015", day="2026-03-04"), type_="ExplanationOfBenefit", number=2), ehr="payer"),
        evidence(a_charge()),
        evidence(an_encounter("N-1", start="2026-03-03T09:00:00-05:00", kind=coded(HCPCS, "H0015"))),
    )
    assert possible(made) == [
        ("iop/ChargeItem/X-1:2.1:2026-03-02", "iop", IOP, "2026-03-02"),
        ("iop/Claim/B-1:2.1:2026-03-30", "iop", IOP, "2026-03-30"),
    ]
    assert len({one["key"] for one in made.content["timeline"]}) == 2
    assert {"LV-06"} <= set(made.possible[0].rules)


def stated(account, tree):
    """Return which levels a bill states since when, in its order."""
    told = billed_statements(account(evidence(tree)).chart, a_policy())
    return [(one.level.code, str(one.start.first) if one.start else None) for one in told]


def test_a_bill_states_its_levels_in_the_order_of_their_days(account):
    lines = [
        a_line("H0015", day=None, servicedPeriod={"start": "2026-03-01", "end": "2026-03-31"}),
        a_line("H0010", day="2026-03-05"),
        a_line("H0010", day=None, servicedPeriod={"start": "2026-03-20"}),
        a_line("H0010", day="2026-03-02"),
        a_line("H0015", day=None, servicedPeriod={"start": "2026-03-30", "end": "2026-03-30"}),
        a_line("H0015", day="2026-03-02"),
    ]
    assert stated(account, a_bill(*lines)) == [
        ("2.1", "2026-03-01"),
        ("2.1", "2026-03-02"),
        ("3.7-WM", "2026-03-02"),
        ("3.7-WM", "2026-03-05"),
        ("3.7-WM", "2026-03-20"),
        ("2.1", "2026-03-30"),
    ]


def test_a_line_without_a_day_states_no_care(account):
    assert stated(account, a_bill(a_line("H0015", day=None), a_line("H0010"))) == [("3.7-WM", "2026-03-02")]


CHARGES = {"billed": True, "billable": True, "planned": False, "not-billable": False, "entered-in-error": False}


@pytest.mark.parametrize(("status", "counts"), CHARGES.items(), ids=CHARGES)
def test_a_charge_counts_once_the_care_was_given(account, status, counts):
    assert bool(possible(account(evidence(a_charge(status))))) is counts


PROVIDERS = {
    "the organization that it names": ("Claim", "res", ["res"]),
    "the payer names": ("ExplanationOfBenefit", "res", ["res"]),
    "the one whose record it is, of a provider that nobody knows": ("Claim", "somebody", ["iop"]),
    "nobody's, where the payer names one that nobody knows": ("ExplanationOfBenefit", "somebody", []),
    "nobody's, where the payer names none": ("ExplanationOfBenefit", "", []),
}


@pytest.mark.parametrize(("type_", "provider", "whose"), PROVIDERS.values(), ids=PROVIDERS)
def test_a_bill_is_of_care_by(account, type_, provider, whose):
    made = account(evidence(a_bill(a_line("H0015"), type_=type_, provider=provider)))
    assert [organization for _, organization, *_ in possible(made)] == whose


IN_EFFECT = [{"start": "2026-03-01", "end": "2026-04-30"}]


def an_authorization(*lines, effect=IN_EFFECT, **more):
    made = a_bill(*lines, type_="ExplanationOfBenefit", use="preauthorization", **more)
    return made | ({"preAuthRefPeriod": effect} if effect else {})


def test_a_payers_preauthorization_authorizes_for_its_time_and_gives_no_care(account):
    made = account(evidence(an_authorization(a_line("H0015", day=None)), ehr="payer"))
    (told,) = billed_statements(made.chart, a_policy())
    assert (told.level.role, told.rules, str(told.start.first), str(told.end.last)) == (
        Role.AUTHORIZED,
        ("LV-08",),
        "2026-03-01",
        "2026-04-30",
    )
    assert (possible(made), made.timeline.stays) == ([], ())


def test_a_preauthorization_that_is_not_in_effect_may_have_been_refused(account):
    made = account(evidence(an_authorization(a_line("H0015"), effect=()), ehr="payer"))
    assert billed_statements(made.chart, a_policy()) == []


def test_an_authorization_of_which_nobody_knows_since_when_it_is_in_effect_states_none(account):
    effect = [{"end": "2026-04-30"}, {"start": "2026-03-01"}]
    assert stated(account, an_authorization(a_line("H0015", day=None), effect=effect)) == [("2.1", "2026-03-01")]


def test_an_authorization_states_its_levels_in_one_order_though_its_lines_tell_no_day(account):
    lines = [a_line("H0015", day="2026-03-02"), a_line("H0010", day=None)]
    assert [code for code, _ in stated(account, an_authorization(*lines))] == ["3.7-WM", "2.1"]


def test_care_at_another_level_than_the_payer_authorized_is_worth_a_question(account):
    stay = evidence(an_episode("C-1", level="4e 2.5", start="2026-03-01"), ehr="ced")
    asked = evidence(an_authorization(a_line("H0015", day=None)), ehr="payer")
    (found,) = account(stay, asked).findings
    assert (found.code, found.facts["authorized"]) == ("level.authorized-differs", {"edition": None, "code": "2.1"})
    assert {"LV-07"} <= set(found.rules)
