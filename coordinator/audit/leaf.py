"""The exact bytes that a leaf of the log stands for: the event and every column beside it.

    field = length (4 bytes, big-endian; 0xFFFFFFFF for none), then UTF-8
    entry = the fields: form, tenant, seq, kind, at (microseconds since 1970 UTC), actor, person, ehr, consent, purpose,
            outcome, subject, body

No column can be changed unseen, no byte can move from one field into the next, and a row that is put in another's place
is not what its leaf stands for. The same is written in SQL (`audit_leaf`), for logs that are older than the tree.
"""

import struct
from datetime import UTC, datetime, timedelta

from coordinator.audit.model import AuditRow
from coordinator.audit.tree import leaf_hash

FORM = "coordinator-audit-1"
_NONE = b"\xff\xff\xff\xff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def entry_of(row: AuditRow, *, tenant: str, seq: int) -> bytes:
    """Return the bytes of an event in its place."""
    at = str((row.at - _EPOCH) // _MICROSECOND)
    texts = (FORM, tenant, str(seq), row.kind, at, row.actor, row.person, row.ehr, row.consent, row.purpose)
    fields = [None if one is None else one.encode() for one in (*texts, row.outcome, row.subject)]
    return b"".join(_framed(one) for one in (*fields, row.body))


def leaf_of(row: AuditRow, *, tenant: str, seq: int) -> bytes:
    """Return the hash of an event in its place."""
    return leaf_hash(entry_of(row, tenant=tenant, seq=seq))


def _framed(field: bytes | None) -> bytes:
    return _NONE if field is None else struct.pack(">I", len(field)) + field
