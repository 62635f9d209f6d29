"""The worklist: who saw a finding, whose it is, how it ended, and that it comes back as the same one."""

from datetime import timedelta

import pytest

from coordinator.errors import InvalidInput, NotFound
from coordinator.reconcile.finding_life import Cause, Turn
from coordinator.workflow import Answer, assign_finding, resolve_finding, see_finding, short_key, worklist
from tests.builders import NOW
from tests.unit.workflow.test_decisions import GAP, SAME, STAY, asked


def later(hours):
    return NOW + timedelta(hours=hours)


def turns(item):
    return [(one.turn, one.actor) for one in item.life.events]


async def test_a_finding_stands_open_since_it_was_opened():
    async with asked(STAY) as (tx, (person, _)):
        (item,) = await worklist(tx)
        assert (item.person, item.finding, item.key) == (person, STAY, short_key(person, STAY))
        assert (item.life.state, item.life.since, item.life.assignee) == ("open", NOW, "")


async def test_a_look_is_kept_once_for_each_who_looks():
    async with asked(STAY) as (tx, (person, _)):
        for actor in ("ada", "ada", "ben"):
            item = await see_finding(tx, short_key(person, STAY), actor=actor, now=later(1))
        assert (item.life.state, item.life.since) == ("seen", NOW)
        assert turns(item) == [(Turn.OPENED, "system:sync"), (Turn.SEEN, "ada"), (Turn.SEEN, "ben")]


async def test_an_assignment_says_to_whom_and_stays_through_a_look_and_a_reopening():
    async with asked(STAY) as (tx, (person, _)):
        key = short_key(person, STAY)
        await assign_finding(tx, key, " ben ", actor="ada", now=later(1))
        await assign_finding(tx, key, "ben", actor="cy", now=later(2))
        item = await see_finding(tx, key, actor="ben", now=later(3))
        assert (item.life.state, item.life.assignee) == ("assigned", "ben")
        assert [actor for turn, actor in turns(item) if turn is Turn.ASSIGNED] == ["ada"]
        assert [(one.actor, one.person) for one in await tx.audit.query("decision")] == [("ada", person)]
        await tx.accounts.put_findings(person, [], later(4))
        await tx.accounts.put_findings(person, [STAY], later(5))
        (item,) = await worklist(tx, person)
        assert (item.life.state, item.life.assignee, item.life.since) == ("reopened", "ben", later(5))


async def test_what_came_back_is_seen_anew():
    async with asked(STAY) as (tx, (person, _)):
        key = short_key(person, STAY)
        await see_finding(tx, key, actor="ada", now=later(1))
        await tx.accounts.put_findings(person, [], later(2))
        await tx.accounts.put_findings(person, [STAY], later(3))
        item = await see_finding(tx, key, actor="ada", now=later(4))
        assert [turn for turn, _ in turns(item)] == [Turn.OPENED, Turn.SEEN, Turn.RESOLVED, Turn.REOPENED, Turn.SEEN]


async def test_what_was_answered_says_so_until_it_is_resolved_by_that_person():
    async with asked(STAY, GAP) as (tx, (person, _)):
        answer = Answer(value={"end": "2026-04-01"}, reason="asked")
        await resolve_finding(tx, short_key(person, STAY), answer, actor="casey", now=later(1))
        states = {one.finding.code: one.life.state for one in await worklist(tx)}
        assert states == {"stay.end-missing": "answered", "mat.coverage-gap": "open"}
        await tx.accounts.put_findings(person, [], later(2))
        ended = {one.finding.code: (one.life.state, one.life.cause, turns(one)[-1][1]) for one in await worklist(tx)}
        assert ended == {
            "stay.end-missing": ("resolved", Cause.PERSON, "casey"),
            "mat.coverage-gap": ("resolved", Cause.EVIDENCE, "system:sync"),
        }


async def test_one_answer_about_an_identity_answers_each_person_who_has_the_question():
    async with asked(SAME) as (tx, persons):
        await tx.accounts.put_findings(persons[1], [SAME], NOW)
        answer = Answer(value={"same": False}, reason="twins")
        await resolve_finding(tx, short_key(persons[0], SAME), answer, actor="casey", now=later(1))
        assert [one.life.state for one in await worklist(tx)] == ["answered", "answered"]


async def test_a_look_at_what_is_resolved_is_no_turn():
    async with asked(STAY) as (tx, (person, _)):
        await tx.accounts.put_findings(person, [], later(1))
        item = await see_finding(tx, short_key(person, STAY), actor="ada", now=later(2))
        assert [turn for turn, _ in turns(item)] == [Turn.OPENED, Turn.RESOLVED]
        with pytest.raises(InvalidInput, match="resolved"):
            await assign_finding(tx, short_key(person, STAY), "ben", actor="ada", now=later(3))


async def test_nobody_can_not_be_assigned_and_an_unknown_key_is_told():
    async with asked(STAY) as (tx, (person, _)):
        with pytest.raises(InvalidInput, match="Nobody"):
            await assign_finding(tx, short_key(person, STAY), "  ", actor="ada", now=NOW)
        with pytest.raises(NotFound):
            await see_finding(tx, "0" * 12, actor="ada", now=NOW)
