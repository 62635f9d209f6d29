"""Laws of an account over lives: what may come in another order, twice or for nothing, and what may be said at all."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.reconcile import reconcile
from tests.laws import account_laws as laws
from tests.laws.idle_records import idle_records
from tests.laws.lives import histories

pytestmark = pytest.mark.slow
LIVES = settings.get_profile("lives")
seeds = st.integers(0, 99)


@LIVES
@given(histories(), seeds)
def test_the_order_in_which_evidence_and_decisions_came_does_not_matter(history, seed):
    """Law: reconcile(shuffled evidence, shuffled decisions) = reconcile(evidence, decisions)."""
    laws.order_does_not_matter(reconcile, history, Random(seed))


@LIVES
@given(histories(), seeds)
def test_what_arrives_twice_counts_once(history, seed):
    """Law: evidence and decisions told twice give the account of evidence and decisions told once."""
    laws.duplicates_change_nothing(reconcile, history, Random(seed))


@LIVES
@given(histories(), seeds, st.booleans())
def test_a_record_that_was_withdrawn_leaves_as_if_it_had_never_been(history, seed, deleted):
    """Law: where nothing was agreed yet, a record deleted or entered in error is no record."""
    places = sorted({one.place for one in history.now})
    laws.what_is_withdrawn_was_never_there(reconcile, history, places[seed % len(places)], deleted=deleted)


@LIVES
@given(histories(), idle_records())
def test_what_tells_nothing_changes_nothing(history, others):
    """Law: a record of another kind, one that was called off, or our own echo leaves the account as it is."""
    laws.uninformative_records_change_nothing(reconcile, history, others)


@LIVES
@given(histories())
def test_no_more_days_are_covered_than_were_supplied_and_given(history):
    """Law: covered days are at most those of supplies and doses, and none lies before the first of them."""
    laws.coverage_keeps_to_supply(reconcile, history)
