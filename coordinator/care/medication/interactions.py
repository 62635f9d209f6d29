"""Which medicines a rule holds against a treatment: advice to prescribers, which never blocks or hides a treatment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from coordinator.care.csv_table import Row, indexed, packaged_rows
from coordinator.care.medication.model import Product
from coordinator.care.medication.rules import RXNORM

_PACKAGE = "coordinator.care.medication"


class Evaluated(Enum):
    """What a rule looks at, as far as records of medication alone can tell; the others wait for more than those."""

    PAIR = "pair"
    DUPLICATE = "duplicate"
    INTERVAL = "interval"
    GAP = "gap"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionRule:
    """A row of the table of interactions: for which treatments it holds, how severe it is, why.

    `between` are the two kinds of product, `daily` or `depot`, that a rule of duplicates speaks of.
    """

    rule_id: str
    treatments: frozenset[str]
    evaluated: Evaluated
    between: tuple[str, ...]
    urgency: str
    severity: str
    rationale: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMember:
    """A medicine that belongs to a class by its code, and the rules in which that class counts."""

    code: str
    name: str
    class_: str
    rules: frozenset[str]
    verified: bool


@cache
def interaction_rules() -> Mapping[str, InteractionRule]:
    """Return the rules by their ids. Raises ConfigurationError with file and line of a bad row."""
    columns = ("rule_id", "treatments", "evaluated", "between", "urgency", "severity", "rationale", "source", "status")
    rows = packaged_rows(_PACKAGE, "interactions.csv", columns)
    return indexed(rows, "rule_id", lambda row: (row.text("rule_id"), interaction_row(row)))


def interaction_row(row: Row) -> InteractionRule:
    """Return one line of the table of interactions."""
    is_duplicate = row.member("evaluated", Evaluated) is Evaluated.DUPLICATE
    if is_duplicate != (row.optional("between") in {"daily+daily", "daily+depot", "depot+depot"}):
        raise row.bad("between", "does not say between which kinds of product a rule of duplicates holds")
    if row.text("urgency") not in {"urgent", "soon", "routine"}:
        raise row.bad("urgency", "is none of: urgent, soon, routine")
    return InteractionRule(
        rule_id=row.text("rule_id"),
        treatments=frozenset(row.words("treatments")),
        evaluated=row.member("evaluated", Evaluated),
        between=tuple(sorted((row.optional("between") or "").split("+"))),
        urgency=row.text("urgency"),
        severity=row.text("severity"),
        rationale=row.text("rationale"),
        source=row.text("source"),
        verified=row.flag("status", yes="verified", no="unverified"),
    )


def duplicate_rule(treatment: str, one: Product, other: Product) -> InteractionRule | None:
    """Return the rule about two products of one treatment side by side, None where the table has none."""
    kinds = tuple(sorted("daily" if each.interval_days is None else "depot" for each in (one, other)))
    found = (
        rule
        for rule in interaction_rules().values()
        if rule.evaluated is Evaluated.DUPLICATE and treatment in rule.treatments and rule.between == kinds
    )
    return next(found, None)


@cache
def class_members() -> Mapping[str, tuple[ClassMember, ...]]:
    """Return the members of classes by RxNorm code: a medicine may belong to several classes."""
    columns = ("system", "code", "ingredient", "interaction_class", "used_by", "source", "status")
    found: dict[str, tuple[ClassMember, ...]] = {}
    for row in packaged_rows(_PACKAGE, "interaction_classes.csv", columns):
        one = class_row(row)
        found[one.code] = (*found.get(one.code, ()), one)
    return found


def class_row(row: Row) -> ClassMember:
    """Return one line of the table of classes."""
    if row.text("system") != RXNORM:
        raise row.bad("system", "is not RxNorm")
    unknown = frozenset(row.words("used_by")) - interaction_rules().keys()
    if unknown or not row.words("used_by"):
        raise row.bad("used_by", "names no rule of interactions.csv")
    return ClassMember(
        code=row.text("code"),
        name=row.text("ingredient"),
        class_=row.text("interaction_class"),
        rules=frozenset(row.words("used_by")),
        verified=row.flag("status", yes="verified", no="unverified"),
    )
