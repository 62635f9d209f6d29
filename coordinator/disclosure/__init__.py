"""The one way out: what a recipient may receive, and the labeled bytes that may be sent to it.

In come evidence or a body that would go out, with recipient, purpose and the person's consents; out go the evidence
that this recipient may receive, or a body with label, notice and scope of the consent, and what audit must hold first.
It fails closed: what it can't place counts as under 42 CFR Part 2, and what no consent permits does not leave.
"""

from coordinator.disclosure.release import Released, Request, Withheld, prepared, release
from coordinator.disclosure.served import Served, own_id, served, shelf_of
from coordinator.disclosure.terms import CONFLICT, UNVERIFIED, terms_of
from coordinator.disclosure.view import Recipient, Ruling, Sight, segment_of, sight

__all__ = [
    "CONFLICT",
    "UNVERIFIED",
    "Recipient",
    "Released",
    "Request",
    "Ruling",
    "Served",
    "Sight",
    "Withheld",
    "own_id",
    "prepared",
    "release",
    "segment_of",
    "served",
    "shelf_of",
    "sight",
    "terms_of",
]
