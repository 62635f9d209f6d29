"""What had happened by a day: the evidence as far as it speaks of that day and before.

A record of what began later is left out; what ended later had not ended, so its end, and what only the end told, is
not seen. Only a date that certainly lies after the day counts: a month may have been before. The received bytes, the
version and the citation stay as they are; only the view is cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

from coordinator.care.csv_table import Row, by_text, packaged_rows
from coordinator.fhir import BadDate, Document, Json, day_of
from coordinator.reconcile.model import Decision, Evidence

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Where a type tells when it began and ended, how its status reads before that, and what only the end told."""

    begins: tuple[Path, ...]
    ends: tuple[Path, ...]
    status: tuple[Path, ...]
    over: frozenset[str]
    running: str | None
    told_by_the_end: tuple[Path, ...]
    source: str


@cache
def happenings() -> Mapping[str, Happening]:
    """Return the table by type."""
    columns = ("type", "begins", "ends", "status", "over", "running", "told_by_the_end", "source")
    rows = packaged_rows("coordinator.reconcile", "happenings.csv", columns)
    return by_text(rows, "type", _happening)


def had_happened(evidence: Sequence[Evidence], day: date, zone: ZoneInfo) -> tuple[Evidence, ...]:
    """Return the evidence as of the end of a day in a zone."""
    kept: list[Evidence] = []
    for one in evidence:
        known = happenings().get(one.document.type)
        if known is None:
            kept.append(one)
        elif not _is_after(_first(one.document, known.begins), day, zone):
            kept.append(replace(one, document=_as_of(one.document, known, day, zone)))
    return tuple(kept)


def had_been_decided_about(decisions: Sequence[Decision], day: date, zone: ZoneInfo) -> tuple[Decision, ...]:
    """Return the decisions without those that name an end after the day: by then the stay had not ended."""
    return tuple(one for one in decisions if not _is_after(one.value.get("end"), day, zone))


def _as_of(document: Document, known: Happening, day: date, zone: ZoneInfo) -> Document:
    if not _is_after(_first(document, known.ends), day, zone):
        return document
    tree = document.tree
    for path in known.told_by_the_end:
        tree = _without(tree, path)
    for path in known.status:
        if document.get(*path) in known.over:
            tree = _with(tree, path, known.running)
    tree = _with(tree, ("meta", "versionId"), document.version)  # it is cited as the version that was received
    return Document(raw=document.raw, tree=tree)


def _first(document: Document, paths: Sequence[Path]) -> Json:
    return next((value for path in paths if (value := document.get(*path)) is not None), None)


def _is_after(text: Json, day: date, zone: ZoneInfo) -> bool:
    """Tell whether a date certainly lies after a day; what can't be read lies nowhere."""
    if not isinstance(text, str):
        return False
    try:
        return day_of(text, zone).first > day
    except BadDate:
        return False


def _without(tree: Mapping[str, Json], path: Path) -> dict[str, Json]:
    """Return a tree without what is at a path; what becomes empty by that goes, too. The tree itself stays."""
    name, below = path[0], path[1:]
    held = tree.get(name)
    rest = {key: value for key, value in tree.items() if key != name}
    left = _without(held, below) if below and isinstance(held, dict) else {}
    return {**rest, name: left} if left else rest


def _with(tree: Mapping[str, Json], path: Path, value: Json) -> dict[str, Json]:
    name, below = path[0], path[1:]
    held = tree.get(name)
    return {**tree, name: _with(held if isinstance(held, dict) else {}, below, value) if below else value}


def _happening(row: Row) -> Happening:
    return Happening(
        begins=_paths(row, "begins"),
        ends=_paths(row, "ends"),
        status=_paths(row, "status"),
        over=frozenset(row.words("over")),
        running=row.optional("running"),
        told_by_the_end=_paths(row, "told_by_the_end"),
        source=row.text("source"),
    )


def _paths(row: Row, column: str) -> tuple[Path, ...]:
    return tuple(tuple(one.split(".")) for one in row.words(column))
