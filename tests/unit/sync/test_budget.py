"""What a budget of requests says, and what it refuses to say."""

from zoneinfo import ZoneInfo

import pytest

from coordinator.errors import InvalidInput
from coordinator.sync.work.budget import Budget, parse_budget, read_budget
from tests.ports.rows import NOON

NEW_YORK = ZoneInfo("America/New_York")  # there it is 8 in the morning


def test_a_budget_is_read_as_it_is_kept_and_as_it_is_typed():
    told = parse_budget("minute=250,day=20000,08-18=100,22-06=900")
    assert told == {"minute": 250, "day": 20000, "hours": {"08-18": 100, "22-06": 900}}
    assert read_budget(told) == Budget(minute=250, day=20000, hours=((8, 18, 100), (22, 6, 900)))
    assert read_budget(None) is None


@pytest.mark.parametrize(
    "text", ["", "minute", "minute=0", "minute=-1", "minute=many", "8-18=5", "25-26=5", "minute=1,minute=2", "week=5"]
)
def test_what_is_typed_and_is_no_budget_is_refused(text):
    with pytest.raises(InvalidInput, match="no budget"):
        parse_budget(text)


@pytest.mark.parametrize("told", [5, {"week": 1}, {"minute": True}, {"hours": 5}, {"hours": {"08-18": None}}])
def test_what_is_kept_and_is_no_budget_is_refused(told):
    """A budget that can't be read and so would not be kept must not look like none."""
    with pytest.raises(InvalidInput, match="no budget"):
        read_budget(told)


@pytest.mark.parametrize(
    ("hours", "most"),
    [("08-18", 5), ("00-08", None), ("22-09", 5), ("09-08", None), ("00-24", 5)],
)
def test_the_hours_of_a_day_are_those_of_the_tenants_zone(hours, most):
    found = Budget(hours=tuple(read_budget({"hours": {hours: 5}}).hours)).spans(NOON, NEW_YORK)
    assert [one.most for one in found] == ([] if most is None else [most])


def test_spans_begin_where_the_clock_of_the_zone_turns():
    day, minute = Budget(minute=1, day=2).spans(NOON, NEW_YORK)
    assert (day.start.hour, day.start.utcoffset(), (day.end - day.start).days) == (0, day.end.utcoffset(), 1)
    assert (minute.start, (minute.end - minute.start).seconds) == (NOON, 60)
