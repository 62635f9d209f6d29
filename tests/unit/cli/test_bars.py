"""Bars over days."""

from datetime import date

import pytest

from coordinator.cli.bars import LETTERS, Mark, scale_over

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 30)


def drawn(*marks: tuple[int, int, str]) -> str:
    scale = scale_over([LAST, FIRST], 30)
    found = [
        Mark(first=FIRST.replace(day=first), last=FIRST.replace(day=last), letter=letter, style="")
        for first, last, letter in marks
    ]
    return scale.bar(found, LETTERS).plain


@pytest.mark.parametrize(
    ("marks", "bar"),
    [
        ([], "." * 30),
        ([(1, 30, "#")], "#" * 30),
        ([(1, 1, "#")], "#" + "." * 29),
        ([(30, 30, "#")], "." * 29 + "#"),
        ([(1, 10, "#"), (10, 12, "?")], "#" * 9 + "???" + "." * 18),
        ([(5, 6, "#"), (9, 10, "#")], "....##..##" + "." * 20),
    ],
    ids=["nothing", "all days", "the first day", "the last day", "a later mark covers", "two marks"],
)
def test_a_mark_covers_its_days_and_no_other(marks, bar):
    assert drawn(*marks) == bar


def test_a_day_on_a_long_scale_is_still_seen():
    """A dose on one day of two years must not vanish between two columns."""
    scale = scale_over([date(2024, 1, 1), date(2025, 12, 31)], 20)
    bar = scale.bar([Mark(first=date(2025, 2, 3), last=date(2025, 2, 3), letter="#", style="")], LETTERS).plain
    assert bar.count("#") == 1
    assert len(bar) == 20


@pytest.mark.parametrize("width", [20, 40, 90])
def test_months_are_named_in_order_within_the_width(width):
    axis = scale_over([date(2025, 10, 6), date(2026, 4, 13)], width).axis().plain
    assert len(axis) == width
    assert axis.startswith("Oct 2025")


def test_a_year_is_told_where_it_begins_to_matter():
    axis = scale_over([date(2025, 12, 1), date(2026, 2, 28)], 60).axis().plain
    assert axis.split() == ["Dec", "2025", "Jan", "2026", "Feb"]


def test_no_day_gives_no_scale():
    assert scale_over([], 30) is None
