"""Questions about a certification: does it stand, from when to when does it certify."""

from collections.abc import Mapping
from functools import cache

from coordinator.care.certification.model import CertificationRecord
from coordinator.care.csv_table import packaged_rows

_PACKAGE = "coordinator.care.certification"


def stands(type_: str, record: CertificationRecord) -> bool:
    """Say whether a record of a type was signed and not taken back; a status that nobody knows says no such thing."""
    return _statuses().get((type_, record.status or ""), False)


def certifies_from(record: CertificationRecord) -> str | None:
    """Return from when it certifies: the start of its own time, else the day on which it was written."""
    return record.start or record.signed


@cache
def _statuses() -> Mapping[tuple[str, str], bool]:
    rows = packaged_rows(_PACKAGE, "certifying_statuses.csv", ("type", "status", "certifies", "source"))
    return {(row.text("type"), row.text("status")): row.flag("certifies") for row in rows}
