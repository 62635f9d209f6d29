"""Does medication reach to the next place? What ran out between two stays is told, and only where that is sure."""

import pytest

from coordinator.reconcile import Grade, Presence
from tests.builders import (
    FILM_8,
    METHADONE,
    a_dispense,
    a_policy,
    a_statement,
    an_administration,
    an_encounter,
    an_episode,
    an_order,
    evidence,
)

ACAMPROSATE = "835726"  # acamprosate calcium 333 MG Delayed Release Oral Tablet
VISIT = {"coding": [{"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "H0033"}]}
MOVE = [
    evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02", end="2026-03-31"), ehr="res"),
    evidence(an_episode("I-1", level="4e 2.1", start="2026-04-01"), ehr="iop"),
]


def given(until, *, ehr="res", month=3, start=25):
    return [
        evidence(an_administration(f"A-{month}-{day}", at=f"2026-{month:02}-{day:02}T07:00:00-04:00"), ehr=ehr)
        for day in range(start, until + 1)
    ]


def an_appointment(day, *, status="booked", kind=VISIT):
    return {
        "resourceType": "Appointment",
        "id": "AP-1",
        "status": status,
        "appointmentType": kind,
        "start": f"{day}T09:00:00-04:00",
        "end": f"{day}T09:30:00-04:00",
        "participant": [{"actor": {"reference": "Patient/p-1"}, "status": "accepted"}],
    }


def without(tree, *names):
    return {name: value for name, value in tree.items() if name not in names}


def not_bridged(made):
    return [one for one in made.findings if one.code == "mat.not-bridged"]


BRIDGED = {
    "a dose at the next place on the day after": [evidence(an_administration("A-9", at="2026-04-01T07:00:00-04:00"))],
    "a dose at a third place": given(7, ehr="otp", month=4, start=1),
    "an order at the next place on the day of the move": [
        evidence(an_order(code=METHADONE, dose="85 mg", at="2026-04-01T10:00:00-04:00"))
    ],
    "an order of another medicine for the same disorder at the next place": [
        evidence(an_order(code=FILM_8, at="2026-04-01T10:00:00-04:00"))
    ],
    "an order at the next place while there still was supply": [
        *given(4, ehr="otp", month=4, start=1),
        evidence(an_order(code=METHADONE, dose="85 mg", at="2026-04-02T10:00:00-04:00")),
    ],
    "supply to take along": [
        evidence(a_dispense(code=METHADONE, at="2026-03-31T10:00:00-04:00", days=14), ehr="res"),
    ],
    "a visit for medication at the next place": [
        evidence(an_encounter("N-1", start="2026-04-01T09:00:00-04:00", kind=VISIT))
    ],
    "an order that was stopped": [
        evidence(an_order(code=METHADONE, dose=None, status="stopped", at="2026-03-31"), ehr="res"),
    ],
}


@pytest.mark.parametrize("more", BRIDGED.values(), ids=BRIDGED)
def test_medication_is_bridged_by(account, more):
    stopped = any(one.document.get("status") == "stopped" for one in more)
    doses = given(31) if not stopped else given(28, start=20)
    assert not_bridged(account(*MOVE, *doses, *more)) == []


OPEN = {
    "nothing at all": ([], 7, None),
    "a dose some days later": (
        [evidence(an_administration("A-9", at="2026-04-04T07:00:00-04:00"))],
        3,
        "2026-04-04",
    ),
    "a visit that is agreed for some days later": (
        [evidence(an_appointment("2026-04-10"))],
        9,
        "2026-04-10",
    ),
    "a dose, and a visit after it": (
        [evidence(an_administration("A-9", at="2026-04-04T07:00:00-04:00")), evidence(an_appointment("2026-04-10"))],
        3,
        "2026-04-04",
    ),
    "a visit that was called off": ([evidence(an_appointment("2026-04-02", status="cancelled"))], 7, None),
    "a statement, which supplies nothing": ([evidence(a_statement(code=METHADONE, at="2026-04-01"))], 7, None),
    "an order of the place before": ([evidence(an_order(code=METHADONE, at="2026-04-01"), ehr="res")], 7, None),
    "an order of the next place from before its stay": (
        [evidence(an_order(code=METHADONE, at="2026-03-20T10:00:00-04:00"))],
        7,
        None,
    ),
    "an order without a day": ([evidence(without(an_order(code=METHADONE), "authoredOn"))], 7, None),
    "a session at the next place that is not for medication": (
        [evidence(an_encounter("N-1", start="2026-04-01T09:00:00-04:00"))],
        7,
        None,
    ),
    "a visit for medication at the place before": (
        [evidence(an_encounter("N-1", start="2026-04-01T09:00:00-04:00", kind=VISIT), ehr="res")],
        7,
        None,
    ),
    "a visit that nobody kept": (
        [evidence(an_encounter("N-1", start="2026-04-01T09:00:00-04:00", kind=VISIT, status="cancelled"))],
        7,
        None,
    ),
    "a visit without a day": ([evidence(an_encounter("N-1", start=None, kind=VISIT))], 7, None),
    "a visit that is planned": (
        [evidence(an_encounter("N-1", start="2026-04-09T09:00:00-04:00", kind=VISIT, status="planned"))],
        8,
        "2026-04-09",
    ),
    "an appointment at the place before": ([evidence(an_appointment("2026-04-02"), ehr="res")], 7, None),
    "an appointment for something else": (
        [evidence(without(an_appointment("2026-04-02"), "appointmentType"))],
        7,
        None,
    ),
    "an appointment without a day": ([evidence(without(an_appointment("2026-04-02"), "start", "end"))], 7, None),
    "a day without": ([evidence(an_administration("A-9", at="2026-04-02T07:00:00-04:00"))], 1, "2026-04-02"),
    "supply of which nobody knows for how long": (
        [evidence(without(a_dispense(code=METHADONE, at="2026-03-30", days=None), "quantity"), ehr="res")],
        7,
        None,
    ),
    "days before the last ones, with a gap": (given(12, start=10), 7, None),
    "an order of a medicine for another disorder": (
        [evidence(an_order(code=ACAMPROSATE, dose=None, at="2026-04-01T10:00:00-04:00"))],
        7,
        None,
    ),
}


@pytest.mark.parametrize(("more", "days", "following"), OPEN.values(), ids=OPEN)
def test_medication_that_ran_out_before_the_next_place_took_over_is_urgent(account, more, days, following):
    (found,) = not_bridged(account(*MOVE, *given(31), *more))
    assert (found.urgency, found.facts["days"], found.facts["next"]) == ("urgent", days, following)
    assert found.facts["covered_until"] == "2026-03-31"
    assert "res/MedicationAdministration/A-3-31@1" in found.evidence
    assert {"res/EpisodeOfCare/R-1@1", "iop/EpisodeOfCare/I-1@1"} <= set(found.evidence)


@pytest.mark.parametrize(
    "unread",
    [("iop", "MedicationRequest"), ("iop", "MedicationDispense"), ("res", "MedicationAdministration")],
    ids=str,
)
def test_what_was_not_read_in_full_may_bridge(account, unread):
    made = account(*MOVE, *given(31), policy=a_policy(grades={unread: Grade.PARTIAL}))
    assert not_bridged(made) == []


def test_medication_that_ended_before_the_stay_is_not_of_this_move(account):
    old = [evidence(an_administration("A-1", at="2026-01-15T07:00:00-05:00"), ehr="otp")]
    assert not_bridged(account(*MOVE, *old)) == []


@pytest.mark.parametrize(("day", "count"), [("2026-03-02", 1), ("2026-03-01", 0)], ids=["on its first day", "before"])
def test_medication_that_reached_into_the_stay_is_of_the_move_out_of_it(account, day, count):
    dose = evidence(an_administration("A-1", at=f"{day}T07:00:00-05:00"), ehr="otp")
    assert len(not_bridged(account(*MOVE, dose))) == count


@pytest.mark.parametrize(("day", "count"), [(1, 1), (2, 0)], ids=["on the day of the move", "the day after"])
def test_medication_given_elsewhere_by_the_day_of_the_move_is_of_the_move(account, day, count):
    assert len(not_bridged(account(*MOVE, *given(day, ehr="otp", month=4, start=day)))) == count


USES = {"both ran out": ("2026-03-10", ["acamprosate", "methadone"]), "one long before": ("2026-01-02", ["methadone"])}


@pytest.mark.parametrize(("day", "uses"), USES.values(), ids=USES)
def test_medication_for_another_disorder_is_judged_by_itself(account, day, uses):
    tablets = evidence(a_dispense("D-1", code=ACAMPROSATE, at=f"{day}T10:00:00-05:00", days=14), ehr="pcp")
    found = not_bridged(account(*MOVE, tablets, *given(31)))
    assert sorted(one.key.rpartition(":")[2] for one in found) == uses


def test_a_finding_is_named_by_the_move_and_the_ingredient_that_treats(account):
    films = evidence(a_dispense("D-1", at="2026-03-20T10:00:00-04:00", days=10), ehr="res")
    (found,) = not_bridged(account(*MOVE, films))
    assert found.key == "mat.not-bridged:res/EpisodeOfCare/R-1>iop/EpisodeOfCare/I-1:buprenorphine"
    assert (found.facts["medicine"], found.rules) == ("buprenorphine/naloxone", ("MC-08", "MV-02", "TR-05"))


def test_medication_that_began_after_the_move_is_not_of_this_move(account):
    assert not_bridged(account(*MOVE, *given(5, ehr="iop", month=4, start=3))) == []


def test_a_move_long_ago_is_history(account):
    before = evidence(an_episode("R-1", level="3e 3.5", start="2025-03-02", end="2025-03-31"), ehr="res")
    after = evidence(an_episode("I-1", level="4e 2.1", start="2025-04-01"), ehr="iop")
    dose = evidence(an_administration(at="2025-03-31T07:00:00-04:00"), ehr="res")
    assert not_bridged(account(before, after, dose)) == []


# ---- known where it is given? ----------------------------------------------------------------------------------------
OTP_STAY = evidence(an_episode("O-7", level="3e OTP", start="2026-01-05"), ehr="otp")
MASKED = a_policy(grades={("otp", "MedicationAdministration"): Grade.RESTRICTED})


def unknown_in(made):
    return [one.facts for one in made.findings if one.code == "mat.unknown"]


def test_an_otp_that_does_not_show_its_doses_leaves_it_unknown_and_not_none(account):
    made = account(OTP_STAY, policy=MASKED)
    assert unknown_in(made) == [{"organization": "otp"}]
    assert [one.rules for one in made.findings if one.code == "mat.unknown"] == [("MC-09",)]
    assert made.courses == ()


KNOWN = {
    "its doses are shown": ([OTP_STAY, *given(31, ehr="otp")], MASKED),
    "everything was read and nothing is there": ([OTP_STAY], a_policy()),
    "the stay has ended": (
        [evidence(an_episode("O-7", level="3e OTP", start="2026-01-05", end="2026-02-01"), ehr="otp")],
        MASKED,
    ),
    "the stay is at another level": ([evidence(an_episode("O-7"), ehr="otp")], MASKED),
    "the stay may not be seen": (
        [evidence(an_episode("O-7", level="3e OTP"), ehr="otp", presence=Presence.HIDDEN)],
        MASKED,
    ),
}


@pytest.mark.parametrize(("records", "policy"), KNOWN.values(), ids=KNOWN)
def test_nothing_is_called_unknown_where(account, records, policy):
    assert unknown_in(account(*records, policy=policy)) == []
