"""Write docs/reference/rules.md from the tables of rules: `python -m tools.rules_page`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from coordinator.reconcile.findings import finding_codes
from coordinator.reconcile.rule_book import BookRow, rule_book
from coordinator.reconcile.rules import Limit, limits

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "rules.md"

_HEAD = """# The rules

Made from the tables by `python -m tools.rules_page`; a test sees to it that both agree. Every conclusion of an account
names the rules that it was drawn by: `coordinator why PERSON CONCLUSION` shows them with the records.

A rule that is not verified may suggest, but causes no write: a value that needed such a rule is for a person to tell,
whatever other rules helped to draw it, unless the tenant's policy names the rule in its option `adopted_rules`. A tenant
may choose another value for a limit under its name.
"""
_TITLES = {
    "rules.csv": "Drawing conclusions",
    "transition_rules.csv": "Moves between levels of care",
    "interactions.csv": "Medicines with each other: advice only",
    "agreement_rules.csv": "Whether two records are one person's: the first that fits, from the top",
}


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_parts()]).rstrip() + "\n"


def _parts() -> Iterator[str]:
    by_table: dict[str, list[BookRow]] = {}
    for row in rule_book().values():
        by_table.setdefault(row.table, []).append(row)
    for table, rows in by_table.items():
        yield f"## {_TITLES.get(table, table)}\n\nTable `{table}`.\n"
        yield from _table(("id", "about", "rule", "limits", "source", "verified"), map(_cells, rows))
    yield "## Limits\n\nTable `limits.csv`.\n"
    yield from _table(
        ("name", "value", "meaning", "source", "verified"),
        ((one.name, f"{one.value} {one.unit}", one.meaning, one.source, _yes(one)) for one in limits().values()),
    )
    yield "## What is told to people\n\nTable `finding_codes.csv`.\n"
    yield from _table(
        ("code", "urgency", "what", "suggestion", "who acts", "source"),
        (
            (one.code, one.urgency, one.sentence, one.suggestion, one.acts, one.source)
            for one in finding_codes().values()
        ),
    )


def _cells(row: BookRow) -> tuple[str, ...]:
    used = ", ".join(one.name for one in row.limits)
    return row.rule_id, row.about, row.sentence, used, row.source, _yes(row)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _yes(row: BookRow | Limit) -> str:
    return "yes" if row.verified else "no"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
