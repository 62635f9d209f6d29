"""What reconciling takes and gives: evidence, decisions, agreed states, and the account with its findings."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

from coordinator.care.level_of_care.model import MappingRow
from coordinator.fhir import Document, Identifier, Json


class Presence(Enum):
    """Where a record of an EHR stands now, as far as we could see."""

    PRESENT = "present"
    DELETED = "deleted"
    MERGED = "merged"
    HIDDEN = "hidden"
    ENTERED_IN_ERROR = "entered-in-error"
    UNREADABLE = "unreadable"


class Grade(Enum):
    """How complete the last pull of a type from an EHR was; only a complete one supports 'none' or 'missing'."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    RESTRICTED = "restricted"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One received version of a resource, with the organization whose record it is and when we learned of it.

    `place` is `ehr/Type/id`, which names the record whatever its version; `ref` is `ehr/Type/id@version`, the way
    conclusions cite it. Both are made once: a record is cited by many. `kept` is what was concluded from it alone.
    """

    ehr: str
    document: Document
    organization: str
    learned_at: datetime
    presence: Presence = Presence.PRESENT
    ours: bool = False
    place: str = field(init=False, repr=False, compare=False)
    ref: str = field(init=False, repr=False, compare=False)
    kept: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make place and citation."""
        place = f"{self.ehr}/{self.document.type}/{self.document.id}"
        object.__setattr__(self, "place", place)
        object.__setattr__(self, "ref", f"{place}@{self.document.version}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided about a finding: for which facts it was made, and why."""

    key: str
    code: str
    value: Mapping[str, Json]
    reason: str
    actor: str
    decided_at: datetime
    facts: Mapping[str, Json]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A legal entity: sender or recipient of a disclosure. `identifier` is (system, value).

    `type` is a row of the table of recipients; where nobody told it, who runs an EHR is a provider or a program.
    """

    key: str
    name: str
    identifier: tuple[str, str]
    part2: bool
    type: str = ""

    @property
    def recipient_type(self) -> str:
        """Return which type of recipient it is."""
        return self.type or ("part2-program" if self.part2 else "provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A unit of an organization that gives a level of care."""

    key: str
    name: str
    organization: str
    edition: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a tenant chose: zone of its programs' days, organizations, programs, mapping rows per EHR, options."""

    zone: ZoneInfo
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    mappings: Mapping[str, tuple[MappingRow, ...]] = field(default_factory=dict)
    grades: Mapping[tuple[str, str], Grade] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)

    def organization_named(self, identifier: Identifier) -> str | None:
        """Return the organization that an identifier names."""
        named = (identifier.system, identifier.value)
        return next((one.key for one in self.organizations.values() if one.identifier == named), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The last agreed states of one view: item -> field -> {"": agreed value, ehr: value last agreed with that EHR}.

    This is the shadow that a three-way merge compares with. Days that were told stand there by the instant at which
    they were learned. `written` tells which EHRs got writes that rest on a record; it follows from the outbox.
    """

    items: Mapping[str, Mapping[str, Mapping[str, Json]]] = field(default_factory=dict)
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know or decide. A finding without evidence can't be made.

    `rules` are the ids of the rules it was drawn by; `due_at` is the next moment at which time alone may change it.
    """

    key: str
    code: str
    urgency: str
    sentence: str
    suggestion: str
    facts: Mapping[str, Json]
    evidence: tuple[str, ...]
    status: str = "open"
    due_at: datetime | None = None
    rules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"finding {self.code} cites no evidence")

    def drawn_by(self, *rules: str) -> "Finding":
        """Return the finding with the ids of the rules that it was drawn by."""
        return replace(self, rules=tuple(sorted({*self.rules, *rules})))
