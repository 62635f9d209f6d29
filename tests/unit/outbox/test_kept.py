"""What an EHR made of what it took: the same in other words is kept, anything else is not."""

import pytest

from coordinator.fhir import parse, read_document
from coordinator.outbox import Entry, Form, Intent, Status
from coordinator.outbox.kept import Made, differences, kept_of, says_the_same, with_kept
from tests.builders import a_goal, document

SAME = {
    "case and spacing": ('"Build a support system"', '"BUILD A  SUPPORT SYSTEM "'),
    "markup": ('"Call before work"', '"<div>Call before work</div>"'),
    "the same instant": ('"2026-04-09T12:00:00Z"', '"2026-04-09T08:00:00-04:00"'),
    "a number written shorter": ("1.10", "1.1"),
    "whole and with a fraction": ("2", "2.0"),
    "a display": ('{"code": "improving"}', '{"code": "improving", "display": "Improving"}'),
    "a second coding": ('[{"code": "improving"}]', '[{"code": "improving"}, {"code": "268910001", "system": "s"}]'),
    "a yes": ("true", "true"),
    "nothing": ("null", "null"),
}
OTHER = {
    "cut off": ('"Build a support system"', '"Build a supp"'),
    "another code": ('{"code": "improving"}', '{"code": "in-progress"}'),
    "another day": ('"2026-07-31"', '"2026-07-01"'),
    "another number": ("1.10", "1.2"),
    "a yes for a one": ("1", "true"),
    "a no": ("true", "false"),
    "a condition that was not sent": ('{"text": "8 mg daily"}', '{"text": "8 mg daily", "asNeededBoolean": true}'),
    "a second instruction": ('[{"text": "8 mg daily"}]', '[{"text": "8 mg daily"}, {"text": "4 mg at night"}]'),
    "a coding less": ('[{"code": "a"}, {"code": "b"}]', '[{"code": "a"}]'),
    "a text for a code": ('{"code": "improving"}', '"improving"'),
    "a part less": ('{"code": "a", "system": "s"}', '{"code": "a"}'),
}


@pytest.mark.parametrize(("sent", "held"), SAME.values(), ids=SAME)
def test_other_words_say_the_same(sent, held):
    assert says_the_same(parse(sent.encode()), parse(held.encode()))


@pytest.mark.parametrize(("sent", "held"), OTHER.values(), ids=OTHER)
def test_another_value_says_something_else(sent, held):
    assert not says_the_same(parse(sent.encode()), parse(held.encode()))


SENT = document(a_goal(text="Sleep better", due="2026-07-31", achievement="improving"))
PATHS = ("Goal.achievementStatus", "Goal.description", "Goal.target.dueDate")
ENDS = {
    "kept whole": (a_goal(text="Sleep better", due="2026-07-31", achievement="improving"), None, []),
    "in capitals": (
        a_goal(text="SLEEP BETTER", due="2026-07-31", achievement="improving"),
        None,
        [("Goal.description", Made.REWORDED)],
    ),
    "gone": (a_goal(text="Sleep better", achievement="improving"), None, [("Goal.target.dueDate", Made.DROPPED)]),
    "as it was before": (
        a_goal(text="Sleep better", due="2026-06-30", achievement="improving"),
        a_goal(due="2026-06-30"),
        [("Goal.target.dueDate", Made.DROPPED)],
    ),
    "something else": (
        a_goal(text="Sleep better", due="2026-07-31", achievement="sustaining"),
        a_goal(due="2026-06-30"),
        [("Goal.achievementStatus", Made.CHANGED)],
    ),
}


@pytest.mark.parametrize(("held", "before", "expected"), ENDS.values(), ids=ENDS)
def test_a_record_read_back_tells_what_was_made_of_each_path(held, before, expected):
    found = differences(SENT, document(held), PATHS, before=document(before) if before else None)
    assert [(one.path, one.made) for one in found] == expected


def an_entry(*paths, facts=None):
    intent = Intent(key="goal:1", person="pe-1", ehr="ced", concept="goal", type="Goal", form=Form.NATIVE, paths=paths)
    return Entry(intent=intent, status=Status.APPLIED, facts=facts or {})


def test_what_was_made_of_a_path_stays_known_until_that_path_is_kept():
    held = document(a_goal(text="SLEEP BETTER", achievement="improving"))
    first = differences(SENT, held, ("Goal.description", "Goal.target.dueDate"), before=None)
    facts = with_kept(an_entry("Goal.description", "Goal.target.dueDate", facts={"other": 1}), first)
    again = with_kept(an_entry("Goal.target.dueDate", facts=facts), [])
    assert [one.path for one in kept_of(an_entry(facts=facts))] == ["Goal.description", "Goal.target.dueDate"]
    assert [(one.path, one.made, one.is_of(held)) for one in kept_of(an_entry(facts=again))] == [
        ("Goal.description", Made.REWORDED, True)
    ]
    assert with_kept(an_entry("Goal.description", facts=again), []) == {"other": 1}


def test_a_record_that_was_saved_since_is_no_longer_what_was_made_of_the_write():
    made = differences(SENT, document(a_goal(text="SLEEP BETTER")), ("Goal.description",), before=None)
    assert [one.is_of(document(a_goal(text="Sleep well"))) for one in made] == [False]


def test_an_entry_without_facts_tells_of_no_difference():
    assert kept_of(an_entry()) == []
    assert read_document(SENT.raw).get("description", "text") == "Sleep better"
