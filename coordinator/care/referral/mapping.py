"""Read a request for care out of a ServiceRequest and write it back."""

from typing import Final

from coordinator.care.referral.model import RequestRecord, TaskRecord
from coordinator.fhir import Document, Field, Lens, kinds, once

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


@once
def read_request(document: Document) -> RequestRecord:
    """Return the request that a ServiceRequest shows."""
    return REQUEST.read(document)


def write_request(record: RequestRecord, document: Document) -> Document:
    """Return the ServiceRequest with the request written into it, everything else as it came."""
    return REQUEST.write(record, document)


TASK: Final = Lens(
    TaskRecord,
    "Task",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("identifiers", ("identifier",), kinds.IDENTIFIERS),
        Field("focus", ("focus", "reference"), kinds.TEXT),
        Field("focus_type", ("focus", "type"), kinds.TEXT),
        Field("owner", ("owner", "identifier"), kinds.IDENTIFIER),
        Field("authored", ("authoredOn",), kinds.TEXT),
        Field("modified", ("lastModified",), kinds.TEXT),
    ),
)


@once
def read_task(document: Document) -> TaskRecord:
    """Return the referral that a Task carries."""
    return TASK.read(document)


def write_task(record: TaskRecord, document: Document) -> Document:
    """Return the Task with the referral written into it, everything else as it came."""
    return TASK.write(record, document)
