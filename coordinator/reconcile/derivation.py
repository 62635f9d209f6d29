"""How a conclusion of an account was drawn: its rules, the records that it rests on with what they say, decisions.

Any part of an account that has a key, evidence and rules is a conclusion, whatever its concept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from coordinator.care.csv_table import by_text, packaged_rows
from coordinator.fhir import Document, Json
from coordinator.reconcile.findings import FindingCode, finding_codes
from coordinator.reconcile.model import Decision, Evidence
from coordinator.reconcile.rule_book import BookRow, rule_book

_PACKAGE = "coordinator.reconcile"
_OWN = frozenset({"key", "evidence", "rules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """One part of an account: `kind` is the list that it stands in, `says` what is concluded."""

    kind: str
    key: str
    says: Mapping[str, Json]
    evidence: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedRecord:
    """A cited version. `evidence` is None where it is no longer the version that counts."""

    ref: str
    evidence: Evidence | None
    says: tuple[tuple[str, tuple[Json, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Why a conclusion holds. A rule that no table has is named without a row."""

    conclusion: Conclusion
    rules: tuple[tuple[str, BookRow | None], ...]
    code: FindingCode | None
    records: tuple[CitedRecord, ...]
    decisions: tuple[Decision, ...]


def conclusions(content: Mapping[str, Json]) -> tuple[Conclusion, ...]:
    """Return the conclusions of an account's content, in its order."""
    return tuple(one for name, value in content.items() for one in _conclusions(name, value))


def derivation(conclusion: Conclusion, evidence: Sequence[Evidence], decisions: Sequence[Decision]) -> Derivation:
    """Return how a conclusion was drawn from a person's evidence and the decisions about it."""
    held = {one.ref: one for one in evidence}
    places = {ref.partition("@")[0] for ref in conclusion.evidence}
    book = rule_book()
    code = conclusion.says.get("code")
    return Derivation(
        conclusion=conclusion,
        rules=tuple((one, book.get(one)) for one in conclusion.rules),
        code=next((row for name, row in finding_codes().items() if name == code), None),
        records=tuple(_cited(ref, held.get(ref)) for ref in conclusion.evidence),
        decisions=tuple(
            sorted((one for one in decisions if places & _places(one)), key=lambda one: (one.decided_at, one.key))
        ),
    )


@cache
def telling_fields() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Return, for each type, the paths of what matters of its records."""
    rows = packaged_rows(_PACKAGE, "telling_fields.csv", ("type", "paths"))
    return by_text(rows, "type", lambda row: tuple(_path(one) for one in row.words("paths")))


def _conclusions(kind: str, value: Json) -> Iterator[Conclusion]:
    if isinstance(value, list):
        for one in value:
            yield from _conclusions(kind, one)
    elif isinstance(value, dict) and value.keys() >= _OWN:
        yield _conclusion(kind, value)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _conclusions(name, one)


def _conclusion(kind: str, value: Mapping[str, Json]) -> Conclusion:
    return Conclusion(
        kind=kind,
        key=str(value["key"]),
        says={name: one for name, one in value.items() if name not in _OWN},
        evidence=_texts(value["evidence"]),
        rules=_texts(value["rules"]),
    )


def _cited(ref: str, evidence: Evidence | None) -> CitedRecord:
    return CitedRecord(ref=ref, evidence=evidence, says=() if evidence is None else _says(evidence.document))


def _says(document: Document) -> tuple[tuple[str, tuple[Json, ...]], ...]:
    told = [(".".join(path), document.all(*path)) for path in telling_fields().get(document.type, ())]
    return tuple((path, values) for path, values in told if values)


def _places(decision: Decision) -> set[str]:
    return {ref.partition("@")[0] for ref in decision.evidence}


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
