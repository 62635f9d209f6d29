"""Findings by their codes: each code's words, urgency and who acts stand in one table."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.reconcile.model import Finding


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
def finding_codes() -> dict[str, FindingCode]:
    """Return the table. Raises ConfigurationError when a row is incomplete."""
    found: dict[str, FindingCode] = {}
    with files("coordinator.reconcile").joinpath("tables/finding_codes.csv").open(encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            if not all(row[name] for name in ("code", "sentence", "suggestion", "urgency", "acts", "source")):
                raise ConfigurationError(f"finding_codes.csv line {number} is incomplete.", hint="Fill every column.")
            found[row["code"]] = FindingCode(
                code=row["code"],
                sentence=row["sentence"],
                suggestion=row["suggestion"],
                urgency=row["urgency"],
                acts=row["acts"],
                source=row["source"],
            )
    return found
