"""Findings by their codes: each code's words, urgency and who acts stand in one table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import Row, by_text, packaged_rows
from coordinator.fhir import Json
from coordinator.reconcile.model import Finding

_COLUMNS = ("code", "sentence", "suggestion", "urgency", "acts", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCode:
    """A row of the table of codes: the sentence with places for facts, suggestion, urgency, who acts, source."""

    code: str
    sentence: str
    suggestion: str
    urgency: str
    acts: str
    source: str


def finding(code: str, about: str, *, facts: Mapping[str, Json], evidence: Iterable[str], urgency: str = "") -> Finding:
    """Return the finding of a code about a thing; the same thing in the same trouble has the same key."""
    row = finding_codes()[code]
    return Finding(
        key=f"{code}:{about}",
        code=code,
        urgency=urgency or row.urgency,
        sentence=row.sentence,
        suggestion=row.suggestion,
        facts=dict(facts),
        evidence=tuple(sorted(set(evidence))),
    )


@cache
def finding_codes() -> Mapping[str, FindingCode]:
    """Return the table. Raises ConfigurationError when a row is incomplete or stands twice."""
    rows = packaged_rows("coordinator.reconcile", "finding_codes.csv", _COLUMNS)
    return by_text(rows, "code", _code)


def _code(row: Row) -> FindingCode:
    return FindingCode(**{name: row.text(name) for name in _COLUMNS})
