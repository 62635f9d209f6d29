"""Laws of an account over lives: what may come in another order, twice or for nothing."""

import pytest

from coordinator.reconcile import reconcile
from tests.laws import account_laws as laws
from tests.laws.idle_records import idle_records
from tests.laws.lives import of_lives

pytestmark = pytest.mark.slow


@of_lives
def test_the_order_in_which_evidence_and_decisions_came_does_not_matter(history):
    """Law: reconcile(shuffled evidence, shuffled decisions) = reconcile(evidence, decisions)."""
    laws.order_does_not_matter(reconcile, history, history.chance)


@of_lives
def test_what_arrives_twice_counts_once(history):
    """Law: evidence and decisions told twice give the account of evidence and decisions told once."""
    laws.duplicates_change_nothing(reconcile, history, history.chance)


@of_lives
def test_what_tells_nothing_changes_nothing(history):
    """Law: a record of another kind, one that was called off, or our own echo leaves the account as it is."""
    laws.uninformative_records_change_nothing(reconcile, history, idle_records(history.chance))
