"""Laws of what was believed at an instant, over lives whose records arrive in steps."""

import asyncio

import pytest

from coordinator.sync.gather import gather
from tests.laws.known_at_laws import what_was_known_is_what_was_computed
from tests.laws.lives import of_lives

pytestmark = pytest.mark.slow


@of_lives
def test_the_account_known_at_an_instant_is_the_one_that_was_computed_then(history):
    """Law: what came, was agreed or was decided later changes nothing of what was believed then."""
    asyncio.run(what_was_known_is_what_was_computed(gather, history))
