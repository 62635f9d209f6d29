"""What the words of an OperationOutcome mean for us: vendors' codes as a table, FHIR's own codes beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import packaged_rows
from coordinator.errors import InvalidInput
from coordinator.fhir import Json, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One issue: severity, the codes of FHIR and vendor. What it says in words may hold a person's details."""

    severity: str
    codes: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """Return what the issue means by our table, empty where its codes are not in it; vendor codes first."""
        table = _meanings()
        return next((table[code] for code in reversed(self.codes) if code in table), "")


def said_in(raw: bytes) -> tuple[Said, ...]:
    """Return the issues of an OperationOutcome, or of those within a Bundle; none where there are none."""
    try:
        value = parse(raw)
    except InvalidInput:
        return ()
    return tuple(said for outcome in _outcomes(value) for said in _issues(outcome))


def meanings(raw: bytes) -> frozenset[str]:
    """Return what the issues mean, without those that mean nothing to us."""
    return frozenset(said.meaning for said in said_in(raw) if said.meaning)


def codes_of(raw: bytes) -> str:
    """Return the codes of the issues as one text for a message; never their words."""
    return " ".join(dict.fromkeys(code for said in said_in(raw) for code in said.codes))[:120]


def is_refusal(raw: bytes) -> bool:
    """Say whether a body with a status of success reports an error all the same."""
    return any(said.severity in {"error", "fatal"} for said in said_in(raw))


@cache
def _meanings() -> dict[str, str]:
    rows = packaged_rows("coordinator.ehr", "outcome_codes.csv", ["code", "meaning", "source"])
    return {row.text("code"): row.text("meaning") for row in rows}


def _outcomes(value: Json) -> Iterator[dict[str, Json]]:
    if not isinstance(value, dict):
        return
    if value.get("resourceType") == "OperationOutcome":
        yield value
    entries = value.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome":
            yield resource


def _issues(outcome: dict[str, Json]) -> Iterator[Said]:
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else []:
        if isinstance(issue, dict):
            yield Said(severity=_text(issue.get("severity")), codes=tuple(_codes(issue)))


def _codes(issue: dict[str, Json]) -> Iterator[str]:
    if code := _text(issue.get("code")):
        yield code
    details = issue.get("details")
    codings = details.get("coding") if isinstance(details, dict) else None
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, dict) and (code := _text(coding.get("code"))):
            yield code


def _text(value: Json) -> str:
    """Return a code; what is longer than a code can be is not one."""
    return value if isinstance(value, str) and len(value) <= 64 else ""
