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
    """The disclosure that a consent is asked about: who to whom, what for, which type, codes and labels it has.

    `mentions` are codes that stand anywhere in it, which denials heed. `kinds` are the purposes that a consent may name
    for it, where that is not the purpose alone; `classes` those of recipients that the recipient belongs to.
    `is_treating` says that the discloser's course of treatment is open.
    """

    discloser: Identifier
    recipient: Identifier
    purpose: str
    resource_type: str
    codes: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    is_intermediary: bool = False
    is_treating: bool = False

    @property
    def purposes(self) -> frozenset[str]:
        """Return the purposes by which a consent may speak of this one."""
        return self.kinds | {self.purpose}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """A provision that is an exception to the one around it: a denial takes back, a permit in a denial spares.

    Each set that is not empty narrows it to what it names. `is_vague` says that something in it can't be read: a denial
    then leaves that out of account and is rather too wide than too narrow, and a permit spares nothing.
    """

    permits: bool = False
    labels: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    disclosers: tuple[Identifier, ...] = ()
    recipients: tuple[Identifier, ...] = ()
    is_vague: bool = False
    exceptions: tuple["Provision", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """One Consent as its elements say it.

    `start` and `end` bound its force, and `ends_with` names the event that ends it; an empty `types`, `codes` or
    `labels` means all content in that respect. `limits` names the elements that narrow it in ways that are not read
    here: such a consent permits nothing by itself. `classes` are recipients by class, `members` and `member_classes`
    those to whom an intermediary may pass it on. `restriction` is the whole of it where it denies. `revoked_at` comes
    from our registry, not from the resource.
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
    exceptions: tuple[Provision, ...]
    revoked_at: datetime | None = None
    limits: frozenset[str] = frozenset()
    signed: bool = True
    patient_reference: str | None = None
    classes: frozenset[str] = frozenset()
    members: tuple[Identifier, ...] = ()
    member_classes: frozenset[str] = frozenset()
    ends_with: str | None = None
    restriction: Provision | None = None
    signed_by_patient: bool = False
    signed_by_other: bool = False
    has_authority: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An element of 42 CFR 2.31 that a consent lacks or has wrong."""

    element_id: str
    citation: str
    text: str
