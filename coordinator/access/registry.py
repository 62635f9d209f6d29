"""The registry of consents, as it is kept."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConsent:
    """A consent of our registry: received bytes, and its revocation if any."""

    consent_id: str
    body: bytes
    added_at: datetime
    revoked_at: datetime | None = None
