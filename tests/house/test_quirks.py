"""Each quirk of an EHR has a test that shows how we live with it, or the reason why not; the page of them is fresh."""

import ast
from collections import Counter
from functools import cache

import pytest

from tools.quirks_page import HOUSE, PAGE, page, quirks, sorted_by_vendor

ROWS = quirks()


@cache
def named_in(path):
    tree = ast.parse((HOUSE / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_")}


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_each_quirk_has_a_test_that_is_there_or_the_reason_why_not(row):
    assert bool(row["test"]) != bool(row["reason"].strip())
    if row["test"]:
        path, _, name = row["test"].partition("::")
        assert (HOUSE / path).is_file(), path
        assert name in named_in(path)
    else:
        assert len(row["reason"].split()) > 3, "a reason is a sentence"


def test_each_quirk_has_a_name_a_source_and_what_we_do_about_it():
    assert [name for name, count in Counter(row["id"] for row in ROWS).items() if count > 1] == []
    assert [row["id"] for row in ROWS if not (row["quirk"] and row["source"] and row["strategy"])] == []


def test_most_quirks_have_a_test():
    """What is said and not shown should stay the exception."""
    assert sum(1 for row in ROWS if row["test"]) >= 0.8 * len(ROWS)


def test_the_page_of_quirks_is_the_one_that_the_table_makes():
    """Stale? `python -m tools.quirks_page`."""
    assert PAGE.read_text(encoding="utf-8") == page(sorted_by_vendor(ROWS))
