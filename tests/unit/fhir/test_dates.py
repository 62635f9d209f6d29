"""Dates: partial ones stay partial, instants become days in a zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from coordinator.fhir import BadDate, Interval, PartialDate, certainly_before, day_of, instant_in, instant_of

DENVER = ZoneInfo("America/Denver")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-03-02", date(2026, 3, 2), date(2026, 3, 2)),
    ],
)
def test_a_partial_date_stays_as_wide_as_it_was_written(text, first, last):
    found = PartialDate.parse(text)

    assert (found.first, found.last, str(found)) == (first, last, text)
    assert found.interval.is_day is (first == last)


BAD = ["", "26", "2026-3", "2026-13", "2026-02-30", "2025-02-29", "0000", "2026-03-02T10:00", "today", "2026-03-02 "]
BAD_INSTANTS = [
    "2026-03-02T10:00:00",
    "2026-03-02T24:00:00Z",
    "2026-03-02T10:60:00Z",
    "2026-03-02T10:00Z",
    "2026-02-30T10:00:00Z",
    "2026-03-02T10:00:00+15:00",
    "2026-03-02T10:00:00+14:01",
    "2026-03-02T10:00:00+01:60",
    "2026-03-02t10:00:00Z",
    "\u0662026-03-02T10:00:00Z",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(BadDate):
        PartialDate.parse(text)


@pytest.mark.parametrize("text", [*BAD, *BAD_INSTANTS])
def test_what_is_neither_date_nor_instant_is_refused(text):
    """A time without an offset is among them: which day it falls on can't be known."""
    with pytest.raises(BadDate) as caught:
        day_of(text, DENVER)

    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31)),
        ("2026-03-02", date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-03-02T06:59:59Z", date(2026, 3, 1), date(2026, 3, 1)),
        ("2026-03-02T07:00:00Z", date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-03-01T23:30:00-07:00", date(2026, 3, 1), date(2026, 3, 1)),
        ("2026-03-02T23:30:00+14:00", date(2026, 3, 2), date(2026, 3, 2)),
    ],
)
def test_an_instant_is_the_day_it_falls_on_in_the_zone(text, first, last):
    """An evening discharge in Denver is already tomorrow in UTC."""
    assert day_of(text, DENVER) == Interval(first=first, last=last)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02", None),
        ("2026", None),
        ("2026-03-02T09:30:00Z", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("2026-03-02T09:30:00.5-05:00", datetime(2026, 3, 2, 9, 30, 0, 500_000, timezone(timedelta(hours=-5)))),
        ("2026-03-02T09:30:00.123456789Z", datetime(2026, 3, 2, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2016-12-31T23:59:60.5Z", datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-03-02T09:30:00-00:00", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text, expected):
    assert instant_of(text) == instant_in(text) == expected


@pytest.mark.parametrize("text", [None, *BAD, *BAD_INSTANTS])
def test_an_instant_that_is_not_told_or_can_not_be_read_is_none(text):
    assert instant_in(text) is None


def test_a_leap_second_stays_on_its_day():
    assert day_of("2016-12-31T23:59:60Z", ZoneInfo("UTC")) == Interval(
        first=date(2016, 12, 31), last=date(2016, 12, 31)
    )


def test_a_day_beyond_the_calendar_is_refused():
    with pytest.raises(BadDate):
        day_of("0001-01-01T00:00:00Z", DENVER)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2026-03-01", "2026-03-02", True),
        ("2026-03-02", "2026-03-02", False),
        ("2026", "2026-03-02", False),
        ("2026-02", "2026-03-02", True),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z", True),
        ("2026-03-02T10:00:00-05:00", "2026-03-02T11:00:00Z", False),
        ("2026-03-01", "2026-03-02T10:00:00Z", False),
        ("2026-03-01", "2026-03-02T14:00:01Z", True),
        ("2026-03-02T00:00:00Z", "2026-03-03", True),
        ("2026-03-02T12:00:00Z", "2026-03-03", False),
        ("9999-12-31", "9999-12-31T10:00:00Z", False),
    ],
)
def test_one_time_lies_before_another_only_where_no_reading_says_otherwise(one, other, expected):
    assert certainly_before(one, other) is expected


def test_an_interval_can_not_end_before_it_begins():
    with pytest.raises(ValueError, match="end before"):
        Interval(first=date(2026, 3, 2), last=date(2026, 3, 1))


def test_intervals_overlap_when_they_share_a_day():
    march = PartialDate.parse("2026-03").interval

    assert march.overlaps(PartialDate.parse("2026-03-31").interval)
    assert march.overlaps(PartialDate.parse("2026").interval)
    assert not march.overlaps(PartialDate.parse("2026-04-01").interval)
