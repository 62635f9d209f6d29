"""Seeded worlds in which everything goes wrong: what must hold holds, and each kind of trouble was met."""

import csv
from pathlib import Path

import pytest

from tests.simulation.fleet import many, one

SEEDS = 100
SHOWN = 2
FOUND = Path(__file__).with_name("seeds.csv")

pytestmark = pytest.mark.slow


def seeds_that_found_something():
    with FOUND.open(encoding="utf-8", newline="") as lines:
        return [(int(row["seed"]), row["found"]) for row in csv.DictReader(lines)]


def test_in_every_world_all_invariants_hold_and_all_comes_to_rest():
    found = many(range(SEEDS))
    shown = [found.reports[seed] for seed in sorted(found.reports)][:SHOWN]
    assert not found.failures, "\n\n".join([*shown, *(f"seed {seed}: {why}" for seed, why in found.failures.items())])


@pytest.mark.parametrize(("seed", "found"), seeds_that_found_something(), ids=str)
def test_a_seed_that_found_something_once_finds_it_no_more(seed, found):
    told = one(seed)
    assert not told.broken, f"{found}\n{told.report()}"


def test_the_same_seed_tells_the_same_story():
    assert one(7).trace.events == one(7).trace.events
