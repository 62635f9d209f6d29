"""Each attack of the list has a test that is there, and each test of its own folder belongs to an attack."""

import ast
import csv
from collections import Counter

import pytest

from tests.house.source import HOUSE, modules, place

with (HOUSE / "tests/security/attacks.csv").open(encoding="utf-8", newline="") as _lines:
    ATTACKS = list(csv.DictReader(_lines))
BITES = {"test_the_comparison_finds_a_search_that_runs_over_everything"}  # they test the tests


def named_in(path: str) -> set[str]:
    tree = ast.parse((HOUSE / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_")}


@pytest.mark.parametrize("row", ATTACKS, ids=[row["id"] for row in ATTACKS])
def test_each_attack_has_a_rule_and_a_test_that_is_there(row):
    assert row["attack"]
    assert row["rule"]
    path, _, name = row["test"].partition("::")
    assert (HOUSE / path).is_file(), path
    assert name in named_in(path)


def test_attacks_are_told_apart():
    assert [one for one, count in Counter(row["id"] for row in ATTACKS).items() if count > 1] == []


def test_each_test_of_security_is_an_attack_of_the_list():
    listed = {row["test"] for row in ATTACKS}
    held = {f"{place(path)}::{name}" for path in modules("tests/security") for name in named_in(place(path))}
    assert {one for one in held - listed if one.partition("::")[2] not in BITES} == set()
