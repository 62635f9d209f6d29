"""Read a stay out of an EpisodeOfCare and write it back."""

from typing import Final

from coordinator.care.enrollment.model import EpisodeRecord
from coordinator.fhir import Document, Field, Lens, kinds

EPISODE: Final = Lens(
    EpisodeRecord,
    "EpisodeOfCare",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("types", ("type",), kinds.CONCEPTS),
        Field("patient", ("patient",), kinds.REFERENCE),
        Field("organization", ("managingOrganization",), kinds.REFERENCE),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("end", ("period", "end"), kinds.TEXT),
    ),
)


def read_episode(document: Document) -> EpisodeRecord:
    """Return the stay that an EpisodeOfCare shows."""
    return EPISODE.read(document)


def write_episode(record: EpisodeRecord, document: Document) -> Document:
    """Return the EpisodeOfCare with the stay written into it, everything else as it came."""
    return EPISODE.write(record, document)
