"""How far what is owed has come: what the staff of an EHR took up, what its own data say by now, what a person told."""

from collections.abc import Mapping
from datetime import datetime

from coordinator.audit import Happening, audit_row
from coordinator.disclosure import Recipient, Request, Withheld, release
from coordinator.errors import InvalidInput, NotFound
from coordinator.outbox import Entry, Form, Status
from coordinator.outbox.delivery import (
    Delivery,
    acknowledged,
    acknowledgment,
    delivery_key,
    delivery_of,
    taken_up,
    with_presence,
)
from coordinator.reconcile import Presence
from coordinator.sync.gather import Dossier, Setting, gather, sight_for
from coordinator.sync.ports import Transaction

_STAFF = "staff of the EHR"


async def keep_deliveries(
    tx: Transaction, dossier: Dossier, ehr: str, *, held: Mapping[str, tuple[str, ...]], now: datetime
) -> int:
    """Keep how far the needs of a person came at an EHR; return how many rows changed.

    `held` are by key the EHR's own records that say what it would be owed.
    """
    if not any(one.intent.ehr == ehr and one.intent.form is not Form.NATIVE for one in dossier.entries):
        return 0  # data that were written and verified are present
    changed = 0
    for entry in await tx.outbox.entries(person=dossier.person, ehr=ehr):
        if entry.intent.form is Form.NATIVE or entry.status is Status.WITHHELD:
            continue
        moved = with_presence(_seen_by_staff(entry, dossier, now), held.get(entry.intent.key, ()), at=now)
        if moved != entry:
            await tx.outbox.set_status(moved)
            changed += 1
    return changed


def _seen_by_staff(entry: Entry, dossier: Dossier, now: datetime) -> Entry:
    place = f"{entry.intent.ehr}/{entry.intent.type}/{entry.result_id}"
    if entry.status is not Status.VERIFIED or acknowledgment(entry) is not None:
        return entry
    for one in dossier.evidence:
        how = taken_up(one.document) if one.place == place and one.presence is Presence.PRESENT else ""
        if how:
            return acknowledged(entry, by=_STAFF, how=how, at=now)
    return entry


async def find_need(tx: Transaction, key: str) -> Entry:
    """Return the entry of the outbox that people name by a key. Raises NotFound."""
    for entry in await tx.outbox.entries():
        if delivery_key(entry) == key:
            return entry
    raise NotFound(
        f"Nothing is owed or delivered under {key!r}.",
        operation="find delivery",
        hint="`coordinator delivery list` shows the keys.",
    )


async def acknowledge(
    tx: Transaction, key: str, *, told: tuple[str, str], setting: Setting, actor: str, now: datetime
) -> Entry:
    """Keep that somebody at an EHR knows what was filed there, or was told it by us; `told` is (who, how).

    Who is told what could not be delivered in any form receives a disclosure: consent is asked, and the event is in the
    log. Raises NotFound, and InvalidInput for nobody, for what is not to be told, and where consent says no.
    """
    by, how = (one.strip() for one in told)
    if not by:
        raise InvalidInput("Nobody is named.", operation="acknowledge", hint='Add --by "who at the EHR knows it".')
    entry = await find_need(tx, key)
    if delivery_of(entry) is Delivery.ACKNOWLEDGED:
        return entry
    if delivery_of(entry) is Delivery.OWED and entry.intent.form is Form.NONE:
        await _tell(tx, entry, setting, actor=actor, now=now)
    elif delivery_of(entry) is not Delivery.DELIVERED:
        raise InvalidInput(
            f"This is {_word(entry)}: there is nothing to acknowledge.",
            operation="acknowledge",
            hint="What is delivered as a document or message can be, and what only a person can tell.",
        )
    happening = Happening(
        kind="decision",
        at=now,
        actor=actor,
        subject="acknowledgment of a delivery",
        person=entry.intent.person,
        ehr=entry.intent.ehr,
        entities=entry.intent.evidence,
    )
    await tx.audit.append([audit_row(happening)])
    kept = acknowledged(entry, by=by, how=how, at=now)
    await tx.outbox.set_status(kept)
    return kept


def _word(entry: Entry) -> str:
    state = delivery_of(entry)
    return state.value if state is not None else "wanted no longer"


async def _tell(tx: Transaction, entry: Entry, setting: Setting, *, actor: str, now: datetime) -> None:
    """Ask disclosure for what a person says in their own words. Raises InvalidInput where it may not be said."""
    intent = entry.intent
    dossier = await gather(tx, intent.person, setting)
    request = Request(
        body=b"",
        citations=intent.evidence,
        person=intent.person,
        ehr=intent.ehr,
        actor=actor,
        subject=f"{intent.concept} told by a person",
    )
    seen = sight_for(dossier, intent.ehr, setting, now=now)
    recipient = Recipient(organization=setting.connections[intent.ehr].organization)
    answer = await release(request, recipient, seen, log=tx.audit, now=now)
    if isinstance(answer, Withheld):
        raise InvalidInput(
            f"This may not be told there: {answer.reason}.",
            operation="acknowledge",
            hint="`coordinator consent list` shows which consents are in force.",
        )
