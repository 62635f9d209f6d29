"""The store in memory: the questions of `sync.ports` answered without a database, for tests and simulation.

Held to the real one by the same port suite; what a query does there is a sentence of Python here.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from coordinator.errors import NotFound
from coordinator.fhir import Json, canonical, parse
from coordinator.outbox.model import Entry, Form, Intent, Status
from coordinator.outbox.succession import settled, succeeded, withheld
from coordinator.reconcile.model import Grade, Presence
from coordinator.sandbox.memory_accounts import MemoryAccounts
from coordinator.sandbox.memory_audit import MemoryAudit
from coordinator.sandbox.memory_people import MemoryPeople
from coordinator.sandbox.memory_rows import Rows, Table, Unit, copied
from coordinator.sandbox.memory_runs import MemoryRuns
from coordinator.sandbox.memory_work import MemoryBudgets, MemoryJobs, MemoryLeases, MemoryPauses, MemoryTroubles
from coordinator.sync.records import (
    Cursor,
    Due,
    EhrConnection,
    IdentityLink,
    Known,
    PatientKey,
    PullRecord,
    Quarantined,
    Received,
    StoredConsent,
)
from coordinator.sync.work.records import Job, RunRow, Work

Place = tuple[str, str, str]
T = TypeVar("T")


class MemoryDatabase:
    """What several stores share, as several programs share one PostgreSQL; `seconds` is its own clock."""

    def __init__(self, *, seconds: Callable[[], float] = time.time) -> None:
        self.seconds = seconds
        self._tenants: dict[str, Rows] = {}
        self._runners = 0
        self.living: set[int] = set()

    def rows(self, tenant: str) -> Rows:
        """Return the rows of a tenant."""
        return self._tenants.setdefault(tenant, Rows())

    def open(self, tenant: str = "tenant") -> "MemoryStore":
        """Return a store of a tenant, with a number of its own among the programs that write."""
        self._runners += 1
        self.living.add(self._runners)
        return MemoryStore(self, tenant=tenant, runner=self._runners)


class MemoryStore:
    """A store in memory: hands out transactions of one tenant."""

    def __init__(self, database: MemoryDatabase | None = None, *, tenant: str = "tenant", runner: int = 0) -> None:
        self._database = database or MemoryDatabase()
        self._database.living.add(runner)
        self._rows = self._database.rows(tenant)
        self._tenant = tenant
        self._runner = runner

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryTransaction"]:
        """Yield a transaction: committed when the block ends, rolled back when it raises."""
        unit, commit = Unit(self._rows), False
        try:
            tx = MemoryTransaction(_Session(unit, self._rows, self._database, self._runner, self._tenant))
            yield tx
            await tx.audit.flush()
            commit = True
        finally:
            unit.end(commit=commit)

    def close(self) -> None:
        """End this program: what it has in flight is nobody's now."""
        self._database.living.discard(self._runner)


@dataclass(frozen=True, slots=True)
class _Session:
    unit: Unit
    rows: Rows
    database: MemoryDatabase
    runner: int
    tenant: str


class MemoryTransaction:
    """One transaction of one tenant, with all that can be asked of the store."""

    def __init__(self, session: _Session) -> None:
        unit, rows, runner = session.unit, session.rows, session.runner
        living, seconds = session.database.living, session.database.seconds
        self.leases = MemoryLeases(unit, runner=runner, living=living, seconds=seconds)
        self.jobs = _Jobs(unit, rows, living=living, seconds=seconds)
        self.troubles = MemoryTroubles(unit, seconds=seconds)
        self.pauses = MemoryPauses(unit)
        self.budgets = MemoryBudgets(unit)
        self.runs = MemoryRuns(unit, rows, runner=runner, living=living)
        self.wakes = _Wakes(session, self.jobs, self.pauses)
        self.evidence = _Evidence(session, self.wakes, self.runs)
        self.pulls = _Pulls(session, self.runs)
        self.people = MemoryPeople(session.unit, session.rows, self.wakes)
        self.accounts = MemoryAccounts(unit=session.unit, rows=session.rows, wake=self.wakes.wake)
        self.outbox = _Outbox(session, self)
        self.consents = _Consents(session)
        self.audit = MemoryAudit(session.unit, session.rows, tenant=session.tenant)
        self.registry = _Registry(session)


@dataclass(frozen=True, slots=True)
class _State:
    wanted: int = 0
    done: int = 0
    due_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self.wanted > self.done or (self.due_at is not None and self.due_at <= now)


