"""Attendance: weeks against the level, runs of short weeks, nights elsewhere, missed contact."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coordinator.reconcile import Grade
from tests.builders import a_patient, a_policy, an_appointment, an_encounter, an_episode, evidence


def hours(day, count, *, month=6, name="N", **more):
    """Return a session of so many hours on a day of June."""
    start, end = (f"2026-{month:02}-{day:02}T{hour:02}:00:00-04:00" for hour in (9, 9 + count))
    return evidence(an_encounter(f"{name}-{month}-{day}", start=start, end=end, **more))


def nights(first, last, *, ehr="hos", **more):
    """Return a stay in a hospital from noon to noon of days of June."""
    start, end = (f"2026-06-{day:02}T12:00:00-04:00" for day in (first, last))
    return evidence(an_encounter(f"H-{first}", start=start, end=end, class_="IMP", **more), ehr=ehr)


def enrolled(start="2026-06-01", *, level="4e 2.1", **more):
    return evidence(an_episode("I-1", level=level, start=start, **more))


def on_leave(start, end):
    """Return the stay with a leave in the history of its status; it goes on without an end."""
    stay = an_episode("I-1", start="2026-06-01", status=None if end else "onhold")
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    return evidence(stay | {"statusHistory": [{"status": "onhold", "period": period}]})


def at(day, month=6):
    return datetime(2026, month, day, 16, tzinfo=UTC)


def open_about(made, *codes):
    return [one for one in made.findings if one.code.startswith(codes or ("attendance.", "modality."))]


# ---- weeks -----------------------------------------------------------------------------------------------------------
WEEK_OF_FIVE = (hours(1, 3), hours(3, 2))

UNSURE = {
    "a pull that was not complete": ((), {"grades": {("iop", "Encounter"): Grade.PARTIAL}}),
    "a session without an end": ((evidence(an_encounter("N-x", start="2026-06-04T09:00:00-04:00")),), {}),
    "a session that nobody closed": ((hours(4, 2, name="x", status="arrived"),), {}),
    "a session of some day in June": (
        (evidence(an_encounter("N-x", start="2026-06", end="2026-06-30T10:00:00-04:00")),),
        {},
    ),
}


@pytest.mark.parametrize(("more", "policy"), UNSURE.values(), ids=UNSURE)
def test_a_week_of_which_not_all_is_known_is_not_called_short(account, more, policy):
    made = account(enrolled(), *WEEK_OF_FIVE, *more, policy=a_policy(**policy), as_of=at(8))
    assert [(one.hours, one.status) for one in made.weeks] == [(5, "unknown")]


def test_a_session_of_some_day_in_june_is_shown_by_no_week(account):
    some_day = evidence(an_encounter("N-x", start="2026-06", end="2026-06-30T10:00:00-04:00"))
    (week,) = account(enrolled(), *WEEK_OF_FIVE, some_day, as_of=at(8)).weeks
    assert week.evidence == ("iop/Encounter/N-6-1@1", "iop/Encounter/N-6-3@1")


def test_a_stay_that_its_contacts_alone_show_counts_those_that_name_an_episode_nobody_sent(account):
    """No record of the stay is there that the session could be told apart from."""
    told = [hours(day, 3, level="4e 2.1", episode="GONE") for day in (1, 3, 5, 8)]
    made = account(*told, as_of=at(8))
    assert [(one.hours, one.status) for one in made.weeks] == [(9, "met")]


def test_hours_are_told_to_the_hundredth(account):
    lesson = an_encounter("N-1", start="2026-06-01T09:00:00-04:00", end="2026-06-01T09:50:00-04:00")
    (week,) = account(enrolled(), evidence(lesson), as_of=at(8)).content["weeks"]
    assert (week["hours"], week["asked"]) == (Decimal("0.83"), 9)


def test_a_full_week_is_met_however_much_was_left_out(account):
    policy = a_policy(grades={("iop", "Encounter"): Grade.PARTIAL})
    made = account(enrolled(), *(hours(day, 3) for day in (1, 3, 5)), policy=policy, as_of=at(8))
    assert [one.status for one in made.weeks] == ["met"]


def test_of_a_program_that_shows_no_session_nothing_is_said(account):
    made = account(enrolled(), as_of=at(22))
    assert ([one.status for one in made.weeks], open_about(made)) == (["unknown"] * 3, [])


HOURS_OF_OTHERS = {
    "another episode of the same organization": {"episode": "OTHER"},
    "another organization": {"ehr": "ced"},
}


@pytest.mark.parametrize("more", HOURS_OF_OTHERS.values(), ids=HOURS_OF_OTHERS)
def test_hours_of_another_stay_do_not_count(account, more):
    other = an_encounter(
        "N-x", start="2026-06-02T09:00:00-04:00", end="2026-06-02T18:00:00-04:00", episode=more.get("episode")
    )
    made = account(enrolled(), *WEEK_OF_FIVE, evidence(other, ehr=more.get("ehr", "iop")), as_of=at(8))
    assert [one.hours for one in made.weeks] == [5]


YOUNG = {
    "an adult": ("1991-04-12", "4e 2.1", (9, True), "watch"),
    "an adolescent, 3rd edition": ("2010-04-12", "3e 2.1", (6, True), "met"),
    "an adolescent, 4th edition": ("2010-04-12", "4e 2.1", (6, False), "met"),
    "an adolescent at a level without a floor of their own": ("2010-04-12", "4e 2.5", (20, True), "watch"),
    "18 on the Monday": ("2008-06-01", "4e 2.1", (9, True), "watch"),
    "18 on the Tuesday": ("2008-06-02", "4e 2.1", (6, False), "met"),
    "born in some month of the year": ("2008", "4e 2.1", (6, False), "met"),
    "born on a leap day": ("2008-02-29", "4e 2.1", (9, True), "watch"),
    "of no known birth date": (None, "4e 2.1", (9, True), "watch"),
}


@pytest.mark.parametrize(("born", "level", "asked", "status"), YOUNG.values(), ids=YOUNG)
def test_an_adolescents_week_has_a_floor_of_its_own(account, born, level, asked, status):
    person = evidence({name: value for name, value in a_patient(birthDate=born).items() if value})
    made = account(person, enrolled(level=level), hours(1, 3), hours(3, 3), as_of=at(8))
    assert [((one.asked, one.verified), one.status) for one in made.weeks] == [(asked, status)]


def test_who_was_born_on_a_leap_day_is_an_adult_from_the_first_of_march(account):
    person, until = evidence(a_patient(birthDate="2008-02-29")), datetime(2027, 3, 8, 16, tzinfo=UTC)
    policy = a_policy(options={"adult_age": 19})
    made = account(person, enrolled(start="2027-02-22"), policy=policy, as_of=until)
    assert [(str(one.first), one.asked) for one in made.weeks] == [("2027-02-22", 6), ("2027-03-01", 9)]


def test_two_birth_dates_that_differ_ask_for_the_lower_floor(account):
    people = (evidence(a_patient(birthDate="1991-04-12")), evidence(a_patient(birthDate="2010-04-12"), ehr="pcp"))
    made = account(*people, enrolled(), hours(1, 3), hours(3, 3), as_of=at(8))
    assert [one.status for one in made.weeks] == ["met"]


AWAY = {
    "in a hospital": (nights(3, 5),),
    "in an emergency department past midnight": (
        evidence(
            an_encounter("H-1", start="2026-06-03T20:00:00-04:00", end="2026-06-04T10:00:00-04:00", class_="EMER"),
            ehr="hos",
        ),
    ),
    "on a leave that the program recorded": (),
    "in residential care with an end": (
        evidence(an_episode("R-1", level="3e 3.5", start="2026-06-02", end="2026-06-05"), ehr="res"),
    ),
}


@pytest.mark.parametrize("where", AWAY.values(), ids=AWAY)
def test_a_week_with_nights_elsewhere_is_not_held_against_the_person(account, where):
    stay = enrolled() if where else on_leave("2026-06-03", "2026-06-05")
    made = account(stay, *WEEK_OF_FIVE, *where, hours(8, 3), as_of=at(15))
    assert [one.status for one in made.weeks] == ["away", "watch"]
    assert {one.ref for one in where or (stay,)} <= set(made.weeks[0].evidence)
    assert not {one.ref for one in where} & set(made.weeks[1].evidence)


def test_a_short_week_before_a_silence_makes_no_run_of_short_weeks_with_it(account):
    """One silence is one question: whether somebody knows where the person is."""
    made = account(enrolled(), hours(1, 3), as_of=at(29))
    assert [one.code for one in made.findings if one.code.startswith("attendance.")] == ["attendance.missed-contact"]


def test_a_silence_since_the_first_days_is_one_question_too(account):
    made = account(enrolled("2026-06-03"), hours(4, 3), as_of=at(30))
    assert [one.code for one in made.findings if one.code.startswith("attendance.")] == ["attendance.missed-contact"]


def test_nights_that_two_records_tell_are_both_cited(account):
    stays = (nights(2, 3), nights(3, 5))
    made = account(enrolled(), *WEEK_OF_FIVE, *stays, hours(8, 3), as_of=at(15))
    assert {one.ref for one in stays} <= set(made.weeks[0].evidence)


def test_nights_in_two_weeks_excuse_both(account):
    made = account(enrolled(), *WEEK_OF_FIVE, nights(3, 5), nights(9, 11), hours(15, 3), as_of=at(22))
    assert [one.status for one in made.weeks] == ["away", "away", "watch"]


def test_a_leave_that_goes_on_excuses_each_week_until_now(account):
    made = account(on_leave("2026-06-10", None), *WEEK_OF_FIVE, as_of=at(22))
    assert [one.status for one in made.weeks] == ["watch", "away", "away"]


def test_a_leave_of_a_single_day_excuses_its_week(account):
    made = account(on_leave("2026-06-03", "2026-06-03"), *WEEK_OF_FIVE, as_of=at(8))
    assert [one.status for one in made.weeks] == ["away"]


def test_an_emergency_that_was_over_on_its_day_excuses_no_week(account):
    visit = an_encounter("H-1", start="2026-06-03T12:00:00-04:00", end="2026-06-03T20:00:00-04:00", class_="EMER")
    made = account(enrolled(), *WEEK_OF_FIVE, evidence(visit, ehr="hos"), as_of=at(8))
    assert [one.status for one in made.weeks] == ["watch"]


BESIDE = {
    "housing with treatment by day": evidence(an_episode("R-1", level="3e 3.1", start="2026-06-01"), ehr="res"),
    "a recovery residence": evidence(an_episode("R-1", level="4e RR", start="2026-06-01"), ehr="res"),
    "a level that can't be read": evidence(an_episode("R-1", level="4e 9.9", start="2026-06-01"), ehr="res"),
}


@pytest.mark.parametrize("housing", BESIDE.values(), ids=BESIDE)
def test_nights_in_what_runs_beside_the_program_excuse_no_week(account, housing):
    night = nights(2, 3, ehr="res", episode="R-1")
    made = account(enrolled(), *WEEK_OF_FIVE, housing, night, hours(8, 3), as_of=at(15))
    assert [one.status for one in made.weeks] == ["watch", "short"]
    assert open_about(made, "attendance.during") == []


def test_a_recovery_residence_may_run_beside_a_level_that_no_rule_of_moves_speaks_of_with_it(account):
    made = account(
        enrolled(level="4e 2.7"),
        *WEEK_OF_FIVE,
        BESIDE["a recovery residence"],
        nights(2, 3, ehr="res", episode="R-1"),
        as_of=at(8),
    )
    assert [one.status for one in made.weeks] == ["watch"]


# ---- too few hours ---------------------------------------------------------------------------------------------------
RUNS = {
    "one short week": ([(1, 3)], 8, []),
    "two in a row": ([(1, 3), (8, 3)], 15, ["2026-06-01"]),
    "three in a row are the same finding": ([(1, 3), (8, 3), (15, 3)], 22, ["2026-06-01"]),
    "two, and one that was met": ([(1, 3), (8, 3), (15, 9)], 22, []),
    "one, a full week, and one": ([(1, 3), (8, 9), (15, 3)], 22, []),
    "one, a full week, and two": ([(1, 3), (8, 9), (15, 3), (22, 3)], 29, ["2026-06-15"]),
}


@pytest.mark.parametrize(("sessions", "day", "expected"), RUNS.values(), ids=RUNS)
def test_short_weeks_in_a_row_are_one_finding_as_long_as_they_last(account, sessions, day, expected):
    made = account(enrolled(), *(hours(*one) for one in sessions), as_of=at(day))
    found = open_about(made, "attendance.below")
    assert [one.key for one in found] == [f"attendance.below-level:iop/EpisodeOfCare/I-1:{one}" for one in expected]


def test_the_finding_cites_the_stay_and_the_sessions_and_tells_the_hours(account):
    made = account(enrolled(), hours(1, 3), hours(8, 1), as_of=at(15))
    (found,) = open_about(made, "attendance.below")
    assert found.evidence == ("iop/Encounter/N-6-1@1", "iop/Encounter/N-6-8@1", "iop/EpisodeOfCare/I-1@1")
    assert (found.rules, made.content["findings"][0]["facts"]) == (
        ("SE-02", "SE-05"),
        {
            "level": "2.1",
            "weeks": [
                {"from": "2026-06-01", "hours": 3, "asked": 9},
                {"from": "2026-06-08", "hours": 1, "asked": 9},
            ],
            "verified": True,
        },
    )


def test_hours_in_the_finding_are_told_to_the_hundredth(account):
    lesson = evidence(an_encounter("N-1", start="2026-06-01T09:00:00-04:00", end="2026-06-01T09:50:00-04:00"))
    made = account(enrolled(), lesson, hours(8, 1), as_of=at(15))
    (found,) = (one for one in made.content["findings"] if one["code"] == "attendance.below-level")
    assert [one["hours"] for one in found["facts"]["weeks"]] == [Decimal("0.83"), 1]


def test_a_run_of_which_one_week_rests_on_a_floor_that_is_not_verified_says_so(account):
    person = evidence(a_patient(birthDate="2008-06-05"))
    made = account(person, enrolled(), hours(1, 3), hours(8, 3), as_of=at(15))
    (found,) = open_about(made, "attendance.below")
    assert ([one.verified for one in made.weeks], found.facts["verified"]) == ([False, True], False)


def test_a_week_away_between_two_short_ones_is_no_run(account):
    made = account(enrolled(), hours(1, 3), nights(8, 12), hours(15, 3), as_of=at(22))
    assert ([one.status for one in made.weeks], open_about(made, "attendance.below")) == (
        ["watch", "away", "watch"],
        [],
    )


def test_short_weeks_of_a_stay_that_is_over_ask_nobody_for_anything(account):
    made = account(enrolled(end="2026-06-20"), hours(1, 3), hours(8, 3), as_of=at(22))
    assert ([one.status for one in made.weeks], open_about(made)) == (["watch", "short"], [])


def test_a_tenant_may_wait_for_a_third_week(account):
    policy = a_policy(options={"short_weeks": 3})
    made = account(enrolled(), hours(1, 3), hours(8, 3), policy=policy, as_of=at(15))
    assert open_about(made, "attendance.below") == []


# ---- nights elsewhere ------------------------------------------------------------------------------------------------
def test_attendance_between_the_first_and_last_day_in_hospital_is_a_question(account):
    made = account(enrolled(), nights(2, 5), *(hours(day, 3) for day in (1, 2, 3, 5)), as_of=at(8))
    (found,) = open_about(made, "attendance.during")
    assert found.key == "attendance.during-inpatient:iop/EpisodeOfCare/I-1+hos/Encounter/H-2"
    assert found.evidence == ("hos/Encounter/H-2@1", "iop/Encounter/N-6-3@1", "iop/EpisodeOfCare/I-1@1")
    assert found.facts == {"days": ["2026-06-02", "2026-06-05"], "sessions": 1}
    assert found.rules == ("SE-06",)


def in_hospital(start, end=None, *, status="finished"):
    return evidence(an_encounter("H-1", start=start, end=end, status=status, class_="IMP"), ehr="hos")


STILL_THERE = {
    "who is there now": (
        in_hospital("2026-06-02T12:00:00-04:00", status="in-progress"),
        [["2026-06-02", "2026-06-08"]],
    ),
    "whose end nobody wrote down": (in_hospital("2026-06-02T12:00:00-04:00"), []),
    "who is there now since an hour that is not told": (
        in_hospital("2026-06-02", status="in-progress"),
        [["2026-06-02", "2026-06-08"]],
    ),
}


@pytest.mark.parametrize(("hospital", "days"), STILL_THERE.values(), ids=STILL_THERE)
def test_a_hospital_stay_without_an_end_goes_on_until_now_only_for_somebody(account, hospital, days):
    made = account(enrolled(), hospital, hours(3, 3), as_of=at(8))
    assert [one.facts["days"] for one in open_about(made, "attendance.during")] == days


POSSIBLE = {
    "on the day of admission or discharge": (nights(2, 3), [2, 3]),
    "in the program's own beds": (nights(2, 5, ehr="iop"), [3]),
    "missed": (nights(2, 5), []),
    "in a hospital since some day of the month": (
        evidence(an_encounter("H-1", start="2026-06", end="2026-06-05T12:00:00-04:00", class_="IMP"), ehr="hos"),
        [3],
    ),
    "while a hospital stay was only planned": (nights(2, 5, status="planned"), [3]),
}


@pytest.mark.parametrize(("night", "days"), POSSIBLE.values(), ids=POSSIBLE)
def test_what_may_be_is_no_question(account, night, days):
    missed = hours(4, 3, status="cancelled")
    made = account(enrolled(), night, missed, *(hours(day, 3) for day in days), as_of=at(8))
    assert open_about(made, "attendance.during") == []


@pytest.mark.parametrize("end", ["2026-06-05", "2026-06-30"], ids=["days before the month ends", "as the month ends"])
def test_a_session_that_may_have_been_on_the_last_day_in_hospital_or_later_is_no_question(account, end):
    some_day = evidence(an_encounter("N-x", start="2026-06", end="2026-06-30T10:00:00-04:00"))
    made = account(enrolled(), in_hospital("2026-05-28", end), some_day, as_of=at(2, 7))
    assert open_about(made, "attendance.during") == []


def day_by_day(*days):
    """Return an Encounter in a hospital for each of some days of June, from morning to evening."""
    return [
        evidence(
            an_encounter(
                f"H-{day}",
                start=f"2026-06-{day:02}T07:00:00-04:00",
                end=f"2026-06-{day:02}T19:00:00-04:00",
                class_="IMP",
            ),
            ehr="hos",
        )
        for day in days
    ]


RECORDED = {
    "each day": ([2, 3, 4], [(["2026-06-02", "2026-06-04"], ["H-2", "H-3", "H-4"])]),
    "each day but the one of the session": ([2, 4], []),
    "no day for long": ([1, 7], []),
}


@pytest.mark.parametrize(("days", "expected"), RECORDED.values(), ids=RECORDED)
def test_days_in_hospital_are_one_run_only_where_they_follow_each_other(account, days, expected):
    made = account(enrolled(), *day_by_day(*days), hours(3, 3), as_of=at(9))
    found = [
        (one.facts["days"], [ref[14:-2] for ref in one.evidence[:-2]]) for one in open_about(made, "attendance.during")
    ]
    assert found == expected


def test_each_day_of_a_stay_written_by_itself_is_one_question(account):
    days = [nights(day, day + 1) for day in range(2, 7)]
    made = account(enrolled(), *days, hours(3, 3), hours(5, 3), as_of=at(8))
    assert [one.facts["sessions"] for one in open_about(made, "attendance.during")] == [2]


# ---- missed contact --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "urgency"),
    [(7, []), (8, ["soon"]), (30, ["soon"]), (31, ["urgent"])],
    ids=["a week", "more than a week", "a month", "more than a month"],
)
def test_days_without_a_contact_make_a_finding_that_becomes_urgent(account, days, urgency):
    made = account(enrolled(), hours(1, 9), as_of=at(1 + days) if days < 30 else at(days - 29, 7))
    assert [one.urgency for one in open_about(made, "attendance.missed")] == urgency


def test_missed_contact_cites_the_stay_and_the_last_contact_and_names_its_next_moment(account):
    made = account(enrolled(), hours(1, 9), as_of=at(12))
    (found,) = open_about(made, "attendance.missed")
    assert (found.evidence, found.rules) == (("iop/Encounter/N-6-1@1", "iop/EpisodeOfCare/I-1@1"), ("SE-07",))
    assert dict(found.facts) == {"since": "2026-06-01", "days": 11}
    assert found.due_at == datetime(2026, 7, 2, 4, tzinfo=UTC)
    assert open_about(account(enrolled(), hours(1, 9), as_of=at(9, 7)), "attendance.missed")[0].due_at is None


def test_missed_contact_cites_no_contact_before_the_last(account):
    made = account(enrolled(), *(hours(day, 3) for day in (1, 2, 3)), as_of=at(12))
    (found,) = open_about(made, "attendance.missed")
    assert found.evidence == ("iop/Encounter/N-6-3@1", "iop/EpisodeOfCare/I-1@1")


NOT_MISSED = {
    "a missed appointment only": (
        [evidence(an_appointment(start="2026-06-09T09:00:00-04:00", end=None, status="noshow"))],
        1,
    ),
    "a visit of any kind": ([hours(9, 1, class_="FLD")], 0),
    "a call that nobody closed": ([hours(9, 1, status="arrived")], 0),
    "a hospital where they still are": (
        [
            evidence(
                an_encounter("H-1", start="2026-06-05T12:00:00-04:00", class_="IMP", status="in-progress"), ehr="hos"
            )
        ],
        0,
    ),
    "a hospital that they left days ago": ([nights(5, 8)], 0),
    "a hospital that they left before": ([nights(2, 3)], 1),
    "an emergency that was over on its day": (
        [
            evidence(
                an_encounter("H-1", start="2026-06-08T12:00:00-04:00", end="2026-06-08T20:00:00-04:00", class_="EMER"),
                ehr="hos",
            )
        ],
        1,
    ),
}


def test_who_came_back_from_a_leave_is_given_the_same_days_as_everybody(account):
    back = on_leave("2026-06-02", "2026-06-08")
    assert open_about(account(back, hours(1, 9), as_of=at(15)), "attendance.missed") == []
    assert len(open_about(account(back, hours(1, 9), as_of=at(16)), "attendance.missed")) == 1


@pytest.mark.parametrize(("more", "count"), NOT_MISSED.values(), ids=NOT_MISSED)
def test_who_was_seen_or_is_elsewhere_is_not_missed(account, more, count):
    made = account(enrolled(), hours(1, 9), *more, as_of=at(13))
    assert len(open_about(made, "attendance.missed")) == count


QUIET = {
    "a stay that is over": ({"end": "2026-06-05"}, {}),
    "a leave": ({"status": "onhold"}, {}),
    "a level without hours": ({"level": "4e 1.5"}, {}),
    "a pull that was not complete": ({}, {"grades": {("iop", "Encounter"): Grade.STALE}}),
}


@pytest.mark.parametrize(("stay", "policy"), QUIET.values(), ids=QUIET)
def test_nobody_is_missed_in(account, stay, policy):
    made = account(enrolled(**stay), hours(1, 9), policy=a_policy(**policy), as_of=at(20))
    assert open_about(made, "attendance.missed") == []


# ---- one silence, one question ---------------------------------------------------------------------------------------
def test_weeks_after_the_last_contact_are_told_as_missed_contact_and_not_as_short_weeks_too(account):
    made = account(enrolled(), *(hours(day, 3) for day in (1, 3, 5)), as_of=at(29))
    assert [one.status for one in made.weeks] == ["met", "watch", "short", "short"]
    assert [one.code for one in open_about(made, "attendance")] == ["attendance.missed-contact"]


def test_short_weeks_before_a_silence_stay_a_question(account):
    made = account(enrolled(), hours(1, 3), hours(8, 3), as_of=at(29))
    assert [one.code for one in open_about(made, "attendance")] == [
        "attendance.below-level",
        "attendance.missed-contact",
    ]
