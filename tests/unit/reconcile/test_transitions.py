"""Which moves a timeline tells: their kinds, where a kind is recorded, and what is only possible."""

from datetime import UTC, datetime

import pytest

from coordinator.reconcile import Grade
from tests.builders import a_decision, a_policy, an_encounter, an_episode, evidence


def moves(made):
    return [(one.kind, one.reason, str(one.on.first)) for one in made.timeline.transitions]


def kinds(made):
    return [one.kind for one in made.timeline.transitions]


def codes(made):
    return [one.code for one in made.findings]


def iop(number="I-1", *, ehr="iop", **more):
    return evidence(an_episode(number, **{"level": "4e 2.1", "start": "2026-01-05"} | more), ehr=ehr)


# ---- how a stay ended ------------------------------------------------------------------------------------------------
KINDS = ("completed", "against-advice", "no-contact", "administrative", "transferred", "deceased")


@pytest.mark.parametrize("kind", KINDS)
def test_a_discharge_has_the_kind_that_the_episode_records(account, kind):
    made = account(iop(end="2026-03-20", ended=kind))
    assert moves(made)[1:] == [("discharge", kind, "2026-03-20")]
    assert made.timeline.transitions[1].rules == (("MV-03", "TR-20") if kind in UNPLANNED else ("MV-03",))


UNPLANNED = ("against-advice", "no-contact")
DISPOSITIONS = {"aadvice": "against-advice", "exp": "deceased", "home": None, "rehab": None}


@pytest.mark.parametrize(("code", "kind"), DISPOSITIONS.items(), ids=DISPOSITIONS)
def test_a_disposition_tells_a_kind_only_where_it_names_one_and_not_a_place(account, code, kind):
    stay = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02", end="2026-03-20"), ehr="res")
    last = evidence(an_encounter("R-2", start="2026-03-20", class_="IMP", disposition=code), ehr="res")
    assert moves(account(stay, last))[1:] == [("discharge", kind, "2026-03-20")]


def test_a_finished_stay_without_a_recorded_kind_is_a_discharge_of_no_kind(account):
    assert moves(account(iop(end="2026-03-20")))[1:] == [("discharge", None, "2026-03-20")]


def test_leaving_against_advice_is_told_by_its_rule_even_where_another_program_took_over(account):
    away = iop(end="2026-03-20", ended="against-advice")
    later = iop("C-1", ehr="ced", level="4e 2.5", start="2026-03-24")
    made = account(away, later)
    assert kinds(made) == ["admission", "discharge", "step-up"]
    assert made.timeline.transitions[1].rule.rule_id == "TR-20"


def test_a_completed_stay_that_led_to_the_next_level_is_one_move(account):
    made = account(iop(end="2026-03-20", ended="completed"), iop("C-1", ehr="ced", level="4e 2.5", start="2026-03-21"))
    assert kinds(made) == ["admission", "step-up"]


def two_kinds(iop="completed", pcp="against-advice", end="2026-03-20"):
    return [
        evidence(an_episode("I-1", start="2026-01-05", end=end, ended=kind), ehr=ehr, organization="iop")
        for ehr, kind in (("iop", iop), ("pcp", pcp))
    ]


def an_answer(found, place, **more):
    return a_decision(found.key, {"accept": place}, facts=found.facts, **more)


def test_two_sources_that_tell_two_kinds_of_discharge_are_a_question_and_no_kind(account):
    made = account(*two_kinds())
    assert moves(made)[1:] == [("discharge", None, "2026-03-20")]
    (found,) = made.findings
    assert (found.key, found.rules) == ("stay.source-differs:iop/EpisodeOfCare/I-1:reason", ("TL-03",))
    assert found.facts == {
        "reasons": [
            {"reason": "against-advice", "by": "pcp", "record": "pcp/EpisodeOfCare/I-1"},
            {"reason": "completed", "by": "iop", "record": "iop/EpisodeOfCare/I-1"},
        ]
    }
    assert found.evidence == ("iop/EpisodeOfCare/I-1@1", "pcp/EpisodeOfCare/I-1@1")


@pytest.mark.parametrize(("ehr", "reason"), [("iop", "completed"), ("pcp", "against-advice")])
def test_the_accepted_kind_of_discharge_holds_until_a_source_tells_something_new(account, ehr, reason):
    (found,) = account(*two_kinds()).findings
    answer = an_answer(found, f"{ehr}/EpisodeOfCare/I-1")
    held = account(*two_kinds(), decisions=[answer])
    assert (moves(held)[1:], codes(held)) == ([("discharge", reason, "2026-03-20")], [])
    assert "ST-09" in held.timeline.stays[0].rules
    anew = account(*two_kinds(**{"pcp" if ehr == "iop" else "iop": "administrative"}), decisions=[answer])
    assert (moves(anew)[1:], codes(anew)) == ([("discharge", reason, "2026-03-20")], ["stay.source-differs"])


