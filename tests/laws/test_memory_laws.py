"""Laws of memory over lives: looking twice, writes that went out, decisions of people, records taken back."""

import pytest

from coordinator.reconcile import reconcile
from tests.laws import memory_laws as laws
from tests.laws.idle_records import UNRELATED
from tests.laws.lives import of_lives

pytestmark = pytest.mark.slow


@of_lives
def test_doing_it_twice_changes_nothing(history):
    """Law: with the agreed states that it led to, reconciling gives the same account and the same states."""
    laws.doing_it_twice_changes_nothing(reconcile, history)


@of_lives
def test_what_was_sent_is_not_sent_again(history):
    """Law: once every EHR has what it is owed, the account says the same, and nothing is owed a second time."""
    laws.what_was_sent_is_not_sent_again(reconcile, history)


@of_lives
def test_decisions_of_people_survive_unrelated_change(history):
    """Law: what was decided holds while other records come and change, and records are saved anew."""
    laws.decisions_survive(reconcile, history, UNRELATED)


@of_lives
def test_a_decision_is_asked_for_again_when_its_evidence_changes(history):
    """Law: a record that was overruled and tells something new, or an end that is told at last, asks again."""
    laws.new_evidence_reopens(reconcile, history)


@of_lives
def test_a_record_that_was_withdrawn_leaves_as_if_it_had_never_been(history):
    """Law: where nothing was agreed yet, a record deleted or entered in error is no record."""
    laws.what_is_withdrawn_was_never_there(reconcile, history, deleted=history.chance.random() < 0.5)


@of_lives
def test_what_was_agreed_on_an_error_and_sent_leaves_with_it(history):
    """Law: an error leaves as if it had never been, although it was agreed on and written elsewhere."""
    laws.what_was_agreed_and_sent_of_an_error_leaves(reconcile, history)
