"""Two sources of one stay that differ about its start or level: told once, held as decided, asked anew by news."""

from datetime import UTC, date, datetime

import pytest

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.fhir import Interval
from tests.builders import NOW, a_decision, a_policy, an_encounter, an_episode, evidence

KEY = "stay.source-differs:iop/EpisodeOfCare/I-1"


def days(first, last=None):
    return Interval(first=date.fromisoformat(first), last=date.fromisoformat(last or first))


def of_program(tree, ehr, version="1"):
    return evidence(tree, ehr=ehr, organization="iop", version=version)


def two(one=None, other=None, *, version="1"):
    return (
        of_program(an_episode("I-1", **(one or {})), "iop"),
        of_program(an_episode("P-1", **(other or {})), "pcp", version),
    )


def differing(account):
    return [one for one in account.findings if one.code == "stay.source-differs"]


STARTS = {
    "two days apart": ("2026-04-02", "2026-04-04", days("2026-04-02", "2026-04-04"), 1),
    "ten days apart, and both go on": ("2026-03-20", "2026-03-30", days("2026-03-20", "2026-03-30"), 1),
    "a month and a day in it": ("2026-03", "2026-03-30", days("2026-03-30"), 0),
    "the same day": ("2026-04-02", "2026-04-02T23:30:00-04:00", days("2026-04-02"), 0),
    "an evening that is the next day elsewhere": ("2026-04-02", "2026-04-03T03:30:00Z", days("2026-04-02"), 0),
}


@pytest.mark.parametrize(("one", "other", "start", "count"), STARTS.values(), ids=STARTS)
def test_starts_that_can_not_both_be_right_are_one_finding_and_no_choice(account, one, other, start, count):
    made = account(*two({"start": one}, {"start": other}))
    assert [stay.start for stay in made.timeline.stays] == [start]
    assert len(differing(made)) == count


def test_the_finding_names_what_each_source_tells(account):
    (found,) = differing(account(*two({"start": "2026-04-02"}, {"start": "2026-04-04"})))
    assert (found.key, found.rules) == (f"{KEY}:start", ("ST-08",))
    assert found.facts == {
        "starts": [
            {"date": "2026-04-02", "by": "iop", "record": "iop/EpisodeOfCare/I-1"},
            {"date": "2026-04-04", "by": "pcp", "record": "pcp/EpisodeOfCare/P-1"},
        ]
    }
    assert found.evidence == ("iop/EpisodeOfCare/I-1@1", "pcp/EpisodeOfCare/P-1@1")


def test_two_records_that_differ_in_start_and_level_ask_about_both(account):
    one, other = {"start": "2026-04-02", "level": "4e 2.1"}, {"start": "2026-04-04", "level": "4e 2.5"}
    found = differing(account(*two(one, other)))
    assert [found_one.key for found_one in found] == [f"{KEY}:level", f"{KEY}:start"]


def test_of_three_records_one_that_differs_is_enough(account):
    third = of_program(an_episode("C-1", start="2026-04-02", level="4e 2.5"), "ced")
    (found,) = differing(account(*two({"start": "2026-04-02"}, {"start": "2026-04-02"}), third))
    assert [one["by"] for one in found.facts["levels"]] == ["ced", "iop", "pcp"]
    assert [one["code"] for one in found.facts["levels"]] == ["2.5", "2.1", "2.1"]


def test_sources_are_told_in_the_order_of_their_names_whoever_began_first(account):
    (found,) = differing(account(*two({"start": "2026-04-04"}, {"start": "2026-04-02"})))
    assert [one["by"] for one in found.facts["starts"]] == ["iop", "pcp"]


@pytest.mark.parametrize("starts", [("04-02", "04-03", "04-04"), ("04-04", "04-02", "04-03")], ids=str)
def test_two_levels_are_two_though_a_third_source_names_one_that_stands_for_both(account, starts):
    levels = zip(("iop", "pcp", "ced"), ("4e 3.5", "3e 3.3", "3e 3.5"), starts, strict=True)
    records = [of_program(an_episode(ehr, level=level, start=f"2026-{day}"), ehr) for ehr, level, day in levels]
    made = account(*records)
    assert [one.key.rpartition(":")[2] for one in differing(made)] == ["level", "start"]
    assert len(made.timeline.stays) == 1


