"""What needed an unverified rule may suggest: it is for a person to tell, until the tenant adopts that rule."""

from dataclasses import replace

import pytest

from coordinator.outbox import Form, owed
from coordinator.reconcile.rule_book import rule_book
from tests.builders import a_decision, a_goal, a_plan, an_administration, an_encounter, an_episode, an_order, evidence
from tests.unit.outbox.test_owed import TASKS, a_receiver, account

VERIFIED = next(one.rule_id for one in rule_book().values() if one.verified)
UNVERIFIED = next(one.rule_id for one in rule_book().values() if not one.verified and one.about == "level")
STAY = (
    evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02"), ehr="res"),
    evidence(an_encounter("R-2", start="2026-03-29", class_="IMP"), ehr="res"),
    evidence(an_episode("I-1", start="2026-04-02")),
)


def drawn_by(whole, *rules):
    """Return the account as if all its conclusions had been drawn by these rules."""
    return replace(
        whole,
        courses=tuple(replace(one, rules=rules) for one in whole.courses),
        plan=replace(whole.plan, goals=tuple(replace(one, rules=rules) for one in whole.plan.goals)),
        timeline=replace(whole.timeline, stays=tuple(replace(one, rules=rules) for one in whole.timeline.stays)),
        findings=tuple(replace(one, rules=rules) for one in whole.findings),
    )


CASES = {
    "medication": (a_receiver(), (evidence(an_administration(), ehr="otp"),)),
    "care plan": (a_receiver(), (evidence(a_plan(goals=["G-1"])), evidence(a_goal()))),
    "last day of a stay": (a_receiver(Form.MESSAGE, ehr="res", types=TASKS), STAY),
    "question about a dose": (
        a_receiver(Form.MESSAGE, ehr="iop", types=TASKS),
        (evidence(an_order(dose="16 mg")), evidence(an_order(dose="24 mg"), ehr="otp")),
    ),
}


@pytest.mark.parametrize(("receiver", "records"), CASES.values(), ids=CASES)
def test_what_needed_an_unverified_rule_is_for_a_person_to_tell(receiver, records):
    whole = account(*records)
    written = owed("pe-1", whole, receiver)
    assert {one.form for one in written} & {Form.NATIVE, Form.MESSAGE}
    assert all(one.rules for one in written if one.concept != "question")
    held = owed("pe-1", drawn_by(whole, UNVERIFIED, VERIFIED), receiver)
    assert [one.key for one in held] == [one.key for one in written]
    assert {(one.form, one.body, one.claim) for one in held} == {(Form.NONE, b"", None)}
    assert all(f"rests on {UNVERIFIED}, not verified" in one.summary for one in held)


@pytest.mark.parametrize(("receiver", "records"), CASES.values(), ids=CASES)
def test_verified_rules_or_the_tenant_s_word_let_it_be_written(receiver, records):
    whole = account(*records)
    written = [(one.key, one.form, one.body) for one in owed("pe-1", whole, receiver)]
    verified = owed("pe-1", drawn_by(whole, VERIFIED), receiver)
    adopted = owed("pe-1", drawn_by(whole, UNVERIFIED, VERIFIED), replace(receiver, adopted=frozenset({UNVERIFIED})))
    assert [(one.key, one.form, one.body) for one in verified] == written
    assert [(one.key, one.form, one.body) for one in adopted] == written


def test_adopting_a_rule_makes_the_need_a_new_one():
    whole = drawn_by(account(evidence(an_administration(), ehr="otp")), UNVERIFIED)
    (held,) = owed("pe-1", whole, a_receiver())
    (written,) = owed("pe-1", whole, replace(a_receiver(), adopted=frozenset({UNVERIFIED})))
    assert (held.key == written.key, held.material == written.material) == (True, False)


# ---- which rules a value needs ---------------------------------------------------------------------------------------
RES = a_receiver(Form.MESSAGE, ehr="res", types=TASKS)


def same_stay(ehr, *, start="2026-03-03"):
    return evidence(an_episode("X-1", level="3e 3.5", start=start), ehr=ehr, organization="res")


def next_stay(ehr, start="2026-04-02"):
    return evidence(an_episode("Y-1", start=start), ehr=ehr, organization="iop")


def last_day(ehr):
    night = an_encounter("R-2", start="2026-03-29", class_="IMP", episode="R-1" if ehr == "res" else "X-1")
    return evidence(night, ehr=ehr, organization="res")


PROPOSALS = {
    "its own records alone": (STAY, True),
    "another EHR tells the same stay": ((*STAY, same_stay("pcp")), True),
    "another EHR tells its last day": ((STAY[0], STAY[2], same_stay("pcp"), last_day("pcp")), False),
    "two EHRs tell one start of the next": ((*STAY, next_stay("pcp")), True),
    "two EHRs tell two starts of the next": ((*STAY, next_stay("pcp", "2026-04-03")), False),
}


@pytest.mark.parametrize(("records", "written"), PROPOSALS.values(), ids=PROPOSALS)
def test_a_last_day_is_proposed_where_no_joining_of_records_gave_it(records, written):
    """ST-03, by which records of two EHRs are one stay, is a policy default that nobody verified."""
    (intent,) = [one for one in owed("pe-1", account(*records), RES) if one.concept == "stay-proposal"]
    assert (intent.form is Form.MESSAGE, "ST-03" in intent.summary) == (written, not written)


def test_a_last_day_that_a_person_decided_needs_no_other_rule():
    records = (STAY[0], STAY[2], same_stay("pcp"), last_day("pcp"))
    asked = "stay.end-missing:res/EpisodeOfCare/R-1"
    whole = account(*records, decisions=[a_decision(asked, {"end": "2026-04-01"})])
    (intent,) = [one for one in owed("pe-1", whole, RES) if one.concept == "stay-proposal"]
    assert (intent.form, intent.rules) == (Form.MESSAGE, ("ST-05",))


def test_days_in_a_hospital_bridge_a_gap_and_hold_back_no_statement():
    """MC-05 is from memory; a statement tells medicine, dose, status and first day, and none of these needs it."""
    given = evidence(an_administration(at="2026-03-28T07:00:00-04:00"), ehr="otp")
    night = evidence(an_encounter("H-1", class_="IMP", start="2026-03-29", end="2026-04-05"), ehr="pcp")
    whole = account(given, night)
    (intent,) = owed("pe-1", whole, a_receiver())
    assert "MC-05" in whole.courses[0].rules
    assert (intent.form, intent.rules) == (Form.NATIVE, ("MC-01", "MC-02", "MC-03", "MC-04"))
