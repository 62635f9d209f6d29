"""From raw entries of a page to versions to keep: hash first, then read and check only what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from coordinator.fhir import (
    BadJson,
    Document,
    Issue,
    NotAResource,
    Remove,
    check,
    id_of,
    look,
    patched,
    read_document,
)
from coordinator.reconcile import Presence
from coordinator.sync.records import Known, Quarantined, Received
from coordinator.sync.unreadable import patient_told
from coordinator.sync.versions import looked_at, received

_STAY = "EpisodeOfCare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A page's entries: new versions, what can't be read, and the ids seen."""

    changed: tuple[Received, ...]
    quarantined: tuple[Quarantined, ...]
    seen: tuple[str, ...]


def sort_entries(
    entries: Sequence[bytes], type_: str, *, ehr: str, known: Mapping[str, Known], now: datetime
) -> Sorted:
    """Return what is news among the entries of one type; the same bytes as before are not even parsed."""
    changed: list[Received] = []
    bad: list[Quarantined] = []
    seen: list[str] = []
    for raw in entries:
        held = known.get(id_of(raw)) if known else None
        if held is not None and held.raw_hash == sha256(raw).digest() and held.presence is Presence.PRESENT:
            seen.append(id_of(raw))
            continue
        result = _read(raw, type_, ehr=ehr, now=now)
        if result is None:
            continue
        seen.append(result.id)
        if isinstance(result, Quarantined):
            bad.append(result)
        elif _is_news(result, held):
            changed.append(result)
    return Sorted(changed=tuple(changed), quarantined=tuple(bad), seen=tuple(seen))


def _read(raw: bytes, type_: str, *, ehr: str, now: datetime) -> Received | Quarantined | None:
    """Return the version, or why it can't be read; None for a resource of another type among the entries."""

    def aside(reason: str, place: str) -> Quarantined:
        return Quarantined(
            ehr=ehr,
            type=type_,
            id=id_of(raw),
            raw_hash=sha256(raw).digest(),
            body=raw,
            reason=reason,
            place=place,
            learned_at=now,
            patient=patient_told(raw, type_, id_of(raw)),
        )

    if (seen := look(raw, type_)) is not None:
        return looked_at(seen, raw, ehr=ehr, now=now)
    try:
        document = read_document(raw)
    except BadJson as problem:
        return aside(problem.reason, problem.place)
    except NotAResource as problem:
        return aside(str(problem), type_)
    if document.type != type_:
        return None
    if not document.id:
        return aside("the record has no id", f"{type_}.id")
    issues = _issues(document)
    if issues:
        return aside("; ".join(sorted({one.text for one in issues})), issues[0].path)
    return received(document, raw, ehr=ehr, now=now)


def _issues(document: Document) -> list[Issue]:
    """Return why a document can't be kept.

    A stay that ends before it begins is kept where nothing else is wrong: what is asked about it names person and
    program, and says that the days are theirs to correct.
    """
    issues = [one for one in check(document) if one.blocks]
    if document.type != _STAY or document.get("period", "end") is None or not issues:
        return issues
    if any(one.path != f"{_STAY}.period" for one in issues):
        return issues
    return [one for one in check(patched(document, [Remove(("period", "end"))])) if one.blocks]


def _is_news(result: Received, held: Known | None) -> bool:
    """A version is news unless its content and version are those we hold: some servers reorder keys at each read."""
    if held is None or held.presence is not Presence.PRESENT:
        return True
    return (held.canonical_hash, held.version) != (result.canonical_hash, result.version)
