"""How a person stands with a program, in the order of what happened."""

import pytest

from coordinator.reconcile.timeline.states import Happened
from tests.builders import a_referral_task as a_task
from tests.builders import an_encounter, an_episode, evidence

H0001 = {"coding": [{"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "H0001"}]}


def iop(number="I-1", *, ehr="iop", **more):
    return evidence(an_episode(number, **{"level": "4e 2.1", "start": "2026-01-05"} | more), ehr=ehr)


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


def test_a_leave_from_a_stay_that_ended_during_it_began_on_its_own_day(account):
    (line,) = account(iop(**HOLD, end="2026-03-20")).enrollments
    assert (line.state, str(line.since.first)) == ("on-leave", "2026-03-01")


NOWHERE = {
    "of no known day": a_task("requested", authoredOn=None),
    "to nobody we know": a_task("requested", owner="elsewhere"),
    "in the EHR of nobody's program": a_task("requested", ehr="pcp"),
}


@pytest.mark.parametrize("task", NOWHERE.values(), ids=NOWHERE)
def test_a_referral_makes_nobody_referred(account, task):
    assert states(account(task)) == {}


def test_happenings_of_one_day_have_an_order():
    assert Happened.REFERRED < Happened.ASSESSED < Happened.WAITLISTED < Happened.ADMITTED < Happened.DISCHARGED
