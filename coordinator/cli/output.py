"""Printing: JSON for programs, tables and lines for people."""

import sys
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from coordinator.fhir import Json, dumps

_WIDE = 240
_KEPT = frozenset("\n\t")
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_json(value: Json) -> None:
    """Print one line of JSON: in UTF-8, whatever the terminal's encoding is (RFC 8259, 8.1)."""
    sys.stdout.flush()
    sys.stdout.buffer.write(dumps(value) + b"\n")
    sys.stdout.buffer.flush()


def print_text(text: str) -> None:
    """Print a text as it is, for other programs."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_bytes(content: bytes) -> None:
    """Print bytes as they are, for other programs."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def plain(value: object) -> str:
    """Return a value as text that does nothing to the terminal: what an EHR sent may hold anything."""
    return escape("".join(one for one in str(value) if one in _KEPT or one.isprintable()))


def say(text: str) -> None:
    """Print a line for people; it may hold markup of ours, so values from elsewhere come through `plain`."""
    Console(highlight=False, soft_wrap=True).print(text)


def say_diff(lines: Sequence[str]) -> None:
    """Print the lines of a unified diff in its colors."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        shown = "".join(one for one in line if one in _KEPT or one.isprintable())
        console.print(Text(f"    {shown}", style=_DIFF_STYLES.get(line[:1], "")))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; with nothing in it, a line that says so."""
    console = _console()
    if not rows:
        console.print(f"{title}: none.")
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(plain(cell) for cell in row))
    console.print(table)


def _console() -> Console:
    """Return the terminal; what goes to a file or another program is not folded into 80 columns."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def rows_of(values: Sequence[Mapping[str, Json]], names: Sequence[str]) -> list[list[str]]:
    """Return the named members as texts."""
    return [["" if value.get(name) is None else str(value[name]) for name in names] for value in values]
