"""Laws of time and names: neither the week nor what things are called is part of what holds."""

from zoneinfo import ZoneInfo

import pytest

from coordinator.reconcile import reconcile
from tests.laws import account_laws as laws
from tests.laws.lives import Telling, history, of_lives

pytestmark = pytest.mark.slow
STEADY = ZoneInfo("America/Phoenix")  # its clocks are never put forward: a week is as long as any other


@of_lives
def test_a_life_lived_weeks_later_is_told_weeks_later(lived):
    """Law: shifting all times by whole weeks shifts every day of the account, and nothing else.

    Months without a day are left out, as they can't be shifted by a week.
    """
    weeks = lived.chance.choice([-3, 1, 10, 52])
    here = history(lived.life, Telling(zone=STEADY, vague=False))
    later = history(lived.life, Telling(zone=STEADY, vague=False, weeks=weeks))
    laws.shifting_shifts(reconcile, here, later, weeks)


@of_lives
def test_under_other_names_the_same_is_told_under_the_other_names(lived):
    """Law: renaming EHRs, organizations, people and records renames the account, and changes nothing else.

    The names keep their order, as that of the names breaks ties.
    """
    laws.renaming_renames(reconcile, lived, history(lived.life, Telling(prefix="x-")))
