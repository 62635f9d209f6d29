"""Ends that are missing, decided or disputed; stays that collide; moves between levels and the days between."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coordinator.fhir import Interval
from coordinator.reconcile import Grade
from tests.builders import NOW, a_decision, a_policy, an_encounter, an_episode, evidence


def days(first, last=None):
    return Interval(first=date.fromisoformat(first), last=date.fromisoformat(last or first))


def residential(*, end=None, start="2026-03-02", status=None):
    return evidence(an_episode("R-101", level="3e 3.5", start=start, end=end, status=status), ehr="res")


def a_day_there(day="2026-03-29", **more):
    return evidence(an_encounter("R-188", start=day, class_="IMP", **more), ehr="res")


def iop(start="2026-04-02T09:00:00-04:00", **more):
    return evidence(an_episode("I-55", level="4e 2.1", start=start, **more))


def codes(account):
    return [one.code for one in account.findings]


def ends(account):
    return {one.key.rpartition("/")[2]: one.end for one in account.timeline.stays}


# ---- an end that nobody recorded -------------------------------------------------------------------------------------
def test_a_stay_never_closed_ends_somewhere_between_its_last_day_of_care_and_the_next_stay(account):
    made = account(residential(), a_day_there(), iop())
    assert ends(made) == {"R-101": days("2026-03-29", "2026-04-02"), "I-55": None}
    (found,) = made.findings
    assert (found.code, found.key, found.facts) == (
        "stay.end-missing",
        "stay.end-missing:res/EpisodeOfCare/R-101",
        {"ends": []},
    )
    assert found.evidence == ("iop/EpisodeOfCare/I-55@1", "res/Encounter/R-188@1", "res/EpisodeOfCare/R-101@1")


def test_without_any_day_of_care_it_ends_anywhere_before_the_next_stay(account):
    assert ends(account(residential(), iop()))["R-101"] == days("2026-03-02", "2026-04-02")


def test_an_interval_of_the_next_start_widens_the_end(account):
    assert ends(account(residential(), a_day_there(), iop(start="2026-04")))["R-101"] == days(
        "2026-03-29", "2026-04-30"
    )


def test_the_inferred_end_cites_what_it_rests_on(account):
    stay = account(residential(), a_day_there(), iop()).timeline.stays[0]
    assert set(stay.evidence) == {"res/EpisodeOfCare/R-101@1", "res/Encounter/R-188@1", "iop/EpisodeOfCare/I-55@1"}


def test_a_stay_that_nothing_follows_goes_on(account):
    made = account(residential(), a_day_there())
    assert (ends(made), codes(made)) == ({"R-101": None}, [])


def test_a_finished_stay_without_a_day_is_missing_its_end_once_another_begins(account):
    made = account(residential(status="finished"), iop())
    assert (ends(made)["R-101"], codes(made)) == (days("2026-03-02", "2026-04-02"), ["stay.end-missing"])


@pytest.mark.parametrize("type_", ["Encounter", "EpisodeOfCare"])
@pytest.mark.parametrize("grade", [Grade.PARTIAL, Grade.RESTRICTED, Grade.STALE])
def test_a_pull_that_may_have_left_out_days_of_care_or_an_end_supports_no_end(account, grade, type_):
    """Nor is it an overlap: that the person was in both places is just as little known."""
    made = account(residential(), a_day_there(), iop(), policy=a_policy(grades={("res", type_): grade}))
    assert (ends(made)["R-101"], codes(made)) == (None, ["stay.end-missing"])
    moves = [(one.kind, one.certain, one.rules) for one in made.timeline.transitions]
    assert moves == [("admission", True, ("MV-01",)), ("admission", True, ("MV-04",))]


def test_an_incomplete_pull_of_any_ehr_that_tells_of_a_stay_supports_no_end_of_it(account):
    also = evidence(an_episode("X-1", level="3e 3.5", start="2026-03-02"), ehr="sat", organization="res")
    made = account(residential(), also, iop(), policy=a_policy(grades={("sat", "EpisodeOfCare"): Grade.STALE}))
    assert (ends(made)["R-101"], codes(made)) == (None, ["stay.end-missing"])


def test_care_on_the_first_day_of_the_next_stay_may_have_been_the_last(account):
    made = account(residential(), a_day_there("2026-04-02"), iop())
    assert (ends(made)["R-101"], codes(made)) == (days("2026-04-02"), ["stay.end-missing"])


def test_care_that_went_on_beside_the_next_stay_is_an_overlap_and_no_missing_end(account):
    made = account(residential(), a_day_there("2026-04-05"), iop())
    assert (ends(made)["R-101"], codes(made)) == (None, ["stay.overlap"])


# ---- ends that people decide -----------------------------------------------------------------------------------------
KEY = "stay.end-missing:res/EpisodeOfCare/R-101"


def decided(day="2026-04-01", **more):
    return a_decision(KEY, {"end": day}, facts={"ends": []} | more.pop("facts", {}), **more)


def test_a_decided_end_holds_and_closes_the_finding(account):
    made = account(residential(), a_day_there(), iop(), decisions=[decided()])
    assert (ends(made)["R-101"], codes(made)) == (days("2026-04-01"), [])


def test_the_latest_decision_holds(account):
    later = decided("2026-03-31", decided_at=NOW + timedelta(hours=1))
    made = account(residential(), iop(), decisions=[later, decided()])
    assert ends(made)["R-101"] == days("2026-03-31")


def test_a_decided_end_before_the_stay_began_is_none(account):
    made = account(residential(), a_day_there(), iop(), decisions=[decided("2026-02-01")])
    assert (ends(made)["R-101"], codes(made)) == (days("2026-03-29", "2026-04-02"), ["stay.end-missing"])


def told_later(day="2026-03-31"):
    return residential(end=day), a_day_there("2026-03-31", disposition="home")


def test_an_end_that_is_told_later_and_differs_opens_the_question_again_and_keeps_the_decided_one(account):
    made = account(*told_later(), iop(), decisions=[decided()])
    assert ends(made)["R-101"] == days("2026-04-01")
    (found,) = made.findings
    assert (found.key, found.facts["ends"]) == (
        KEY,
        [{"date": "2026-03-31", "by": "res"}, {"date": "2026-04-01", "by": "decision"}],
    )
    assert found.rules == ("ST-05",)


def test_the_question_that_opens_again_cites_the_last_day_of_care(account):
    made = account(residential(end="2026-03-31"), a_day_there("2026-03-29"), iop(), decisions=[decided()])
    assert "res/Encounter/R-188@1" in made.findings[0].evidence


@pytest.mark.parametrize(
    "told", ["2026-04-01", "2026-04", "2026-04-01T18:00:00-04:00"], ids=["day", "month", "instant"]
)
def test_an_end_that_is_told_later_and_agrees_opens_nothing(account, told):
    made = account(residential(end=told), iop(), decisions=[decided()])
    assert (ends(made)["R-101"], codes(made)) == (days("2026-04-01"), [])


def test_an_answer_that_knew_the_told_end_opens_nothing_again(account):
    both = {"ends": [{"date": "2026-03-31", "by": "res"}, {"date": "2026-04-01", "by": "decision"}]}
    again = decided("2026-04-01", facts=both, decided_at=NOW + timedelta(days=1))
    made = account(*told_later(), iop(), decisions=[decided(), again])
    assert (ends(made)["R-101"], codes(made)) == (days("2026-04-01"), [])


def test_a_third_end_opens_the_question_once_more(account):
    both = {"ends": [{"date": "2026-03-31", "by": "res"}, {"date": "2026-04-01", "by": "decision"}]}
    again = decided("2026-04-01", facts=both)
    assert codes(account(*told_later("2026-03-30"), iop(), decisions=[again])) == ["stay.end-missing"]


def two_ends():
    return [
        evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02", end=end), ehr=ehr, organization="res")
        for ehr, end in (("res", "2026-03-28"), ("pcp", "2026-03-30"))
    ]


SOURCES = {"accept": "pcp/EpisodeOfCare/R-1"}, {"end": "2026-03-30"}


@pytest.mark.parametrize("value", SOURCES, ids=["by its record", "by its day"])
def test_where_two_ehrs_tell_two_ends_a_person_chooses(account, value):
    (found,) = account(*two_ends()).findings
    made = account(*two_ends(), decisions=[a_decision(found.key, value, facts=found.facts)])
    assert (found.code, ends(made)["R-1"], codes(made)) == ("stay.source-differs", days("2026-03-30"), [])
    assert found.facts["ends"] == [{"date": "2026-03-28", "by": "res"}, {"date": "2026-03-30", "by": "pcp"}]
    assert found.rules == ("TL-03",)


def test_an_answer_that_accepts_no_told_end_decides_nothing(account):
    (found,) = account(*two_ends()).findings
    answer = a_decision(found.key, {"accept": "ced/EpisodeOfCare/C-1"}, facts=found.facts)
    assert codes(account(*two_ends(), decisions=[answer])) == ["stay.source-differs"]


# ---- the end of a period is not a discharge --------------------------------------------------------------------------
def test_a_period_that_ended_without_a_discharge_is_unconfirmed(account):
    made = account(residential(end="2026-03-31", status="active"))
    (found,) = made.findings
    assert (found.code, found.rules) == ("stay.end-unconfirmed", ("TL-02",))
    assert found.facts == {"end": ["2026-03-31", "2026-03-31"], "ends": [{"date": "2026-03-31", "by": "res"}]}
    assert [one.kind for one in made.timeline.transitions] == ["admission"]


CONFIRMED = {
    "the program's own word": (residential(end="2026-03-31"),),
    "a disposition": (residential(end="2026-03-31", status="active"), a_day_there("2026-03-31", disposition="home")),
}


@pytest.mark.parametrize("records", CONFIRMED.values(), ids=CONFIRMED)
def test_a_discharge_is_the_programs_word_or_a_disposition(account, records):
    made = account(*records)
    assert codes(made) == []
    assert [one.kind for one in made.timeline.transitions] == ["admission", "discharge"]


def test_a_person_confirms_an_end(account):
    record = residential(end="2026-03-31", status="active")
    (found,) = account(record).findings
    answer = a_decision(found.key, {"end": "2026-03-31"}, facts=found.facts)
    assert codes(account(record, decisions=[answer])) == []


def test_an_end_still_to_come_needs_no_discharge_yet(account):
    assert codes(account(residential(end="2026-04-07", status="active"))) == []


# ---- what can't be ---------------------------------------------------------------------------------------------------
def test_a_stay_that_ends_before_it_begins_is_a_finding_and_no_stay(account):
    made = account(residential(start="2026-03-02", end="2026-02-02"))
    assert (ends(made), codes(made)) == ({}, ["stay.reversed-period"])
    assert made.findings[0].facts == {
        "start": ["2026-03-02", "2026-03-02"],
        "end": ["2026-02-02", "2026-02-02"],
    }
    assert made.findings[0].rules == ("TL-01",)


NOT_REVERSED = {
    "an instant, and a day to end on": ("2026-03-02T09:00:00-05:00", "2026-03-20"),
    "a month that holds the start": ("2026-03-02", "2026-03"),
    "before only in local time": ("2026-03-02T00:30:00-04:00", "2026-03-02T05:00:00Z"),
}


@pytest.mark.parametrize(("start", "end"), NOT_REVERSED.values(), ids=NOT_REVERSED)
def test_only_what_certainly_ends_before_it_begins_is_reversed(account, start, end):
    assert codes(account(residential(start=start, end=end))) == []


# ---- two stays at once -----------------------------------------------------------------------------------------------
def php(end="2026-05-15", **more):
    return evidence(an_episode("C-77", level="4e 2.5", start="2026-05-01", end=end, **more), ehr="ced")


def a_session(ehr, number, start, end=None, **more):
    return evidence(an_encounter(f"{ehr}-{number}", start=start, end=end, **more), ehr=ehr)


MAY = datetime(2026, 5, 16, 12, tzinfo=UTC)


def test_stays_that_share_days_are_one_overlap_with_a_suggested_boundary(account):
    made = account(
        php(),
        *(a_session("ced", day, f"2026-05-{day}T09:00:00-04:00") for day in (11, 12, 13)),
        iop(start="2026-05-12"),
        *(a_session("iop", day, f"2026-05-{day}T09:00:00-04:00") for day in (14, 15)),
        as_of=MAY,
    )
    (found,) = made.findings
    assert (found.code, found.urgency, found.facts) == (
        "stay.overlap",
        "soon",
        {"calendar_days": 4, "service_days": 0, "boundary": ["2026-05-13", "2026-05-14"]},
    )


def test_care_in_both_on_one_day_makes_it_urgent_and_suggests_no_boundary(account):
    made = account(
        php(),
        a_session("ced", 1, "2026-05-14T09:00:00-04:00"),
        iop(start="2026-05-12"),
        a_session("iop", 1, "2026-05-14T18:00:00-04:00"),
        as_of=MAY,
    )
    (found,) = made.findings
    assert (found.code, found.urgency) == ("stay.overlap", "urgent")
    assert found.facts == {"calendar_days": 4, "service_days": 1, "boundary": None}


DOUBLE = {
    "the same hour": ("2026-05-14T09:00:00-04:00", "2026-05-14T12:00:00-04:00", "stay.double-service"),
    "one after the other": ("2026-05-14T11:00:00-04:00", "2026-05-14T12:00:00-04:00", "stay.overlap"),
    "the same hour by another zone": ("2026-05-14T13:30:00Z", "2026-05-14T14:00:00Z", "stay.double-service"),
    "an hour that nobody told": ("2026-05-14", None, "stay.overlap"),
}


@pytest.mark.parametrize(("start", "end", "code"), DOUBLE.values(), ids=DOUBLE)
def test_only_the_same_hour_is_double_service(account, start, end, code):
    made = account(
        php(),
        a_session("ced", 1, "2026-05-14T09:00:00-04:00", "2026-05-14T11:00:00-04:00"),
        iop(start="2026-05-12"),
        a_session("iop", 1, start, end),
        as_of=MAY,
    )
    assert codes(made) == [code]


def test_double_service_cites_the_contacts(account):
    hours = ("2026-05-14T09:00:00-04:00", "2026-05-14T11:00:00-04:00")
    made = account(php(), a_session("ced", 1, *hours), iop(start="2026-05-12"), a_session("iop", 1, *hours), as_of=MAY)
    assert {"ced/Encounter/ced-1@1", "iop/Encounter/iop-1@1"} <= set(made.findings[0].evidence)


def test_a_handover_on_one_day_is_no_overlap(account):
    made = account(php(end="2026-05-12"), iop(start="2026-05-12"), as_of=MAY)
    assert codes(made) == []
    (move,) = [one for one in made.timeline.transitions if one.kind == "step-down"]
    assert (move.rule.rule_id, move.gap, move.in_time) == ("TR-07", (0, 0), True)


def test_days_that_may_not_be_shared_are_no_overlap(account):
    assert "stay.overlap" not in codes(account(php(), iop(start="2026-05"), as_of=MAY))


def test_two_levels_of_one_program_at_once_are_an_overlap_of_its_own_dates(account):
    """TR-07: within a program one level takes the place of the other; that is no alarm."""
    inside = evidence(an_episode("C-78", level="4e 2.1", start="2026-05-12"), ehr="ced")
    hour = a_session("ced", 1, "2026-05-14T09:00:00-04:00", "2026-05-14T11:00:00-04:00")
    (found,) = account(php(), inside, hour, as_of=MAY).findings
    assert (found.code, found.urgency, found.rules) == ("stay.overlap", "soon", ("TL-18", "TR-07"))
    assert found.facts == {"calendar_days": 4, "service_days": 0, "boundary": None}


def test_a_program_that_changes_the_level_from_one_day_to_the_next_shows_no_overlap(account):
    inside = evidence(an_episode("C-78", level="4e 2.1", start="2026-05-15"), ehr="ced")
    assert codes(account(php(), inside, as_of=MAY)) == []


BESIDE = {"an OTP": ("otp", "3e OTP"), "housing": ("res", "3e 3.1"), "a recovery residence": ("res", "4e RR")}


@pytest.mark.parametrize(("ehr", "level"), BESIDE.values(), ids=BESIDE)
def test_what_may_run_beside_iop_ends_nothing_and_collides_with_nothing(account, ehr, level):
    made = account(iop(start="2026-03-01"), evidence(an_episode("X-1", level=level, start="2026-03-01"), ehr=ehr))
    assert (list(ends(made).values()), codes(made)) == ([None, None], [])


def test_two_otps_at_once_are_a_finding_of_their_own(account):
    def otp(ehr, start):
        return evidence(an_episode("O-1", level="3e OTP", start=start, end="2026-04-05"), ehr=ehr)

    assert codes(account(otp("otp", "2026-03-01"), otp("ced", "2026-03-15"))) == ["otp.double-enrollment"]


def test_an_otp_without_an_end_is_not_taken_to_have_ended_when_another_begins(account):
    """Doses come without encounters: their absence in the first program says nothing of when it ended."""
    first = evidence(an_episode("O-1", level="3e OTP", start="2026-01-05"), ehr="otp")
    other = evidence(an_episode("Q-1", level="3e OTP", start="2026-03-15"), ehr="ced")
    made = account(first, other)
    assert (codes(made), list(ends(made).values())) == (["otp.double-enrollment"], [None, None])


def test_two_episodes_of_one_otp_are_one_after_the_other_and_the_first_misses_its_end(account):
    first, other = (
        evidence(an_episode(name, level="3e OTP", start=start), ehr="otp")
        for name, start in (("O-1", "2026-01-05"), ("O-2", "2026-03-15"))
    )
    made = account(first, other)
    assert (codes(made), ends(made)["O-1"]) == (["stay.end-missing"], days("2026-01-05", "2026-03-15"))


# ---- moves and the days between --------------------------------------------------------------------------------------
GAPS = {
    "the next day": ("2026-04-01", "2026-04-02", (1, 1), True),
    "in a week": ("2026-03-26", "2026-04-02", (7, 7), True),
    "late for certain": ("2026-03-20", "2026-04-02", (13, 13), False),
    "in a week or later": ("2026-03-25", "2026-04", (7, 36), None),
    "may be late, may be not": ("2026-03", "2026-04-02", (2, 32), None),
    "a month to begin in": ("2026-03-31", "2026-04", (1, 30), None),
}


@pytest.mark.parametrize(("end", "start", "gap", "in_time"), GAPS.values(), ids=GAPS)
def test_the_days_between_levels_are_counted_from_least_to_most(account, end, start, gap, in_time):
    made = account(residential(end=end, start="2026-01-02"), iop(start=start))
    (move,) = [one for one in made.timeline.transitions if one.before]
    assert (move.kind, move.rule.rule_id, move.gap, move.in_time) == ("step-down", "TR-05", gap, in_time)
    assert ("transition.gap" in codes(made)) is (in_time is False)


def test_a_gap_says_how_long_and_by_which_rule(account):
    (found,) = account(residential(end="2026-03-20"), iop()).findings
    assert found.facts == {"gap_days": [13, 13], "expected": 7, "limit": 30, "rule": "TR-05"}
    assert found.rules == ("TL-07", "TR-05")


MOVES = {
    "down": (("res", "3e 3.5"), ("iop", "4e 2.1"), "step-down"),
    "up": (("iop", "4e 2.1"), ("ced", "4e 2.5"), "step-up"),
    "to another place": (("ced", "4e 2.1"), ("iop", "4e 2.1"), "transfer"),
    "across editions": (("ced", "3e 2.1"), ("iop", "4e 2.1"), "transfer"),
}


@pytest.mark.parametrize(("one", "other", "kind"), MOVES.values(), ids=MOVES)
def test_a_move_has_a_kind(account, one, other, kind):
    made = account(
        evidence(an_episode("A", level=one[1], start="2026-03-01", end="2026-03-31"), ehr=one[0]),
        evidence(an_episode("B", level=other[1], start="2026-04-01"), ehr=other[0]),
    )
    assert [each.kind for each in made.timeline.transitions] == ["admission", kind]


def test_no_move_is_told_out_of_a_stay_that_goes_on(account):
    made = account(residential(), a_day_there("2026-04-05"), iop())
    moves = [(one.kind, one.certain, one.rules) for one in made.timeline.transitions]
    assert moves == [("admission", True, ("MV-01",)), ("admission", True, ("MV-04",))]


def test_a_stay_that_was_discharged_to_another_level_is_no_discharge_from_care(account):
    made = account(residential(end="2026-03-31"), iop())
    assert "discharge" not in [one.kind for one in made.timeline.transitions]


def test_a_move_without_a_rule_is_told_without_judging_its_days(account):
    made = account(
        evidence(an_episode("A", level="3e 0.5", start="2026-01-01", end="2026-01-31"), ehr="ced"),
        evidence(an_episode("B", level="4e 2.7", start="2026-04-01")),
    )
    (move,) = [one for one in made.timeline.transitions if one.before]
    assert (move.rule, move.in_time) == (None, None)


def test_stays_stand_in_order_of_start(account):
    made = account(iop(), residential(end="2026-03-31"))
    assert [one.key for one in made.timeline.stays] == ["res/EpisodeOfCare/R-101", "iop/EpisodeOfCare/I-55"]
