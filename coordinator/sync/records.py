"""What the stages hand to each other and to the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coordinator.access.registry import StoredConsent
from coordinator.care.level_of_care.model import MappingRow
from coordinator.fhir import Json
from coordinator.matching.links import IdentityLink, Past
from coordinator.reconcile.model import Grade, Presence

PatientKey = tuple[str, str]  # (ehr, id of the Patient resource there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What we hold of a record, enough to tell whether a received one is news."""

    raw_hash: bytes
    canonical_hash: bytes
    version: str
    presence: Presence
    patient: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A received version as the store keeps it. `patient` is the id of the Patient it speaks of, if any.

    `named` are those whom a record of several names; it is none of theirs alone. What is read back does not tell them.
    """

    ehr: str
    type: str
    id: str
    version: str
    raw_hash: bytes
    canonical_hash: bytes
    body: bytes
    patient: str | None
    learned_at: datetime
    presence: Presence = Presence.PRESENT
    named: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """What could not be read, whole, with its reason and place; nothing is lost.

    `patient` is whose it is, as far as its bytes tell.
    """

    ehr: str
    type: str
    id: str
    raw_hash: bytes
    body: bytes
    reason: str
    place: str
    learned_at: datetime
    patient: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRecord:
    """How the pull of one type from one EHR went.

    With a `lane` it brought what had changed, and its grade is that of the full compare which it goes on from; without
    it was a full compare, which found `missed` changes that the lane had not shown.
    """

    ehr: str
    type: str
    started_at: datetime
    ended_at: datetime
    grade: Grade
    reason: str
    seen: int
    changed: int
    quarantined: int
    lane: str = ""
    missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the fast lane of a type has come at an EHR.

    `mark` is a time of the EHR's own, from which the next walk begins; `compared_at` is when the last complete full
    compare began. `missed` counts what full compares found that the lane had not shown; `off` says why it is not used.
    """

    ehr: str
    type: str
    way: str
    basis: str
    mark: datetime
    compared_at: datetime
    missed: int = 0
    off: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartAuth:
    """A SMART Backend Services client: its id, key id, and where tokens come from (found by discovery when empty).

    `scopes` may be one word, `v1` or `v2`: all that we use, in the version for which the client is registered.
    `audience` is what our assertions are for: `token` (the token endpoint, the default), `issuer`, `base`, or an
    address. `jwks_url` is where the EHR fetches our public keys, as far as we know it. `method` is one of
    `private_key_jwt`, `client_secret_basic`, `client_secret_post`; a secret is kept beside the keys, as `key_id`.
    """

    client_id: str
    key_id: str
    scopes: tuple[str, ...] = ()
    token_url: str = ""
    audience: str = ""
    jwks_url: str = ""
    method: str = "private_key_jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class EhrConnection:
    """A registered EHR: address, the organization whose records it holds, roster, and its own mapping of levels.

    `roster` is `all`, `group:ID` or `file:F` (then `patients` holds the ids). `profile` is what capability and probe
    said at the last check, as JSON. `sandbox` marks an EHR of a sandbox, whose world's clock the product follows.
    """

    name: str
    url: str
    organization: str
    roster: str = "all"
    patients: tuple[str, ...] = ()
    smart: SmartAuth | None = None
    mapping: tuple[MappingRow, ...] = ()
    sandbox: bool = False
    private_network: bool = True
    options: Mapping[str, Json] = field(default_factory=dict)
    profile: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account as it was last computed: canonical JSON bytes and their hash."""

    person: str
    body: bytes
    hash: str
    reconciled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A person to reconcile; `wanted` tells up to which wake-up this pass counts."""

    person: str
    wanted: int


__all__ = [
    "Cursor",
    "Due",
    "EhrConnection",
    "IdentityLink",
    "Known",
    "Past",
    "PatientKey",
    "PullRecord",
    "Quarantined",
    "Received",
    "SmartAuth",
    "StoredAccount",
    "StoredConsent",
]
