"""A written consent under 42 CFR Part 2, by its elements."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from coordinator.fhir import Coding, Identifier


class Reading(Enum):
    """What reading a consent came to."""

    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A nested provision that takes back a part of what the consent permits."""

    labels: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """One Consent as its elements say it. `start` and `end` bound its force; an empty `codes` means all content."""

    consent_id: str
    status: str | None
    patient: Identifier | None
    disclosers: tuple[Identifier, ...]
    recipients: tuple[Identifier, ...]
    purposes: frozenset[str]
    types: frozenset[str]
    codes: tuple[Coding, ...]
    start: str | None
    end: str | None
    signed_at: str | None
    verified: bool
    form: str | None
    permits: bool
    actions: frozenset[str]
    labels: frozenset[str]
    denials: tuple[Denial, ...]
    revoked_at: datetime | None = None
