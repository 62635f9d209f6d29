"""Does a request stand, and of which days does it speak."""

import pytest

from coordinator.care.referral.mapping import read_request
from coordinator.care.referral.rules import asked_from, is_standing
from tests.builders import a_request, document


@pytest.mark.parametrize(
    ("status", "stands"),
    [
        ("active", True),
        ("completed", True),
        ("on-hold", True),
        ("draft", False),
        ("revoked", False),
        ("entered-in-error", False),
    ],
)
def test_a_request_stands_until_it_is_taken_back(status, stands):
    assert is_standing(read_request(document(a_request(status=status)))) is stands


DAYS = {
    "the days it asks for": ({"start": "2026-02-02", "authored": "2026-02-09"}, "2026-02-02"),
    "the day it was written": ({"authored": "2026-02-09"}, "2026-02-09"),
    "none": ({"authored": None}, None),
}


@pytest.mark.parametrize(("members", "expected"), DAYS.values(), ids=DAYS)
def test_from_when_care_is_asked_for(members, expected):
    assert asked_from(read_request(document(a_request(**members)))) == expected


def test_a_single_day_that_is_asked_for_comes_before_the_day_of_writing():
    tree = a_request(authored="2026-02-09") | {"occurrenceDateTime": "2026-02-20"}
    assert asked_from(read_request(document(tree))) == "2026-02-20"
