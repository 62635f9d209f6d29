"""Leaves from an overnight stay, told by its Encounter, and what may be asked about the nights around them."""

import pytest

from tests.builders import an_encounter, an_episode, evidence


def iop(**more):
    return evidence(an_episode("I-1", **{"level": "4e 2.1", "start": "2026-02-02"} | more))


def pauses(made, key="iop/EpisodeOfCare/I-1"):
    (stay,) = [one for one in made.timeline.stays if one.key == key]
    return [(one.why, *(str(one.start.first), one.end and str(one.end.first))) for one in stay.pauses]


def codes(made):
    return [one.code for one in made.findings]


def span(status, start, end=None):
    return {"status": status, "period": {"start": start} | ({"end": end} if end else {})}


def nights(*history, status="finished", end="2026-03-20", **more):
    return evidence(
        an_encounter("R-1", class_="IMP", level="3e 3.5", start="2026-03-02", end=end, status=status, **more)
        | ({"statusHistory": list(history)} if history else {}),
        ehr="res",
    )


FROM_THE_NIGHTS = {
    "over, with its end": (
        {"history": (span("in-progress", "2026-03-02", "2026-03-07"), span("onleave", "2026-03-07", "2026-03-09"))},
        [("leave", "2026-03-07", "2026-03-09")],
    ),
    "now": (
        {"history": (span("in-progress", "2026-03-02", "2026-03-07"),), "status": "onleave", "end": None},
        [("leave", "2026-03-07", None)],
    ),
    "now, since an unknown day": ({"status": "onleave", "end": None}, [("leave", "2026-03-02", None)]),
    "never": ({"history": (span("in-progress", "2026-03-02", "2026-03-20"),)}, []),
}


@pytest.mark.parametrize(("how", "told"), FROM_THE_NIGHTS.values(), ids=FROM_THE_NIGHTS)
def test_a_leave_from_an_overnight_stay_is_told_by_its_encounter_and_ends_nothing(account, how, told):
    how = dict(how)
    made = account(nights(*how.pop("history", ()), **how))
    assert pauses(made, "res/Encounter/R-1") == told
    assert [(one.end, one.confirmed) for one in made.timeline.stays] == [(None, False)]


def test_a_stay_of_an_episode_knows_the_leave_that_its_encounter_tells(account):
    episode = evidence(an_episode("E-1", level="3e 3.5", start="2026-03-02"), ehr="res")
    made = account(episode, nights(span("onleave", "2026-03-07", "2026-03-09"), status="in-progress", end=None))
    assert pauses(made, "res/EpisodeOfCare/E-1") == [("leave", "2026-03-07", "2026-03-09")]
    (stay,) = made.content["timeline"]
    assert stay["pauses"] == [
        {
            "why": "leave",
            "start": ["2026-03-07", "2026-03-07"],
            "end": ["2026-03-09", "2026-03-09"],
            "evidence": ["res/Encounter/R-1@1"],
        }
    ]


OTHERS = {
    "of a stay by day": evidence(an_episode("E-1", level="3e 2.1", start="2026-03-02"), ehr="res"),
    "of another organization": evidence(
        an_episode("E-1", level="3e 3.5", start="2026-03-02"), ehr="res", organization="hos"
    ),
    "of a stay after": evidence(an_episode("E-1", level="3e 3.5", start="2026-03-25"), ehr="res"),
    "of a stay before": evidence(an_episode("E-1", level="3e 3.5", start="2026-02-01", end="2026-02-20"), ehr="res"),
}


@pytest.mark.parametrize("episode", OTHERS.values(), ids=OTHERS)
def test_the_nights_of_another_stay_tell_no_leave(account, episode):
    away = nights(span("onleave", "2026-03-07", "2026-03-09"))
    assert "leave" not in [why for why, *_ in pauses(account(episode, away), "res/EpisodeOfCare/E-1")]


def test_nights_that_tell_a_leave_now_tell_none_of_a_stay_that_ended_before_them(account):
    before = evidence(an_episode("E-1", level="3e 3.5", start="2026-02-01", end="2026-02-20"), ehr="res")
    assert pauses(account(before, nights(status="onleave", end=None)), "res/EpisodeOfCare/E-1") == []


