"""Questions about a bill: does it tell of care or of a payer's word, and of which days does a line speak."""

from collections.abc import Mapping
from functools import cache

from coordinator.care.bill.model import BillLine, BillRecord, Span, Tells
from coordinator.care.csv_table import indexed, packaged_rows

PAYERS_VIEW = "ExplanationOfBenefit"


def tells(type_: str, record: BillRecord) -> Tells | None:
    """Return what a bill tells, by type, status and use; a draft, a question to the payer and a void tell nothing."""
    return _bills().get((type_, record.status or "", record.use or ""))


def days_of(line: BillLine, record: BillRecord) -> Span:
    """Return of which days a line speaks: its own, else those of the whole bill; the day of writing is none of them."""
    if line.at is not None:
        return Span(start=line.at, end=line.at)
    own = Span(start=line.start, end=line.end)
    return own if own.start is not None else Span(start=record.start, end=record.end)


@cache
def _bills() -> Mapping[tuple[str, str, str], Tells]:
    rows = packaged_rows("coordinator.care.bill", "bills.csv", ("type", "status", "use", "tells", "why", "source"))
    return indexed(
        rows,
        "use",
        lambda row: (
            (row.text("type"), row.text("status"), row.optional("use") or ""),
            row.member("tells", Tells),
        ),
    )
