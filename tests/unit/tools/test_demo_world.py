"""The committed world of the demonstration is what its program writes, and each record in it is sound."""

import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.fhir import check, read_document
from coordinator.sandbox import read_world
from coordinator.sandbox.world import Saved

HOUSE = Path(__file__).resolve().parents[3]
WORLD = HOUSE / "coordinator" / "sandbox" / "worlds" / "demo"
MOST_BYTES = 1_500_000


def written(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.suffix in {".ndjson", ".json"}]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_the_program_writes_the_committed_world(tmp_path):
    """Whoever changes a story changes it in the program, so that it can be told again."""
    words = [sys.executable, "tools/make_demo_world.py", "tests/fixtures/synthea", str(tmp_path)]
    subprocess.run(words, cwd=HOUSE, check=True)
    assert written(tmp_path) == written(WORLD)


@pytest.mark.parametrize("ehr", ["harbor", "riverbend", "lakeside"])
def test_every_record_is_sound(ehr):
    found = next(one for one in read_world(WORLD).ehrs if one.name == ehr)
    later = [one.raw for change in found.changes for one in change.records if isinstance(one, Saved)]
    raws = [*(raw for held in found.resources.values() for raw in held), *later]
    assert [issue for raw in raws for issue in check(read_document(raw))] == []


def test_the_world_stays_small():
    """It ships with the package."""
    assert sum(path.stat().st_size for path in WORLD.rglob("*") if path.is_file()) < MOST_BYTES


def test_telephone_numbers_are_those_kept_for_fiction():
    numbers = [
        read_document(raw).get("telecom", 0, "value")
        for ehr in read_world(WORLD).ehrs
        for raw in ehr.resources["Patient"]
    ]
    assert numbers
    assert all(str(number).startswith("+1-518-555-01") for number in numbers)
