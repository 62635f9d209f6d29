"""How a person stands with a program, and referrals that were accepted and led nowhere."""

import pytest

from coordinator.reconcile import Grade
from coordinator.reconcile.rules import limits
from coordinator.reconcile.timeline.states import Happened
from tests.builders import DIRECTORY, a_decision, a_patient, a_policy, an_encounter, an_episode, evidence

H0001 = {"coding": [{"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "H0001"}]}


def iop(number="I-1", *, ehr="iop", **more):
    return evidence(an_episode(number, **{"level": "4e 2.1", "start": "2026-01-05"} | more), ehr=ehr)


def a_task(status="accepted", *, ehr="iop", owner=None, **more):
    tree = {
        "resourceType": "Task",
        "id": f"T-{ehr}",
        "identifier": [{"system": "https://lakeside.example/referral", "value": "REF-1"}],
        "status": status,
        "intent": "order",
        "focus": {"type": "ServiceRequest", "identifier": {"value": "SR-1"}},
        "authoredOn": "2026-03-01T10:00:00-05:00",
        "lastModified": "2026-03-02T10:00:00-05:00",
    } | more
    tree |= {"owner": {"identifier": {"system": DIRECTORY, "value": owner}}} if owner else {}
    return evidence(tree, ehr=ehr)


def states(made):
    return {one.organization: one.state for one in made.enrollments}


ASSESSED = evidence(an_encounter("N-0", start="2026-03-10T09:00:00-04:00", kind=H0001))
AFTERCARE = iop("I-2", level="4e 1.5", start="2026-03-05")
HOLD = {"status": "onhold", "history": [("onhold", "2026-03-01", None)]}
LIVES = {
    "referred": ([a_task("requested")], {"iop": "referred"}),
    "assessed": ([a_task("requested"), ASSESSED], {"iop": "assessed"}),
    "waitlisted": ([a_task("requested"), ASSESSED, iop(status="waitlist", start=None)], {"iop": "waitlisted"}),
    "enrolled": ([a_task("requested"), iop(start="2026-03-20")], {"iop": "enrolled"}),
    "an assessment during a stay is no new beginning": ([iop(), ASSESSED], {"iop": "enrolled"}),
    "on leave": ([iop(**HOLD)], {"iop": "on-leave"}),
    "back": ([iop(history=[("onhold", "2026-03-01", "2026-03-05")])], {"iop": "enrolled"}),
    "stepped up": ([iop(end="2026-03-01"), iop(ehr="ced", level="4e 2.5", start="2026-03-02")], {"iop": "stepped-up"}),
    "stepped down": ([iop(level="3e 3.5", end="2026-03-01"), iop(ehr="ced", start="2026-03-02")], {"ced": "enrolled"}),
    "discharged": ([iop(end="2026-03-01")], {"iop": "discharged"}),
    "continuing care": (
        [iop(end="2026-03-01"), iop("I-2", level="4e 1.5", start="2026-03-05")],
        {"iop": "continuing-care"},
    ),
    "at another level of one program from the same day on": (
        [iop(level="4e 2.5", end="2026-03-02"), iop("I-2", start="2026-03-02")],
        {"iop": "enrolled"},
    ),
    "back after a discharge": ([iop(end="2026-03-01"), iop("I-2", start="2026-03-20")], {"iop": "enrolled"}),
}


@pytest.mark.parametrize("status", ["draft", "rejected", "cancelled", "failed"])
def test_who_was_declined_or_whose_referral_was_called_off_or_never_sent_is_not_referred(account, status):
    assert states(account(a_task(status))) == {}
    assert states(account(a_task(status), ASSESSED)) == {"iop": "assessed"}


@pytest.mark.parametrize(("records", "told"), LIVES.values(), ids=LIVES)
def test_the_life_of_an_enrollment_has_a_state(account, records, told):
    assert told.items() <= states(account(*records)).items()


def test_a_state_cites_what_it_rests_on_and_since_when(account):
    (line,) = account(iop(end="2026-03-01")).enrollments
    assert (line.evidence, str(line.since.first), line.rules) == (
        ("iop/EpisodeOfCare/I-1@1",),
        "2026-03-01",
        ("TL-16",),
    )


def test_happenings_of_one_day_have_an_order():
    assert Happened.REFERRED < Happened.ASSESSED < Happened.WAITLISTED < Happened.ADMITTED < Happened.DISCHARGED


# ---- accepted and never admitted -------------------------------------------------------------------------------------
WHOLE = {("iop", "EpisodeOfCare"): Grade.COMPLETE, ("iop", "Encounter"): Grade.COMPLETE}
KNOWN = evidence(a_patient())
CASES = {
    "nobody came": ([a_task()], WHOLE, True),
    "in the referrer's EHR, to a named program": ([a_task(ehr="pcp", owner="iop")], WHOLE, True),
    "both copies": ([a_task(), a_task(ehr="pcp", owner="iop")], WHOLE, True),
    "to nobody we know": ([a_task(ehr="pcp", owner="elsewhere")], WHOLE, False),
    "not accepted": ([a_task("requested")], WHOLE, False),
    "accepted lately": ([a_task(lastModified="2026-03-30T10:00:00-04:00")], WHOLE, False),
    "admitted": ([a_task(), iop(start="2026-03-10")], WHOLE, False),
    "admitted and discharged since": ([a_task(), iop(start="2026-03-10", end="2026-03-20")], WHOLE, False),
    "a stay before it": ([a_task(), iop(start="2025-03-10", end="2025-03-20")], WHOLE, True),
    "on the waiting list": ([a_task(), iop(status="waitlist", start=None)], WHOLE, False),
    "work of a staff": ([a_task(focus={"reference": "EpisodeOfCare/1"})], WHOLE, False),
    "records left out": ([a_task()], WHOLE | {("iop", "EpisodeOfCare"): Grade.PARTIAL}, False),
    "records never pulled": ([a_task()], {}, False),
}


@pytest.mark.parametrize(("records", "grades", "told"), CASES.values(), ids=CASES)
def test_a_referral_that_was_accepted_and_led_to_no_stay_is_told(account, records, grades, told):
    made = account(KNOWN, *records, policy=a_policy(grades=grades))
    found = [one for one in made.findings if one.code == "referral.not-admitted"]
    assert [one.facts["organization"] for one in found] == (["iop"] if told else [])


def test_a_referral_of_which_a_person_has_seen_that_nobody_came_is_told_no_more(account):
    policy = a_policy(grades=WHOLE)
    (found,) = account(KNOWN, a_task(), policy=policy).findings
    assert found.facts == {"organization": "iop", "days": limits()["referral_admission_days"].value}
    seen = a_decision(found.key, {"seen": True}, facts=found.facts)
    assert account(KNOWN, a_task(), policy=policy, decisions=[seen]).findings == ()
