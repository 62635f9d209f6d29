"""Leaves: on hold, in a hospital, in an emergency; the stay goes on and nobody was discharged."""

from datetime import timedelta

import pytest

from tests.builders import NOW, a_decision, an_encounter, an_episode, evidence


def iop(**more):
    return evidence(an_episode("I-1", **{"level": "4e 2.1", "start": "2026-02-02"} | more))


def elsewhere(number="H-1", *, class_="IMP", ehr="pcp", **more):
    return evidence(an_encounter(number, class_=class_, **more), ehr=ehr)


def pauses(made, key="iop/EpisodeOfCare/I-1"):
    (stay,) = [one for one in made.timeline.stays if one.key == key]
    return [(one.why, *(str(one.start.first), one.end and str(one.end.first))) for one in stay.pauses]


def moves(made):
    return [(one.kind, one.reason, str(one.on.first)) for one in made.timeline.transitions[1:]]


def codes(made):
    return [one.code for one in made.findings]


ACTIVE = ("active", "2026-02-02", "2026-03-01")
TOLD = {
    "over, with its end": (
        {"history": [ACTIVE, ("onhold", "2026-03-01", "2026-03-09")]},
        [("leave", "2026-03-01", "2026-03-09")],
    ),
    "over, its end told by the next status": (
        {"history": [ACTIVE, ("onhold", "2026-03-01", None), ("active", "2026-03-09", None)]},
        [("leave", "2026-03-01", "2026-03-09")],
    ),
    "now, told in the history": (
        {"status": "onhold", "history": [ACTIVE, ("onhold", "2026-03-01", None)]},
        [("leave", "2026-03-01", None)],
    ),
    "now, since the status before ended": ({"status": "onhold", "history": [ACTIVE]}, [("leave", "2026-03-01", None)]),
    "now, since the last of several statuses before ended": (
        {"status": "onhold", "history": [("waitlist", "2026-01-20", "2026-02-02"), ACTIVE]},
        [("leave", "2026-03-01", None)],
    ),
    "now, since a status before ended, and another has no end": (
        {"status": "onhold", "history": [("waitlist", "2026-01-20", None), ACTIVE]},
        [("leave", "2026-03-01", None)],
    ),
    "now, since an unknown day": ({"status": "onhold"}, [("leave", "2026-02-02", None)]),
    "now, since a day after another leave was over": (
        {
            "status": "onhold",
            "history": [ACTIVE, ("onhold", "2026-03-01", "2026-03-05"), ("active", "2026-03-09", None)],
        },
        [("leave", "2026-03-01", "2026-03-05"), ("leave", "2026-03-09", None)],
    ),
    "now, since a day after the program called them in": (
        {"status": "onhold", "history": [("waitlist", "2026-01-20", None)]},
        [("leave", "2026-02-02", None)],
    ),
    "over, and again now after a status told beside it": (
        {
            "status": "onhold",
            "history": [("active", "2026-02-02", "2026-03-15"), ("onhold", "2026-03-01", "2026-03-09")],
        },
        [("leave", "2026-03-01", "2026-03-09"), ("leave", "2026-03-15", None)],
    ),
    "over, and again now after a status that followed it": (
        {"status": "onhold", "history": [("onhold", "2026-03-01", None), ("active", "2026-03-09", "2026-03-20")]},
        [("leave", "2026-03-01", "2026-03-09"), ("leave", "2026-03-20", None)],
    ),
    "over, its end told nowhere": (
        {"history": [ACTIVE, ("onhold", "2026-03-01", None)]},
        [("leave", "2026-03-01", "2026-03-01")],
    ),
    "over, its start told nowhere": ({"history": [("onhold", None, "2026-03-09")]}, []),
    "never": ({"history": [("waitlist", "2026-01-20", "2026-02-02")]}, []),
}


@pytest.mark.parametrize(("more", "told"), TOLD.values(), ids=TOLD)
def test_days_on_hold_are_a_leave_within_the_stay(account, more, told):
    made = account(iop(**more))
    assert pauses(made) == told
    assert moves(made) == [
        move for why, away, back in told for move in [("leave", why, away), *([("return", why, back)] if back else [])]
    ]


UNKNOWN = {"nothing told before": ([], "2026-02-02"), "active since": ([("active", "2026-02-20", None)], "2026-02-20")}


