"""The tables of identity: which identifiers are a person's, what stands for "not known", weights, rules, thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from coordinator.care.csv_table import packaged_rows

_PACKAGE = "coordinator.care.patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierType:
    """What a type of identifier is worth: does it name a person, and has a person only one of its system."""

    is_persons: bool
    one_per_person: bool


@cache
def identifier_types() -> Mapping[str, IdentifierType]:
    """Return the types of identifiers by code. Raises ConfigurationError with file and line of a bad row."""
    columns = ("type_code", "is_persons", "one_per_person", "source")
    return {
        row.text("type_code"): IdentifierType(
            is_persons=row.flag("is_persons"), one_per_person=row.flag("one_per_person")
        )
        for row in packaged_rows(_PACKAGE, "identifier_types.csv", columns)
    }


@cache
def placeholders(field: str) -> frozenset[str]:
    """Return what feeds write into a field when the value is not known or withheld.

    Fields are `name`, `given` (of a newborn who has no name yet), `date` and `identifier`.
    """
    rows = packaged_rows(_PACKAGE, "placeholders.csv", ("field", "value", "source"))
    return frozenset(row.text("value") for row in rows if row.text("field") == field)


@cache
def name_suffixes() -> frozenset[str]:
    """Return the generational suffixes that some EHRs write into the family name."""
    return frozenset(row.text("suffix") for row in packaged_rows(_PACKAGE, "name_suffixes.csv", ("suffix", "source")))


@cache
def address_words() -> Mapping[str, str]:
    """Return the words of addresses with their short forms; an empty one says nothing and is dropped."""
    rows = packaged_rows(_PACKAGE, "address_words.csv", ("word", "short", "source"))
    return {row.text("word"): row.cells["short"] for row in rows}


@cache
def nicknames() -> Mapping[str, frozenset[str]]:
    """Return the names that each given name may be written as: what it is shortened to, or short for."""
    found: dict[str, set[str]] = {}
    for row in packaged_rows(_PACKAGE, "nicknames.csv", ("given", "short", "source", "status")):
        given, short = row.text("given"), row.text("short")
        found.setdefault(given, set()).add(short)
        found.setdefault(short, set()).add(given)
    return {name: frozenset(others) for name, others in found.items()}


@cache
def weights() -> Mapping[tuple[str, str], Decimal]:
    """Return the bits that each level of agreement of a feature weighs; what is not there weighs nothing.

    Raises ConfigurationError with file and line of a bad row.
    """
    found: dict[tuple[str, str], Decimal] = {}
    for row in packaged_rows(_PACKAGE, "weights.csv", ("feature", "level", "m", "u", "bits", "source", "status")):
        try:
            found[row.text("feature"), row.text("level")] = Decimal(row.text("bits"))
        except InvalidOperation as error:
            raise row.bad("bits", "is not a number") from error
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRule:
    """A row of the table of rules: which levels it fits, and between which results it holds the sum of the weights.

    `fits` has the levels by column, with a flag that says whether they are the only ones or the only ones not.
    """

    rule_id: str
    fits: Mapping[str, tuple[bool, frozenset[str]]]
    at_least: str
    at_most: str
    sentence: str
    source: str


COMPARED = ("identifier", "single", "born", "family", "given", "second", "suffix", "reach")
RESULTS = ("no", "possible", "certain")


@cache
def agreement_rules() -> tuple[AgreementRule, ...]:
    """Return the rules in their order; the first that fits holds. Raises ConfigurationError of a bad row."""
    columns = ("rule_id", *COMPARED, "at_least", "at_most", "sentence", "source")
    found = []
    for row in packaged_rows(_PACKAGE, "agreement_rules.csv", columns):
        bounds = row.text("at_least"), row.text("at_most")
        if not set(bounds) <= set(RESULTS):
            raise row.bad("at_most", f"is none of: {', '.join(RESULTS)}")
        cells = {column: row.text(column) for column in COMPARED}
        fits = {
            column: (not cell.startswith("!"), frozenset(cell.removeprefix("!").split("|")))
            for column, cell in cells.items()
            if cell != "*"
        }
        rule = AgreementRule(
            rule_id=row.text("rule_id"),
            fits=fits,
            at_least=bounds[0],
            at_most=bounds[1],
            sentence=row.text("sentence"),
            source=row.text("source"),
        )
        found.append(rule)
    return tuple(found)


@cache
def thresholds() -> Mapping[str, Decimal]:
    """Return from how many bits on a result is `certain` or `possible`. Raises ConfigurationError of a bad row."""
    found: dict[str, Decimal] = {}
    for row in packaged_rows(_PACKAGE, "thresholds.csv", ("name", "bits", "meaning", "source", "status")):
        bits = row.decimal("bits")
        if bits is None:
            raise row.bad("bits", "is empty")
        found[row.text("name")] = bits
    return found
