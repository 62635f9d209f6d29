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
class Question:
    """The disclosure that a consent is asked about: who to whom, what for, which type, codes and labels it has."""

    discloser: Identifier
    recipient: Identifier
    purpose: str
    resource_type: str
    codes: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A nested provision that takes back a part of what the consent permits.

    Each set that is not empty narrows the denial to what it names. What can't be read leaves its set empty, so that
    the denial is rather too wide than too narrow.
    """

    labels: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    recipients: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """One Consent as its elements say it.

    `start` and `end` bound its force; an empty `types`, `codes` or `labels` means all content in that respect. `limits`
    names the elements that narrow it in ways that are not read here: such a consent permits nothing by itself.
    `revoked_at` comes from our registry, not from the resource.
    """

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
    limits: frozenset[str] = frozenset()
    signed: bool = True
    patient_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An element of 42 CFR 2.31 that a consent lacks or has wrong."""

    element_id: str
    citation: str
    text: str
