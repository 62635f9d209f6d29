"""An audit event as it is kept: a BALP AuditEvent in bytes, with the few columns that questions ask by."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One event. `kind` is a row of the table of kinds."""

    kind: str
    at: datetime
    actor: str
    person: str | None
    ehr: str | None
    consent: str | None
    purpose: str | None
    outcome: str
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event in its place, with the hash that the tree stands on; `pruned_by` is the event that took its body."""

    seq: int
    leaf: bytes
    row: AuditRow
    pruned_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """A signed head as it is kept: the note is what counts, size and root are what we find it by."""

    size: int
    root: bytes
    at: datetime
    note: str
