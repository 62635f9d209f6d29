"""What should have followed: a next step after a discharge, an order of one day, service in a stay that goes on."""

import pytest

from coordinator.reconcile import Grade
from tests.builders import a_patient, a_policy, a_request, an_encounter, an_episode, evidence


def stay(**more):
    return evidence(an_episode("I-1", **{"level": "4e 2.1", "start": "2026-01-05"} | more))


def codes(made):
    return [one.code for one in made.findings]


def seen_at(ehr, day):
    return [evidence(an_encounter("N-9", start=f"{day}T09:00:00-05:00", episode="C-1"), ehr=ehr)]


def an_appointment(start="2026-03-05T10:00:00-05:00", status="fulfilled", answer="accepted", *, ehr="iop", others=0):
    who = [{"actor": {"reference": "Patient/p-1"}, "status": answer}, *[{"actor": {"type": "Patient"}}] * others]
    tree = {
        "resourceType": "Appointment",
        "id": f"A-{start[:10]}",
        "status": status,
        **({"start": start} if start else {}),
        "participant": who,
    }
    return evidence(tree, ehr=ehr)


def nobody(start):
    tree = {"resourceType": "Appointment", "id": "A-0", "status": "booked", "start": start, "participant": []}
    return evidence(tree)


def asked_on(day, **more):
    return evidence(a_request("S-1", authored=day, **more))


NEXT = "2026-04-15T10:00:00-04:00"
OUT = {"end": "2026-03-20"}
STEPS = {
    "nothing": (OUT, [an_appointment()], True),
    "no appointments seen at all": (OUT, [], False),
    "appointments seen only elsewhere": (OUT, [an_appointment(ehr="pcp")], False),
    "an appointment after it": (OUT, [an_appointment(), an_appointment("2026-04-15T10:00:00-04:00", "booked")], False),
    "one that was called off": (
        OUT,
        [an_appointment(), an_appointment("2026-04-15T10:00:00-04:00", "cancelled")],
        True,
    ),
    "another program": (OUT, [an_appointment(), evidence(an_episode("C-1", start="2026-04-01"), ehr="ced")], False),
    "a death": (OUT | {"ended": "deceased"}, [an_appointment()], False),
    "an appointment that the person declined": (
        OUT,
        [an_appointment(), an_appointment(NEXT, "booked", "declined")],
        True,
    ),
    "a group to come": (OUT, [an_appointment(), an_appointment(NEXT, "booked", others=1)], False),
    "a stay that nobody closed, and nobody saw the person in": (
        OUT,
        [an_appointment(), evidence(an_episode("C-1", start="2026-01-01"), ehr="ced"), *seen_at("ced", "2026-03-01")],
        True,
    ),
    "a stay that goes on": (
        OUT,
        [an_appointment(), evidence(an_episode("C-1", start="2026-01-01"), ehr="ced"), *seen_at("ced", "2026-04-01")],
        False,
    ),
    "a stay begun after it, in which nobody was seen for long": (
        {"end": "2026-03-01"},
        [an_appointment(), evidence(an_episode("C-1", start="2026-03-02"), ehr="ced"), *seen_at("ced", "2026-03-05")],
        False,
    ),
    "an appointment on the day of discharge": (OUT, [an_appointment("2026-03-20T15:00:00-04:00")], False),
    "an appointment without a time": (OUT, [an_appointment(), an_appointment("", "proposed")], True),
    "an appointment that names nobody": (OUT, [an_appointment(), nobody(NEXT)], False),
    "a request for more care in the week before": (OUT, [an_appointment(), asked_on("2026-03-18")], False),
    "a request just a week before": (OUT, [an_appointment(), asked_on("2026-03-13")], False),
    "a request long before": (OUT, [an_appointment(), asked_on("2026-03-12")], True),
    "a request that was taken back": (OUT, [an_appointment(), asked_on("2026-03-18", status="revoked")], True),
    "a request of no known day": (OUT, [an_appointment(), asked_on(None)], True),
    "residential care": (OUT | {"level": "3e 3.5"}, [an_appointment()], True),
    "just a week ago": ({"end": "2026-03-31"}, [an_appointment()], False),
    "within the week": ({"end": "2026-04-01"}, [an_appointment()], False),
    "outpatient care that was completed": (OUT | {"level": "4e 1.5"}, [an_appointment()], False),
}


@pytest.mark.parametrize(("how", "more", "open_"), STEPS.values(), ids=STEPS)
def test_a_discharge_from_a_program_without_a_next_step_is_told(account, how, more, open_):
    assert ("stay.no-next-step" in codes(account(stay(**how), *more))) is open_


