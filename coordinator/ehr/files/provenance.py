"""What all documents that are made from files share: ids, the mark of where they come from, days and times."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from coordinator.fhir import Json

FROM_FILE: Final = "https://coordinator.example/fhir/CodeSystem/provenance"
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class Unreadable(Exception):
    """A value can't be read; the text says which field and why, never the value."""


def meta(kind: str) -> dict[str, Json]:
    """Return the mark that a document was made from a file: it never was a record of a FHIR server."""
    return {"tag": [{"system": FROM_FILE, "code": kind, "display": "made from a file"}]}


def record_id(*values: str) -> str:
    """Return an id for the values that name a record; what can't be an id is known by its hash."""
    text = "-".join(one.strip() for one in values)
    return text if _ID.fullmatch(text) else f"h-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def local_instant(told: datetime, zone: ZoneInfo, *, field: str) -> str:
    """Return a time on the wall as an instant of the zone. Of an hour that comes twice the first is meant.

    Raises Unreadable for an hour that the clocks skipped.
    """
    there = told.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != told:
        raise Unreadable(f"{field}: the clocks skipped this hour")
    return there.isoformat(timespec="seconds")
