"""Tables of knowledge as CSV: each cell is checked as it is read, and a bad one is named by file and line."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from importlib import resources
from typing import TypeVar

from coordinator.errors import ConfigurationError

_E = TypeVar("_E", bound=Enum)
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table, with the place that an error names."""

    file: str
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell that must not be empty."""
        value = self.cells[column]
        if not value:
            raise self.bad(column, "is empty")
        return value

    def optional(self, column: str) -> str | None:
        """Return a cell, or None where it is empty."""
        return self.cells[column] or None

    def words(self, column: str) -> tuple[str, ...]:
        """Return the words of a cell that lists several."""
        return tuple(self.cells[column].split())

    def whole(self, column: str) -> int | None:
        """Return a cell as a whole number that is not negative, or None where it is empty."""
        value = self.cells[column]
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise self.bad(column, "is not a whole number")
        return int(value)

    def decimal(self, column: str) -> Decimal | None:
        """Return a cell as a decimal that is not negative, or None where it is empty."""
        value = self.cells[column]
        if not value:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise self.bad(column, "is not a number") from error
        if not number.is_finite() or number < 0:
            raise self.bad(column, "is not a number of zero or more")
        return number

    def flag(self, column: str, *, yes: str = "yes", no: str = "no") -> bool:
        """Return a cell that holds one of two words."""
        value = self.cells[column]
        if value not in {yes, no}:
            raise self.bad(column, f"is neither {yes!r} nor {no!r}")
        return value == yes

    def member(self, column: str, kind: type[_E]) -> _E:
        """Return a cell as a member of an enumeration, by its value."""
        try:
            return kind(self.cells[column])
        except ValueError as error:
            allowed = ", ".join(str(member.value) for member in kind)
            raise self.bad(column, f"is none of: {allowed}") from error

    def bad(self, column: str, what: str) -> ConfigurationError:
        """Return the error for a cell; the cell itself is not repeated, as a tenant's file may hold anything."""
        return ConfigurationError(
            f"{self.file}, line {self.line}: {column} {what}.",
            operation="load table",
            subject=self.file,
            hint="Mend this line and start again.",
        )


def read_rows(text: str, *, file: str, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a CSV text whose first line names at least `columns`; white space around a cell is dropped."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        head = [cell.strip() for cell in next(reader, [])]
        _check_head(head, file=file, columns=columns)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                raise _error(file, reader.line_num, f"has {len(cells)} cells where the first line has {len(head)}")
            stripped = dict(zip(head, (cell.strip() for cell in cells), strict=True))
            yield Row(file=file, line=reader.line_num, cells=stripped)
    except csv.Error as error:
        raise _error(file, reader.line_num, "is not readable as CSV") from error


def packaged_rows(package: str, name: str, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of `tables/NAME` beside the modules of a package."""
    source = resources.files(package).joinpath("tables", name)
    yield from read_rows(source.read_text(encoding="utf-8"), file=name, columns=columns)


def indexed(rows: Iterable[Row], column: str, read: Callable[[Row], tuple[_K, _V]]) -> dict[_K, _V]:
    """Return the rows by the key that `read` makes of each; a key that stands twice is the fault of `column`."""
    found: dict[_K, _V] = {}
    for row in rows:
        key, value = read(row)
        if key in found:
            raise row.bad(column, "stands twice")
        found[key] = value
    return found


def by_text(rows: Iterable[Row], column: str, read: Callable[[Row], _V]) -> dict[str, _V]:
    """Return what `read` makes of the rows by the text of a column, which must not be empty nor stand twice."""
    return indexed(rows, column, lambda row: (row.text(column), read(row)))


def _check_head(head: Sequence[str], *, file: str, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in head]
    if missing:
        raise _error(file, 1, f"lacks the column {missing[0]}")
    if len(set(head)) != len(head):
        raise _error(file, 1, "names a column twice")


def _error(file: str, line: int, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file}, line {line}: it {what}.",
        operation="load table",
        subject=file,
        hint="Mend this line and start again.",
    )
