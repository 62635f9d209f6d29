"""What a person's records refer to that is of no person: the medicine of an order, the place of a session.

Nobody can list these for a patient, so they are read where a record points to one.
"""

from collections.abc import Iterator

from coordinator.fhir import Absolute, Document, Json, Relative, may_name, read_document, read_reference
from coordinator.sync.records import Received

REFERRED = ("Medication", "Location")

Referred = tuple[str, str]  # (type, id)


def referred_in(version: Received) -> set[Referred]:
    """Return the medicines and places that a received version refers to."""
    if version.type == "Encounter":
        may_refer = may_name(version.body, b"location")
    else:
        named = (b"medicationReference", b"medication")  # the latter in R5, with a reference inside
        may_refer = version.type.startswith("Medication") and any(may_name(version.body, one) for one in named)
    return referred_by(read_document(version.body)) if may_refer else set()


def referred_by(document: Document) -> set[Referred]:
    """Return the medicines and places that a document refers to on its own server."""
    return {
        (found.type, found.id)
        for found in map(read_reference, _elements(document))
        if isinstance(found, Relative | Absolute) and found.type in REFERRED
    }


def _elements(document: Document) -> Iterator[Json]:
    if document.type == "Encounter":
        yield from document.all("location", "location")
    elif document.type.startswith("Medication"):
        yield document.get("medicationReference")
        yield document.get("medication", "reference")
