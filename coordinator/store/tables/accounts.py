"""Accounts, findings, decisions and agreed states; each write changes rows only where content changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.rows import TupleRow

from coordinator.reconcile.finding_life import Cause, FindingEvent, Turn, events_of, turned
from coordinator.reconcile.model import Decision, Finding
from coordinator.store.tables.people import Wakes
from coordinator.store.tables.session import Session, json_bytes, json_object
from coordinator.sync.records import StoredAccount

_FILE = "accounts"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts, findings, decisions and agreed states."""

    session: Session

    async def account(self, person: str) -> StoredAccount | None:
        """Return the account of a person as it was last computed."""
        for key, body, hash_, at in await self.session.rows(_FILE, "account", person=person):
            return StoredAccount(person=key, body=body, hash=hash_, reconciled_at=at)
        return None

    async def put_account(self, account: StoredAccount) -> bool:
        """Keep the account; return whether it changed."""
        return await self.session.change(_FILE, "put_account", **asdict(account)) > 0

    async def findings(self, person: str | None = None) -> list[tuple[str, Finding]]:
        """Return (person, finding) for one person or all, in order of person and key."""
        if person is None:
            return [_finding(row) for row in await self.session.rows(_FILE, "findings")]
        return [_finding(row) for row in await self.session.rows(_FILE, "findings_of", person=person)]

    async def put_findings(self, person: str, findings: Sequence[Finding], at: datetime) -> int:
        """Make these the findings of a person; one that is no longer found becomes resolved. Return rows changed."""
        before = {finding.key: finding for _, finding in await self.findings(person)}
        changed, turns = turned(before, findings)
        rows = [{**_values(finding), "person": person, "at": at} for finding in changed]
        written = await self.session.change_many(_FILE, "put_finding", rows)
        if turns:
            told = [event for _, event in await self.finding_events(person)]
            events = [_event_values(person, event) for event in events_of(turns, told, at)]
            await self.session.change_many(_FILE, "add_finding_event", events)
        return written

    async def finding_events(self, person: str | None = None) -> list[tuple[str, FindingEvent]]:
        """Return what happened to the findings of one person or all, in the order in which it did."""
        return [_event(row) for row in await self.session.rows(_FILE, "finding_events", person=person)]

    async def add_finding_event(self, person: str, event: FindingEvent) -> None:
        """Keep a turn in the life of a finding."""
        await self.session.change(_FILE, "add_finding_event", **_event_values(person, event))

    async def decisions(self, person: str) -> list[Decision]:
        """Return what was decided about a person, in the order in which it was."""
        return [_decision(row) for row in await self.session.rows(_FILE, "decisions", person=person)]

    async def decided(self, code: str) -> list[Decision]:
        """Return what was decided about findings of a code, about whomever, in the order in which it was."""
        return [_decision(row) for row in await self.session.rows(_FILE, "decided", code=code)]

    async def add_decision(self, person: str, decision: Decision) -> None:
        """Keep what a person decided and wake the person concerned. Raises NotFound where there is no such person."""
        await self.session.say("urgent", "on")
        await Wakes(self.session).wake({person})
        values = {
            "key": decision.key,
            "code": decision.code,
            "value": json_bytes(decision.value),
            "reason": decision.reason,
            "actor": decision.actor,
            "decided_at": decision.decided_at,
            "facts": json_bytes(decision.facts),
            "evidence": list(decision.evidence),
        }
        await self.session.change(_FILE, "add_decision", person=person, **values)

    async def shadows(self, person: str, *, known_at: datetime | None = None) -> dict[str, bytes]:
        """Return the agreed states by view, as JSON bytes; those of an instant if one is given."""
        if known_at is None:
            rows = await self.session.rows(_FILE, "shadows", person=person)
        else:
            rows = await self.session.rows(_FILE, "shadows_known_at", person=person, known_at=known_at)
        return {view: bytes(body) for view, body in rows}

    async def put_shadow(self, person: str, view: str, body: bytes, *, at: datetime) -> bool:
        """Keep an agreed state with its history; return whether it changed."""
        return await self.session.change(_FILE, "put_shadow", person=person, view=view, body=body, at=at) > 0


def _decision(row: TupleRow) -> Decision:
    return Decision(
        key=row[0],
        code=row[1],
        value=json_object(row[2]),
        reason=row[3],
        actor=row[4],
        decided_at=row[5],
        facts=json_object(row[6]),
        evidence=tuple(row[7]),
    )


def _finding(row: TupleRow) -> tuple[str, Finding]:
    person, key, code, urgency, sentence, suggestion, facts, evidence, status, due_at, rules = row
    return person, Finding(
        key=key,
        code=code,
        urgency=urgency,
        sentence=sentence,
        suggestion=suggestion,
        facts=json_object(facts),
        evidence=tuple(evidence),
        status=status,
        due_at=due_at,
        rules=tuple(rules),
    )


def _event(row: TupleRow) -> tuple[str, FindingEvent]:
    person, key, kind, at, actor, cause, assignee = row
    return person, FindingEvent(key=key, turn=Turn(kind), at=at, actor=actor, cause=Cause(cause), assignee=assignee)


def _event_values(person: str, event: FindingEvent) -> dict[str, object]:
    return {
        "person": person,
        "key": event.key,
        "kind": event.turn.value,
        "at": event.at,
        "actor": event.actor,
        "cause": event.cause.value,
        "assignee": event.assignee,
    }


def _values(finding: Finding) -> dict[str, object]:
    return {
        "key": finding.key,
        "code": finding.code,
        "urgency": finding.urgency,
        "sentence": finding.sentence,
        "suggestion": finding.suggestion,
        "facts": json_bytes(finding.facts),
        "evidence": list(finding.evidence),
        "status": finding.status,
        "due_at": finding.due_at,
        "rules": list(finding.rules),
    }
