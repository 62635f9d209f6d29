"""Who may see or send what: the decision, and nothing else.

In come a segment of data, an inquiry (who asks to send it to whom, what for, when, by which tenant's terms) and the
consents of the person it is about; out goes a permit with its ground, cuts and marks, or a refusal with its reason.
Unknown means no. It never sends, logs or stores anything.
"""

from coordinator.access.decision import NO_REDISCLOSURE, PART2_LABEL, decide, next_change
from coordinator.access.labels import Label, high_water, is_at_least, known_labels, label_of
from coordinator.access.model import (
    Agreement,
    Denied,
    Ground,
    HeldConsent,
    Inquiry,
    Party,
    Permitted,
    Reason,
    Segment,
    StateRule,
    Terms,
    Verdict,
)
from coordinator.access.scopes import Scope, allowing, granted, read_scope
from coordinator.access.search_parameters import search_parameters, served_types
from coordinator.access.tables import recipient_types

__all__ = [
    "NO_REDISCLOSURE",
    "PART2_LABEL",
    "Agreement",
    "Denied",
    "Ground",
    "HeldConsent",
    "Inquiry",
    "Label",
    "Party",
    "Permitted",
    "Reason",
    "Scope",
    "Segment",
    "StateRule",
    "Terms",
    "Verdict",
    "allowing",
    "decide",
    "granted",
    "high_water",
    "is_at_least",
    "known_labels",
    "label_of",
    "next_change",
    "read_scope",
    "recipient_types",
    "search_parameters",
    "served_types",
]
