"""What was told before: days that moved late, records taken back after use, EHRs set back, steps that never came."""

from datetime import timedelta

import pytest

from coordinator.reconcile import Agreed, Grade, Presence
from tests.builders import NOW, a_decision, a_policy, an_encounter, an_episode, evidence

PLACE = "iop/EpisodeOfCare/I-1"


def stay(*, version="1", learned_at=NOW, presence=Presence.PRESENT, updated=None, **more):
    tree = an_episode("I-1", **{"level": "4e 2.1", "start": "2026-01-05"} | more)
    tree |= {"meta": {"lastUpdated": updated}} if updated else {}
    return evidence(tree, version=version, learned_at=learned_at, presence=presence)


def codes(made):
    return [one.code for one in made.findings]


LATER = NOW + timedelta(days=1)
EARLIER = NOW - timedelta(days=30)

MOVED = {
    "an end moved back by weeks": ({"end": "2026-03-20"}, {"end": "2026-03-02"}, True),
    "a start moved back by weeks": ({"start": "2026-02-02"}, {"start": "2026-01-05"}, True),
    "an end taken away weeks later": ({"end": "2026-03-02"}, {}, True),
    "an end moved within days": ({"end": "2026-04-06"}, {"end": "2026-04-05"}, False),
    "a first end, told late": ({}, {"end": "2026-03-02"}, False),
    "another word for the same days": ({"end": "2026-03-20"}, {"end": "2026-03-20", "status": "active"}, False),
    "a month that may be recent": ({"end": "2026-03-20"}, {"end": "2026-04"}, True),
}


@pytest.mark.parametrize(("one", "other", "late"), MOVED.values(), ids=MOVED)
def test_a_day_that_was_told_and_moves_long_after_is_a_back_dated_change(account, one, other, late):
    first = account(stay(learned_at=EARLIER, **one))
    second = account(stay(version="2", learned_at=LATER, **other), agreed=first.agreed)
    assert ("stay.back-dated" in codes(second)) is late


def moved(account):
    first = account(stay(learned_at=EARLIER, end="2026-03-20"))
    return account(stay(version="2", learned_at=LATER, end="2026-03-02"), agreed=first.agreed)


def test_a_back_dated_change_tells_both_days_and_when_it_was_learned(account):
    (found,) = moved(account).findings
    assert found.facts == {"end": {"before": "2026-03-20", "now": "2026-03-02", "learned": "2026-04-08"}}
    assert found.evidence == (f"{PLACE}@2",)


def test_a_back_dated_change_stands_through_other_edits_until_a_person_has_seen_it(account):
    before = moved(account)
    edited = stay(version="3", learned_at=LATER + timedelta(days=9), end="2026-03-02", status="active")
    again = account(edited, agreed=before.agreed)
    (found,) = [one for one in again.findings if one.code == "stay.back-dated"]
    seen = a_decision(found.key, {"seen": True}, facts=found.facts)
    assert found.facts == before.findings[0].facts
    assert "stay.back-dated" not in codes(account(edited, agreed=again.agreed, decisions=[seen]))


def test_what_was_learned_later_does_not_change_an_earlier_belief(account):
    after = moved(account)
    assert codes(account(stay(learned_at=EARLIER, end="2026-03-20"), agreed=after.agreed)) == []


# ---- taken back ------------------------------------------------------------------------------------------------------
BACK = {
    "in error by its status": {"status": "entered-in-error"},
    "in error by its EHR": {"presence": Presence.ENTERED_IN_ERROR},
    "deleted": {"presence": Presence.DELETED},
}


@pytest.mark.parametrize("how", BACK.values(), ids=BACK)
def test_a_stay_that_was_told_and_is_taken_back_asks_who_must_be_told(account, how):
    first = account(stay())
    second = account(
        stay(version="2", **how), agreed=Agreed(items=first.agreed.items, written={PLACE: frozenset({"pcp"})})
    )
    (found,) = second.findings
    assert (found.code, found.facts) == ("source.retracted", {"decided": [], "written_to": ["pcp"], "told": True})
    assert second.timeline.stays == ()
    assert codes(account(stay(version="2", **how), agreed=second.agreed)) == ["source.retracted"]


def test_a_record_that_a_decision_rests_on_and_that_is_taken_back_is_told(account):
    decision = a_decision("stay.overlap:x", {"end": "2026-03-01"}, evidence=("iop/Encounter/N-1@1",))
    gone = evidence(an_encounter("N-1", status="entered-in-error"), version="2")
    (found,) = account(gone, decisions=[decision]).findings
    assert (found.code, found.facts["decided"]) == ("source.retracted", ["stay.overlap"])


