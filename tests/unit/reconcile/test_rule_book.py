"""The book of rules holds every rule, whichever table owns it, and tells which may cause a write."""

import csv

import pytest

from coordinator.reconcile.rule_book import adopted_rules, rule_book, unverified
from tests.house.source import HOUSE

VERIFIED = next(one.rule_id for one in rule_book().values() if one.verified)
UNVERIFIED = next(one.rule_id for one in rule_book().values() if not one.verified)


def rows_with_ids():
    for path in sorted((HOUSE / "coordinator").rglob("tables/*.csv")):
        with path.open(encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if {"rule_id", "source"} <= set(reader.fieldnames or ()):
                yield from ((path.name, row["rule_id"]) for row in reader)


def test_every_rule_of_every_table_is_in_the_book():
    assert sorted(rows_with_ids()) == sorted((one.table, one.rule_id) for one in rule_book().values())


@pytest.mark.parametrize("rule", rule_book().values(), ids=rule_book())
def test_a_rule_has_a_sentence_and_a_source(rule):
    assert len(rule.sentence.split()) > 3
    assert rule.sentence.endswith((".", "?"))
    assert rule.source


@pytest.mark.parametrize(
    ("rules", "adopted", "found"),
    [
        ([UNVERIFIED], (), (UNVERIFIED,)),
        (["XX-99", UNVERIFIED], (), (UNVERIFIED, "XX-99")),
        (["XX-99"], (), ("XX-99",)),
        ([f"XX-{number}" for number in range(30, 9, -1)], (), tuple(f"XX-{number}" for number in range(10, 31))),
        ([UNVERIFIED, VERIFIED], (), (UNVERIFIED,)),
        ([VERIFIED], (), ()),
        ([UNVERIFIED], (UNVERIFIED,), ()),
        ([], (), ()),
    ],
    ids=["unverified", "and unknown", "unknown", "many", "and verified", "verified", "adopted", "no rule named"],
)
def test_each_rule_that_nobody_verified_or_adopted_is_told_from_the_rest(rules, adopted, found):
    assert unverified(rules, frozenset(adopted)) == found


@pytest.mark.parametrize(
    ("options", "adopted"),
    [({}, ()), ({"adopted_rules": ["TR-01", 7]}, ("TR-01",)), ({"adopted_rules": "TR-01"}, ())],
    ids=["none", "a list", "no list"],
)
def test_a_tenant_adopts_rules_by_a_list_of_their_ids(options, adopted):
    assert adopted_rules(options) == frozenset(adopted)
