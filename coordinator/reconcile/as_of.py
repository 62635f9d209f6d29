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

from coordinator.care.csv_table import Row, indexed, packaged_rows
from coordinator.fhir import BadDate, Document, Json, PartialDate, day_of
from coordinator.reconcile.model import Decision, Evidence

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Where a type tells when it began and ended, how its status reads before that, and what only the end told."""

    begins: tuple[Path, ...]
    ends: tuple[Path, ...]
    status: Path
    over: frozenset[str]
    running: str
    told_by_the_end: tuple[Path, ...]


@cache
def happenings() -> Mapping[str, Happening]:
    """Return the table by type."""
    columns = ("type", "begins", "ends", "status", "over", "running", "told_by_the_end", "source")
    rows = packaged_rows("coordinator.reconcile", "happenings.csv", columns)
    return indexed(rows, "type", lambda row: (row.text("type"), _happening(row)))


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


def had_been_decided_about(decisions: Sequence[Decision], day: date) -> tuple[Decision, ...]:
    """Return the decisions without those that name an end after the day: by then the stay had not ended."""
    return tuple(one for one in decisions if not _is_after(one.value.get("end"), day, None))


def _as_of(document: Document, known: Happening, day: date, zone: ZoneInfo) -> Document:
    if not _is_after(_first(document, known.ends), day, zone):
        return document
    tree: Json = document.tree
    for path in known.told_by_the_end:
        tree = _without(tree, path)
    if document.get(*known.status) in known.over:
        tree = _with(tree, known.status, known.running)
    tree = _with(tree, ("meta", "versionId"), document.version)  # it is cited as the version that was received
    return Document(raw=document.raw, tree=tree) if isinstance(tree, dict) else document


def _first(document: Document, paths: Sequence[Path]) -> Json:
    return next((value for path in paths if (value := document.get(*path)) is not None), None)


def _is_after(text: Json, day: date, zone: ZoneInfo | None) -> bool:
    """Tell whether a date certainly lies after a day; what can't be read lies nowhere."""
    if not isinstance(text, str):
        return False
    try:
        first = PartialDate.parse(text).first if zone is None else day_of(text, zone).first
    except BadDate:
        return False
    return first > day


def _without(tree: Json, path: Path) -> Json:
    """Return a tree without what is at a path; what becomes empty by that goes, too. The tree itself stays."""
    name, below = path[0], path[1:]
    if not isinstance(tree, dict) or name not in tree:
        return tree
    rest = {key: value for key, value in tree.items() if key != name}
    left = _without(tree[name], below) if below else None
    return {**rest, name: left} if left else rest


def _with(tree: Json, path: Path, value: Json) -> Json:
    if not path:
        return value
    held = tree if isinstance(tree, dict) else {}
    return {**held, path[0]: _with(held.get(path[0]), path[1:], value)}


def _happening(row: Row) -> Happening:
    row.text("source")
    return Happening(
        begins=_paths(row, "begins"),
        ends=_paths(row, "ends"),
        status=next(iter(_paths(row, "status")), ("status",)),
        over=frozenset(row.words("over")),
        running=row.optional("running") or "",
        told_by_the_end=_paths(row, "told_by_the_end"),
    )


def _paths(row: Row, column: str) -> tuple[Path, ...]:
    return tuple(tuple(one.split(".")) for one in row.words(column))
