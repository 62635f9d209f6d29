"""Laws of evidence over lives: what may be said at all, of levels, days and supplies, and after how complete a pull."""

import pytest

from coordinator.reconcile import reconcile
from tests.laws import evidence_laws as laws
from tests.laws.lives import of_lives

pytestmark = pytest.mark.slow


@of_lives
def test_nothing_is_concluded_without_evidence_and_a_rule(history):
    """Law: every conclusion cites versions that are there, and rules that stand in the tables."""
    laws.nothing_is_concluded_without_evidence(reconcile, history)


@of_lives
def test_no_day_is_invented(history):
    """Law: every day of an account is a day of some record or decision, or follows from one in a way that is named."""
    laws.no_day_is_invented(reconcile, history)


@of_lives
def test_an_incomplete_pull_closes_no_stay_ends_no_course_and_removes_no_goal(history):
    """Law: what an EHR that was not read in full does not show has not ended, and is not missing."""
    laws.less_seen_ends_nothing(reconcile, history)


@of_lives
def test_two_primary_levels_at_once_are_a_finding(history):
    """Law: stays that exclude each other on more days than a handover takes are told, in one organization or two."""
    laws.two_primary_levels_are_a_finding(reconcile, history)


@of_lives
def test_no_more_days_are_covered_than_supplies_with_their_cap_and_doses_allow(history):
    """Law: a covered day is one of a dose, of a supply, or of what an early refill may carry over."""
    laws.coverage_keeps_to_supply(reconcile, history)
