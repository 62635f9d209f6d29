"""What a run needs from the world: the store, by small groups of questions, and the EHRs.

All methods of a store act within one transaction of one tenant: what was done is there together, or not at all.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from coordinator.audit.model import AuditRow
from coordinator.audit.ports import Log
from coordinator.fhir import Json, Page
from coordinator.outbox.model import Entry, Form, Intent
from coordinator.reconcile.finding_life import FindingEvent
from coordinator.reconcile.model import Decision, Finding, Grade
from coordinator.sync.records import (
    Cursor,
    Due,
    EhrConnection,
    IdentityLink,
    Known,
    Past,
    PatientKey,
    PullRecord,
    Quarantined,
    Received,
    StoredAccount,
    StoredConsent,
)
from coordinator.sync.ways import ExportJob, FastLane, Hook, Hooked
from coordinator.sync.work.ports import WorkTables


class EvidenceStore(Protocol):
    """Latest and every received version."""

    async def held(self, ehr: str, type_: str) -> dict[bytes, str]:
        """Return the ids of what is present of a type from an EHR, by the hash of its bytes."""
        ...

    async def known(self, ehr: str, type_: str, ids: Collection[str] | None = None) -> dict[str, Known]:
        """Return what we hold of a type from an EHR, by id; of these ids alone where they are given."""
        ...

    async def had(self, ehr: str, type_: str, contents: Mapping[str, bytes]) -> set[str]:
        """Return the ids of the records that had this content, by its canonical hash, before they had another."""
        ...

    async def receive(self, versions: Sequence[Received]) -> int:
        """Keep versions, make them the latest, wake the persons linked to their patients; return how many rows."""
        ...

    async def latest(self, patients: Collection[PatientKey], *, known_at: datetime | None = None) -> list[Received]:
        """Return the latest version of each record of these patients, as it was known at an instant if one is given."""
        ...

    async def one(self, ehr: str, type_: str, id_: str, *, known_at: datetime | None = None) -> Received | None:
        """Return the latest version of one record, as it was known at an instant if one is given."""
        ...

    async def counts(self) -> dict[tuple[str, str], int]:
        """Return how many records are present, by (ehr, type)."""
        ...


class PullStore(Protocol):
    """How pulls went, and what could not be read."""

    async def add_pull(self, record: PullRecord) -> None: ...

    async def grades(self, *, known_at: datetime | None = None) -> dict[tuple[str, str], Grade]:
        """Return the grade of the latest pull, by (ehr, type); of the latest that had ended by an instant, if given."""
        ...

    async def cursors(self, ehr: str) -> dict[str, Cursor]:
        """Return how far the fast lanes of an EHR have come, by type."""
        ...

    async def put_cursor(self, cursor: Cursor) -> None:
        """Keep how far a lane has come, in place of what was kept of it."""
        ...

    async def last_pulls(self) -> list[PullRecord]:
        """Return the latest pull of each type from each EHR, in order of both."""
        ...

    async def quarantine(self, rows: Sequence[Quarantined]) -> int:
        """Keep what could not be read; the same bytes of the same record are kept once. Return how many were new."""
        ...

    async def quarantined(self) -> list[Quarantined]: ...

    async def unread_of(self, patients: Collection[PatientKey]) -> list[Quarantined]:
        """Return what could not be read of these patients, in the order in which it came."""
        ...


class PeopleStore(Protocol):
    """People and which EHR patient is whom."""

    async def unmatched(self) -> list[Received]:
        """Return the Patient records that are new or changed since they were last matched."""
        ...

    async def patients(self, patients: Collection[PatientKey]) -> list[Received]:
        """Return the latest version of these Patient records, in order of ehr and id; what is not there is left out."""
        ...

    async def with_keys(self, keys: Collection[str], *, most: int | None = None) -> dict[str, list[PatientKey]]:
        """Return the patients that carry any of these matching keys, by key; not for keys that more than `most` do."""
        ...

    async def crowded(self, most: int, keys: Collection[str]) -> dict[str, int]:
        """Return how many patients carry a matching key, for those of the keys that more than `most` do."""
        ...

    async def crowds(self, most: int) -> list[int]:
        """Return how many patients carry each matching key that more than `most` do, the fewest first."""
        ...

    async def put_keys(self, ehr: str, patient: str, keys: Collection[str]) -> None: ...

    async def link(self, link: IdentityLink) -> None:
        """Link a patient to a person (moving it if it was linked elsewhere) and wake the persons concerned."""
        ...

    async def links(self, person: str | None = None, *, known_at: datetime | None = None) -> list[IdentityLink]:
        """Return the links of a person, or all, in order of person, ehr, patient; those held at an instant if given."""
        ...

    async def linked(self, patients: Collection[PatientKey]) -> dict[PatientKey, IdentityLink]:
        """Return the links of these patients, by patient; one without a link is left out."""
        ...

    async def create(self) -> str:
        """Return the id of a new person."""
        ...

    async def remember(self, past: Past) -> None:
        """Keep what was so while exactly these records were a person's, in place of what was kept of them before."""
        ...

    async def past(self, records: Collection[str]) -> Past | None:
        """Return what was so while exactly these records, `ehr/Patient/id`, were a person's."""
        ...

    async def pasts(self, person: str) -> list[Past]:
        """Return what was so while other records were this person's, in order of the records."""
        ...