QUIET = {
    "never relied on": (stay(presence=Presence.DELETED), False),
    "hidden and perhaps still there": (stay(presence=Presence.HIDDEN), True),
}


@pytest.mark.parametrize(("record", "told"), QUIET.values(), ids=QUIET)
def test_only_what_was_relied_on_and_is_taken_back_is_told(account, record, told):
    agreed = account(stay()).agreed if told else Agreed()
    assert codes(account(record, agreed=agreed)) == []


def test_a_record_deleted_and_made_anew_under_another_id_is_not_taken_back(account):
    agreed = account(stay()).agreed
    anew = evidence(an_episode("I-2", level="4e 2.1", start="2026-01-05"))
    assert codes(account(stay(presence=Presence.DELETED), anew, agreed=agreed)) == []


# ---- set back --------------------------------------------------------------------------------------------------------
UPDATED = "2026-04-01T10:00:00Z"
TIMES = {
    "older": ("2026-03-01T10:00:00Z", ["source.restored"]),
    "the same in another zone": ("2026-04-01T06:00:00-04:00", []),
    "newer": ("2026-04-02T10:00:00Z", []),
    "no longer told": (None, []),
    "no date": ("soon", []),
}


@pytest.mark.parametrize(("updated", "found"), TIMES.values(), ids=TIMES)
def test_an_ehr_whose_newest_record_becomes_older_was_set_back(account, updated, found):
    agreed = account(stay(updated=UPDATED)).agreed
    second = account(stay(version="set-back", learned_at=LATER, updated=updated), agreed=agreed)
    third = account(stay(version="set-back", learned_at=LATER, updated=updated), agreed=second.agreed)
    assert (codes(second), codes(third)) == (found, found)


COUNTS = {
    "lower": ("7", "5", ["source.restored"]),
    "lower by one digit": ("10", "9", ["source.restored"]),
    "the same": ("7", "7", []),
    "higher": ("7", "8", []),
    "no count before": ("W/7", "5", []),
    "no count now": ("7", "abc", []),
    "no version now": ("7", None, []),
    "a number that is an instant": ("20260401100000000", "20260301100000000", []),
}


@pytest.mark.parametrize(("was", "now", "found"), COUNTS.values(), ids=COUNTS)
def test_an_ehr_whose_versions_count_down_was_set_back(account, was, now, found):
    """No time of change is told here, as some servers do; a count that falls shows it all the same."""
    agreed = account(stay(version=was)).agreed
    second = account(stay(version=now, learned_at=LATER), agreed=agreed)
    third = account(stay(version=now, learned_at=LATER), agreed=second.agreed)
    assert (codes(second), codes(third)) == (found, found)


def test_a_record_set_back_and_saved_again_is_newer_and_counts_lower(account):
    agreed = account(stay(version="7", updated=UPDATED)).agreed
    (found,) = account(stay(version="6", learned_at=LATER, updated="2026-04-08T10:00:00Z"), agreed=agreed).findings
    assert (found.code, found.rules, found.evidence) == (
        "source.restored",
        ("TL-19",),
        ("iop/EpisodeOfCare/I-1@6",),
    )
    assert found.facts == {"ehr": "iop", "versions": {"iop/EpisodeOfCare/I-1": {"was": 7, "now": 6}}}


def test_time_and_count_that_both_went_back_are_one_finding_until_it_was_seen_or_made_up_for(account):
    agreed = account(stay(version="7", updated=UPDATED)).agreed
    back = stay(version="5", learned_at=LATER, updated="2026-03-01T10:00:00Z")
    (found,) = account(back, agreed=agreed).findings
    assert (found.key, found.rules) == ("source.restored:iop", ("TL-12", "TL-19"))
    assert found.facts["was"] > found.facts["now"]
    seen = a_decision(found.key, {"seen": True}, facts=found.facts)
    assert codes(account(back, agreed=agreed, decisions=[seen])) == []
    again = stay(version="7", learned_at=LATER, updated="2026-04-09T10:00:00Z")
    assert codes(account(again, agreed=account(back, agreed=agreed).agreed)) == []


def test_a_look_at_an_earlier_version_learned_earlier_is_no_way_back(account):
    agreed = account(stay(version="7", learned_at=LATER)).agreed
    assert codes(account(stay(version="5"), agreed=agreed)) == []


# ---- what should have followed ---------------------------------------------------------------------------------------
def seen_at(ehr, day):
    return [evidence(an_encounter("N-9", start=f"{day}T09:00:00-05:00", episode="C-1"), ehr=ehr)]


