"""The tables of interactions: each row is whole, and each class counts in rules that exist."""

import pytest

from coordinator.care.csv_table import Row
from coordinator.care.medication.interactions import (
    Evaluated,
    class_members,
    class_row,
    interaction_row,
    interaction_rules,
)
from coordinator.care.medication.rules import RXNORM
from coordinator.care.medication.tables import product_table
from coordinator.errors import ConfigurationError

RULE = {
    "rule_id": "INT-900",
    "treatments": "methadone",
    "evaluated": "pair",
    "between": "",
    "urgency": "soon",
    "severity": "major",
    "rationale": "invented",
    "source": "invented",
    "status": "verified",
}
MEMBER = {
    "system": RXNORM,
    "code": "596",
    "ingredient": "alprazolam",
    "interaction_class": "benzodiazepine",
    "used_by": "INT-006",
    "source": "invented",
    "status": "unverified",
}


def row(cells):
    return Row(file="table.csv", line=2, cells=cells)


def test_each_rule_is_of_treatments_that_the_product_table_has():
    known = {one.ingredient.partition("/")[0] for one in product_table().products.values()}
    assert all(rule.treatments and rule.treatments <= known for rule in interaction_rules().values())


def test_each_rule_of_pairs_has_a_medicine_that_it_speaks_of():
    used = {rule for members in class_members().values() for one in members for rule in one.rules}
    pairs = {one.rule_id for one in interaction_rules().values() if one.evaluated is Evaluated.PAIR}
    assert pairs <= used


@pytest.mark.parametrize(
    ("column", "value"),
    [("urgency", "now"), ("evaluated", "maybe"), ("status", "known"), ("severity", ""), ("between", "daily+daily")],
)
def test_a_bad_cell_of_a_rule_is_named(column, value):
    with pytest.raises(ConfigurationError, match=f"line 2: {column}"):
        interaction_row(row(RULE | {column: value}))


@pytest.mark.parametrize(
    ("column", "value"),
    [("system", "http://snomed.info/sct"), ("used_by", "INT-999"), ("used_by", ""), ("code", "")],
)
def test_a_bad_cell_of_a_class_is_named(column, value):
    with pytest.raises(ConfigurationError, match=f"line 2: {column}"):
        class_row(row(MEMBER | {column: value}))
