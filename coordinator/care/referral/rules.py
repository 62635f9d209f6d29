"""Questions about a request for care: does it stand, of which days does it speak."""

from coordinator.care.referral.model import RequestRecord

_OFF = frozenset({"draft", "revoked", "entered-in-error"})  # request-status codes of what was never or no longer meant


def is_standing(record: RequestRecord) -> bool:
    """Say whether the request was made and not taken back; a completed one still tells what was asked."""
    return record.status not in _OFF


def asked_from(record: RequestRecord) -> str | None:
    """Return from when care is asked for: the occurrence, else the day on which the request was written."""
    return record.at or record.start or record.authored
