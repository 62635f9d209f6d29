"""What a leaf stands for: every column and every byte, each in its place."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from coordinator.audit import AuditRow
from coordinator.audit.leaf import entry_of, leaf_of
from coordinator.audit.tree import leaf_hash
from tests.builders import NOW

ROW = AuditRow(
    kind="access",
    at=NOW,
    actor="ann",
    person="pe-1",
    ehr=None,
    consent="C-1",
    purpose="TREAT",
    outcome="0",
    subject="account",
    body=b"{}",
)
LEAF = leaf_of(ROW, tenant="north", seq=7)


def test_a_leaf_is_the_hash_of_the_entry():
    assert leaf_hash(entry_of(ROW, tenant="north", seq=7)) == LEAF


@pytest.mark.parametrize("name", [one.name for one in fields(AuditRow)])
def test_no_column_can_be_changed_without_another_leaf(name):
    value = getattr(ROW, name)
    match value:
        case bytes():
            changed = value + b" "
        case str() | None:
            changed = f"{value}x"
        case _:
            changed = value + timedelta(microseconds=1)
    assert leaf_of(replace(ROW, **{name: changed}), tenant="north", seq=7) != LEAF


def test_another_tenant_or_place_is_another_leaf():
    assert leaf_of(ROW, tenant="south", seq=7) != LEAF
    assert leaf_of(ROW, tenant="north", seq=8) != LEAF


def test_no_byte_moves_from_one_field_into_the_next():
    one, other = replace(ROW, actor="ann", person="b"), replace(ROW, actor="an", person="nb")
    assert entry_of(one, tenant="north", seq=7) != entry_of(other, tenant="north", seq=7)


def test_nothing_told_is_not_an_empty_word():
    assert leaf_of(replace(ROW, ehr=""), tenant="north", seq=7) != LEAF


def test_the_form_of_an_entry_is_what_the_decision_says():
    """The form is public: who checks the log in ten years builds these bytes from the record of the decision."""
    small = replace(ROW, at=NOW.replace(year=1970, month=1, day=1, hour=0, minute=0, second=1, microsecond=5))
    entry = entry_of(small, tenant="t", seq=0)
    assert entry.startswith(
        b"\x00\x00\x00\x13coordinator-audit-1\x00\x00\x00\x01t\x00\x00\x00\x010\x00\x00\x00\x06access"
    )
    assert entry.endswith(
        b"\xff\xff\xff\xff\x00\x00\x00\x03C-1\x00\x00\x00\x05TREAT\x00\x00\x00\x010\x00\x00\x00\x07account\x00\x00\x00\x02{}"
    )
