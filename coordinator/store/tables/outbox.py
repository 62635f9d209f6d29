"""What is owed and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import TupleRow

from coordinator.errors import NotFound
from coordinator.outbox.model import Entry, Form, Intent, Status
from coordinator.outbox.succession import settled, succeeded, withheld
from coordinator.store.seals import Seals
from coordinator.store.tables.session import RUNNER_LOCK, Session, json_bytes, json_object

_FILE = "outbox"
_BODY, _MATERIAL, _SUMMARY, _FACTS = "outbox.body", "outbox.material", "outbox.summary", "outbox.facts"


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is owed and what became of it."""

    session: Session

    async def put_intents(self, person: str, ehr: str, intents: Sequence[Intent], *, at: datetime) -> int:
        """Make these the open intents of a person towards an EHR, as `outbox.succession` says. Return rows changed."""
        changed = succeeded(await self._towards(person, ehr), intents, at)
        return await self._put(changed)

    async def withhold(self, intent: Intent, reason: str, *, at: datetime) -> bool:
        """Keep a need that consent holds back, visible and without its body. Return whether that is news."""
        held = {entry.intent.key: entry for entry in await self._towards(intent.person, intent.ehr)}
        changed = withheld(held.get(intent.key), intent, reason, at=at)
        return bool(await self._put([changed] if changed else []))

    async def entries(self, *, person: str | None = None, ehr: str | None = None) -> list[Entry]:
        """Return the entries of a person, an EHR or all, in order of person, EHR and key."""
        rows = await self.session.rows(_FILE, "entries", person=person, ehr=ehr)
        return [_entry(self.session.seals, row) for row in rows]

    async def sendable(self, ehr: str, *, limit: int) -> list[Entry]:
        """Return entries that are owed, unknown or in flight from a run that ended, oldest first, locked.

        What has form none is not among them: only a person can deliver it.
        """
        values = {"ehr": ehr, "limit": limit, "runner": self.session.runner, "lock": RUNNER_LOCK}
        return [_entry(self.session.seals, row) for row in await self.session.rows(_FILE, "sendable", **values)]

    async def take(self, entry: Entry) -> Entry | None:
        """Return an entry as it stands now, locked; None where it is no longer this program's to send."""
        intent = entry.intent
        values = {"person": intent.person, "ehr": intent.ehr, "key": intent.key}
        rows = await self.session.rows(_FILE, "take", **values, runner=self.session.runner, lock=RUNNER_LOCK)
        return _entry(self.session.seals, rows[0]) if rows else None

    async def set_status(self, entry: Entry) -> None:
        """Keep an entry's new status, reason, attempts and result. Raises NotFound where there is no such entry."""
        intent = entry.intent
        for stored in await self._towards(intent.person, intent.ehr):
            if stored.intent.key == intent.key:
                kept = settled(stored, entry)
                await self._put([kept] if kept != stored else [], is_report=True)
                return
        raise NotFound("There is no such entry in the outbox.", operation="set_status", subject=intent.ehr)

    async def _towards(self, person: str, ehr: str) -> list[Entry]:
        rows = await self.session.rows(_FILE, "towards", person=person, ehr=ehr)
        return [_entry(self.session.seals, row) for row in rows]

    async def _put(self, entries: Sequence[Entry], *, is_report: bool = False) -> int:
        """Keep entries; what is in flight is whose who reports on it, not whose who states the need again."""
        own = {"runner": self.session.runner, "is_report": is_report}
        rows = [{**_values(self.session.seals, entry), **own} for entry in entries]
        return await self.session.change_many(_FILE, "put", rows)


def _entry(seals: Seals, row: TupleRow) -> Entry:
    place = row[2], row[0], row[1]
    claim = None if row[12] is None else (row[12], row[13])
    intent = Intent(
        ehr=row[0],
        key=row[1],
        person=row[2],
        concept=row[3],
        type=row[4],
        form=Form(row[5]),
        target=row[6],
        base=row[7],
        base_hash=row[8],
        body=seals.open(_BODY, row[9], *place),
        material=seals.open(_MATERIAL, row[10], *place),
        paths=tuple(row[11]),
        claim=claim,
        evidence=tuple(row[14]),
        summary=seals.open_text(_SUMMARY, row[15], *place),
        rules=tuple(row[24]),
    )
    return Entry(
        intent=intent,
        status=Status(row[16]),
        reason=row[17],
        attempts=row[18],
        result_id=row[19],
        result_version=row[20],
        sent_hash=row[21],
        updated_at=row[22],
        facts=json_object(seals.open(_FACTS, row[23], *place)),
    )


def _values(seals: Seals, entry: Entry) -> dict[str, object]:
    intent = entry.intent
    place = intent.person, intent.ehr, intent.key
    system, value = intent.claim or (None, None)
    return {
        "ehr": intent.ehr,
        "key": intent.key,
        "person": intent.person,
        "concept": intent.concept,
        "type": intent.type,
        "form": intent.form.value,
        "target": intent.target,
        "base": intent.base,
        "base_hash": intent.base_hash,
        "body": seals.seal(_BODY, intent.body, *place),
        "material": seals.seal(_MATERIAL, intent.material, *place),
        "paths": list(intent.paths),
        "claim_system": system,
        "claim_value": value,
        "evidence": list(intent.evidence),
        "summary": seals.seal_text(_SUMMARY, intent.summary, *place),
        "status": entry.status.value,
        "reason": entry.reason,
        "attempts": entry.attempts,
        "result_id": entry.result_id,
        "result_version": entry.result_version,
        "sent_hash": entry.sent_hash,
        "facts": seals.seal(_FACTS, json_bytes(entry.facts), *place),
        "updated_at": entry.updated_at,
        "rules": list(intent.rules),
    }
