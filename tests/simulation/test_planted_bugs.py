"""The simulation bites: each planted bug breaks an invariant in a world that holds without it."""

import csv
from pathlib import Path

import pytest

from tests.simulation.fleet import first_to_find, one
from tests.simulation.plants import PLANTS

FURTHER = 300  # worlds to look through where the known one no longer shows the bug
KNOWN = Path(__file__).with_name("plants.csv")

pytestmark = pytest.mark.slow


def known_seeds():
    with KNOWN.open(encoding="utf-8", newline="") as lines:
        return {row["bug"]: int(row["seed"]) for row in csv.DictReader(lines)}


@pytest.mark.parametrize("bug", PLANTS)
def test_a_planted_bug_is_found(bug, record_property):
    known = known_seeds().get(bug, 0)
    told = first_to_find(bug, [known, *range(FURTHER)])
    assert told is not None, f"no world of {FURTHER} shows the bug: {bug}"
    record_property("seed", told.options.seed)
    record_property("found", told.broken)
    right = one(told.options.seed, focus=PLANTS[bug].focused)
    assert not right.broken, f"seed {told.options.seed} is broken without the bug, too: {right.broken}"
