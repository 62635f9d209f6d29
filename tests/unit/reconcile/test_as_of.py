"""What had happened by a day: nothing that came later shows, and what is shown is cited as it was received."""

from datetime import date

import pytest

from coordinator.reconcile import Presence
from coordinator.reconcile.as_of import had_been_decided_about, had_happened, happenings
from tests.builders import (
    ZONE,
    a_decision,
    a_goal,
    a_patient,
    a_plan,
    an_administration,
    an_appointment,
    an_encounter,
    an_episode,
    evidence,
)

DAY = date(2026, 4, 7)


def seen(tree, day=DAY, **more):
    return had_happened([evidence(tree, **more)], day, ZONE)


LATER = {
    "a stay that began the next day": an_episode(start="2026-04-08"),
    "a session after midnight in the zone": an_encounter(start="2026-04-08T00:10:00-04:00"),
    "a stay of the next month": an_episode(start="2026-05"),
    "an appointment that was made later": an_appointment(start="2026-04-20T09:00:00-04:00", created="2026-04-08"),
}
BY_THEN = {
    "a session before midnight in the zone": an_encounter(start="2026-04-08T03:50:00Z"),
    "a stay of this month": an_episode(start="2026-04"),
    "a stay without a start": an_episode(start=None),
    "a goal without a date": a_goal(),
    "who the person is": a_patient(),
    "an appointment made by then for later": an_appointment(start="2026-04-20T09:00:00-04:00", created="2026-04-07"),
    "what can't be read as a date": an_encounter(start="soon"),
}


@pytest.mark.parametrize("tree", LATER.values(), ids=LATER)
def test_what_began_later_is_left_out(tree):
    assert seen(tree) == ()


@pytest.mark.parametrize("tree", BY_THEN.values(), ids=BY_THEN)
def test_what_began_by_then_or_may_have_is_there(tree):
    assert len(seen(tree)) == 1


ENDED = {
    "stay": (an_episode(start="2026-04-01", end="2026-04-09"), {"period.end": None, "status": "active"}),
    "month of the end": (an_episode(start="2026-03-01", end="2026-05"), {"period.end": None, "status": "active"}),
    "overnight stay with its discharge": (
        an_encounter(start="2026-04-01", end="2026-04-09", disposition="home"),
        {"period.end": None, "status": "in-progress", "hospitalization": None, "period.start": "2026-04-01"},
    ),
    "overnight stay of which no discharge is told": (
        an_encounter(start="2026-04-01", end="2026-04-09"),
        {"period.end": None, "status": "in-progress", "period.start": "2026-04-01"},
    ),
    "overnight stay with more about it than its discharge": (
        {**an_encounter(start="2026-04-01", end="2026-04-09"), "hospitalization": {"admitSource": {"text": "court"}}},
        {"period.end": None, "hospitalization.admitSource.text": "court"},
    ),
    "overnight stay with something else where its discharge is told": (
        {**an_encounter(start="2026-04-01", end="2026-04-09"), "hospitalization": "none"},
        {"period.end": None, "status": "in-progress", "period.start": "2026-04-01"},
    ),
    "goal": (
        {**a_goal(status="completed", achievement="achieved"), "statusDate": "2026-04-08"},
        {"lifecycleStatus": "active", "statusDate": None, "achievementStatus": None},
    ),
    "appointment that was kept later": (
        an_appointment(start="2026-04-20T09:00:00-04:00"),
        {"status": "booked", "start": "2026-04-20T09:00:00-04:00"},
    ),
}


@pytest.mark.parametrize(("tree", "reads"), ENDED.values(), ids=ENDED)
def test_what_ended_later_had_not_ended(tree, reads):
    if tree["resourceType"] == "Appointment":
        tree = {**tree, "created": "2026-04-01"}
    (one,) = seen(tree)
    assert {path: one.document.get(*path.split(".")) for path in reads} == reads


@pytest.mark.parametrize("end", ["2026-04-07", "2026-04", "2026-04-08T03:59:00Z"])
def test_an_end_that_came_by_then_or_may_have_is_there(end):
    tree = an_episode(start="2026-03-01", end=end)
    (one,) = seen(tree)
    assert one.document.tree["period"] == tree["period"]


@pytest.mark.parametrize("version", ["7", None], ids=["version of the server", "version of the content"])
def test_a_view_is_cited_as_the_version_and_bytes_that_were_received(version):
    whole = evidence(an_episode(start="2026-04-01", end="2026-04-09"), version=version)
    (one,) = had_happened([whole], DAY, ZONE)
    assert (one.ref, one.document.raw, one.learned_at) == (whole.ref, whole.document.raw, whole.learned_at)
    assert whole.document.get("period", "end") == "2026-04-09"


def test_a_view_keeps_what_else_stands_beside_what_it_changes():
    tree = an_episode(start="2026-04-01", end="2026-04-09") | {"meta": {"lastUpdated": "2026-04-09T12:00:00Z"}}
    (one,) = seen(tree)
    assert one.document.last_updated == "2026-04-09T12:00:00Z"


def test_an_error_stays_an_error_and_what_is_gone_stays_gone():
    (wrong,) = seen(an_episode(start="2026-04-01", end="2026-04-09", status="entered-in-error"))
    (gone,) = seen(an_episode(start="2026-04-01"), presence=Presence.DELETED)
    assert (wrong.document.get("status"), gone.presence) == ("entered-in-error", Presence.DELETED)


@pytest.mark.parametrize(
    ("value", "counts"),
    [({"end": "2026-04-07"}, True), ({"end": "2026-04-08"}, False), ({"end": "2026-04"}, True), ({"same": True}, True)],
    ids=str,
)
def test_a_decision_about_an_end_counts_once_that_day_has_come(value, counts):
    made = a_decision("k", value)
    assert had_been_decided_about([made], DAY, ZONE) == ((made,) if counts else ())


def test_each_status_before_the_end_is_another_than_those_after_it():
    assert [name for name, one in happenings().items() if one.running in one.over] == []
    assert {len(path) for one in happenings().values() for path in one.status} == {1}
    assert [name for name, one in happenings().items() if bool(one.status) is not bool(one.ends and one.running)] == []


def test_the_account_of_a_day_shows_neither_the_step_down_that_came_nor_the_discharge(account):
    life = [
        evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02", end="2026-03-29"), ehr="res"),
        evidence(
            an_encounter("N-1", start="2026-03-02", end="2026-03-29", class_="IMP", disposition="home"), ehr="res"
        ),
        evidence(an_episode("I-1", start="2026-04-02")),
        evidence(a_plan(goals=["G-1"])),
        evidence(a_goal()),
        evidence(an_administration(), ehr="otp"),
    ]
    then = account(*had_happened(life, date(2026, 3, 20), ZONE))
    assert [(one.start.first, one.end) for one in then.timeline.stays] == [(date(2026, 3, 2), None)]
    assert [one.kind for one in then.timeline.transitions] == ["admission"]
    assert account(*had_happened(life, DAY, ZONE)).content == account(*life).content
