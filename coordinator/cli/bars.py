"""Bars over days, drawn with letters: what lasted from when to when, on one scale for a whole picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rich.text import Text

DAY = timedelta(days=1)
_NARROW = 4  # columns that the name of a month takes with the space after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """The letters to draw with."""

    full: str
    doubtful: str
    empty: str
    missing: str
    onward: str


BLOCKS = Ink(full="█", doubtful="▒", empty="·", missing="✗", onward="▶")
LETTERS = Ink(full="#", doubtful="?", empty=".", missing="x", onward=">")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Days to draw with a letter, in a style."""

    first: date
    last: date
    letter: str
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Days from first to last over so many columns."""

    first: date
    last: date
    width: int

    def column(self, day: date) -> int:
        """Return the column in which a day lies; a day outside lies at the edge."""
        inside = min(max(day, self.first), self.last)
        return (inside - self.first).days * self.width // ((self.last - self.first).days + 1)

    def bar(self, marks: Iterable[Mark], ink: Ink) -> Text:
        """Return the marks over the whole width; a later one covers an earlier one, each is at least a column wide."""
        cells = [(ink.empty, "dim")] * self.width
        for mark in marks:
            begin, end = self.column(mark.first), self.column(mark.last + DAY) if mark.last < self.last else self.width
            for column in range(begin, max(end, begin + 1)):
                cells[column] = (mark.letter, mark.style)
        return Text.assemble(*cells)

    def axis(self) -> Text:
        """Return the names of the months above their first days, as far as there is room, with the years."""
        line = [" "] * (self.width + _NARROW)
        free, year = 0, 0
        for day in self._months():
            name = f"{day:%b %Y}" if day.year != year else f"{day:%b}"
            column = self.column(day)
            if column < free or column + len(name) > self.width:
                continue
            line[column : column + len(name)] = name
            free, year = column + len(name) + 1, day.year
        return Text("".join(line[: self.width]), style="dim")

    def _months(self) -> Iterable[date]:
        day = self.first
        while day <= self.last:
            yield day
            day = date(day.year + day.month // 12, day.month % 12 + 1, 1)


def scale_over(days: Iterable[date], width: int) -> Scale | None:
    """Return the scale from the first to the last of these days; None where there is no day."""
    known = sorted(days)
    return Scale(first=known[0], last=known[-1], width=width) if known else None
