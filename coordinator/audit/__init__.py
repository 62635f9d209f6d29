"""Proof of what happened: each event as a FHIR AuditEvent by the Basic Audit Log Patterns, written before the deed.

In come who did what about whom, to whom, for which purpose and on which ground; out go rows for a log that only grows.
It never holds content of a record, only its citation.
"""

from coordinator.audit.event import Happening, audit_row, details_of
from coordinator.audit.model import AuditRow

__all__ = ["AuditRow", "Happening", "audit_row", "details_of"]