def test_a_discharge_without_a_next_step_is_told_once_with_its_days(account):
    """Neither a leave that came before it nor the discharge from an earlier stay is told as another."""
    earlier = evidence(an_episode("C-1", level="4e 2.5", start="2025-10-01", end="2025-12-01"), ehr="ced")
    there = [an_appointment("2025-11-05T10:00:00-05:00", ehr=ehr) for ehr in ("iop", "ced")]
    left = stay(**OUT, history=[("onhold", "2026-03-20", "2026-03-20")])
    (found,) = [one for one in account(left, earlier, *there).findings if one.code == OPEN]
    assert (found.key, found.rules) == ("stay.no-next-step:iop/EpisodeOfCare/I-1", ("TL-15",))
    assert found.facts == {"since": "2026-03-20", "days": 7}


OPEN = "stay.no-next-step"
HOLDERS = {
    "the person": a_patient(),
    "an earlier stay": an_episode("C-1", level="4e 2.5", start="2025-10-01", end="2025-12-01"),
    "a visit": an_encounter(start="2026-01-20T09:00:00-05:00"),
    "an appointment": {"resourceType": "Appointment", "id": "A-1", "status": "cancelled", "participant": []},
}


@pytest.mark.parametrize("record", HOLDERS.values(), ids=HOLDERS)
def test_an_ehr_that_shows_anything_of_the_person_may_have_left_out_the_next_step(account, record):
    policy = a_policy(grades={("ced", "ServiceRequest"): Grade.PARTIAL})
    records = (stay(**OUT), an_appointment(), evidence(record, ehr="ced"))
    assert (OPEN in codes(account(*records)), OPEN in codes(account(*records, policy=policy))) == (True, False)


@pytest.mark.parametrize("type_", ["Appointment", "EpisodeOfCare", "ServiceRequest"])
def test_a_pull_that_may_have_left_out_the_next_step_supports_no_such_finding(account, type_):
    policy = a_policy(grades={("iop", type_): Grade.PARTIAL})
    assert "stay.no-next-step" not in codes(account(stay(**OUT), an_appointment(), policy=policy))


SAME = {
    "days": ("2026-03-20", "2026-03-20", True),
    "instants in order": ("2026-03-20T09:00:00-04:00", "2026-03-20T15:00:00-04:00", False),
    "instants that cross": ("2026-03-20T15:00:00-04:00", "2026-03-20T09:00:00-04:00", True),
    "one instant": ("2026-03-20T09:00:00-04:00", "2026-03-20T09:00:00-04:00", False),
    "an instant only of the discharge": ("2026-03-20T09:00:00-04:00", "2026-03-20", True),
    "an instant only of the readmission": ("2026-03-20", "2026-03-20T15:00:00-04:00", True),
    "a readmission days before the discharge": ("2026-03-20", "2026-03-15", False),
    "a day later": ("2026-03-20", "2026-03-21", False),
}


@pytest.mark.parametrize(("end", "start", "asked"), SAME.values(), ids=SAME)
def test_a_discharge_and_readmission_of_one_day_are_ordered_by_time_or_asked_about(account, end, start, asked):
    again = evidence(an_episode("I-2", level="4e 2.1", start=start))
    assert ("transition.same-day" in codes(account(stay(end=end), again))) is asked


def test_the_question_of_order_tells_the_day(account):
    again = evidence(an_episode("I-2", level="4e 2.1", start="2026-03-20"))
    (found,) = account(stay(end="2026-03-20"), again).findings
    assert (found.facts, found.rules) == ({"day": "2026-03-20"}, ("TL-14",))


STALE = {
    "fifteen days": ([an_encounter(start="2026-03-23T09:00:00-04:00")], {}, "2026-03-23"),
    "fourteen days": ([an_encounter(start="2026-03-24T09:00:00-04:00")], {}, None),
    "no services told at all": ([], {}, None),
    "over": ([an_encounter(start="2026-03-01T09:00:00-05:00")], OUT, None),
    "on leave": ([an_encounter(start="2026-03-01T09:00:00-05:00")], {"status": "onhold"}, None),
}


@pytest.mark.parametrize(("records", "how", "since"), STALE.values(), ids=STALE)
def test_a_stay_without_service_for_long_is_marked_and_never_ended(account, records, how, since):
    (made,) = account(stay(**how), *(evidence(one) for one in records)).timeline.stays
    assert (made.stale_since and str(made.stale_since)) == since
