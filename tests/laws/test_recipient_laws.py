"""Laws of a recipient's view over lives: what it may not receive is as if it did not exist."""

import pytest

from coordinator.disclosure import sight
from tests.laws.lives import of_lives
from tests.laws.recipient_laws import what_may_not_be_received_changes_nothing

pytestmark = pytest.mark.slow


@of_lives
def test_what_a_recipient_may_not_receive_changes_nothing_in_its_view(history):
    """Law: the view and every byte owed equal those of a world without the organizations that may not tell it."""
    what_may_not_be_received_changes_nothing(sight, history)
