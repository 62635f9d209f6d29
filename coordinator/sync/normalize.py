"""From raw entries of a page to versions to keep: hash first, then read and check only what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from coordinator.fhir import BadJson, NotAResource, check, head, read_document
from coordinator.reconcile import Presence
from coordinator.sync.records import Known, Quarantined, Received
from coordinator.sync.versions import received


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
        digest = sha256(raw).digest()
        id_ = _id_of(raw)
        held = known.get(id_)
        if held is not None and held.raw_hash == digest and held.presence is Presence.PRESENT:
            seen.append(id_)
            continue
        result = _read(raw, digest, type_, ehr=ehr, now=now)
        match result:
            case Quarantined():
                bad.append(result)
                seen.append(id_)
            case None:
                continue
            case Received():
                seen.append(result.id)
                if _is_news(result, held):
                    changed.append(result)
    return Sorted(changed=tuple(changed), quarantined=tuple(bad), seen=tuple(seen))


def sort_anew(entries: Sequence[bytes], type_: str, *, ehr: str, known: Mapping[str, Known], now: datetime) -> Sorted:
    """Return the same after reading and checking every entry: a checker that has learned may see more in old bytes."""
    ids = {_id_of(raw) for raw in entries}
    unread = {id_: replace(known[id_], raw_hash=b"") for id_ in ids if id_ in known}
    return sort_entries(entries, type_, ehr=ehr, known=unread, now=now)


def _read(raw: bytes, digest: bytes, type_: str, *, ehr: str, now: datetime) -> Received | Quarantined | None:
    """Return the version, or why it can't be read; None for a resource of another type among the entries."""

    def aside(reason: str, place: str) -> Quarantined:
        return Quarantined(
            ehr=ehr, type=type_, id=_id_of(raw), raw_hash=digest, body=raw, reason=reason, place=place, learned_at=now
        )

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
    issues = [one for one in check(document) if one.blocks]
    if issues:
        return aside("; ".join(sorted({one.text for one in issues})), issues[0].path)
    return received(document, raw, ehr=ehr, now=now)


def _is_news(result: Received, held: Known | None) -> bool:
    """A version is news unless its content and version are those we hold: some servers reorder keys at each read."""
    if held is None or held.presence is not Presence.PRESENT:
        return True
    return (held.canonical_hash, held.version) != (result.canonical_hash, result.version)


def _id_of(raw: bytes) -> str:
    try:
        return head(raw).id
    except (BadJson, NotAResource, ValueError):
        return ""
