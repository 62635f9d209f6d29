"""Contacts of a person, and whole weeks by the hours attended."""

from datetime import UTC, datetime

import pytest

from tests.builders import an_encounter, an_episode, evidence

GROUP = {"coding": [{"system": "http://snomed.info/sct", "code": "76168009"}]}


def a_session(number, start, end, **more):
    return evidence(an_encounter(f"N-{number}", start=start, end=end, **more))


def hours(day, count, **more):
    """Return a session of so many hours on a day of June."""
    return a_session(day, f"2026-06-{day:02}T09:00:00-04:00", f"2026-06-{day:02}T{9 + count:02}:00:00-04:00", **more)


def enrolled(start="2026-06-01", **more):
    return evidence(an_episode(level="4e 2.1", start=start, **more))


LATER = datetime(2026, 6, 22, 12, tzinfo=UTC)


def test_a_session_tells_kind_class_minutes_and_its_record(account):
    made = account(hours(1, 3, class_="VR"), as_of=LATER)
    assert made.content["sessions"] == [
        {
            "kind": "other",
            "class": "VR",
            "attended": True,
            "minutes": 180,
            "stay": None,
            "continuing_care": False,
            "evidence": ["iop/Encounter/N-1@1"],
            "key": "iop/Encounter/N-1",
            "rules": ["SE-01"],
        }
    ]


def test_sessions_stand_in_order_of_start_and_days_of_a_stay_are_none(account):
    made = account(hours(3, 1), hours(1, 1), hours(2, 1, class_="IMP"), as_of=LATER)
    assert [one.evidence for one in made.sessions] == [("iop/Encounter/N-1@1",), ("iop/Encounter/N-3@1",)]


def test_a_session_without_class_start_or_end(account):
    bare = an_encounter("N-1", start="2026-06-01")
    del bare["class"]
    made = account(evidence(bare), evidence(an_encounter("N-2", start=None)), as_of=LATER)
    assert [(one.class_, one.minutes) for one in made.sessions] == [("", None)]


def test_a_session_over_the_change_of_clocks_counts_real_minutes(account):
    made = account(a_session(1, "2026-03-08T00:30:00-05:00", "2026-03-08T03:30:00-04:00"))
    assert made.sessions[0].minutes == 120


WEEKS = {
    "nine hours are met": ([(1, 3), (3, 3), (5, 3)], ["met", "watch"]),
    "one short week is watched, the next is short": ([(1, 3)], ["watch", "short"]),
    "a full week between forgives": ([(8, 3), (10, 3), (12, 3)], ["watch", "met"]),
}


@pytest.mark.parametrize(("sessions", "expected"), WEEKS.values(), ids=WEEKS)
def test_whole_weeks_are_judged_by_the_hours_of_the_level(account, sessions, expected):
    made = account(enrolled(), *(hours(*one) for one in sessions), as_of=datetime(2026, 6, 16, 12, tzinfo=UTC))
    assert [one.status for one in made.weeks] == expected


def test_a_week_tells_its_days_hours_and_sessions(account):
    made = account(enrolled(), hours(1, 3), hours(3, 2), as_of=datetime(2026, 6, 9, 12, tzinfo=UTC))
    assert made.content["weeks"] == [
        {
            "from": "2026-06-01",
            "to": "2026-06-07",
            "hours": 5,
            "asked": 9,
            "status": "watch",
            "evidence": ["iop/Encounter/N-1@1", "iop/Encounter/N-3@1"],
            "key": "iop/EpisodeOfCare/E-1:2026-06-01",
            "rules": ["SE-02"],
        }
    ]


def test_a_week_that_is_not_over_or_began_before_the_stay_is_not_judged(account):
    made = account(enrolled(start="2026-06-03"), as_of=datetime(2026, 6, 14, 12, tzinfo=UTC))
    assert made.weeks == ()


def test_no_week_is_judged_after_the_stay(account):
    made = account(enrolled(end="2026-06-10"), as_of=LATER)
    assert [str(one.first) for one in made.weeks] == ["2026-06-01"]


@pytest.mark.parametrize("level", ["3e 3.5", "3e OTP", "4e RR"])
def test_levels_that_ask_for_no_hours_a_week_of_an_outpatient_have_no_weeks(account, level):
    made = account(evidence(an_episode(level=level, start="2026-06-01")), as_of=LATER)
    assert made.weeks == ()


@pytest.mark.parametrize(
    "more", [{"status": "cancelled"}, {"ehr": "ced"}], ids=["not attended", "of another organization"]
)
def test_hours_that_were_not_attended_there_do_not_count(account, more):
    ehr = more.pop("ehr", "iop")
    session = an_encounter("N-1", start="2026-06-01T09:00:00-04:00", end="2026-06-01T19:00:00-04:00", **more)
    made = account(enrolled(), evidence(session, ehr=ehr), as_of=datetime(2026, 6, 9, 12, tzinfo=UTC))
    assert [one.hours for one in made.weeks] == [0]
