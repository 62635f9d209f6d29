"""Read a stay out of an EpisodeOfCare and write it back."""

from typing import Final

from coordinator.care.enrollment.model import EpisodeRecord, StatusSpan
from coordinator.fhir import CodeableConcept, Document, Field, Json, Kind, Lens, kinds, once
from coordinator.fhir.kinds import overlaid

DISPOSITION = "https://coordinator.example/fhir/StructureDefinition/episode-disposition"


def _read_span(value: Json) -> StatusSpan | None:
    if not isinstance(value, dict):
        return None
    period = value.get("period")
    held = period if isinstance(period, dict) else {}
    start, end = kinds.TEXT.read(held.get("start")), kinds.TEXT.read(held.get("end"))
    return StatusSpan(status=kinds.TEXT.read(value.get("status")), start=start, end=end)


def _write_span(value: StatusSpan, old: Json) -> Json:
    period = overlaid(old.get("period") if isinstance(old, dict) else None, {"start": value.start, "end": value.end})
    return overlaid(old, {"status": value.status, "period": period or None})


def _read_disposition(value: Json) -> CodeableConcept | None:
    if not isinstance(value, dict) or value.get("url") != DISPOSITION:
        return None
    concept: CodeableConcept | None = kinds.CONCEPT.read(value.get("valueCodeableConcept"))
    return concept


def _write_disposition(value: CodeableConcept, old: Json) -> Json:
    there = old.get("valueCodeableConcept") if isinstance(old, dict) else None
    return overlaid(old, {"url": DISPOSITION, "valueCodeableConcept": kinds.CONCEPT.write(value, there)})


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
        Field("history", ("statusHistory",), kinds.many(Kind(read=_read_span, write=_write_span))),
        Field("dispositions", ("extension",), kinds.many(Kind(read=_read_disposition, write=_write_disposition))),
    ),
)


@once
def read_episode(document: Document) -> EpisodeRecord:
    """Return the stay that an EpisodeOfCare shows."""
    return EPISODE.read(document)


def write_episode(record: EpisodeRecord, document: Document) -> Document:
    """Return the EpisodeOfCare with the stay written into it, everything else as it came."""
    return EPISODE.write(record, document)