def test_each_leave_from_nights_is_told_in_whatever_order_their_records_stand(account):
    """Nights that are written one record each, of which later ones have lower numbers."""
    stay = evidence(an_episode("E-1", level="3e 3.5", start="2026-02-01", end="2026-03-12"), ehr="res")
    told = {"R-1": 3, "R-2": 3, "R-3": 16, "R-4": 10}
    records = [
        evidence(
            an_encounter(name, class_="IMP", start=f"2026-03-{day:02}", end=f"2026-03-{day + 2:02}")
            | {"statusHistory": [span("onleave", f"2026-03-{day:02}", f"2026-03-{day + 1:02}")]},
            ehr="res",
        )
        for name, day in told.items()
    ]
    assert pauses(account(stay, *records), "res/EpisodeOfCare/E-1") == [
        ("leave", "2026-03-03", "2026-03-04"),
        ("leave", "2026-03-10", "2026-03-11"),
    ]


def test_a_session_that_was_interrupted_is_no_leave(account):
    away = an_encounter("N-1", start="2026-03-02T09:00:00-05:00", episode="I-1") | {
        "statusHistory": [span("onleave", "2026-03-02T10:00:00-05:00", "2026-03-02T10:20:00-05:00")]
    }
    assert pauses(account(iop(), evidence(away))) == []


def test_a_session_on_leave_from_a_residence_is_no_attendance_during_nights(account):
    """TR-12 is about nights elsewhere; on leave the person slept at home."""
    session = an_encounter("N-1", start="2026-03-08T09:00:00-04:00", end="2026-03-08T12:00:00-04:00", episode="I-1")
    away = span("onleave", "2026-03-07", "2026-03-09")
    on_leave = account(iop(), evidence(session), nights(away))
    there = account(iop(), evidence(session), nights())
    assert ["attendance.during-inpatient" in codes(one) for one in (on_leave, there)] == [False, True]


AWAY = [span("onleave", "2026-03-07", "2026-03-09"), span("onleave", "2026-03-04", "2026-03-05")]
NIGHTS_LEFT = {
    "during it": (8, AWAY, False),
    "after it": (11, AWAY, True),
    "on the day on which another began, told after it": (4, AWAY, False),
    "on the day on which it was over": (5, AWAY, False),
    "between two": (6, AWAY, True),
    "on a day out": (11, [span("onleave", "2026-03-11", "2026-03-11")], False),
    "during one that nobody closed": (11, [span("onleave", "2026-03-07")], False),
    "after a status that is no leave": (11, [span("in-progress", "2026-03-02", "2026-03-20")], True),
    "while a leave has no start": (11, [{"status": "onleave"}], True),
}


@pytest.mark.parametrize(("day", "history", "is_asked"), NIGHTS_LEFT.values(), ids=NIGHTS_LEFT)
def test_attendance_is_asked_about_on_the_nights_before_and_after_a_leave(account, day, history, is_asked):
    start, end = (f"2026-03-{day:02}T{hour:02}:00:00-05:00" for hour in (9, 12))
    session = evidence(an_encounter("N-1", start=start, end=end, episode="I-1"))
    made = account(iop(), session, nights(*history))
    assert ("attendance.during-inpatient" in codes(made)) is is_asked


def test_who_was_on_leave_from_the_first_night_on_spent_that_week_at_home(account):
    """Admitted on Sunday and let home at once: only the week from the return on was spent elsewhere."""
    session = evidence(an_encounter("N-1", start="2026-03-03T09:00:00-05:00", end="2026-03-03T12:00:00-05:00"))
    away = an_encounter("R-1", class_="IMP", start="2026-03-08", end="2026-03-13")
    there = evidence(away | {"statusHistory": [span("onleave", "2026-03-08", "2026-03-09")]}, ehr="res")
    stay = evidence(an_episode("E-1", level="3e 3.5", start="2026-03", end="2026-03-13"), ehr="res")
    weeks = {str(one.first): one.status for one in account(iop(start="2026-03-02"), session, stay, there).weeks}
    assert (weeks["2026-03-02"], weeks["2026-03-09"]) == ("watch", "away")


def test_nights_from_which_the_person_was_on_leave_at_once_begin_after_it(account):
    session = an_encounter("N-1", start="2026-03-04T09:00:00-05:00", end="2026-03-04T12:00:00-05:00", episode="I-1")
    away = span("onleave", "2026-03-02", "2026-03-05")
    assert "attendance.during-inpatient" not in codes(account(iop(), evidence(session), nights(away)))
