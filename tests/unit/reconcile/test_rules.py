"""Every conclusion names the rules that it was drawn by, and every rule of the table draws some."""

import re
from decimal import Decimal

import pytest

from coordinator.care.level_of_care.tables import transition_rules
from coordinator.fhir import DecimalText
from coordinator.reconcile.findings import finding
from coordinator.reconcile.rules import limit, limits, rules
from tests.house.source import HOUSE

ROOMS = ("reconcile", "matching", "sync")
RULE_ID = re.compile(r'"([A-Z]{2}-\d\d)"')


def cited_in_code():
    return {
        found
        for name in ROOMS
        for path in (HOUSE / "coordinator" / name).rglob("*.py")
        for found in RULE_ID.findall(path.read_text(encoding="utf-8"))
    }


def test_each_rule_that_code_names_is_in_a_table_and_each_row_is_named_by_code():
    assert cited_in_code() == set(rules())


def test_a_rule_has_another_id_than_any_rule_of_transitions():
    assert not set(rules()) & {one.rule_id for one in transition_rules()}


@pytest.mark.parametrize("name", sorted(limits()))
def test_a_limit_of_the_tenant_takes_the_place_of_the_one_in_the_table(name):
    assert limit(name, {}) == limits()[name].value
    assert limit(name, {name: 5}) == 5
    assert limit(name, {name: 0.25}) == limit(name, {name: DecimalText("0.25")}) == Decimal("0.25")


@pytest.mark.parametrize("chosen", [True, "5", None, [5]], ids=str)
def test_what_is_no_number_is_no_limit(chosen):
    assert limit("same_stay_days", {"same_stay_days": chosen}) == limits()["same_stay_days"].value


def test_a_finding_names_each_rule_once_in_order():
    made = finding("stay.overlap", "a+b", facts={}, evidence=["a@1"]).drawn_by("TR-07").drawn_by("ST-01", "TR-07")
    assert made.rules == ("ST-01", "TR-07")


def test_a_limit_that_nobody_defined_is_refused():
    with pytest.raises(KeyError):
        limit("patience", {})
