"""Accounts, findings, decisions and agreed states; each write changes rows only where content changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.rows import TupleRow

from coordinator.reconcile.finding_life import Cause, FindingEvent, Turn, events_of, turned
from coordinator.reconcile.model import Decision, Finding
from coordinator.store.seals import Seals
from coordinator.store.tables.people import Wakes
from coordinator.store.tables.session import Session, json_bytes, json_object
from coordinator.sync.records import StoredAccount

_FILE = "accounts"
_ACCOUNT = "account.body"
_SENTENCE, _SUGGESTION, _FACTS = "finding.sentence", "finding.suggestion", "finding.facts"
_VALUE, _REASON, _DECIDED_ON = "decision.value", "decision.reason", "decision.facts"
_SHADOW = "shadow.body"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts, findings, decisions and agreed states."""

    session: Session

    async def account(self, person: str) -> StoredAccount | None:
        """Return the account of a person as it was last computed."""
        for key, sealed, hash_, at in await self.session.rows(_FILE, "account", person=person):
            body = self.session.seals.open(_ACCOUNT, sealed, key)
            return StoredAccount(person=key, body=body, hash=hash_, reconciled_at=at)
        return None

    async def put_account(self, account: StoredAccount) -> bool:
        """Keep the account; return whether it changed."""
        body = self.session.seals.seal(_ACCOUNT, account.body, account.person)
        return await self.session.change(_FILE, "put_account", **{**asdict(account), "body": body}) > 0

    async def findings(self, person: str | None = None) -> list[tuple[str, Finding]]:
        """Return (person, finding) for one person or all, in order of person and key."""
        if person is None:
            rows = await self.session.rows(_FILE, "findings")
        else:
            rows = await self.session.rows(_FILE, "findings_of", person=person)
        return [_finding(self.session.seals, row) for row in rows]

    async def put_findings(self, person: str, findings: Sequence[Finding], at: datetime) -> int:
        """Make these the findings of a person; one that is no longer found becomes resolved. Return rows changed."""
        before = {finding.key: finding for _, finding in await self.findings(person)}
        changed, turns = turned(before, findings)
        rows = [{**_values(self.session.seals, person, finding), "at": at} for finding in changed]
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
        rows = await self.session.rows(_FILE, "decisions", person=person)
        return [_decision(self.session.seals, row) for row in rows]

    async def decided(self, code: str) -> list[Decision]:
        """Return what was decided about findings of a code, about whomever, in the order in which it was."""
        rows = await self.session.rows(_FILE, "decided", code=code)
        return [_decision(self.session.seals, row) for row in rows]

    async def add_decision(self, person: str, decision: Decision) -> None:
        """Keep what a person decided and wake the person concerned. Raises NotFound where there is no such person."""
        await self.session.say("urgent", "on")
        await Wakes(self.session).wake({person})
        seals, place = self.session.seals, (person, decision.key)
        values = {
            "key": decision.key,
            "code": decision.code,
            "value": seals.seal(_VALUE, json_bytes(decision.value), *place),
            "reason": seals.seal_text(_REASON, decision.reason, *place),
            "actor": decision.actor,
            "decided_at": decision.decided_at,
            "facts": seals.seal(_DECIDED_ON, json_bytes(decision.facts), *place),
            "evidence": list(decision.evidence),
        }
        await self.session.change(_FILE, "add_decision", person=person, **values)

    async def shadows(self, person: str, *, known_at: datetime | None = None) -> dict[str, bytes]:
        """Return the agreed states by view, as JSON bytes; those of an instant if one is given."""
        if known_at is None:
            rows = await self.session.rows(_FILE, "shadows", person=person)
        else:
            rows = await self.session.rows(_FILE, "shadows_known_at", person=person, known_at=known_at)
        return {view: self.session.seals.open(_SHADOW, sealed, person, view) for view, sealed in rows}

    async def put_shadow(self, person: str, view: str, body: bytes, *, at: datetime) -> bool:
        """Keep an agreed state with its history; return whether it changed."""
        sealed = self.session.seals.seal(_SHADOW, body, person, view)
        return await self.session.change(_FILE, "put_shadow", person=person, view=view, body=sealed, at=at) > 0


def _decision(seals: Seals, row: TupleRow) -> Decision:
    person, key, code, value, reason, actor, decided_at, facts, evidence = row
    return Decision(
        key=key,
        code=code,
        value=json_object(seals.open(_VALUE, value, person, key)),
        reason=seals.open_text(_REASON, reason, person, key),
        actor=actor,
        decided_at=decided_at,
        facts=json_object(seals.open(_DECIDED_ON, facts, person, key)),
        evidence=tuple(evidence),
    )


def _finding(seals: Seals, row: TupleRow) -> tuple[str, Finding]:
    person, key, code, urgency, sentence, suggestion, facts, evidence, status, due_at, rules = row
    return person, Finding(
        key=key,
        code=code,
        urgency=urgency,
        sentence=seals.open_text(_SENTENCE, sentence, person, key),
        suggestion=seals.open_text(_SUGGESTION, suggestion, person, key),
        facts=json_object(seals.open(_FACTS, facts, person, key)),
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


def _values(seals: Seals, person: str, finding: Finding) -> dict[str, object]:
    place = person, finding.key
    return {
        "person": person,
        "key": finding.key,
        "code": finding.code,
        "urgency": finding.urgency,
        "sentence": seals.seal_text(_SENTENCE, finding.sentence, *place),
        "suggestion": seals.seal_text(_SUGGESTION, finding.suggestion, *place),
        "facts": seals.seal(_FACTS, json_bytes(finding.facts), *place),
        "evidence": list(finding.evidence),
        "status": finding.status,
        "due_at": finding.due_at,
        "rules": list(finding.rules),
    }