class WakeStore(Protocol):
    """Which persons are owed a reconciliation: the truth that any wake-up only hints at."""

    async def wake(self, persons: Collection[str]) -> None: ...

    async def due(self, now: datetime, *, limit: int, only: Collection[str] | None = None) -> list[Due]:
        """Return persons woken since last reconciled or whose moment has come, locked for this transaction.

        Of these alone where they are given; nobody who is paused.
        """
        ...

    async def reconciled(self, due: Due, *, at: datetime, due_at: datetime | None) -> None: ...


class AccountStore(Protocol):
    """Accounts, findings, decisions and agreed states; each write changes rows only where content changed."""

    async def account(self, person: str) -> StoredAccount | None: ...

    async def put_account(self, account: StoredAccount) -> bool:
        """Keep the account; return whether it changed."""
        ...

    async def findings(self, person: str | None = None) -> list[tuple[str, Finding]]:
        """Return (person, finding) for one person or all, in order of person and key."""
        ...

    async def put_findings(self, person: str, findings: Sequence[Finding], at: datetime) -> int:
        """Make these the findings of a person; one that is no longer found becomes resolved. Return rows changed.

        What is opened, resolved or found again is an event of the finding's life.
        """
        ...

    async def decisions(self, person: str) -> list[Decision]: ...

    async def decided(self, code: str) -> list[Decision]:
        """Return what was decided about findings of a code, about whomever, in the order in which it was."""
        ...

    async def add_decision(self, person: str, decision: Decision) -> None:
        """Keep what a person decided and wake the person concerned."""
        ...

    async def finding_events(self, person: str | None = None) -> list[tuple[str, FindingEvent]]:
        """Return what happened to the findings of one person or all, in the order in which it did."""
        ...

    async def add_finding_event(self, person: str, event: FindingEvent) -> None: ...

    async def shadows(self, person: str, *, known_at: datetime | None = None) -> dict[str, bytes]:
        """Return the agreed states by view (the name of an EHR, or '' for the whole account), as JSON bytes.

        Those of an instant, if one is given.
        """
        ...

    async def put_shadow(self, person: str, view: str, body: bytes, *, at: datetime) -> bool:
        """Keep an agreed state with its history; return whether it changed."""
        ...


class OutboxStore(Protocol):
    """What is owed and what became of it."""

    async def put_intents(self, person: str, ehr: str, intents: Sequence[Intent], *, at: datetime) -> int:
        """Make these the open intents of a person towards an EHR.

        A new key, form or material is owed anew, and so is what was withheld; what is still owed takes the rest of the
        intent over. What is wanted again with the same material and was applied, verified or refused, or whose outcome
        is open, stays as it is. What is no longer wanted becomes obsolete, unless it is withheld, in flight or of
        unknown outcome, or is history (applied, verified). Return rows changed.
        """
        ...

    async def withhold(self, intent: Intent, reason: str, *, at: datetime) -> bool:
        """Keep a need that consent holds back, visible and without its body; return whether that is news."""
        ...

    async def entries(self, *, person: str | None = None, ehr: str | None = None) -> list[Entry]: ...

    async def sendable(self, ehr: str, *, limit: int) -> list[Entry]:
        """Return entries that are owed, unknown or in flight from a run that ended, oldest first, locked.

        None of an EHR or a person that is paused.
        """
        ...

    async def take(self, entry: Entry) -> Entry | None:
        """Return an entry as it stands now, locked; None where it is no longer this program's to send."""
        ...

    async def set_status(self, entry: Entry) -> None:
        """Keep an entry's new status, reason, attempts and result."""
        ...


class ConsentStore(Protocol):
    """The registry of consents."""

    async def consents(self) -> list[StoredConsent]: ...

    async def put_consent(self, consent: StoredConsent) -> bool:
        """Keep a consent (new, or its revocation); return whether anything changed."""
        ...


class AuditStore(Log, Protocol):
    """The log of what happened; it only grows. Events get their places at the end of a transaction."""

    async def append(self, rows: Sequence[AuditRow]) -> None: ...

    async def query(self, kind: str, *, person: str | None = None, since: datetime | None = None) -> list[AuditRow]: ...


class RegistryStore(Protocol):
    """EHR connections and the tenant's settings."""

    async def ehrs(self) -> list[EhrConnection]: ...

    async def put_ehr(self, connection: EhrConnection) -> None: ...

    async def remove_ehr(self, name: str) -> bool: ...

    async def setting(self, key: str) -> Json: ...

    async def put_setting(self, key: str, value: Json) -> None: ...