def test_an_answer_that_does_not_say_what_was_known_is_asked_for_again(account):
    (found,) = account(*two_kinds()).findings
    made = account(*two_kinds(), decisions=[a_decision(found.key, {"accept": "iop/EpisodeOfCare/I-1"})])
    assert (moves(made)[1:], codes(made)) == ([("discharge", "completed", "2026-03-20")], ["stay.source-differs"])


def test_the_last_accepted_kind_counts_and_one_of_no_record_of_the_stay_does_not(account):
    (found,) = account(*two_kinds()).findings
    first = an_answer(found, "iop/EpisodeOfCare/I-1")
    last = an_answer(found, "pcp/EpisodeOfCare/I-1", decided_at=datetime(2026, 4, 8, tzinfo=UTC))
    stray = an_answer(found, "ced/EpisodeOfCare/I-1", decided_at=datetime(2026, 4, 9, tzinfo=UTC))
    for decisions in ([first, last, stray], [stray, last, first]):
        made = account(*two_kinds(), decisions=decisions)
        assert moves(made)[1:] == [("discharge", "against-advice", "2026-03-20")]


def test_the_discharge_of_a_program_and_of_its_own_last_contact_may_differ_too(account):
    """NUBC and HL7 codes stand on the Encounter, the program's own word on the EpisodeOfCare."""
    contact = evidence(an_encounter("N-1", start="2026-03-20T09:00:00-04:00", episode="I-1", disposition="aadvice"))
    made = account(iop(start="2026-01-05", end="2026-03-20", ended="completed"), contact)
    (found,) = made.findings
    assert [one["record"] for one in found.facts["reasons"]] == ["iop/Encounter/N-1", "iop/EpisodeOfCare/I-1"]


def test_where_ends_and_kinds_differ_both_are_asked(account):
    ones = [*two_kinds()[:1], *two_kinds(end="2026-03-27")[1:]]
    assert sorted(one.key.partition("I-1")[2] for one in account(*ones).findings) == ["", ":reason"]


def test_two_sources_that_tell_one_kind_are_no_question(account):
    ones = [
        evidence(
            an_episode("I-1", start="2026-01-05", end="2026-03-20", ended="completed"), ehr=ehr, organization="iop"
        )
        for ehr in ("iop", "pcp")
    ]
    assert codes(account(*ones)) == []


NIGHTS = {
    "to its end": ({"end": "2026-03-20T10:00:00-04:00"}, "2026-03-20T14:00:00+00:00", ["against-advice"]),
    "of which only the start is told": ({}, "2026-03-02T14:00:00+00:00", ["against-advice"]),
    "that goes on": ({"status": "in-progress", "end": "2026-03-20T10:00:00-04:00"}, None, []),
}


@pytest.mark.parametrize(("how", "ended", "kinds"), NIGHTS.values(), ids=NIGHTS)
def test_a_stay_that_its_contact_alone_shows_ended_as_that_says(account, how, ended, kinds):
    """A disposition that is planned while the stay goes on is none yet."""
    there = an_encounter(
        "R-1", class_="IMP", level="3e 3.5", start="2026-03-02T09:00:00-05:00", disposition="aadvice", **how
    )
    (stay,) = account(evidence(there, ehr="res")).timeline.stays
    assert (stay.ended and stay.ended.astimezone(UTC).isoformat()) == ended
    assert [kind for kind, _ in stay.reasons] == kinds


def test_the_contact_of_an_episode_that_goes_on_tells_no_kind_of_discharge_yet(account):
    today = an_encounter("R-2", start="2026-03-20", class_="IMP", status="in-progress", disposition="aadvice")
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02"), ehr="res")
    (stay,) = account(there, evidence(today, ehr="res")).timeline.stays
    assert stay.reasons == ()


def test_a_last_contact_without_a_disposition_ends_nothing(account):
    nights = [
        evidence(
            an_encounter(f"R-{day}", class_="IMP", level="3e 3.5", start=f"2026-03-{day:02}T09:00:00-05:00"), ehr="res"
        )
        for day in (2, 3)
    ]
    (stay,) = account(*nights).timeline.stays
    assert (str(stay.began), stay.ended) == ("2026-03-02 09:00:00-05:00", None)


