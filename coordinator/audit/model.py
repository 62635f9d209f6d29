"""An audit event as it is kept: a BALP AuditEvent in bytes, with the few columns that questions ask by."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One event. `kind` is disclosure, refusal, access, write, decision, consent, emergency or configuration."""

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
