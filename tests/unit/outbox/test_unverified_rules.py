"""What rests on unverified rules alone may suggest: it is for a person to tell, until the tenant adopts such a rule."""

from dataclasses import replace

import pytest

from coordinator.outbox import Form, owed
from coordinator.reconcile.rule_book import rule_book
from tests.builders import a_goal, a_plan, an_administration, an_encounter, an_episode, an_order, evidence
from tests.unit.outbox.test_owed import TASKS, a_receiver, account

VERIFIED = next(one.rule_id for one in rule_book().values() if one.verified)
UNVERIFIED = next(one.rule_id for one in rule_book().values() if not one.verified)
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
def test_what_rests_on_an_unverified_rule_alone_is_for_a_person_to_tell(receiver, records):
    whole = account(*records)
    written = owed("pe-1", whole, receiver)
    assert {one.form for one in written} & {Form.NATIVE, Form.MESSAGE}
    assert all(one.rules for one in written if one.concept != "question")
    held = owed("pe-1", drawn_by(whole, UNVERIFIED), receiver)
    assert [one.key for one in held] == [one.key for one in written]
    assert {(one.form, one.body, one.claim) for one in held} == {(Form.NONE, b"", None)}
    assert all(UNVERIFIED in one.summary for one in held)


@pytest.mark.parametrize(("receiver", "records"), CASES.values(), ids=CASES)
def test_a_verified_rule_beside_it_or_the_tenant_s_word_lets_it_be_written(receiver, records):
    whole = account(*records)
    written = [(one.key, one.form, one.body) for one in owed("pe-1", whole, receiver)]
    beside = owed("pe-1", drawn_by(whole, UNVERIFIED, VERIFIED), receiver)
    adopted = owed("pe-1", drawn_by(whole, UNVERIFIED), replace(receiver, adopted=frozenset({UNVERIFIED})))
    assert [(one.key, one.form, one.body) for one in beside] == written
    assert [(one.key, one.form, one.body) for one in adopted] == written


def test_adopting_a_rule_makes_the_need_a_new_one():
    whole = drawn_by(account(evidence(an_administration(), ehr="otp")), UNVERIFIED)
    (held,) = owed("pe-1", whole, a_receiver())
    (written,) = owed("pe-1", whole, replace(a_receiver(), adopted=frozenset({UNVERIFIED})))
    assert (held.key == written.key, held.material == written.material) == (True, False)
