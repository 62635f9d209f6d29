"""The tables of identity: which identifiers are a person's, what stands for "not known", short words of addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    """Return what feeds write into a field (`name`, `date`, `identifier`) when the value is not known or withheld."""
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
