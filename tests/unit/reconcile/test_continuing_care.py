"""Contacts with a program after a discharge: continuing care, and no attendance of the stay that is over."""

import pytest

from tests.builders import an_encounter, an_episode, evidence


def contact(day, **more):
    return evidence(an_encounter(f"N-{day}", start=day if len(day) < 10 else f"{day}T09:00:00-05:00", **more))


def stay(episode, start, end=None, **more):
    return evidence(an_episode(episode, start=start, end=end, **more))


ENDED = stay("I-1", "2026-01-05", "2026-02-06")
FIRST, SECOND = "iop/EpisodeOfCare/I-1", "iop/EpisodeOfCare/I-2"

CASES = {
    "before any stay": ([ENDED], "2026-01-02", (None, False)),
    "in the stay": ([ENDED], "2026-01-20", (FIRST, False)),
    "on its last day": ([ENDED], "2026-02-06", (FIRST, False)),
    "after the discharge": ([ENDED], "2026-02-20", (FIRST, True)),
    "after the period of a stay that nobody closed": (
        [stay("I-1", "2026-01-05", "2026-02-06", status="active")],
        "2026-02-20",
        (None, False),
    ),
    "in the next stay": ([ENDED, stay("I-2", "2026-02-16")], "2026-02-20", (SECOND, False)),
    "between two stays": ([ENDED, stay("I-2", "2026-03-02")], "2026-02-20", (FIRST, True)),
    "in a long stay around a short one": (
        [ENDED, stay("I-2", "2026-01-12", "2026-01-16", level="3e OTP")],
        "2026-01-20",
        (FIRST, False),
    ),
    "of a month in which the stay ended": ([ENDED], "2026-02", (FIRST, False)),
}


@pytest.mark.parametrize(("stays", "day", "expected"), CASES.values(), ids=CASES)
def test_a_contact_tells_the_stay_that_it_is_part_of_or_follows(account, stays, day, expected):
    (session,) = account(*stays, contact(day)).sessions
    assert (session.stay, session.continuing_care) == expected
    assert ("SE-09" in session.rules) is expected[1]


def test_a_contact_with_another_organization_is_no_continuing_care(account):
    (session,) = account(ENDED, evidence(an_encounter(start="2026-02-20"), ehr="ced")).sessions
    assert (session.stay, session.continuing_care) == (None, False)


def test_continuing_care_adds_no_hours_to_the_stay(account):
    call = evidence(an_encounter("N-2", start="2026-02-07T09:00:00-05:00", end="2026-02-07T19:00:00-05:00"))
    session = evidence(an_encounter("N-1", start="2026-01-20T09:00:00-05:00", end="2026-01-20T12:00:00-05:00"))
    made = account(ENDED, session, call)
    assert sum(one.hours for one in made.weeks) == 3