class _Wakes:
    def __init__(self, session: _Session, jobs: MemoryJobs, pauses: MemoryPauses) -> None:
        self._jobs, self._pauses = jobs, pauses
        self._states: Table[str, _State] = Table(session.unit, "person_state")

    async def add(self, person: str) -> None:
        await self._states.put(person, _State())

    async def wake(self, persons: Collection[str]) -> None:
        wanted = sorted(set(persons))
        if any(self._states.get(person) is None for person in wanted):
            raise NotFound("There is no such person.", operation="wake", subject="person")
        for person in wanted:
            await self._states.hold(person)
            state = self._states.get(person) or _State()
            await self._states.put(person, replace(state, wanted=state.wanted + 1))
        await self._jobs.woken(wanted)

    async def due(self, now: datetime, *, limit: int, only: Collection[str] | None = None) -> list[Due]:
        found: list[Due] = []
        for person, state in self._states.items():
            is_due = state.is_due(now) and (only is None or person in only)
            is_due = is_due and not self._pauses.is_paused(person=person)
            if len(found) < limit and is_due and not self._states.is_held_by_another(person):
                await self._states.hold(person)
                found.append(Due(person=person, wanted=state.wanted))
        return found

    async def reconciled(self, due: Due, *, at: datetime, due_at: datetime | None) -> None:  # noqa: ARG002 - kept for people to see
        await self._states.hold(due.person)
        if (state := self._states.get(due.person)) is not None:
            await self._states.put(due.person, replace(state, done=max(state.done, due.wanted), due_at=due_at))


