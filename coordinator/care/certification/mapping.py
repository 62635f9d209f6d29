"""Read a certification out of ServiceRequest, CarePlan or DocumentReference and write it back."""

from typing import Final

from coordinator.care.certification.model import CertificationRecord
from coordinator.fhir import Document, Field, Lens, kinds, once


def _lens(type_: str, signed: str, *period: str) -> Lens[CertificationRecord]:
    return Lens(
        CertificationRecord,
        type_,
        (
            Field("status", ("status",), kinds.TEXT),
            Field("signed", (signed,), kinds.TEXT),
            Field("start", (*period, "start"), kinds.TEXT),
            Field("end", (*period, "end"), kinds.TEXT),
        ),
    )


LENSES: Final = {
    "ServiceRequest": _lens("ServiceRequest", "authoredOn", "occurrencePeriod"),
    "CarePlan": _lens("CarePlan", "created", "period"),
    "DocumentReference": _lens("DocumentReference", "date", "context", "period"),
}


@once
def read_certification(document: Document) -> CertificationRecord:
    """Return what a document says that may certify a level. Raises KeyError for a type that never does."""
    return LENSES[document.type].read(document)


def write_certification(record: CertificationRecord, document: Document) -> Document:
    """Return the document with the record written into it, everything else as it came."""
    return LENSES[document.type].write(record, document)
