"""What a reader sees of sessions, weeks and eligibility."""

from coordinator.cli.attendance_picture import eligibility_picture, sessions_picture


def a_session(kind="group", *, attended=True, minutes=180, **more):
    return {"kind": kind, "attended": attended, "minutes": minutes, **more}


def a_week(first, hours, status, **more):
    return {"from": first, "hours": hours, "status": status, **more}


def lines(told):
    return [str(one) for one in told]


def test_missed_sessions_are_told_apart_from_those_that_nobody_closed():
    sessions = [
        a_session(),
        a_session(),
        a_session("family", minutes=75),
        a_session(attended=False, minutes=0),
        a_session(attended=False, minutes=None),
    ]
    assert lines(sessions_picture({"sessions": sessions})) == [
        "attended: 2 group, 1 family; not attended: 1; not known: 1"
    ]


def test_continuing_care_is_told_apart():
    sessions = [a_session(), a_session("individual", continuing_care=True)]
    assert lines(sessions_picture({"sessions": sessions}))[1] == "of these after a discharge, as continuing care: 1"


def test_a_week_tells_the_hours_asked_for_and_only_the_last_weeks_are_shown():
    weeks = [a_week(f"2026-05-{day:02}", 8.25, "watch", asked=9) for day in range(1, 11)]
    (told,) = lines(sessions_picture({"weeks": weeks}))
    assert told.startswith("weeks from Monday (the last 8 of 10): 05-03 8.25 of 9 h watch, ")


def test_an_account_without_sessions_shows_none():
    assert (lines(sessions_picture({})), lines(eligibility_picture({}))) == ([], [])


def test_eligibility_tells_records_who_and_when_and_what_is_missing():
    recorded = [
        {"part": "assessment", "days": ["2026-01-28", "2026-01-28"], "by": ["Practitioner/d-1"]},
        {"part": "severity", "days": ["2026-01-01", "2026-01-09"], "by": []},
        {"part": "comorbidity", "days": None, "by": []},
    ]
    first = {"recorded": ["res/Observation/O-1@1"], "stay": "res/EpisodeOfCare/R-1"}
    one = {"stay": "iop/Episode/i", "recorded": recorded, "missing": ["clearance"], "residential_first": first}
    assert lines(eligibility_picture({"eligibility": [one]})) == [
        "iop/Episode/i: assessment 2026-01-28 by Practitioner/d-1; severity 2026-01-01 to 2026-01-09; comorbidity",
        "  no record from near its start shows: a medical clearance",
        "  something spoke for care around the clock first: res/EpisodeOfCare/R-1",
    ]


def test_what_was_not_seen_is_not_called_missing():
    one = {"stay": "s", "recorded": [], "not_seen": ["assessment", "assessor"], "residential_first": {"stay": None}}
    assert lines(eligibility_picture({"eligibility": [one]})) == [
        "s: nothing is recorded",
        "  not seen, as not all was pulled: an assessment, who assessed",
        "  something spoke for care around the clock first: no such stay is known",
    ]
