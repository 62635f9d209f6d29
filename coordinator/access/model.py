"""What is asked before anything leaves, and what the answer is: a segment of data, an inquiry, a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Literal

from coordinator.care.consent.model import ConsentRecord
from coordinator.fhir import Identifier

Reason = Literal[
    "other-tenant",
    "actor-unknown",
    "recipient-unknown",
    "recipient-type",
    "source-unknown",
    "purpose",
    "not-necessary",
    "emergency-not-recorded",
    "no-agreement",
    "restricted",
    "state-law",
    "no-consent",
    "consent-revoked",
    "consent-not-in-force",
    "consent-defective",
    "consent-unverified",
    "consent-conflict",
    "evidence-gone",
    "no-evidence",
]


class Ground(Enum):
    """Why a segment may go out."""

    OWN = "own record"
    TREATMENT = "treatment, not under 42 CFR Part 2"
    CONSENT = "written consent"
    EMERGENCY = "medical emergency (42 CFR 2.51)"
    AGREEMENT = "audit, evaluation or research under an agreement (42 CFR 2.52, 2.53)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What would go out, as the decision needs it: whose record, which type, coded content, labels it carries.

    `codes` are what the record is about, `mentions` all others that stand in it: a permit asks for the former, a
    denial heeds both. `is_treating` says that the organization has a course of treatment of the person that is open: a
    consent until the end of treatment counts so long.
    """

    organization: str
    source: Identifier | None
    part2: bool
    type: str
    codes: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    tenant: str = ""
    is_treating: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who would receive it: an organization of the tenant's directory, its type, and whether it treats the person.

    An organization that nobody described has no identifier. `kind` is a row of the table of recipients.
    """

    organization: str
    identifier: Identifier | None
    kind: str = "provider"
    treats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An agreement by which a recipient may receive data for audit, evaluation or research without consent."""

    organization: str
    purpose: str
    start: date
    end: date
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a tenant and the people of it have decided beside the consents.

    `answers` tell which consent counts where several contradict each other, by the ids of all of them, oldest first;
    `stricter` is the tenant's table of state law; `signs_alone_from` the age from which a person signs alone there;
    None is not known. `checked` tells of consents whose signature a person has looked at whether it holds.
    """

    agreements: tuple[Agreement, ...] = ()
    answers: Mapping[frozenset[str], str] = field(default_factory=dict)
    stricter: tuple["StateRule", ...] = ()
    signs_alone_from: int | None = None
    checked: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """A line of state law that is stricter than federal law: what it is about, and what it asks for.

    `needs` is `never`, or `specific`: a consent that names this label or code, or is for this purpose alone.
    """

    state: str
    label: str = ""
    code: str = ""
    purpose: str = ""
    needs: Literal["never", "specific"] = "never"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Who asks on whose behalf to send to whom, what for, and when.

    `emergency` says that the record which 42 CFR 2.51 asks for is kept. `born` is the birth date of the person.
    """

    actor: str
    recipient: Party
    purpose: str
    at: datetime
    tenant: str = ""
    terms: Terms = field(default_factory=Terms)
    emergency: bool = False
    born: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConsent:
    """A consent of the registry that is about the person."""

    record: ConsentRecord
    forms: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """It may go, on this ground, without what is cut, and marked so.

    `consent` is the id of the consent where one is needed; `cuts` are elements that are not necessary for the purpose;
    `marks` are codes that the recipient has to keep with it.
    """

    ground: Ground
    consent: str | None = None
    cuts: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """It may not go; `reason` is a word of a closed list.

    `consents` are those about which a person is asked: they contradict each other, or their signature is not verified.
    """

    reason: Reason
    consents: frozenset[str] = frozenset()


Verdict = Permitted | Denied
