"""A FHIR resource as it was received: its bytes, its hashes, and reading without rebuilding."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field

from coordinator.errors import InvalidInput
from coordinator.fhir.json_text import LIMITS, Json, Limits, canonical, parse
from coordinator.fhir.kept import once


class NotAResource(InvalidInput):
    """The JSON is sound, but it is not a FHIR resource."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"This is not a FHIR resource: {reason}.",
            operation="read resource",
            hint="A resource is a JSON object with a resourceType.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Document:
    """One resource: the received bytes are the record, the tree is only a view of them.

    Documents are equal when their bytes are. The tree must not be changed: to change a document, patch it. `type` is
    the resource type; `id` is empty before a server has given one; `kept` is what was read out of it.
    """

    raw: bytes
    tree: dict[str, Json]
    type: str = field(init=False)
    id: str = field(init=False)
    kept: dict[Hashable, object] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Look up type and id once: they are asked for again and again."""
        object.__setattr__(self, "type", _text(self.tree.get("resourceType")) or "")
        object.__setattr__(self, "id", _text(self.tree.get("id")) or "")

    @property
    def version_id(self) -> str | None:
        """Return the version that the server names, if it names one."""
        return _text(self.get("meta", "versionId"))

    @property
    def last_updated(self) -> str | None:
        """Return the instant of the last change as the server wrote it, if it did."""
        return _text(self.get("meta", "lastUpdated"))

    @property
    @once
    def raw_hash(self) -> bytes:
        """Return the SHA-256 of the received bytes."""
        return hashlib.sha256(self.raw).digest()

    @property
    @once
    def canonical_hash(self) -> bytes:
        """Return the SHA-256 of the content: blind to key order, white space, versionId and lastUpdated."""
        return hashlib.sha256(canonical(_content(self.tree))).digest()

    @property
    def version(self) -> str:
        """Return what tells this version from others: the server's word, else a mark made from the content."""
        return self.version_id or version_of(self.canonical_hash)

    def get(self, *path: str | int) -> Json:
        """Return the value at a path, None where there is none."""
        found: Json = self.tree
        for part in path:
            found = found.get(part) if isinstance(found, dict) and isinstance(part, str) else _step(found, part)
            if found is None:
                return None
        return found

    def all(self, *path: str | int) -> tuple[Json, ...]:
        """Return every value at a path, walking through the lists on the way."""
        found: list[Json] = [self.tree]
        for part in path:
            found = _spread(found) if isinstance(part, str) else found
            found = [value for holder in found if (value := _step(holder, part)) is not None]
        return tuple(value for value in _spread(found) if value is not None)

    def __eq__(self, other: object) -> bool:
        """Say whether the bytes are the same."""
        return isinstance(other, Document) and self.raw == other.raw

    def __hash__(self) -> int:
        """Hash the bytes."""
        return hash(self.raw)

    def __repr__(self) -> str:
        """Show type and size only: a document in a trace must tell nothing about a person."""
        return f"Document({self.type}, {len(self.raw)} bytes)"


def version_of(canonical_hash: bytes) -> str:
    """Return the version of what a server names none for: a mark made from the content."""
    return "~" + canonical_hash.hex()[:12]


def read_document(raw: bytes, *, limits: Limits = LIMITS) -> Document:
    """Return the resource that the bytes hold.

    Raises BadJson when they are not sound JSON, NotAResource when the JSON is no resource.
    """
    tree = parse(raw, limits=limits)
    if not isinstance(tree, dict):
        raise NotAResource("it is not a JSON object")
    kind = tree.get("resourceType")
    if not isinstance(kind, str) or not kind:
        raise NotAResource("it has no resourceType")
    return Document(raw=raw, tree=tree)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _step(holder: Json, part: str | int) -> Json:
    if isinstance(part, str):
        return holder.get(part) if isinstance(holder, dict) else None
    if isinstance(holder, list) and -len(holder) <= part < len(holder):
        return holder[part]
    return None


def _spread(found: list[Json]) -> list[Json]:
    """Replace each list by its elements."""
    flat: list[Json] = []
    for value in found:
        if isinstance(value, list):
            flat.extend(value)
        else:
            flat.append(value)
    return flat


def _content(tree: dict[str, Json]) -> dict[str, Json]:
    """Return the tree without what a server changes at each save; a meta left empty by that counts as none."""
    meta = tree.get("meta")
    if not isinstance(meta, dict):
        return tree
    kept = {key: value for key, value in meta.items() if key not in ("versionId", "lastUpdated")}
    content = {key: value for key, value in tree.items() if key != "meta"}
    return {**content, "meta": kept} if kept else content
