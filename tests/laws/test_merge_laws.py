"""Laws of merging: of one field between two to four EHRs that had agreed before, and of whole plans over lives."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.reconcile import reconcile
from coordinator.reconcile.merge import ACCOUNT, Side, merge
from tests.laws import merge_laws as laws
from tests.laws.lives import EHRS, of_lives

pytestmark = pytest.mark.slow
LIVES = settings.get_profile("lives")
VALUES = st.sampled_from(["A", "B", "C", None])
SIDES = st.dictionaries(st.sampled_from(EHRS), VALUES, min_size=2).map(
    lambda told: [Side(ehr=ehr, value=value, ref=f"{ehr}/Goal/g@1") for ehr, value in told.items()]
)
AGREED = st.dictionaries(st.sampled_from([ACCOUNT, *EHRS]), VALUES)


@LIVES
@given(SIDES, AGREED)
def test_identical_edits_are_no_conflict(sides, agreed):
    """Law: what all in sight say holds."""
    laws.identical_edits_are_no_conflict(merge, sides, agreed)


@LIVES
@given(SIDES, AGREED)
def test_the_order_of_sides_does_not_matter(sides, agreed):
    """Law: merge(a, b) = merge(b, a)."""
    laws.the_order_of_sides_does_not_matter(merge, sides, agreed)


@LIVES
@given(SIDES, AGREED, st.integers(0, 99))
def test_the_names_of_ehrs_do_not_matter(sides, agreed, number):
    """Law: merging under other names is merging, under other names."""
    laws.names_do_not_matter(merge, sides, agreed, Random(number))


@LIVES
@given(SIDES, AGREED)
def test_merging_again_changes_nothing(sides, agreed):
    """Law: merge(sides, what merge(sides, agreed) agreed) = merge(sides, agreed)."""
    laws.merging_again_changes_nothing(merge, sides, agreed)


@LIVES
@given(SIDES, AGREED)
def test_no_value_is_made_up(sides, agreed):
    """Law: a value that holds was told or agreed by somebody in sight."""
    laws.no_value_is_made_up(merge, sides, agreed)


@of_lives
def test_it_does_not_matter_which_ehr_said_what(history):
    """Law: a plan of goals over EHRs, with what was agreed, is the same when the EHRs trade places."""
    laws.it_does_not_matter_which_ehr_said_it(reconcile, history)
