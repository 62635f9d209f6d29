"""What an organization is to the law, where nobody says."""

import pytest

from coordinator.reconcile.model import Organization


@pytest.mark.parametrize(
    ("told", "part2", "found"),
    [("", True, "part2-program"), ("", False, "provider"), ("intermediary", True, "intermediary")],
)
def test_an_organization_is_a_program_or_a_provider_unless_it_is_said_to_be_something_else(told, part2, found):
    one = Organization(key="x", name="x", identifier=("s", "v"), part2=part2, type=told)
    assert one.recipient_type == found
