"""The accounts of the store in memory: what follows from the evidence, and what people made of it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from coordinator.reconcile.finding_life import FindingEvent, events_of, turned
from coordinator.reconcile.model import Decision, Finding
from coordinator.sandbox.memory_rows import Rows, Table, Unit, copied
from coordinator.sync.records import StoredAccount

Wake = Callable[[Collection[str]], Awaitable[None]]


class MemoryAccounts:
    """Accounts, findings with their lives, decisions and agreed states with their history."""

    def __init__(self, *, unit: Unit, rows: Rows, wake: Wake) -> None:
        self._unit = unit
        self._rows = rows
        self._wake = wake
        self._accounts: Table[str, StoredAccount] = Table(unit, "account")
        self._findings: Table[tuple[str, str], Finding] = Table(unit, "finding")
        self._decisions: Table[int, tuple[str, Decision]] = Table(unit, "decision")
        self._shadows: Table[tuple[str, str], bytes] = Table(unit, "shadow")
        self._agreed: Table[int, tuple[str, str, bytes, datetime]] = Table(unit, "shadow_history")
        self._events: Table[int, tuple[str, FindingEvent]] = Table(unit, "finding_event")

    async def account(self, person: str) -> StoredAccount | None:
        """Return the account of a person as it was last computed."""
        return self._accounts.get(person)

    async def put_account(self, account: StoredAccount) -> bool:
        """Keep the account; return whether it changed."""
        old = self._accounts.get(account.person)
        if old is not None and (old.body, old.hash) == (account.body, account.hash):
            return False
        await self._accounts.put(account.person, account)
        return True

    async def findings(self, person: str | None = None) -> list[tuple[str, Finding]]:
        """Return (person, finding) in order of person and key."""
        return [(owner, finding) for (owner, _), finding in self._findings.items() if person in {None, owner}]

    async def put_findings(self, person: str, findings: Sequence[Finding], at: datetime) -> int:
        """Make these the findings of a person, with the events that follow; return how many changed."""
        before = {finding.key: finding for _, finding in await self.findings(person)}
        changed, turns = turned(before, [replace(one, facts=copied(one.facts)) for one in findings])
        for finding in changed:
            await self._findings.put((person, finding.key), finding)
        told = [event for _, event in await self.finding_events(person)]
        for event in events_of(turns, told, at):
            await self.add_finding_event(person, event)
        return len(changed)

    async def finding_events(self, person: str | None = None) -> list[tuple[str, FindingEvent]]:
        """Return what happened to findings, in the order in which it did."""
        return [(owner, event) for owner, event in self._events.values() if person in {None, owner}]

    async def add_finding_event(self, person: str, event: FindingEvent) -> None:
        """Keep a turn in the life of a finding."""
        await self._events.put(self._rows.next(), (person, event))

    async def decisions(self, person: str) -> list[Decision]:
        """Return what was decided about a person, in the order in which it was."""
        return [decision for owner, decision in self._decisions.values() if owner == person]

    async def decided(self, code: str) -> list[Decision]:
        """Return what was decided about findings of a code, about whomever, in the order in which it was."""
        return [decision for _, decision in self._decisions.values() if decision.code == code]

    async def add_decision(self, person: str, decision: Decision) -> None:
        """Keep what a person decided and wake the person concerned."""
        self._unit.is_urgent = True
        await self._wake({person})
        kept = replace(decision, value=copied(decision.value), facts=copied(decision.facts))
        await self._decisions.put(self._rows.next(), (person, kept))

    async def shadows(self, person: str, *, known_at: datetime | None = None) -> dict[str, bytes]:
        """Return the agreed states by view, now or as they were at an instant."""
        if known_at is None:
            return {view: body for (owner, view), body in self._shadows.items() if owner == person}
        return {view: body for owner, view, body, at in self._agreed.values() if owner == person and at <= known_at}

    async def put_shadow(self, person: str, view: str, body: bytes, *, at: datetime) -> bool:
        """Keep an agreed state with its history; return whether it changed."""
        if self._shadows.get((person, view)) == body:
            return False
        await self._shadows.put((person, view), body)
        await self._agreed.put(self._rows.next(), (person, view, body, at))
        return True