def test_an_answer_that_accepts_a_record_that_tells_no_start_leaves_the_start(account):
    contact = of_program(an_encounter("N-1", level="4e 2.1", start="2026-04-03T09:00:00-04:00"), "ced")
    records = (*two({"start": "2026-04-02"}, {"start": "2026-04-04"}), contact)
    decided = a_decision(f"{KEY}:start", {"accept": "ced/Encounter/N-1"})
    made = account(*records, decisions=[decided])
    assert [stay.start for stay in made.timeline.stays] == [days("2026-04-02", "2026-04-04")]


def test_a_first_contact_tells_no_start(account):
    """A stay may have begun before the first contact that shows it."""
    contact = an_encounter("N-1", level="4e 2.1", start="2026-04-03T09:00:00-04:00")
    made = account(of_program(an_episode("I-1", start="2026-04-02"), "iop"), of_program(contact, "pcp"))
    assert [stay.start for stay in made.timeline.stays] == [days("2026-04-02")]
    assert differing(made) == []


LEVELS = {
    "another level": ("4e 2.1", "4e 2.5", ["stay.source-differs"]),
    "the same level in another edition": ("4e 2.1", "3e 2.1", ["level.edition-differs"]),
    "the same level in another edition, with loss": ("3e 3.7", "4e 3.7", ["level.edition-differs"]),
    "a level with a suffix": ("4e 2.1", "4e 2.1-COE", []),
}


@pytest.mark.parametrize(("one", "other", "codes"), LEVELS.values(), ids=LEVELS)
def test_two_levels_of_one_stay_are_asked_about_and_an_edition_mix_is_not_that(account, one, other, codes):
    made = account(*two({"level": one}, {"level": other}))
    assert [found.code for found in made.findings] == codes
    assert len(made.timeline.stays) == 1


def test_the_level_of_the_earliest_record_stands_until_somebody_answers(account):
    made = account(*two({"level": "4e 2.1"}, {"level": "4e 2.5"}))
    (found,) = differing(made)
    assert (found.key, made.timeline.stays[0].level.code) == (f"{KEY}:level", "2.1")
    assert found.facts == {
        "levels": [
            {"edition": "4e", "code": "2.1", "by": "iop", "record": "iop/EpisodeOfCare/I-1"},
            {"edition": "4e", "code": "2.5", "by": "pcp", "record": "pcp/EpisodeOfCare/P-1"},
        ]
    }


def an_answer(found, place, **more):
    return a_decision(found.key, {"accept": place}, facts=found.facts, **more)


@pytest.mark.parametrize(
    ("place", "level"), [("iop/EpisodeOfCare/I-1", "2.1"), ("pcp/EpisodeOfCare/P-1", "2.5")], ids=["one", "other"]
)
def test_the_accepted_level_holds_and_the_question_is_closed(account, place, level):
    records = two({"level": "4e 2.1"}, {"level": "4e 2.5"})
    (found,) = differing(account(*records))
    made = account(*records, decisions=[an_answer(found, place)])
    assert (differing(made), made.timeline.stays[0].level.code) == ([], level)
    assert "ST-09" in made.timeline.stays[0].rules


def test_the_accepted_start_holds_until_a_source_tells_something_new(account):
    records = two({"start": "2026-04-02"}, {"start": "2026-04-04"})
    (found,) = differing(account(*records))
    answer = an_answer(found, "pcp/EpisodeOfCare/P-1")

    held = account(*records, decisions=[answer])
    told_anew = account(*two({"start": "2026-04-01"}, {"start": "2026-04-04"}, version="2"), decisions=[answer])

    assert (differing(held), held.timeline.stays[0].start) == ([], days("2026-04-04"))
    assert [one.key for one in differing(told_anew)] == [f"{KEY}:start"]
    assert told_anew.timeline.stays[0].start == days("2026-04-04")


