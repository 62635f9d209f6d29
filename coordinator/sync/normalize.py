"""From raw entries of a page to versions to keep: hash first, then read and check only what changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from coordinator.fhir import (
    BadJson,
    Document,
    Issue,
    Json,
    NotAResource,
    Remove,
    as_r4,
    check,
    check_r5,
    id_of,
    is_r5,
    look,
    patched,
    read_document,
)
from coordinator.reconcile import Presence
from coordinator.sync.ports import Normalize
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


def sorter_of(fhir_version: Json) -> Normalize:
    """Return what sorts the entries of an EHR by the version of FHIR that it speaks: R5 is read as R4."""
    return sort_entries_of_r5 if is_r5(fhir_version) else sort_entries


def sort_entries(
    entries: Sequence[bytes], type_: str, *, ehr: str, known: Mapping[str, Known], now: datetime
) -> Sorted:
    """Return what is news among the entries of one type; the same bytes as before are not even parsed."""
    return _sorted(entries, type_, known, _Source(ehr=ehr, now=now))


def sort_entries_of_r5(
    entries: Sequence[bytes], type_: str, *, ehr: str, known: Mapping[str, Known], now: datetime
) -> Sorted:
    """Return the same for entries of FHIR R5, read through its own lenses; what is kept are the bytes as they came."""
    return _sorted(entries, type_, known, _Source(ehr=ehr, now=now, is_r5=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where entries come from, and when."""

    ehr: str
    now: datetime
    is_r5: bool = False


def _sorted(entries: Sequence[bytes], type_: str, known: Mapping[str, Known], source: _Source) -> Sorted:
    changed: list[Received] = []
    bad: list[Quarantined] = []
    seen: list[str] = []
    for raw in entries:
        held = known.get(id_of(raw)) if known else None
        if held is not None and held.raw_hash == sha256(raw).digest() and held.presence is Presence.PRESENT:
            seen.append(id_of(raw))
            continue
        result = _read(raw, type_, source)
        if result is None:
            continue
        seen.append(result.id)
        if isinstance(result, Quarantined):
            bad.append(result)
        elif _is_news(result, held):
            changed.append(result)
    return Sorted(changed=tuple(changed), quarantined=tuple(bad), seen=tuple(seen))


def _read(raw: bytes, type_: str, source: _Source) -> Received | Quarantined | None:
    """Return the version, or why it can't be read; None for a resource of another type among the entries."""

    def aside(reason: str, place: str) -> Quarantined:
        return Quarantined(
            ehr=source.ehr,
            type=type_,
            id=id_of(raw),
            raw_hash=sha256(raw).digest(),
            body=raw,
            reason=reason,
            place=place,
            learned_at=source.now,
            patient=patient_told(raw, type_, id_of(raw)),
        )

    if not source.is_r5 and (seen := look(raw, type_)) is not None:
        return looked_at(seen, raw, ehr=source.ehr, now=source.now)
    try:
        document = as_r4(read_document(raw)) if source.is_r5 else read_document(raw)
    except BadJson as problem:
        return aside(problem.reason, problem.place)
    except NotAResource as problem:
        return aside(str(problem), type_)
    if document.type != type_:
        return None
    if not document.id:
        return aside("the record has no id", f"{type_}.id")
    issues = _issues(document, check_r5 if source.is_r5 else check)
    if issues:
        return aside("; ".join(sorted({one.text for one in issues})), issues[0].path)
    return received(document, raw, ehr=source.ehr, now=source.now)


def _issues(document: Document, check: Callable[[Document], tuple[Issue, ...]]) -> list[Issue]:
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
