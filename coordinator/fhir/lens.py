"""A lens: a record of ours read from a document and written back into it, as a table of fields.

Two laws hold for each, by construction: writing what was read changes no byte, and reading what was written gives it
back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from coordinator.errors import InvalidInput
from coordinator.fhir.document import Document
from coordinator.fhir.json_text import JsonPath
from coordinator.fhir.kinds import Kind
from coordinator.fhir.patch import Edit, difference, patched

T = TypeVar("T")


class WrongType(InvalidInput):
    """A document of another type was given to a lens."""

    def __init__(self, wanted: str, found: str) -> None:
        super().__init__(f"A {wanted} is read here, not a {found}.", operation="read record", subject=found)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record: its name there, its path in the document, and what it holds."""

    name: str
    path: JsonPath
    kind: Kind


@dataclass(frozen=True, slots=True)
class Lens(Generic[T]):
    """Reads and writes one type of record on one type of resource. None and () in a record mean absence."""

    record: Callable[..., T]
    resource_type: str
    fields: Sequence[Field]
    _absent: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse fields whose paths run through each other: one would overwrite what the other has written."""
        object.__setattr__(self, "_absent", {one.name: one.kind.read(None) for one in self.fields})
        for index, one in enumerate(self.fields):
            for other in self.fields[index + 1 :]:
                shared = min(len(one.path), len(other.path))
                if one.path[:shared] == other.path[:shared]:
                    raise ValueError(f"the fields {one.name} and {other.name} share a place")

    def read(self, document: Document) -> T:
        """Return the record that the document holds. Raises WrongType."""
        self._expect(document)
        found = self._absent.copy()
        for one in self.fields:
            if one.path[0] in document.tree:  # most records have few of the fields that they could have
                found[one.name] = one.kind.read(document.get(*one.path))
        return self.record(**found)

    def write(self, record: T, document: Document) -> Document:
        """Return the document with the fields that differ changed, everything else as it came. Raises WrongType."""
        self._expect(document)
        return patched(document, self.edits(record, document))

    def edits(self, record: T, document: Document) -> tuple[Edit, ...]:
        """Return what would have to be changed in the document so that it holds the record."""
        found: list[Edit] = []
        for one in self.fields:
            value, there = getattr(record, one.name), document.get(*one.path)
            if value == one.kind.read(there):
                continue
            wanted = None if value is None else one.kind.write(value, there)
            found.extend(difference(there, None if value == () and not wanted else wanted, at=one.path))
        return tuple(found)

    def _expect(self, document: Document) -> None:
        if document.type != self.resource_type:
            raise WrongType(self.resource_type, document.type)
