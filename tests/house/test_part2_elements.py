"""Each element of 42 CFR Part 2 has a test that holds it, or a reason why none does; the page tells which."""

import ast
from pathlib import Path

import pytest

from coordinator.care.consent.tables import consent_elements
from tests.house.source import HOUSE
from tools.consent_page import PAGE, page, proof


def _tests(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_element_has_a_row_and_no_other_has():
    assert list(proof()) == list(consent_elements())


@pytest.mark.parametrize("element", consent_elements())
def test_an_element_is_held_by_a_test_that_is_there_or_a_reason_is_given(element: str):
    test, why = proof()[element]
    assert bool(test) != bool(why)
    path, _, name = test.partition("::")
    if name:
        assert name in _tests(HOUSE / path)
    elif path:
        assert element in (HOUSE / path).read_text(encoding="utf-8")  # the module names the element itself


def test_the_page_is_that_of_the_tables():
    """Stale? `python -m tools.consent_page`."""
    assert PAGE.read_text(encoding="utf-8") == page()
