"""Read a request for care out of a ServiceRequest and write it back."""

from typing import Final

from coordinator.care.referral.model import RequestRecord
from coordinator.fhir import Document, Field, Lens, kinds

REQUEST: Final = Lens(
    RequestRecord,
    "ServiceRequest",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("intent", ("intent",), kinds.TEXT),
        Field("code", ("code",), kinds.CONCEPT),
        Field("details", ("orderDetail",), kinds.CONCEPTS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("authored", ("authoredOn",), kinds.TEXT),
        Field("at", ("occurrenceDateTime",), kinds.TEXT),
        Field("start", ("occurrencePeriod", "start"), kinds.TEXT),
        Field("end", ("occurrencePeriod", "end"), kinds.TEXT),
        Field("requester", ("requester",), kinds.REFERENCE),
        Field("performers", ("performer",), kinds.REFERENCES),
    ),
)


def read_request(document: Document) -> RequestRecord:
    """Return the request that a ServiceRequest shows."""
    return REQUEST.read(document)


def write_request(record: RequestRecord, document: Document) -> Document:
    """Return the ServiceRequest with the request written into it, everything else as it came."""
    return REQUEST.write(record, document)