# ---- coming back -----------------------------------------------------------------------------------------------------
def test_whoever_comes_back_to_the_same_program_is_discharged_and_admitted_again(account):
    made = account(iop(end="2026-03-01"), iop("I-2", start="2026-03-20"))
    assert moves(made) == [
        ("admission", None, "2026-01-05"),
        ("discharge", None, "2026-03-01"),
        ("readmission", None, "2026-03-20"),
    ]
    back = made.timeline.transitions[2]
    assert (back.rule.rule_id, back.gap, back.in_time, codes(made)) == ("TR-23", (19, 19), True, [])
    assert back.rules == ("TL-08", "TR-23")


BACK = {
    "within the outer limit": ("2026-02-01", "step-down"),
    "on its last day": ("2026-02-04", "step-down"),
    "a day later": ("2026-02-05", "readmission"),
    "later than it": ("2026-02-10", "readmission"),
}


@pytest.mark.parametrize(("start", "kind"), BACK.values(), ids=BACK)
def test_who_was_discharged_and_comes_later_than_the_outer_limit_is_admitted_again(account, start, kind):
    """TR-05 expects an IOP within 7 days after residential care and calls it lost after 30."""
    there = evidence(an_episode("R-1", level="3e 3.5", start="2025-12-01", end="2026-01-05"), ehr="res")
    made = account(there, iop(start=start))
    assert (kinds(made)[-1], "transition.gap" in codes(made)) == (kind, kind == "step-down")
    assert made.timeline.transitions[-1].rule.rule_id == "TR-05"


def test_a_gap_past_the_outer_limit_is_urgent_and_before_it_soon(account):
    def late(start):
        there = evidence(
            an_episode("R-1", level="3e 3.5", start="2025-12-01", end="2026-01-05", status="active"), ehr="res"
        )
        return [one.urgency for one in account(there, iop(start=start)).findings if one.code == "transition.gap"]

    assert (late("2026-01-20"), late("2026-03-20"), late("2026-01-12")) == (["soon"], ["urgent"], [])


AFTER = {
    "outpatient after a discharge": ("finished", "4e 1.5", "continuing-care", "TR-08"),
    "monitoring after a discharge": ("finished", "4e 1.0", "continuing-care", "TR-25"),
    "outpatient without a discharge": ("active", "4e 1.5", "step-down", "TR-08"),
    "withdrawal management": ("finished", "3e 1-WM", "step-down", None),
}


@pytest.mark.parametrize(("status", "level", "kind", "rule"), AFTER.values(), ids=AFTER)
def test_outpatient_care_after_a_discharge_from_a_program_is_continuing_care(account, status, level, kind, rule):
    made = account(iop(end="2026-03-20", status=status), iop("I-2", level=level, start="2026-03-24"))
    last = made.timeline.transitions[-1]
    assert (last.kind, last.rule and last.rule.rule_id) == (kind, rule)
    assert last.rules == ("TL-09" if kind == "continuing-care" else "MV-02", *([rule] if rule else []))


# ---- what holds for every day, and what is possible ------------------------------------------------------------------
ORDERS = {
    "days": ("2026-03-02", "2026-03-10", True),
    "a month and its last day": ("2026-02", "2026-02-28", True),
    "a month and a day in it": ("2026-03", "2026-03-10", False),
    "a month and a day after it": ("2026-02", "2026-03-10", True),
}


@pytest.mark.parametrize(("one", "other", "certain"), ORDERS.values(), ids=ORDERS)
def test_a_move_is_certain_only_if_its_order_holds_for_every_day(account, one, other, certain):
    made = account(
        evidence(an_episode("R-1", level="3e 3.5", start=one, end="2026-03-31", status="active"), ehr="res"),
        iop(start=other, end="2026-04-02"),
    )
    assert [(each.kind, each.certain) for each in made.timeline.transitions if each.kind != "discharge"] == [
        ("admission", certain),
        ("step-down", certain),
    ]


# ---- two at once -----------------------------------------------------------------------------------------------------
AT_ONCE = {
    "as long as the rule lets them": ("2026-03-16", []),
    "longer": ("2026-03-12", ["stay.overlap"]),
}


@pytest.mark.parametrize(("start", "found"), AT_ONCE.values(), ids=AT_ONCE)
def test_outpatient_care_may_begin_in_the_last_week_of_an_iop(account, start, found):
    """TR-08 lets both run for up to 7 days."""
    made = account(iop(end="2026-03-20"), iop("C-1", ehr="ced", level="4e 1.5", start=start, end="2026-04-01"))
    assert codes(made) == found


BESIDE = {
    "ended on the day on which the next began": ("2026-03-20", ["admission", "step-down"]),
    "ended days before": ("2026-03-18", ["admission", "step-down"]),
    "ended some days later": ("2026-03-24", ["admission", "admission"]),
    "goes on": (None, ["admission", "admission"]),
}


