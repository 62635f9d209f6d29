"""Printing: JSON for programs, tables for people."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from coordinator.fhir import Json, dumps


def print_json(value: Json) -> None:
    """Print one line of JSON."""
    sys.stdout.write(dumps(value).decode() + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line for people."""
    Console(highlight=False, soft_wrap=True).print(text)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; with nothing in it, a line that says so."""
    console = Console(highlight=False)
    if not rows:
        console.print(f"{title}: none.")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def rows_of(values: Sequence[Mapping[str, Json]], names: Sequence[str]) -> list[list[str]]:
    """Return the named members as texts."""
    return [["" if value.get(name) is None else str(value[name]) for name in names] for value in values]
