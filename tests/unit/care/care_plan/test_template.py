"""Templates of plans as a table: one line for each activity behind a goal."""

import pytest

from coordinator.care.care_plan.template import templates_among
from coordinator.care.csv_table import Row
from coordinator.errors import ConfigurationError

CELLS = {
    "template": "iop",
    "goal": "g",
    "words": "A goal",
    "activity": "a",
    "activity_words": "An activity",
    "kind": "ServiceRequest",
    "status": "verified",
}


def rows(*changes):
    return [Row(file="t.csv", line=number, cells=CELLS | change) for number, change in enumerate(changes, 2)]


def test_lines_of_one_goal_gather_its_activities():
    made = templates_among(rows({}, {"activity": "b", "status": "unverified"}, {"goal": "h", "words": "Another"}))
    assert [(one.code, one.activities, one.verified) for one in made["iop"].goals] == [
        ("g", ("a", "b"), False),
        ("h", ("a",), True),
    ]
    assert [one.code for one in made["iop"].activities] == ["a", "b"]


CONTRADICTIONS = {
    "another goal under one code": {"words": "Another", "activity": "b"},
    "another activity under one code": {"activity_words": "Another", "goal": "h"},
    "an empty cell": {"kind": ""},
    "a status that is no word of the table": {"status": "maybe"},
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_line_that_contradicts_an_earlier_one_is_refused(change):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 3"):
        templates_among(rows({}, change))
