"""The book of rules: every rule that a conclusion may name, whichever table owns it, with its sentence and source."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, by_text, packaged_rows
from coordinator.fhir import Json
from coordinator.reconcile.rules import Limit, limits

_RECONCILE = "coordinator.reconcile"
ADOPTED = "adopted_rules"  # the option by which a tenant makes rules of its own of some that nobody verified


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """One rule as it stands in its table. What is not verified may suggest, but causes no write on its own."""

    rule_id: str
    table: str
    about: str
    sentence: str
    source: str
    verified: bool
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    package: str
    name: str
    columns: tuple[str, ...]
    about: Callable[[Row], str]
    sentence: Callable[[Row], str]


@cache
def rule_book() -> Mapping[str, BookRow]:
    """Return all rules by their ids. Raises ConfigurationError where an id stands twice, also in two tables."""
    bounds = _bounds(packaged_rows(_RECONCILE, "rule_limits.csv", ("rule_id", "limit")))
    read = [(table, row) for table in _TABLES for row in packaged_rows(table.package, table.name, table.columns)]
    tables = {id(row): table for table, row in read}
    return by_text((row for _, row in read), "rule_id", lambda row: _book_row(tables[id(row)], row, bounds))


def unverified(rule_ids: Iterable[str], adopted: frozenset[str]) -> tuple[str, ...]:
    """Return those of some rules that are neither verified nor adopted, in order; an id of no table is neither."""
    book = rule_book()
    return tuple(sorted(one for one in {*rule_ids} - adopted if one not in book or not book[one].verified))


def adopted_rules(options: Mapping[str, Json]) -> frozenset[str]:
    """Return the rules that a tenant's policy adopts."""
    chosen = options.get(ADOPTED)
    return frozenset(one for one in chosen if isinstance(one, str)) if isinstance(chosen, list) else frozenset()


def _bounds(rows: Iterable[Row]) -> dict[str, list[Limit]]:
    """Return the limits that each rule uses."""
    bounds: dict[str, list[Limit]] = {}
    for row in rows:
        if row.text("limit") not in limits():
            raise row.bad("limit", "is no limit")
        bounds.setdefault(row.text("rule_id"), []).append(limits()[row.text("limit")])
    return bounds


def _book_row(table: _Table, row: Row, bounds: Mapping[str, list[Limit]]) -> BookRow:
    rule_id = row.text("rule_id")
    return BookRow(
        rule_id=rule_id,
        table=table.name,
        about=table.about(row),
        sentence=table.sentence(row),
        source=row.text("source"),
        verified=row.flag("status", yes="verified", no="unverified"),
        limits=tuple(bounds.get(rule_id, ())),
    )


def _move(row: Row) -> str:
    """Return the sentence of a rule about a move between levels."""
    gap, bound = row.optional("gap_days"), row.optional("limit_days")
    within = f"; expected within {gap} days" if gap else ""
    lost = f", at the latest within {bound}" if bound else ""
    beside = "; both may run at once" if row.flag("may_overlap") else ""
    return f"From {row.text('from_level')} to {row.text('to_level')}: {row.text('direction')}{within}{lost}{beside}."


def _interaction(row: Row) -> str:
    """Return the sentence of a rule about two medicines."""
    return f"{row.text('a')} with {row.text('b')}: {row.text('severity')}; {row.text('rationale')}."


_COMMON = ("rule_id", "source", "status")
_TABLES = (
    _Table(
        package=_RECONCILE,
        name="rules.csv",
        columns=(*_COMMON, "about", "sentence"),
        about=lambda row: row.text("about"),
        sentence=lambda row: row.text("sentence"),
    ),
    _Table(
        package="coordinator.care.level_of_care",
        name="transition_rules.csv",
        columns=(*_COMMON, "from_level", "to_level", "direction", "gap_days", "limit_days", "may_overlap"),
        about=lambda _: "transition",
        sentence=_move,
    ),
    _Table(
        package="coordinator.care.medication",
        name="interactions.csv",
        columns=(*_COMMON, "a", "b", "severity", "rationale"),
        about=lambda _: "interaction",
        sentence=_interaction,
    ),
    _Table(
        package="coordinator.care.patient",
        name="agreement_rules.csv",
        columns=(*_COMMON, "about", "sentence"),
        about=lambda row: row.text("about"),
        sentence=lambda row: row.text("sentence"),
    ),
)