def test_the_last_answer_counts_and_one_for_no_source_of_the_stay_does_not(account):
    records = two({"level": "4e 2.1"}, {"level": "4e 2.5"})
    (found,) = differing(account(*records))
    first = an_answer(found, "pcp/EpisodeOfCare/P-1")
    last = an_answer(found, "iop/EpisodeOfCare/I-1", decided_at=datetime(2026, 4, 8, tzinfo=UTC))
    stray = an_answer(found, "ced/EpisodeOfCare/C-1", decided_at=datetime(2026, 4, 9, tzinfo=UTC))
    for decisions in ([first, last, stray], [stray, last, first]):
        made = account(*records, decisions=decisions, as_of=NOW)
        assert (differing(made), made.timeline.stays[0].level.code) == ([], "2.1")


def test_three_sources_in_any_order_make_one_stay_and_one_question(account):
    records = [*two({"start": "2026-04-02"}, {"start": "2026-04-04"}), of_program(an_episode("C-1"), "ced")]
    made = [account(*order) for order in (records, records[::-1], [records[1], records[2], records[0]])]
    assert len({one.hash for one in made}) == 1
    assert [len(one.timeline.stays) for one in made] == [1, 1, 1]
    assert [one.key for one in differing(made[0])] == ["stay.source-differs:ced/EpisodeOfCare/C-1:start"]


def test_two_stays_of_one_ehr_are_never_joined_through_another(account):
    made = account(
        of_program(an_episode("I-1", start="2026-04-01"), "iop"),
        of_program(an_episode("P-1", start="2026-04-02"), "pcp"),
        of_program(an_episode("I-2", start="2026-04-03"), "iop"),
        policy=a_policy(),
    )
    assert [[told.place for told in stay.told] for stay in made.timeline.stays] == [
        ["iop/EpisodeOfCare/I-1", "pcp/EpisodeOfCare/P-1"],
        ["iop/EpisodeOfCare/I-2"],
    ]


def test_treatment_and_dosing_in_one_organization_find_their_own_records_elsewhere(account):
    made = account(
        of_program(an_episode("I-1", start="2026-04-01"), "iop"),
        of_program(an_episode("I-2", level="3e OTP", start="2026-04-02"), "iop"),
        of_program(an_episode("P-1", start="2026-04-02"), "pcp"),
    )
    assert [(stay.level.code, stay.level.edition, len(stay.told)) for stay in made.timeline.stays] == [
        ("2.1", Edition.FOURTH, 2),
        ("OTP", Edition.THIRD, 1),
    ]


# ---- an end that only others tell ------------------------------------------------------------------------------------
def of_other(tree):
    """Return a record in the EHR of a physician that its mapping table says speaks for the program."""
    row = MappingRow(
        type="EpisodeOfCare",
        path=("type",),
        system="https://coordinator.example/fhir/CodeSystem/asam-4e",
        value="2.1",
        concept="level",
        edition=Edition.FOURTH,
        code="2.1",
        role=Role.PROVIDED,
        organization="iop",
    )
    return evidence(tree, ehr="pcp"), a_policy(mappings={"pcp": (row,)})


ENDS = {
    "while the program's own record goes on": (None, ["iop"]),
    "and the program tells the same": ("2026-04-05", None),
}


@pytest.mark.parametrize(("own_end", "goes_on"), ENDS.values(), ids=ENDS)
def test_an_end_that_others_tell(account, own_end, goes_on):
    copy, policy = of_other(an_episode("P-1", end="2026-04-05"))
    made = account(evidence(an_episode("I-1", end=own_end)), copy, policy=policy)
    assert [stay.end for stay in made.timeline.stays] == [days("2026-04-05")]
    asked = [(one.key, one.facts["ends"], one.facts["goes_on"]) for one in differing(made)]
    assert asked == ([(KEY, [{"date": "2026-04-05", "by": "pcp"}], goes_on)] if goes_on else [])
    out = made.timeline.transitions[-1]
    assert (out.kind, out.certain) == ("discharge", goes_on is None)


def test_a_day_that_a_person_names_settles_an_end_that_only_others_tell(account):
    copy, policy = of_other(an_episode("P-1", end="2026-04-05"))
    answer = a_decision(KEY, {"end": "2026-04-03"}, facts={"ends": [{"date": "2026-04-05", "by": "pcp"}]})
    made = account(evidence(an_episode("I-1")), copy, policy=policy, decisions=[answer])
    assert ([stay.end for stay in made.timeline.stays], differing(made)) == ([days("2026-04-03")], [])
    assert made.timeline.transitions[-1].certain
