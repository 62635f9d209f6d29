"""The worklist: findings with their lives, who looked at one, and whose it is to act on."""

from dataclasses import dataclass
from datetime import datetime

from coordinator.audit import Happening, audit_row
from coordinator.errors import InvalidInput
from coordinator.reconcile import Finding
from coordinator.reconcile.finding_life import RESOLVED, FindingEvent, Life, Turn, life_of, lives
from coordinator.workflow.decisions import find_finding, short_key
from coordinator.workflow.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A finding of a person, and how it stands."""

    person: str
    finding: Finding
    life: Life

    @property
    def key(self) -> str:
        """Return the key by which people name it."""
        return short_key(self.person, self.finding)


async def worklist(tx: Transaction, person: str | None = None) -> list[Item]:
    """Return the findings of a person, or of all, resolved ones, too, in order of person and key."""
    told = lives(await tx.accounts.finding_events(person))
    return [
        Item(person=owner, finding=one, life=told.get((owner, one.key), life_of(())))
        for owner, one in await tx.accounts.findings(person)
    ]


async def see_finding(tx: Transaction, key: str, *, actor: str, now: datetime) -> Item:
    """Return one finding and keep that this actor has seen it, once since it was opened. Raises NotFound."""
    item = await _item(tx, key)
    if item.finding.status == RESOLVED or item.life.was_seen_by(actor):
        return item
    await tx.accounts.add_finding_event(
        item.person, FindingEvent(key=item.finding.key, turn=Turn.SEEN, at=now, actor=actor)
    )
    return await _item(tx, key)


async def assign_finding(tx: Transaction, key: str, assignee: str, *, actor: str, now: datetime) -> Item:
    """Keep whose a finding is. Raises NotFound, and InvalidInput for nobody or for what is resolved."""
    item = await _item(tx, key)
    if not assignee.strip():
        raise InvalidInput("Nobody is named.", operation="assign", hint="Name who is to act, such as user:casey.")
    if item.finding.status == RESOLVED:
        raise InvalidInput(
            "This finding is resolved.", operation="assign", hint="`coordinator findings list` shows what waits."
        )
    if item.life.assignee == assignee.strip():
        return item
    happening = Happening(
        kind="decision",
        at=now,
        actor=actor,
        subject="assignment of a finding",
        person=item.person,
        entities=item.finding.evidence,
    )
    await tx.audit.append([audit_row(happening)])
    event = FindingEvent(key=item.finding.key, turn=Turn.ASSIGNED, at=now, actor=actor, assignee=assignee.strip())
    await tx.accounts.add_finding_event(item.person, event)
    return await _item(tx, key)


async def _item(tx: Transaction, key: str) -> Item:
    person, finding = await find_finding(tx, key)
    events = [one for _, one in await tx.accounts.finding_events(person) if one.key == finding.key]
    return Item(person=person, finding=finding, life=life_of(events))
