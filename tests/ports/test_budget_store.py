"""A store keeps a budget of requests that all who draw from it share."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.sync.work.budget import Allowance, read_budget
from coordinator.sync.work.records import Span
from tests.ports.rows import NOON, later

MINUTE = Span(name="minute", start=NOON, end=later(minutes=1), most=10)
DAY = Span(name="day", start=NOON, end=later(days=1), most=15)


async def _draw(store, *spans, most=8):
    async with store.transaction() as tx:
        return await tx.budgets.draw("north", spans, most=most)


async def test_no_more_is_given_than_the_smallest_of_all_spans_has_left(store):
    assert await _draw(store, DAY, MINUTE) == (8, [])
    assert await _draw(store, DAY, MINUTE) == (2, [])
    assert await _draw(store, DAY, MINUTE) == (0, [MINUTE])
    following = replace(MINUTE, start=later(minutes=1), end=later(minutes=2))
    assert await _draw(store, DAY, following) == (5, [])
    assert await _draw(store, DAY, following) == (0, [DAY])


async def test_each_ehr_has_a_budget_of_its_own(store):
    await _draw(store, MINUTE, most=10)
    async with store.transaction() as tx:
        assert await tx.budgets.draw("south", [MINUTE], most=3) == (3, [])


async def test_a_clock_that_is_behind_opens_no_span_again(store):
    following = replace(MINUTE, start=later(minutes=1), end=later(minutes=2))
    assert await _draw(store, following, most=10) == (10, [])
    assert await _draw(store, MINUTE) == (0, [MINUTE])
    assert await _draw(store, following) == (0, [following])


class Clock:
    def __init__(self):
        self.time = NOON

    def now(self):
        return self.time


@pytest.mark.parametrize(
    ("told", "most"),
    [
        ({"minute": 50}, 50),
        ({"minute": 50, "day": 30}, 30),
        ({"hours": {"12-14": 7}}, 7),
        ({"minute": 1}, 1),
    ],
    ids=["minute", "day", "hours", "one"],
)
async def test_two_programs_together_get_what_the_budget_says_and_not_one_more(stores, told, most):
    clock = Clock()
    budget = read_budget(told)
    programs = [Allowance(await stores.open(), "north", budget, clock=clock, zone=NOON.tzinfo) for _ in range(2)]
    gone = 0
    for _ in range(most):
        waits = await asyncio.gather(*(one() for one in programs))
        gone += waits.count(0.0)
    assert most - 20 <= gone <= most
    assert all([await one() > 0 for one in programs])


async def test_who_finds_the_budget_used_up_is_told_when_to_ask_again(store):
    clock = Clock()
    clock.time = later(seconds=20)
    ask = Allowance(store, "north", read_budget({"minute": 2}), clock=clock, zone=NOON.tzinfo)
    assert [await ask() for _ in range(3)] == [0.0, 0.0, 40.0]
    clock.time += timedelta(seconds=40)
    assert await ask() == 0.0


async def test_what_was_taken_for_a_minute_is_not_used_in_the_next(stores):
    """Two allotments of one minute and another would be more than the budget of that one."""
    clock = Clock()
    ask = Allowance(await stores.open(), "north", read_budget({"minute": 100}), clock=clock, zone=NOON.tzinfo)
    assert await ask() == 0.0
    clock.time = later(minutes=1)
    other = Allowance(await stores.open(), "north", read_budget({"minute": 100}), clock=clock, zone=NOON.tzinfo)
    gone = 0
    while await ask() == 0.0:
        gone += 1
    while await other() == 0.0:
        gone += 1
    assert gone == 100
