"""Read a bill out of a Claim, an ExplanationOfBenefit or a ChargeItem and write it back."""

from typing import Final

from coordinator.care.bill.model import BillLine, BillRecord, ChargeRecord, Span
from coordinator.fhir import Document, Field, Json, Kind, Lens, kinds, once


def _read_line(value: Json) -> BillLine | None:
    if not isinstance(value, dict):
        return None
    period = value.get("servicedPeriod")
    held = period if isinstance(period, dict) else {}
    return BillLine(
        service=kinds.CONCEPT.read(value.get("productOrService")),
        revenue=kinds.CONCEPT.read(value.get("revenue")),
        place=kinds.CONCEPT.read(value.get("locationCodeableConcept")),
        at=kinds.TEXT.read(value.get("servicedDate")),
        start=kinds.TEXT.read(held.get("start")),
        end=kinds.TEXT.read(held.get("end")),
    )


def _write_line(line: BillLine, old: Json) -> Json:
    held = old if isinstance(old, dict) else {}
    before = _read_line(held) or BillLine()
    period = kinds.overlaid(held.get("servicedPeriod"), {"start": line.start, "end": line.end}) or None
    known: dict[str, Json] = {"servicedDate": line.at, "servicedPeriod": period}
    codes = (
        ("productOrService", line.service, before.service),
        ("revenue", line.revenue, before.revenue),
        ("locationCodeableConcept", line.place, before.place),
    )
    for name, value, there in codes:
        if value != there:
            known[name] = None if value is None else kinds.CONCEPT.write(value, held.get(name))
    return kinds.overlaid(held, known)


def _read_span(value: Json) -> Span | None:
    if not isinstance(value, dict):
        return None
    return Span(start=kinds.TEXT.read(value.get("start")), end=kinds.TEXT.read(value.get("end")))


def _write_span(value: Span, old: Json) -> Json:
    return kinds.overlaid(old, {"start": value.start, "end": value.end})


_FIELDS: Final = (
    Field("status", ("status",), kinds.TEXT),
    Field("use", ("use",), kinds.TEXT),
    Field("provider", ("provider", "identifier"), kinds.IDENTIFIER),
    Field("start", ("billablePeriod", "start"), kinds.TEXT),
    Field("end", ("billablePeriod", "end"), kinds.TEXT),
    Field("lines", ("item",), kinds.many(Kind(read=_read_line, write=_write_line))),
)
_IN_EFFECT: Final = Field("in_effect", ("preAuthRefPeriod",), kinds.many(Kind(read=_read_span, write=_write_span)))

BILLS: Final = {
    "Claim": Lens(BillRecord, "Claim", _FIELDS),
    "ExplanationOfBenefit": Lens(BillRecord, "ExplanationOfBenefit", (*_FIELDS, _IN_EFFECT)),
}
CHARGE: Final = Lens(
    ChargeRecord,
    "ChargeItem",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("service", ("code",), kinds.CONCEPT),
        Field("provider", ("performingOrganization", "identifier"), kinds.IDENTIFIER),
        Field("at", ("occurrenceDateTime",), kinds.TEXT),
        Field("start", ("occurrencePeriod", "start"), kinds.TEXT),
        Field("end", ("occurrencePeriod", "end"), kinds.TEXT),
    ),
)
TYPES: Final = (*BILLS, "ChargeItem")


@once
def read_bill(document: Document) -> BillRecord:
    """Return the bill that a Claim, an ExplanationOfBenefit or a ChargeItem shows; a charge is a bill of one line."""
    if document.type != CHARGE.resource_type:
        return BILLS[document.type].read(document)
    charge = read_charge(document)
    line = BillLine(service=charge.service, at=charge.at, start=charge.start, end=charge.end)
    return BillRecord(status=charge.status, provider=charge.provider, lines=(line,))


def write_bill(record: BillRecord, document: Document) -> Document:
    """Return the Claim or ExplanationOfBenefit with the bill written into it, everything else as it came."""
    return BILLS[document.type].write(record, document)


@once
def read_charge(document: Document) -> ChargeRecord:
    """Return the charge that a ChargeItem shows."""
    return CHARGE.read(document)


def write_charge(record: ChargeRecord, document: Document) -> Document:
    """Return the ChargeItem with the charge written into it, everything else as it came."""
    return CHARGE.write(record, document)
