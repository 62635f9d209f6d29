"""Questions about a request for care: does it stand, of which days does it speak."""

from coordinator.care.referral.model import RequestRecord, TaskRecord

_OFF = frozenset({"draft", "revoked", "entered-in-error"})  # request-status codes of what was never or no longer meant

_ACCEPTED = frozenset({"accepted", "in-progress"})  # FHIR task-status; referral_states of the reference
_LEADS_NOWHERE = frozenset({"draft", "rejected", "cancelled", "failed", "entered-in-error"})  # FHIR task-status
_REQUEST = "ServiceRequest"


def is_standing(record: RequestRecord) -> bool:
    """Say whether the request was made and not taken back; a completed one still tells what was asked."""
    return record.status not in _OFF


def asked_from(record: RequestRecord) -> str | None:
    """Return from when care is asked for: the occurrence, else the day on which the request was written."""
    return record.at or record.start or record.authored


def is_referral(record: TaskRecord) -> bool:
    """Say whether a Task asks for the care that a ServiceRequest orders; other tasks are work of a staff."""
    return record.focus_type == _REQUEST or f"/{record.focus or ''}".rpartition("/")[0].endswith(f"/{_REQUEST}")


def may_lead_to_care(record: TaskRecord) -> bool:
    """Say whether a referral was sent and neither declined nor called off."""
    return is_referral(record) and record.status not in _LEADS_NOWHERE


def is_accepted(record: TaskRecord) -> bool:
    """Say whether the receiver took it on and has not ended it."""
    return record.status in _ACCEPTED
