"""Read a contact of care out of an Encounter and write it back."""

from typing import Final

from coordinator.care.session.model import EncounterRecord
from coordinator.fhir import Document, Field, Lens, kinds

ENCOUNTER: Final = Lens(
    EncounterRecord,
    "Encounter",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("class_", ("class",), kinds.CODING),
        Field("types", ("type",), kinds.CONCEPTS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("episodes", ("episodeOfCare",), kinds.REFERENCES),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("end", ("period", "end"), kinds.TEXT),
        Field("organization", ("serviceProvider",), kinds.REFERENCE),
        Field("disposition", ("hospitalization", "dischargeDisposition"), kinds.CONCEPT),
    ),
)


def read_encounter(document: Document) -> EncounterRecord:
    """Return the contact that an Encounter shows."""
    return ENCOUNTER.read(document)


def write_encounter(record: EncounterRecord, document: Document) -> Document:
    """Return the Encounter with the contact written into it, everything else as it came."""
    return ENCOUNTER.write(record, document)