@pytest.mark.parametrize(("end", "moves"), BESIDE.values(), ids=BESIDE)
def test_what_may_run_beside_the_next_level_gave_way_to_it_only_if_it_ended_by_then(account, end, moves):
    """A 3rd-edition 3.1 residence may run beside an IOP."""
    first = iop("C-1", ehr="ced", level="3e 3.1", start="2026-02-02", end=end, status="active")
    made = account(first, iop("I-2", level="4e 2.1", start="2026-03-20"))
    assert kinds(made) == moves


def test_only_days_on_which_both_certainly_ran_are_shared(account):
    made = account(
        iop(start="2026-03", end="2026-04-01"),
        iop("C-1", ehr="ced", level="4e 2.5", start="2026-03-15", end="2026-04-06"),
    )
    (found,) = [one for one in made.findings if one.code == "stay.overlap"]
    assert found.facts["calendar_days"] == 2


OTPS = {"a day of handover": ("2026-03-01", []), "three days": ("2026-02-27", ["otp.double-enrollment"])}


@pytest.mark.parametrize(("start", "found"), OTPS.values(), ids=OTPS)
def test_two_otps_share_no_more_than_a_day(account, start, found):
    made = account(
        iop("O-1", ehr="otp", level="3e OTP", end="2026-03-01"), iop("O-2", ehr="ced", level="3e OTP", start=start)
    )
    assert codes(made) == found


def test_who_is_enrolled_in_a_second_program_while_the_first_runs_on_was_admitted_there(account):
    made = account(
        iop("O-1", ehr="otp", level="3e OTP", start="2026-01-05"),
        iop("O-2", ehr="ced", level="3e OTP", start="2026-02-02"),
    )
    assert [(one.kind, one.after.organization, one.certain, one.rules) for one in made.timeline.transitions] == [
        ("admission", "otp", True, ("MV-01",)),
        ("admission", "ced", True, ("MV-04",)),
    ]
    assert [(one.organization, one.state) for one in made.enrollments] == [("ced", "enrolled"), ("otp", "enrolled")]


def test_another_level_of_one_program_is_no_second_admission_while_the_end_of_the_first_may_be_unseen(account):
    stays = (iop("I-1", level="4e 2.5", start="2026-03-02"), iop("I-2", level="4e 2.1", start="2026-03-20"))
    seen, unseen = (
        account(*stays, policy=a_policy(grades={("iop", "EpisodeOfCare"): grade}))
        for grade in (Grade.COMPLETE, Grade.PARTIAL)
    )
    assert (kinds(seen), kinds(unseen)) == (["admission", "step-down"], ["admission"])


def test_doses_of_two_otps_at_the_same_hour_are_a_double_enrollment_and_nothing_else(account):
    hour = {"start": "2026-03-01T07:00:00-05:00", "end": "2026-03-01T07:20:00-05:00"}
    made = account(
        *(iop("O-1", ehr=ehr, level="3e OTP", start="2026-02-01") for ehr in ("otp", "ced")),
        *(evidence(an_encounter("N-1", **hour), ehr=ehr) for ehr in ("otp", "ced")),
    )
    (found,) = made.findings
    assert (found.code, found.urgency, found.facts["service_days"]) == ("otp.double-enrollment", "urgent", 1)


# ---- ends before starts ----------------------------------------------------------------------------------------------
SAME_DAY = {
    "an hour later": ("2026-03-02T10:00:00-05:00", []),
    "an hour earlier": ("2026-03-02T08:00:00-05:00", ["stay.reversed-period"]),
    "earlier only by the clock on the wall": ("2026-03-02T08:30:00-07:00", []),
}


@pytest.mark.parametrize(("end", "found"), SAME_DAY.values(), ids=SAME_DAY)
def test_an_end_before_its_start_is_told_by_the_instant(account, end, found):
    assert codes(account(iop(start="2026-03-02T09:00:00-05:00", end=end))) == found


# ---- many stays ------------------------------------------------------------------------------------------------------
def test_many_stays_are_told_apart_without_comparing_all_with_all(account):
    """Two thousand stays, one after the other in turns at two places: one move into each, and nothing collides."""
    started = datetime(2001, 1, 1, tzinfo=UTC).date().toordinal()
    records = []
    for number in range(2_000):
        first = datetime.fromordinal(started + 4 * number).date()
        last = datetime.fromordinal(started + 4 * number + 3).date()
        level, ehr = ("3e 3.5", "res") if number % 2 else ("4e 2.1", "iop")
        records.append(evidence(an_episode(f"E-{number}", level=level, start=str(first), end=str(last)), ehr=ehr))
    made = account(*records)
    assert kinds(made).count("step-down") == 999
    assert kinds(made).count("step-up") == 1_000
    assert codes(made) == []