def an_appointment(start="2026-03-05T10:00:00-05:00", status="fulfilled", answer="accepted", *, ehr="iop", others=0):
    who = [{"actor": {"reference": "Patient/p-1"}, "status": answer}, *[{"actor": {"type": "Patient"}}] * others]
    tree = {
        "resourceType": "Appointment",
        "id": f"A-{start[:10]}",
        "status": status,
        "start": start,
        "participant": who,
    }
    return evidence(tree, ehr=ehr)


NEXT = "2026-04-15T10:00:00-04:00"
OUT = {"end": "2026-03-20"}
STEPS = {
    "nothing": (OUT, [an_appointment()], True),
    "no appointments seen at all": (OUT, [], False),
    "appointments seen only elsewhere": (OUT, [an_appointment(ehr="pcp")], False),
    "an appointment after it": (OUT, [an_appointment(), an_appointment("2026-04-15T10:00:00-04:00", "booked")], False),
    "one that was called off": (
        OUT,
        [an_appointment(), an_appointment("2026-04-15T10:00:00-04:00", "cancelled")],
        True,
    ),
    "another program": (OUT, [an_appointment(), evidence(an_episode("C-1", start="2026-04-01"), ehr="ced")], False),
    "a death": (OUT | {"ended": "deceased"}, [an_appointment()], False),
    "an appointment that the person declined": (
        OUT,
        [an_appointment(), an_appointment(NEXT, "booked", "declined")],
        True,
    ),
    "a group to come": (OUT, [an_appointment(), an_appointment(NEXT, "booked", others=1)], False),
    "a stay that nobody closed, and nobody saw the person in": (
        OUT,
        [an_appointment(), evidence(an_episode("C-1", start="2026-01-01"), ehr="ced"), *seen_at("ced", "2026-03-01")],
        True,
    ),
    "a stay that goes on": (
        OUT,
        [an_appointment(), evidence(an_episode("C-1", start="2026-01-01"), ehr="ced"), *seen_at("ced", "2026-04-01")],
        False,
    ),
    "a stay begun after it, in which nobody was seen for long": (
        {"end": "2026-03-01"},
        [an_appointment(), evidence(an_episode("C-1", start="2026-03-02"), ehr="ced"), *seen_at("ced", "2026-03-05")],
        False,
    ),
    "within the week": ({"end": "2026-04-01"}, [an_appointment()], False),
    "outpatient care that was completed": (OUT | {"level": "4e 1.5"}, [an_appointment()], False),
}


@pytest.mark.parametrize(("how", "more", "open_"), STEPS.values(), ids=STEPS)
def test_a_discharge_from_a_program_without_a_next_step_is_told(account, how, more, open_):
    assert ("stay.no-next-step" in codes(account(stay(**how), *more))) is open_


@pytest.mark.parametrize("type_", ["Appointment", "EpisodeOfCare", "ServiceRequest"])
def test_a_pull_that_may_have_left_out_the_next_step_supports_no_such_finding(account, type_):
    policy = a_policy(grades={("iop", type_): Grade.PARTIAL})
    assert "stay.no-next-step" not in codes(account(stay(**OUT), an_appointment(), policy=policy))


SAME = {
    "days": ("2026-03-20", "2026-03-20", True),
    "instants in order": ("2026-03-20T09:00:00-04:00", "2026-03-20T15:00:00-04:00", False),
    "instants that cross": ("2026-03-20T15:00:00-04:00", "2026-03-20T09:00:00-04:00", True),
    "a day later": ("2026-03-20", "2026-03-21", False),
}


@pytest.mark.parametrize(("end", "start", "asked"), SAME.values(), ids=SAME)
def test_a_discharge_and_readmission_of_one_day_are_ordered_by_time_or_asked_about(account, end, start, asked):
    again = evidence(an_episode("I-2", level="4e 2.1", start=start))
    assert ("transition.same-day" in codes(account(stay(end=end), again))) is asked


STALE = {
    "fifteen days": ([an_encounter(start="2026-03-23T09:00:00-04:00")], {}, "2026-03-23"),
    "fourteen days": ([an_encounter(start="2026-03-24T09:00:00-04:00")], {}, None),
    "no services told at all": ([], {}, None),
    "over": ([an_encounter(start="2026-03-01T09:00:00-05:00")], OUT, None),
    "on leave": ([an_encounter(start="2026-03-01T09:00:00-05:00")], {"status": "onhold"}, None),
}


@pytest.mark.parametrize(("records", "how", "since"), STALE.values(), ids=STALE)
def test_a_stay_without_service_for_long_is_marked_and_never_ended(account, records, how, since):
    (made,) = account(stay(**how), *(evidence(one) for one in records)).timeline.stays
    assert (made.stale_since and str(made.stale_since)) == since
