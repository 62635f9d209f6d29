"""Why a conclusion holds: each cited version with what it says, each rule with its row, and what people decided."""

from datetime import timedelta

import pytest

from coordinator.fhir import dumps, parse
from coordinator.reconcile.derivation import conclusions, derivation, telling_fields
from coordinator.reconcile.rule_book import rule_book
from coordinator.sync.pull import TYPES
from tests.builders import NOW, a_decision, a_goal, a_plan, a_statement, an_encounter, an_episode, an_order, evidence

LIFE = (
    evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02"), ehr="res", version="4"),
    evidence(an_encounter("N-1", start="2026-03-29", class_="IMP"), ehr="res"),
    evidence(an_episode("I-1", start="2026-04-02")),
    evidence(an_encounter("N-2", start="2026-04-02T09:00:00-04:00", end="2026-04-02T12:00:00-04:00", episode="I-1")),
    evidence(a_goal()),
    evidence(a_plan(goals=["G-1"])),
    evidence(an_order()),
    evidence(a_statement(), ehr="pcp"),
)


@pytest.fixture
def content(account):
    return parse(dumps(account(*LIFE).content))


def test_every_part_of_an_account_is_a_conclusion_that_rests_on_evidence(content):
    found = conclusions(content)
    assert {one.kind for one in found} >= {
        "timeline",
        "transitions",
        "courses",
        "goals",
        "sessions",
        "findings",
    }
    assert [one.key for one in found if not one.evidence] == []
    assert len({(one.kind, one.key) for one in found}) == len(found)


def test_what_is_neither_a_conclusion_nor_holds_any_is_passed_over():
    goal = {"text": "Maintain abstinence", "key": "goal:1", "evidence": ["iop/Goal/G-1@1"], "rules": ["CP-01"]}
    found = conclusions({"version": 3, "plan": {"note": "draft", "goals": [goal]}, "people": ["p-1"]})
    assert [(one.kind, one.key) for one in found] == [("goals", "goal:1")]
    assert dict(found[0].says) == {"text": "Maintain abstinence"}


def test_what_names_its_evidence_in_no_list_rests_on_none():
    (found,) = conclusions({"goals": [{"key": "goal:1", "evidence": None, "rules": None}]})
    assert (found.evidence, found.rules) == ((), ())


def test_a_record_of_a_type_of_which_no_field_tells_more_than_others_is_cited_alone():
    letter = evidence({"resourceType": "DocumentReference", "id": "D-1", "status": "current"})
    (told,) = conclusions({"goals": [{"key": "k", "evidence": [letter.ref], "rules": []}]})
    (record,) = derivation(told, [letter], ()).records
    assert (record.evidence, record.says) == (letter, ())


def test_every_conclusion_names_rules_of_the_book_and_cites_versions_at_hand(content):
    for one in conclusions(content):
        found = derivation(one, LIFE, ())
        assert [rule_id for rule_id, row in found.rules if row is None] == [], one.kind
        assert [each.ref for each in found.records if each.evidence is None] == []
        assert all(each.says for each in found.records)


def test_a_stay_is_explained_down_to_the_version_and_what_it_says(content):
    (stay,) = [one for one in conclusions(content) if one.kind == "timeline" and one.key.startswith("res/")]
    decided = a_decision(
        "stay.end-missing:res/EpisodeOfCare/R-1", {"end": "2026-04-01"}, evidence=("res/EpisodeOfCare/R-1@3",)
    )
    other = a_decision("x", {"end": "2026-04-01"}, evidence=("iop/Goal/G-1@1",))
    found = derivation(stay, LIFE, (other, decided))
    record = next(one for one in found.records if one.ref == "res/EpisodeOfCare/R-1@4")
    assert record.evidence is not None
    assert (record.evidence.organization, record.evidence.learned_at) == ("res", NOW)
    assert dict(record.says) == {
        "status": ("active",),
        "type.coding.code": ("3.5",),
        "period.start": ("2026-03-02",),
    }
    assert dict(found.rules)["ST-01"] == rule_book()["ST-01"]
    assert (found.decisions, found.code) == ((decided,), None)


def test_decisions_are_told_in_the_order_in_which_they_were_made(content):
    (stay,) = [one for one in conclusions(content) if one.kind == "timeline" and one.key.startswith("res/")]
    about = {"evidence": ("res/EpisodeOfCare/R-1@4",)}
    first = a_decision("b", {}, decided_at=NOW - timedelta(days=1), **about)
    second, third = a_decision("a", {}, **about), a_decision("c", {}, **about)
    assert derivation(stay, LIFE, (third, second, first)).decisions == (first, second, third)


def test_a_finding_names_the_row_of_its_code(content):
    (missing,) = [one for one in conclusions(content) if one.says.get("code") == "stay.end-missing"]
    code = derivation(missing, LIFE, ()).code
    assert code is not None
    assert (code.code, bool(code.source)) == ("stay.end-missing", True)


def test_a_version_that_is_no_longer_the_latest_is_named_without_its_content(content):
    (stay,) = [one for one in conclusions(content) if one.kind == "timeline" and one.key.startswith("iop/")]
    assert {one.evidence for one in derivation(stay, (), ()).records} == {None}


def test_what_matters_of_every_type_that_is_pulled_is_told():
    told_as_a_whole = {"DocumentReference", "Communication"}
    assert set(TYPES) - set(telling_fields()) - told_as_a_whole == set()
