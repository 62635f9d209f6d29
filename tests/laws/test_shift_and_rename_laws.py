"""Laws of time and names: neither the week nor what things are called is part of what holds."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.reconcile import reconcile
from tests.laws import account_laws as laws
from tests.laws.lives import Telling, history, lives

pytestmark = pytest.mark.slow
LIVES = settings.get_profile("lives")
STEADY = ZoneInfo("America/Phoenix")  # its clocks are never put forward: a week is as long as any other


@LIVES
@given(lives(), st.sampled_from([-3, 1, 10, 52]))
def test_a_life_lived_weeks_later_is_told_weeks_later(life, weeks):
    """Law: shifting all times by whole weeks shifts every day of the account, and nothing else.

    Months without a day are left out, as they can't be shifted by a week.
    """
    here = history(life, Telling(zone=STEADY, vague=False))
    later = history(life, Telling(zone=STEADY, vague=False, weeks=weeks))
    laws.shifting_shifts(reconcile, here, later, weeks)


@LIVES
@given(lives())
def test_under_other_names_the_same_is_told_under_the_other_names(life):
    """Law: renaming EHRs, organizations, people and records renames the account, and changes nothing else.

    The names keep their order, as that of the names breaks ties.
    """
    laws.renaming_renames(reconcile, history(life), history(life, Telling(prefix="x-")))
