"""What was told before: days that moved late, records taken back after use, EHRs set back."""

from datetime import timedelta

import pytest

from coordinator.reconcile import Agreed, Presence
from tests.builders import NOW, a_decision, an_encounter, an_episode, evidence

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
    "an end moved a week after it": ({"end": "2026-04-02"}, {"end": "2026-04-01"}, False),
    "an end moved a week and a day after it": ({"end": "2026-04-02"}, {"end": "2026-03-31"}, True),
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
    assert (found.evidence, found.rules) == ((f"{PLACE}@2",), ("TL-11",))


def test_of_a_day_that_moved_twice_the_last_move_is_told(account):
    again = stay(version="3", learned_at=LATER + timedelta(days=2), end="2026-03-09")
    (found,) = account(again, agreed=moved(account).agreed).findings
    assert found.facts == {"end": {"before": "2026-03-02", "now": "2026-03-09", "learned": "2026-04-10"}}


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
    assert found.rules == ("TL-13",)
    assert second.timeline.stays == ()
    assert codes(account(stay(version="2", **how), agreed=second.agreed)) == ["source.retracted"]


def test_a_record_that_a_decision_rests_on_and_that_is_taken_back_is_told(account):
    decision = a_decision("stay.overlap:x", {"end": "2026-03-01"}, evidence=("iop/Encounter/N-1@1",))
    gone = evidence(an_encounter("N-1", status="entered-in-error"), version="2")
    (found,) = account(gone, decisions=[decision]).findings
    assert (found.code, found.facts["decided"]) == ("source.retracted", ["stay.overlap"])


def test_what_rested_on_a_record_that_is_taken_back_is_told_in_order(account):
    codes_ = [f"stay.code-{number}" for number in range(9)]
    ehrs = [f"ehr-{number}" for number in range(9)]
    decisions = [a_decision(f"{code}:x", {"accept": "y"}, evidence=("iop/Encounter/N-1@1",)) for code in codes_]
    gone = evidence(an_encounter("N-1", status="entered-in-error"), version="2")
    agreed = Agreed(items={}, written={"iop/Encounter/N-1": frozenset(ehrs)})
    (found,) = account(gone, agreed=agreed, decisions=decisions).findings
    assert (found.facts["decided"], found.facts["written_to"]) == (codes_, ehrs)


def test_to_have_seen_a_finding_is_no_decision_that_rests_on_its_records(account):
    seen = a_decision("stay.overlap:x", {"seen": True}, evidence=("iop/Encounter/N-1@1",))
    gone = evidence(an_encounter("N-1", status="entered-in-error"), version="2")
    assert codes(account(gone, decisions=[seen])) == []


QUIET = {
    "never relied on": (stay(presence=Presence.DELETED), False),
    "hidden and perhaps still there": (stay(presence=Presence.HIDDEN), True),
}


@pytest.mark.parametrize(("record", "told"), QUIET.values(), ids=QUIET)
def test_only_what_was_relied_on_and_is_taken_back_is_told(account, record, told):
    agreed = account(stay()).agreed if told else Agreed()
    assert codes(account(record, agreed=agreed)) == []


ANEW = {
    "the same": ({"start": "2026-01-05"}, []),
    "another stay": ({"start": "2026-02-05"}, ["source.retracted"]),
}


@pytest.mark.parametrize(("how", "found"), ANEW.values(), ids=ANEW)
def test_a_record_deleted_and_made_anew_under_another_id_is_not_taken_back(account, how, found):
    agreed = account(stay()).agreed
    anew = evidence(an_episode("I-2", level="4e 2.1", **how), version="9")
    assert codes(account(stay(presence=Presence.DELETED), anew, agreed=agreed)) == found


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


def test_an_ehr_that_was_set_back_tells_both_times_and_no_version(account):
    agreed = account(stay(updated=UPDATED)).agreed
    (found,) = account(stay(version="set-back", updated="2026-03-01T10:00:00Z"), agreed=agreed).findings
    assert (found.key, found.rules) == ("source.restored:iop", ("TL-12",))
    assert found.facts == {"ehr": "iop", "was": "2026-04-01T10:00:00+00:00", "now": "2026-03-01T10:00:00+00:00"}


def test_of_several_ehrs_the_one_that_was_set_back_is_told(account):
    there = {"updated": UPDATED, "learned_at": LATER}
    others = [evidence(an_episode("C-1") | {"meta": {"lastUpdated": UPDATED}}, ehr=ehr) for ehr in ("ced", "res")]
    agreed = account(stay(**there), *others).agreed
    back = stay(version="set-back", learned_at=LATER, updated="2026-03-01T10:00:00Z")
    assert [one.key for one in account(back, *others, agreed=agreed).findings if one.code == "source.restored"] == [
        "source.restored:iop"
    ]


def test_a_look_at_an_older_record_learned_earlier_is_no_way_back(account):
    agreed = account(stay(version="b", learned_at=LATER, updated=UPDATED)).agreed
    assert codes(account(stay(version="a", updated="2026-03-01T10:00:00Z"), agreed=agreed)) == []


def test_the_newest_of_several_records_shows_that_an_ehr_was_set_back(account):
    older = evidence(
        an_episode("I-0", start="2025-01-05", end="2025-03-01") | {"meta": {"lastUpdated": "2026-02-01T10:00:00Z"}}
    )
    agreed = account(older, stay(updated=UPDATED)).agreed
    (found,) = account(older, stay(version="back", updated="2026-03-01T10:00:00Z"), agreed=agreed).findings
    assert (found.key, found.evidence) == ("source.restored:iop", (f"{PLACE}@back",))


def test_an_ehr_whose_newest_record_is_gone_was_not_set_back(account):
    agreed = account(stay(updated=UPDATED)).agreed
    older = evidence(an_episode("I-2", start="2026-01-05") | {"meta": {"lastUpdated": "2026-03-01T10:00:00Z"}})
    assert "source.restored" not in codes(account(older, agreed=agreed))


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