@pytest.mark.parametrize(("history", "first"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_leave_since_an_unknown_day_is_only_possible_on_each(account, history, first):
    """A status before it that tells only when it began may have ended on that day or on any later one."""
    (leave,) = account(iop(status="onhold", history=history)).timeline.transitions[1:]
    assert (leave.certain, str(leave.on.first), str(leave.on.last)) == (False, first, "2026-04-07")


def test_a_leave_that_an_ehr_dates_to_the_year_one_is_told_as_any_other(account):
    """Some EHRs write the first day that their calendar knows where they know none."""
    assert pauses(account(iop(history=[("onhold", "0001-01-01", "2026-03-09")]))) == [
        ("leave", "0001-01-01", "2026-03-09")
    ]


def test_a_leave_that_was_told_before_the_stay_began_goes_on_into_it(account):
    """A program may put somebody on hold whom it expects, and send nothing when the first day has come."""
    held = an_episode("I-1", start="2026-04-05", status="onhold", history=[("onhold", "2026-04-01", None)])
    made = account(evidence(held, learned_at=NOW - timedelta(days=6)))
    assert pauses(made) == [("leave", "2026-04-01", None)]


LENGTHS = {"in two weeks": ("2026-03-15", True), "later": ("2026-03-16", False)}


@pytest.mark.parametrize(("back", "in_time"), LENGTHS.values(), ids=LENGTHS)
def test_a_return_is_held_against_the_days_that_a_leave_may_take(account, back, in_time):
    last = account(iop(history=[("onhold", "2026-03-01", back)])).timeline.transitions[-1]
    assert (last.kind, last.rule.rule_id, last.in_time) == ("return", "TR-21", in_time)


HOSPITAL = {
    "nights": ([{"start": "2026-03-03", "end": "2026-03-06"}], [("hospital", "2026-03-03", "2026-03-06")]),
    "a record a day": (
        [{"number": f"H-{day}", "start": f"2026-03-0{day}"} for day in (3, 4, 5)],
        [("hospital", "2026-03-03", "2026-03-05")],
    ),
    "by way of the emergency department": (
        [
            {
                "number": "H-0",
                "class_": "EMER",
                "start": "2026-03-02T22:00:00-05:00",
                "end": "2026-03-03T02:00:00-05:00",
            },
            {"start": "2026-03-03", "end": "2026-03-06"},
        ],
        [("hospital", "2026-03-02", "2026-03-06")],
    ),
    "twice, with a night at home between": (
        [{"number": "H-1", "start": "2026-03-03", "end": "2026-03-05"}, {"number": "H-2", "start": "2026-03-07"}],
        [("hospital", "2026-03-03", "2026-03-05"), ("hospital", "2026-03-07", "2026-03-07")],
    ),
    "still there": ([{"start": "2026-03-03", "status": "in-progress"}], [("hospital", "2026-03-03", None)]),
    "still there, with an end that is told": (
        [{"start": "2026-03-03", "end": "2026-03-06", "status": "in-progress"}],
        [("hospital", "2026-03-03", "2026-03-06")],
    ),
    "planned": ([{"start": "2026-03-03", "status": "planned"}], []),
    "before the stay": ([{"start": "2026-01-03", "end": "2026-01-06"}], []),
    "a visit by day": ([{"start": "2026-03-03", "class_": "AMB"}], []),
}


@pytest.mark.parametrize(("records", "told"), HOSPITAL.values(), ids=HOSPITAL)
def test_nights_in_a_hospital_within_an_iop_are_a_leave_and_no_discharge(account, records, told):
    made = account(iop(), *(elsewhere(**one) for one in records))
    assert pauses(made) == told
    assert "discharge" not in [one.kind for one in made.timeline.transitions]


def test_a_hospital_in_the_ehr_of_the_program_is_a_leave_too_and_its_disposition_discharges_nobody(account):
    made = account(iop(), elsewhere(ehr="iop", start="2026-03-03", end="2026-03-06", disposition="home"))
    assert (pauses(made), made.timeline.stays[0].confirmed) == ([("hospital", "2026-03-03", "2026-03-06")], False)


def test_a_night_in_a_hospital_that_began_and_ended_on_one_day_is_a_leave(account):
    made = account(iop(), elsewhere(start="2026-03-03T01:00:00-05:00", end="2026-03-03T20:00:00-05:00"))
    assert [one[0] for one in moves(made)] == ["leave", "return"]
    assert made.timeline.transitions[-1].gap == (0, 0)


def test_a_step_up_counts_its_days_from_the_leave_that_it_fell_into(account):
    held = iop(history=[("onhold", "2026-03-02", "2026-03-05"), ("onhold", "2026-03-18", "2026-03-28")])
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-20", end="2026-03-27"), ehr="res")
    (step,) = [one for one in account(held, there).timeline.transitions if one.kind == "step-up"]
    assert step.gap == (2, 2)


def test_an_emergency_of_a_day_is_kept_in_the_stay_and_is_no_move(account):
    made = account(iop(), elsewhere(class_="EMER", start="2026-03-03", disposition="home"))
    assert (pauses(made), moves(made)) == ([("emergency", "2026-03-03", "2026-03-03")], [])


EMERGENCIES = {
    "past midnight": ({"end": "2026-03-04"}, [("leave", "2026-03-03"), ("return", "2026-03-04")]),
    "that goes on": ({"status": "in-progress"}, [("leave", "2026-03-03")]),
}


@pytest.mark.parametrize(("how", "told"), EMERGENCIES.values(), ids=EMERGENCIES)
def test_an_emergency_of_more_than_a_day_is_a_leave(account, how, told):
    made = account(iop(), elsewhere(class_="EMER", start="2026-03-03", **how))
    assert [(kind, on) for kind, _, on in moves(made)] == told


ENDED = {
    "while the person was away": ("2026-03-12", (), ["leave"]),
    "on the day on which the hospital let them go": ("2026-03-10", (), ["leave"]),
    "days after the hospital let them go": ("2026-03-08", (), ["leave", "return"]),
    "with a session on the day of coming back": ("2026-03-10", (2, 10), ["leave", "return"]),
}


@pytest.mark.parametrize(("back", "seen", "told"), ENDED.values(), ids=ENDED)
def test_nobody_came_back_to_a_stay_that_ended_while_they_were_away(account, back, seen, told):
    sessions = [
        evidence(an_encounter(f"N-{day}", start=f"2026-03-{day:02}T16:00:00-04:00", episode="I-1")) for day in seen
    ]
    made = account(iop(end="2026-03-10"), elsewhere(start="2026-03-05", end=back), *sessions)
    assert [one[0] for one in moves(made) if one[0] != "discharge"] == told


def test_a_hospital_stay_that_nobody_closed_ended_by_the_next_session(account):
    made = account(
        iop(),
        elsewhere(start="2026-03-03", status="in-progress"),
        *(
            evidence(an_encounter(f"N-{day}", start=f"2026-03-{day:02}T09:00:00-04:00", episode="I-1"))
            for day in (3, 12, 16)
        ),
    )
    back = made.timeline.transitions[-1]
    assert (back.kind, str(back.on.first), str(back.on.last), back.certain) == (
        "return",
        "2026-03-03",
        "2026-03-12",
        False,
    )


BESIDE = {"a level-4 hospital": ("3e 4", True), "housing": ("3e 3.1", False), "a recovery residence": ("4e RR", False)}


@pytest.mark.parametrize(("level", "away"), BESIDE.values(), ids=BESIDE)
def test_only_a_stay_in_a_hospital_takes_a_person_away_from_an_iop(account, level, away):
    there = evidence(an_episode("X-1", level=level, start="2026-03-03", end="2026-03-06"), ehr="res")
    night = evidence(an_encounter("X-2", class_="IMP", start="2026-03-04"), ehr="res")
    made = account(iop(), there, night)
    assert (bool(pauses(made)), codes(made)) == (away, [])


# ---- away for long ---------------------------------------------------------------------------------------------------
LONG = {
    "as long as expected": ("2026-03-24", None, None),
    "longer than expected": ("2026-03-23", "soon", "2026-04-23T00:00:00-04:00"),
    "as long as the limit": ("2026-03-08", "soon", "2026-04-08T00:00:00-04:00"),
    "longer than the limit": ("2026-03-07", "urgent", None),
}


@pytest.mark.parametrize(("since", "urgency", "rises"), LONG.values(), ids=LONG)
def test_a_leave_that_goes_on_longer_than_its_rule_expects_is_asked_about(account, since, urgency, rises):
    """TR-21: 14 days are expected, after 30 the place may be lost; on 7 April both count from the day of leaving."""
    made = account(iop(status="onhold", history=[("active", "2026-02-02", since)]))
    found = [(one.urgency, one.due_at and one.due_at.isoformat()) for one in made.findings]
    assert found == ([(urgency, rises)] if urgency else [])


def test_a_long_leave_tells_since_when_by_which_rule_and_is_quiet_once_seen(account):
    away = iop(status="onhold", history=[("active", "2026-02-02", "2026-03-01")])
    (found,) = account(away).findings
    assert (found.key, found.rules) == ("stay.leave-long:iop/EpisodeOfCare/I-1:2026-03-01", ("TL-20", "TR-21"))
    assert found.facts == {
        "why": "leave",
        "since": ["2026-03-01", "2026-03-01"],
        "expected": 14,
        "limit": 30,
        "past_limit": True,
        "rule": "TR-21",
    }
    seen = a_decision(found.key, {"seen": True}, facts=found.facts)
    assert codes(account(away, decisions=[seen])) == []


NOT_LONG = {
    "over": {"history": [("onhold", "2026-01-05", "2026-03-20")], "start": "2026-01-02"},
    "since an unknown day, perhaps today": {"status": "onhold"},
    "at a level without such a rule": {"level": "3e 3.5", "status": "onhold", "history": [ACTIVE]},
    "of a stay that ended": {"status": "onhold", "history": [ACTIVE], "end": "2026-03-20"},
}


@pytest.mark.parametrize("how", NOT_LONG.values(), ids=NOT_LONG)
def test_a_leave_is_no_long_one_where_it_is(account, how):
    assert "stay.leave-long" not in codes(account(iop(**how)))


def test_a_long_hospital_stay_is_asked_about_by_its_own_rule(account):
    made = account(iop(), elsewhere(start="2026-03-01", status="in-progress"))
    (found,) = [one for one in made.findings if one.code == "stay.leave-long"]
    assert (found.facts["why"], found.facts["rule"], found.urgency) == ("hospital", "TR-22", "soon")


# ---- one within the other --------------------------------------------------------------------------------------------
ON_HOLD = {"status": "onhold", "history": [("active", "2026-02-02", "2026-03-01")]}
EMERGENCY_DAY = {"class_": "EMER", "start": "2026-03-10T20:00:00-04:00", "end": "2026-03-10T23:00:00-04:00"}
WITHIN = {
    "an emergency within a leave": (EMERGENCY_DAY, ("leave", "2026-03-01", None)),
    "nights in a hospital within a leave": (
        {"start": "2026-03-10", "end": "2026-03-12"},
        ("leave", "2026-03-01", None),
    ),
    "a hospital since the leave began, and still": (
        {"start": "2026-03-01", "status": "in-progress"},
        ("hospital", "2026-03-01", None),
    ),
    "a leave that goes on after the hospital": (
        {"start": "2026-02-28", "end": "2026-03-04"},
        ("leave", "2026-02-28", None),
    ),
}


@pytest.mark.parametrize(("there", "told"), WITHIN.values(), ids=WITHIN)
def test_pauses_that_touch_are_one_for_a_reason_that_holds_for_all_of_it(account, there, told):
    """Three hours in an emergency department do not make five weeks on hold a stay there."""
    assert pauses(account(iop(**ON_HOLD), elsewhere(**there))) == [told]


OVER = {
    "nights in a hospital until it was over": (
        [{"start": "2026-03-05", "end": "2026-03-09"}],
        ("leave", "2026-03-01", "2026-03-09"),
    ),
    "nights in a hospital from its third day on": (
        [{"start": "2026-03-03", "end": "2026-03-09"}],
        ("leave", "2026-03-01", "2026-03-09"),
    ),
    "an emergency the day before": (
        [{"class_": "EMER", "start": "2026-02-28"}],
        ("leave", "2026-02-28", "2026-03-09"),
    ),
    "an emergency past its end": (
        [{"class_": "EMER", "start": "2026-03-09", "end": "2026-03-10"}],
        ("leave", "2026-03-01", "2026-03-10"),
    ),
}


@pytest.mark.parametrize(("there", "told"), OVER.values(), ids=OVER)
def test_a_leave_stays_one_beside_what_took_up_a_part_of_it(account, there, told):
    held = iop(history=[("active", "2026-02-02", "2026-03-01"), ("onhold", "2026-03-01", "2026-03-09")])
    assert pauses(account(held, *(elsewhere(**one) for one in there))) == [told]


def test_an_emergency_of_some_days_that_led_to_a_hospital_is_a_hospital_stay(account):
    there = (
        elsewhere("H-0", class_="EMER", start="2026-03-01", end="2026-03-03"),
        elsewhere("H-1", start="2026-03-03", end="2026-03-06"),
    )
    assert pauses(account(iop(), *there)) == [("hospital", "2026-03-01", "2026-03-06")]


def test_a_leave_that_began_with_nights_in_a_hospital_and_is_over_was_for_these(account):
    """The hold is often written the day before and taken away some days after the discharge."""
    held = iop(history=[("active", "2026-02-02", "2026-03-01"), ("onhold", "2026-03-01", "2026-03-09")])
    assert pauses(account(held, elsewhere(start="2026-03-02", end="2026-03-06"))) == [
        ("hospital", "2026-03-01", "2026-03-09")
    ]
