"""Seeded worlds in which everything goes wrong: what must hold holds, and each kind of trouble was met."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.fleet import many, one
from tests.simulation.hints import FATES
from tests.simulation.network import KINDS

SEEDS = 500
SHOWN = 2
FOUND = Path(__file__).with_name("seeds.csv")
# What these worlds must have met at least once: else a fault has stopped to happen, and nobody would notice.
MET = (
    *(f"fault: {kind}" for kind in (*KINDS, "outage", "disk full", "clock jump", "restored to a backup")),
    "fault: frozen for longer than its lease",
    *(f"hint: {fate}" for fate in FATES),
    "worker: taken over by another",
    "worker: somebody else is at it",
    "worker: it is left alone since it failed",
    "worker: Work failed and is tried again.",
    *(f"crash: {step}" for step in ("begin", "commit", "committed", "send", "answer", "evidence")),
    "conflict: the EHR refused a stale version",
    *(
        "edit: goal deleted",
        "edit: goals recreated",
        "edit: patients merged",
        "consent: revoked",
        "parked: refused",
        "run failed: commit",
    ),
    "recovery: a full compare found what a fast lane had not shown",
)

pytestmark = pytest.mark.slow


def seeds_that_found_something():
    with FOUND.open(encoding="utf-8", newline="") as lines:
        return [(int(row["seed"]), row["without"].split(), row["found"]) for row in csv.DictReader(lines)]


def test_in_every_world_all_invariants_hold_and_all_comes_to_rest():
    found = many(range(SEEDS))
    shown = [found.reports[seed] for seed in sorted(found.reports)][:SHOWN]
    assert not found.failures, "\n\n".join([*shown, *(f"seed {seed}: {why}" for seed, why in found.failures.items())])
    never = sorted(set(MET) - found.reached.keys())
    assert not never, f"in {SEEDS} worlds it never came to: {', '.join(never)}"


@pytest.mark.parametrize(("seed", "without", "found"), seeds_that_found_something(), ids=str)
def test_a_seed_that_found_something_once_finds_it_no_more(seed, without, found):
    """`without` names what worlds did not have yet when it was found: its story is told as it was then."""
    told = one(seed, focus=lambda options: replace(options, **dict.fromkeys(without, 0)))
    assert not told.broken, f"{found}\n{told.report()}"


def test_the_same_seed_tells_the_same_story():
    assert one(7).trace.events == one(7).trace.events
