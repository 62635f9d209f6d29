"""The tables of consent: the elements of 42 CFR Part 2, the codes that carry them, what needs a consent of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, indexed, packaged_rows

_PACKAGE = "coordinator.care.consent"
_MEANINGS = frozenset(
    {
        *("tpo", "discloser", "recipient", "action", "always", "any-tpo", "whole-tpo"),
        *("recipient-class", "member-class", "expiry-event", "not-agreed", "coded-type"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A line of the element table: what 42 CFR Part 2 asks for, and where."""

    element_id: str
    citation: str
    name: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Separate:
    """Content or a purpose that needs a consent of its own, by the element that says so."""

    kind: str
    code: str
    element_id: str


@cache
def consent_elements() -> Mapping[str, Element]:
    """Return the elements by id. Raises ConfigurationError with file and line of a bad row."""
    columns = ("element_id", "citation", "display", "source", "status")
    rows = packaged_rows(_PACKAGE, "part2_consent_elements.csv", columns)
    return indexed(rows, "element_id", lambda row: (row.text("element_id"), _element(row)))


@cache
def separate_consents() -> tuple[Separate, ...]:
    """Return what needs a consent of its own."""
    rows = packaged_rows(_PACKAGE, "separate_consents.csv", ("kind", "code", "element_id", "source"))
    return tuple(separate_row(row) for row in rows)


@cache
def consent_codes(meaning: str) -> frozenset[str]:
    """Return the codes (of purposes, roles, actions, elements) that carry a meaning."""
    if meaning not in _MEANINGS:
        raise KeyError(meaning)
    rows = packaged_rows(_PACKAGE, "consent_codes.csv", ("meaning", "code", "source"))
    return frozenset(row.text("code") for row in rows if meaning_cell(row) == meaning)


def separate_row(row: Row) -> Separate:
    """Return one line of what needs a consent of its own."""
    element = row.text("element_id")
    if element not in consent_elements():
        raise row.bad("element_id", "is no element of the element table")
    is_label = row.flag("kind", yes="label", no="purpose")
    return Separate(kind="label" if is_label else "purpose", code=row.text("code"), element_id=element)


def meaning_cell(row: Row) -> str:
    """Return the meaning that a line gives a code."""
    meaning = row.text("meaning")
    if meaning not in _MEANINGS:
        raise row.bad("meaning", f"is none of: {', '.join(sorted(_MEANINGS))}")
    return meaning


def _element(row: Row) -> Element:
    return Element(
        element_id=row.text("element_id"),
        citation=row.text("citation"),
        name=row.text("display"),
        verified=row.flag("status", yes="verified", no="unverified"),
    )
