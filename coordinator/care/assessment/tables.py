"""The table of instruments: which codes are assessments, and which of them look at substance use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import indexed, packaged_rows
from coordinator.fhir import normal_system

_PACKAGE = "coordinator.care.assessment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument of assessment by one of its codes; `part` is `panel`, `total` or `ratings`."""

    name: str
    part: str
    substance_use: bool
    verified: bool


@cache
def instruments() -> Mapping[tuple[str, str], Instrument]:
    """Return the instruments by normalized system and code. Raises ConfigurationError with file and line."""
    columns = ("system", "code", "instrument", "part", "substance_use", "source", "status")
    return indexed(
        packaged_rows(_PACKAGE, "instruments.csv", columns),
        "code",
        lambda row: (
            (normal_system(row.text("system")), row.text("code")),
            Instrument(
                name=row.text("instrument"),
                part=row.text("part"),
                substance_use=row.flag("substance_use"),
                verified=row.flag("status", yes="verified", no="unverified"),
            ),
        ),
    )


@cache
def questionnaires() -> Mapping[str, str]:
    """Return by the address before its last part in which system that part is a code. Raises ConfigurationError."""
    rows = packaged_rows(_PACKAGE, "questionnaires.csv", ("base", "system", "source", "status"))
    return indexed(rows, "base", lambda row: (row.text("base"), row.text("system")))
