"""Proof of what happened: each event as a FHIR AuditEvent by the Basic Audit Log Patterns, written before the deed.

In come who did what about whom, to whom, for which purpose and on which ground; out go rows for a log that only grows,
a tree over them with signed heads, proofs, and answers to those who ask. It never holds content of a record, only its
citation.
"""

from coordinator.audit.answer import as_csv, as_ndjson, told
from coordinator.audit.bundle import bundle
from coordinator.audit.check import Checked, Tampering, Wrong, check_log
from coordinator.audit.event import Happening, audit_row, details_of
from coordinator.audit.head import BadHead, Head, Signer, Verifier, read_head, read_verifier, signer_of
from coordinator.audit.log import close_blocks, prove_consistency, prove_inclusion, root_at, seal
from coordinator.audit.model import AuditRow, LoggedEvent, StoredHead
from coordinator.audit.questions import Filter, Question, answered, narrowed, question_of, questions, words_of
from coordinator.audit.retention import (
    Hold,
    held_persons,
    hold_of,
    holds_json,
    in_parts,
    prunable_before,
    prune_of,
    pruned_places,
    ranges_of,
    read_holds,
)

__all__ = [
    "AuditRow",
    "BadHead",
    "Checked",
    "Filter",
    "Happening",
    "Head",
    "Hold",
    "LoggedEvent",
    "Question",
    "Signer",
    "StoredHead",
    "Tampering",
    "Verifier",
    "Wrong",
    "answered",
    "as_csv",
    "as_ndjson",
    "audit_row",
    "bundle",
    "check_log",
    "close_blocks",
    "details_of",
    "held_persons",
    "hold_of",
    "holds_json",
    "in_parts",
    "narrowed",
    "prove_consistency",
    "prove_inclusion",
    "prunable_before",
    "prune_of",
    "pruned_places",
    "question_of",
    "questions",
    "ranges_of",
    "read_head",
    "read_holds",
    "read_verifier",
    "root_at",
    "seal",
    "signer_of",
    "told",
    "words_of",
]
