"""What people decide: conflicts, missing ends, identities, consents. Every decision keeps who, when and why.

In come a finding or a consent and a person's word on it; out go a decision or a registered consent in the store, with
its event in the audit log and the persons concerned woken. It computes no account itself.
"""

from coordinator.workflow.consents import ConsentLine, Revoked, Sent, add_consent, list_consents, revoke_consent
from coordinator.workflow.decisions import (
    Answer,
    Considered,
    consider,
    find_finding,
    how_to_answer,
    resolve_finding,
    short_key,
)
from coordinator.workflow.worklist import Item, assign_finding, see_finding, worklist

__all__ = [
    "Answer",
    "ConsentLine",
    "Considered",
    "Item",
    "Revoked",
    "Sent",
    "add_consent",
    "assign_finding",
    "consider",
    "find_finding",
    "how_to_answer",
    "list_consents",
    "resolve_finding",
    "revoke_consent",
    "see_finding",
    "short_key",
    "worklist",
]