class Transaction(WorkTables, Protocol):
    """One transaction of one tenant, with all that can be asked of the store."""

    @property
    def evidence(self) -> EvidenceStore: ...
    @property
    def pulls(self) -> PullStore: ...
    @property
    def people(self) -> PeopleStore: ...
    @property
    def wakes(self) -> WakeStore: ...
    @property
    def accounts(self) -> AccountStore: ...
    @property
    def outbox(self) -> OutboxStore: ...
    @property
    def consents(self) -> ConsentStore: ...
    @property
    def audit(self) -> AuditStore: ...
    @property
    def registry(self) -> RegistryStore: ...


class Store(Protocol):
    """Opens transactions of one tenant."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Return a transaction: committed when the block ends, rolled back when it raises."""
        ...


# ---- EHRs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A page of a pull, or its end: `problem` says why the pull can't be called complete.

    The end tells the newest time that the EHR stamped, and the mark from which a fast lane would go on from here; of a
    fast lane also, in `not_honored`, that the EHR refused or ignored what it was asked.
    """

    type: str
    page: Page | None = None
    problem: str = ""
    grade: Grade = Grade.COMPLETE
    newest: datetime | None = None
    mark: datetime | None = None
    not_honored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The record as the EHR holds it now."""

    body: bytes
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """No such record: deleted (410 or a vendor's code), merged into another, or not there for us (404, 403)."""

    kind: str  # "deleted" | "merged" | "not-found" | "forbidden" | "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """A write as it goes out: the released bytes, and what must still be so for it to be right."""

    type: str
    target: str | None
    body: bytes
    base_hash: bytes
    claim: tuple[str, str] | None
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The EHR took it, or already had it (`adopted`). `version` is the one that the write made, where it was told."""

    id: str
    adopted: bool = False
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The record moved since we looked: `by` says how that showed (409, 412, compare, gone)."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The request went out and its answer was lost."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The EHR will not take it as it is."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Nothing went out, or the EHR said to come later."""

    reason: str
    retry_after: float | None = None


WriteOutcome = Applied | Conflict | Unknown | Refused | Unavailable
MayLeave = Callable[[], Awaitable[bool]]


class Ehr(Protocol):
    """One connected EHR."""

    @property
    def name(self) -> str: ...

    @property
    def profile(self) -> Mapping[str, Json]:
        """Return what is known of the site by now: what the connection held, and what was learned since."""
        ...

    def forms(self, concept: str) -> tuple[Form, ...]:
        """Return the forms in which this EHR can be told of a concept, best first; `none` is always last."""
        ...

    def carrier(self, concept: str, form: Form) -> str | None:
        """Return the resource type that carries a concept in a form, such as `Communication`; None for form none."""
        ...

    def can_store(self, path: str, value: str) -> bool:
        """Tell whether this EHR can hold a value at a path such as `MedicationStatement.status`, as far as known."""
        ...

    def keeps(self, path: str) -> bool:
        """Tell whether this EHR keeps what is written at a path, as far as writes that were read back taught."""
        ...

    def pull(self, types: Sequence[str], patients: Sequence[str] | None) -> AsyncGenerator[Pulled, None]:
        """Yield pages of each type, then one `Pulled` without page per type that carries its grade."""
        ...

    def lane(self, type_: str) -> FastLane | None:
        """Return the fast lane of a type, None where there is none."""
        ...

    def changes(self, since: Mapping[str, datetime]) -> AsyncGenerator[Pulled, None]:
        """Yield what changed of each type from its moment on, by its fast lane, then one `Pulled` without page."""
        ...

    def export(self, types: Sequence[str], job: ExportJob) -> AsyncGenerator[Pulled | ExportJob, None]:
        """Yield a job as soon as it is started, to be kept, then what it brings as a pull does. Raises EhrError."""
        ...

    async def subscribe(self, hook: Hook, ids: Sequence[str]) -> Hooked:
        """Have the EHR call when something changes, or go on to under these ids. Raises EhrError."""
        ...

    async def unsubscribe(self, ids: Sequence[str]) -> None:
        """Have the EHR call no more. Raises EhrError."""
        ...

    async def read(self, type_: str, id_: str) -> Found | Absent: ...

    async def write(self, request: WriteRequest, may_leave: MayLeave) -> WriteOutcome:
        """Write once; `may_leave` is asked at the moment before a body would leave, and a no ends the write unsent."""
        ...


class Ehrs(Protocol):
    """Opens the registered EHRs for a run."""

    def open(self, connection: EhrConnection) -> AbstractAsyncContextManager[Ehr]:
        """Return a connected EHR; raises TemporaryEhrError or PermanentEhrError where it can't be reached or used."""
        ...


# ---- between stages --------------------------------------------------------------------------------------------------


class Sorted(Protocol):
    """A page's entries: new versions, what can't be read, and the ids seen."""

    @property
    def changed(self) -> tuple[Received, ...]: ...
    @property
    def quarantined(self) -> tuple[Quarantined, ...]: ...
    @property
    def seen(self) -> tuple[str, ...]: ...


class Normalize(Protocol):
    """Sorts the entries of one type into what is news, what can't be read, and what was seen."""

    def __call__(
        self, entries: Sequence[bytes], type_: str, *, ehr: str, known: Mapping[str, Known], now: datetime
    ) -> Sorted: ...