class _Evidence:
    def __init__(self, session: _Session, wakes: _Wakes, runs: MemoryRuns) -> None:
        self._rows = session.rows
        self._wakes = wakes
        self._runs = runs
        self._latest: Table[Place, Received] = Table(session.unit, "resource")
        self._versions: Table[int, Received] = Table(session.unit, "resource_version")
        self._links: Table[PatientKey, IdentityLink] = Table(session.unit, "identity_link")
        self._ehrs: Table[str, None] = Table(session.unit, "receiving")

    async def held(self, ehr: str, type_: str) -> dict[bytes, str]:
        return {
            one.raw_hash: one.id
            for one in self._latest.values()
            if (one.ehr, one.type, one.presence) == (ehr, type_, Presence.PRESENT)
        }

    async def known(self, ehr: str, type_: str, ids: Collection[str] | None = None) -> dict[str, Known]:
        return {
            one.id: Known(
                raw_hash=one.raw_hash,
                canonical_hash=one.canonical_hash,
                version=one.version,
                presence=one.presence,
                patient=one.patient,
            )
            for one in self._latest.values()
            if (one.ehr, one.type) == (ehr, type_) and (ids is None or one.id in ids)
        }

    async def had(self, ehr: str, type_: str, contents: Mapping[str, bytes]) -> set[str]:
        before = [one for one in self._versions.values() if (one.ehr, one.type) == (ehr, type_)]
        now = {place: one.canonical_hash for place, one in self._latest.items()}
        return {
            one.id
            for one in before
            if contents.get(one.id) == one.canonical_hash and now[_place(one)] != one.canonical_hash
        }

    async def receive(self, versions: Sequence[Received]) -> int:
        for ehr in sorted({one.ehr for one in versions}):
            await self._ehrs.hold(ehr)
        concerned: set[PatientKey] = set()
        written = 0
        for one in versions:
            old = self._latest.get(_place(one))
            if old is not None and _news(old) == _news(one):
                continue
            written += 1
            concerned |= {subject for each in (one, old) if each is not None for subject in _subjects(each)}
            await self._versions.put(self._rows.next(), one)
            await self._latest.put(_place(one), one)
            outcome = "received" if one.presence is Presence.PRESENT else "gone"
            await self._runs.touched(RunRow(outcome=outcome, ehr=one.ehr, key=f"{one.type}/{one.id}"))
        links = [self._links.get(subject) for subject in concerned]
        await self._wakes.wake({link.person for link in links if link is not None})
        return written

    async def latest(self, patients: Collection[PatientKey], *, known_at: datetime | None = None) -> list[Received]:
        latest = dict(self._latest.items())
        if known_at is not None:
            latest = {_place(one): one for one in self._versions.values() if one.learned_at <= known_at}
        wanted = set(patients)
        return [latest[place] for place in sorted(latest) if wanted & _subjects(latest[place])]

    async def one(self, ehr: str, type_: str, id_: str, *, known_at: datetime | None = None) -> Received | None:
        if known_at is None:
            return self._latest.get((ehr, type_, id_))
        held = [one for one in self._versions.values() if _place(one) == (ehr, type_, id_)]
        return next((one for one in reversed(held) if one.learned_at <= known_at), None)

    async def counts(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for one in self._latest.values():
            if one.presence is Presence.PRESENT:
                found[one.ehr, one.type] = found.get((one.ehr, one.type), 0) + 1
        return found


class _Pulls:
    def __init__(self, session: _Session, runs: MemoryRuns) -> None:
        self._rows = session.rows
        self._runs = runs
        self._pulls: Table[int, PullRecord] = Table(session.unit, "pull")
        self._cursors: Table[tuple[str, str], Cursor] = Table(session.unit, "cursor")
        self._unread: Table[tuple[str, str, str, bytes], tuple[int, Quarantined]] = Table(session.unit, "quarantine")

    async def add_pull(self, record: PullRecord) -> None:
        await self._pulls.put(self._rows.next(), record)

    async def grades(self, *, known_at: datetime | None = None) -> dict[tuple[str, str], Grade]:
        ended = [one for one in self._pulls.values() if known_at is None or one.ended_at <= known_at]
        return {(record.ehr, record.type): record.grade for record in ended}

    async def cursors(self, ehr: str) -> dict[str, Cursor]:
        return {type_: one for (name, type_), one in self._cursors.items() if name == ehr}

    async def put_cursor(self, cursor: Cursor) -> None:
        await self._cursors.put((cursor.ehr, cursor.type), cursor)

    async def last_pulls(self) -> list[PullRecord]:
        latest = {(record.ehr, record.type): record for record in self._pulls.values()}
        return [latest[key] for key in sorted(latest)]

    async def quarantine(self, rows: Sequence[Quarantined]) -> int:
        new = 0
        for row in rows:
            key = (row.ehr, row.type, row.id, row.raw_hash)
            await self._unread.hold(key)
            if self._unread.get(key) is None:
                await self._unread.put(key, (self._rows.next(), row))
                key_ = f"{row.type}/{row.id}"
                await self._runs.touched(RunRow(outcome="unreadable", ehr=row.ehr, key=key_, reason=row.reason))
                new += 1
        return new

    async def quarantined(self) -> list[Quarantined]:
        return [row for _, row in sorted(self._unread.values(), key=lambda one: one[0])]

    async def unread_of(self, patients: Collection[PatientKey]) -> list[Quarantined]:
        return [row for row in await self.quarantined() if (row.ehr, row.patient) in patients]


@dataclass(frozen=True, slots=True)
class _Owed:
    entry: Entry
    seq: int
    runner: int


class _Jobs(MemoryJobs):
    def __init__(self, unit: Unit, rows: Rows, *, living: set[int], seconds: Callable[[], float]) -> None:
        super().__init__(unit, rows, seconds=seconds)
        self._living = living
        self._persons: Table[str, _State] = Table(unit, "person_state")
        self._owed: Table[Place, _Owed] = Table(unit, "outbox")
        self._paused = MemoryPauses(unit)

    async def sweep(self, now: datetime) -> int:
        servers = self.servers()
        persons = [person for person, state in self._persons.items() if state.is_due(now)]
        sendable = {one.entry.intent.ehr for one in self._owed.values() if self._is_sendable(one)}
        owed = [Job(work=Work.PERSON, key=person) for person in persons]
        owed += [Job(work=Work.PULL, key=name) for name in servers]
        owed += [Job(work=Work.PUSH, key=name) for name in servers if name in sendable]
        return await self.ask(owed)

    def _is_sendable(self, owed: _Owed) -> bool:
        if owed.entry.intent.form is Form.NONE or self._paused.is_paused(person=owed.entry.intent.person):
            return False
        is_orphan = owed.entry.status is Status.IN_FLIGHT and owed.runner not in self._living
        return is_orphan or owed.entry.status in {Status.OWED, Status.UNKNOWN, Status.APPLIED}


class _Outbox:
    def __init__(self, session: _Session, own: "MemoryTransaction") -> None:
        self._session, self._jobs, self._runs, self._pauses = session, own.jobs, own.runs, own.pauses
        self._owed: Table[Place, _Owed] = Table(session.unit, "outbox")

    async def put_intents(self, person: str, ehr: str, intents: Sequence[Intent], *, at: datetime) -> int:
        changed = succeeded(await self._held(person, ehr), intents, at)
        for entry in changed:
            await self._put(entry)
        return len(changed)

    async def withhold(self, intent: Intent, reason: str, *, at: datetime) -> bool:
        held = {entry.intent.key: entry for entry in await self._held(intent.person, intent.ehr)}
        changed = withheld(held.get(intent.key), intent, reason, at=at)
        if changed is not None:
            await self._put(changed)
        return changed is not None

    async def entries(self, *, person: str | None = None, ehr: str | None = None) -> list[Entry]:
        return [
            owed.entry
            for (its_person, its_ehr, _), owed in self._owed.items()
            if person in {None, its_person} and ehr in {None, its_ehr}
        ]

    async def sendable(self, ehr: str, *, limit: int) -> list[Entry]:
        found = [
            (owed.seq, key, owed.entry) for key, owed in self._owed.items() if key[1] == ehr and self._is_free(owed)
        ]
        free = [one for one in sorted(found, key=lambda one: one[0]) if not self._owed.is_held_by_another(one[1])]
        for _, key, _ in free[:limit]:
            await self._owed.hold(key)
        return [entry for _, _, entry in free[:limit]]

    async def take(self, entry: Entry) -> Entry | None:
        key = (entry.intent.person, entry.intent.ehr, entry.intent.key)
        await self._owed.hold(key)
        owed = self._owed.get(key)
        return owed.entry if owed is not None and self._is_free(owed) else None

    async def set_status(self, entry: Entry) -> None:
        intent = entry.intent
        for stored in await self._held(intent.person, intent.ehr):
            if stored.intent.key == intent.key:
                kept = settled(stored, entry)
                if kept != stored:
                    await self._put(kept, is_report=True)
                return
        raise NotFound("There is no such entry in the outbox.", operation="set_status", subject=intent.ehr)

    def _is_free(self, owed: _Owed) -> bool:
        intent = owed.entry.intent
        if intent.form is Form.NONE or self._pauses.is_paused(ehr=intent.ehr, person=intent.person):
            return False
        if owed.entry.status is Status.IN_FLIGHT:
            return owed.runner == self._session.runner or owed.runner not in self._session.database.living
        return owed.entry.status in {Status.OWED, Status.UNKNOWN}

    async def _held(self, person: str, ehr: str) -> list[Entry]:
        keys = [key for key, _ in self._owed.items() if key[:2] == (person, ehr)]
        for key in keys:
            await self._owed.hold(key)
        found = [self._owed.get(key) for key in keys]
        return [owed.entry for owed in found if owed is not None]

    async def _put(self, entry: Entry, *, is_report: bool = False) -> None:
        key = (entry.intent.person, entry.intent.ehr, entry.intent.key)
        old = self._owed.get(key)
        is_anew = old is None or (old.entry.status is not Status.OWED and entry.status is Status.OWED)
        seq = self._session.rows.next() if old is None or is_anew else old.seq
        kept = replace(entry, facts=copied(entry.facts))
        runner = self._session.runner if old is None or is_report else old.runner
        await self._owed.put(key, _Owed(entry=kept, seq=seq, runner=runner))
        before = None if old is None else old.entry
        await self._jobs.owed(before, kept)
        await self._runs.wrote(before, kept)


class _Consents:
    def __init__(self, session: _Session) -> None:
        self._unit = session.unit
        self._consents: Table[str, StoredConsent] = Table(session.unit, "consent")

    async def consents(self) -> list[StoredConsent]:
        return list(self._consents.values())

    async def put_consent(self, consent: StoredConsent) -> bool:
        old = self._consents.get(consent.consent_id)
        if old is not None and (old.body, old.revoked_at) == (consent.body, consent.revoked_at):
            return False
        await self._consents.put(consent.consent_id, consent)
        self._unit.is_urgent = True
        return True


class _Registry:
    def __init__(self, session: _Session) -> None:
        self._ehrs: Table[str, EhrConnection] = Table(session.unit, "ehr")
        self._settings: Table[str, bytes] = Table(session.unit, "setting")

    async def ehrs(self) -> list[EhrConnection]:
        return list(self._ehrs.values())

    async def put_ehr(self, connection: EhrConnection) -> None:
        options, profile = copied(connection.options), copied(connection.profile)
        await self._ehrs.put(connection.name, replace(connection, options=options, profile=profile))

    async def remove_ehr(self, name: str) -> bool:
        if self._ehrs.get(name) is None:
            return False
        await self._ehrs.remove(name)
        return True

    async def setting(self, key: str) -> Json:
        value = self._settings.get(key)
        return None if value is None else parse(value)

    async def put_setting(self, key: str, value: Json) -> None:
        await self._settings.put(key, canonical(value))


def _place(one: Received) -> Place:
    return one.ehr, one.type, one.id


def _subject(one: Received) -> PatientKey | None:
    """Return the patient of whom a record speaks: a Patient speaks of itself."""
    subject = one.id if one.type == "Patient" else one.patient
    return None if subject is None else (one.ehr, subject)


def _subjects(one: Received) -> set[PatientKey]:
    """Return the patients who are told of a record: the one of whom it speaks, or those whom it names together."""
    subject = _subject(one)
    return {(one.ehr, each) for each in one.named} | ({subject} if subject else set())


def _news(one: Received) -> tuple[bytes, str, Presence, str | None]:
    return one.raw_hash, one.version, one.presence, one.patient
