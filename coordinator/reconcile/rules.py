"""The rules that conclusions name, and the limits they use: each has an id or name, a sentence and its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from coordinator.care.csv_table import Row, by_text, packaged_rows
from coordinator.fhir import Json

_PACKAGE = "coordinator.reconcile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule by which conclusions of a kind are drawn. What is not verified may suggest, but cause no write alone."""

    rule_id: str
    about: str
    sentence: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A number that a rule uses, with its unit; a tenant's policy may hold another under the same name."""

    name: str
    value: Decimal
    unit: str
    meaning: str
    source: str
    verified: bool


@cache
def rules() -> Mapping[str, Rule]:
    """Return the rules of reconciling by their ids."""
    rows = packaged_rows(_PACKAGE, "rules.csv", ("rule_id", "about", "sentence", "source", "status"))
    return by_text(
        rows,
        "rule_id",
        lambda row: Rule(
            rule_id=row.text("rule_id"),
            about=row.text("about"),
            sentence=row.text("sentence"),
            source=row.text("source"),
            verified=row.flag("status", yes="verified", no="unverified"),
        ),
    )


@cache
def limits() -> Mapping[str, Limit]:
    """Return the limits of reconciling by their names. Raises ConfigurationError for a row without a number."""
    rows = packaged_rows(_PACKAGE, "limits.csv", ("name", "value", "unit", "meaning", "source", "status"))
    return by_text(rows, "name", _limit)


def _limit(row: Row) -> Limit:
    value = row.decimal("value")
    if value is None:
        raise row.bad("value", "is empty")
    return Limit(
        name=row.text("name"),
        value=value,
        unit=row.text("unit"),
        meaning=row.text("meaning"),
        source=row.text("source"),
        verified=row.flag("status", yes="verified", no="unverified"),
    )


def limit(name: str, options: Mapping[str, Json]) -> Decimal:
    """Return a limit: what the tenant chose under its name, else what the table says. Raises KeyError."""
    chosen = options.get(name)
    if isinstance(chosen, int | float | Decimal) and not isinstance(chosen, bool):
        return Decimal(str(chosen))
    return limits()[name].value
