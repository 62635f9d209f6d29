"""The law of what was believed: an account as known at an instant is the one that was computed then.

The life arrives in steps in a store, each step is looked at as a run does, and looked at again after the last. What a
run reads with (`gather`) is given, so that tests can also show what breaks the law.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from coordinator.reconcile import Account, Decision, Evidence
from coordinator.sandbox.memory_store import MemoryStore, MemoryTransaction
from coordinator.sync.agreed import write_agreed
from coordinator.sync.gather import WHOLE, Dossier, Setting, account_of
from coordinator.sync.records import EhrConnection, IdentityLink, Received
from tests.laws.lives import History, answered

Gather = Callable[..., Awaitable[Dossier]]
AGO = (timedelta(days=9), timedelta(days=4), timedelta(0))  # when somebody looked, before the life's last instant


async def what_was_known_is_what_was_computed(gather: Gather, history: History) -> None:
    """Law: gather(known_at=then) gives the account of then, whatever came, was agreed or decided since."""
    store, setting = MemoryStore(), _setting(history)
    computed: dict[datetime, Account] = {}
    async with store.transaction() as tx:
        person = await tx.people.create()
        for ehr in setting.connections:
            patient = f"{history.telling.prefix}p-1"
            first = history.telling.now - AGO[0]
            link = IdentityLink(ehr=ehr, patient=patient, person=person, since=first, by="ID-24", matched_hash=b"")
            await tx.people.link(link)
        for at, versions in _arrivals(history).items():
            await tx.evidence.receive(versions)
            computed[at] = await _run(tx, gather, person, setting, at=at)
            for decision in _answers(computed[at], history, at):
                await tx.accounts.add_decision(person, decision)
        computed.popitem()  # since the last look nothing has come
        for at, account in computed.items():
            dossier = await gather(tx, person, setting, known_at=at)
            assert account_of(dossier, setting, at).content == account.content, at


async def _run(tx: MemoryTransaction, gather: Gather, person: str, setting: Setting, *, at: datetime) -> Account:
    """Look as a run does, and keep what was agreed."""
    account = account_of(await gather(tx, person, setting), setting, at)
    await tx.accounts.put_shadow(person, WHOLE, write_agreed(account.agreed), at=at)
    return account


def _setting(history: History) -> Setting:
    ehrs = sorted({one.ehr for one in history.now})
    connections = {ehr: EhrConnection(name=ehr, url="https://ehr.example", organization=ehr) for ehr in ehrs}
    return Setting(connections=connections, policy=history.telling.policy, consents=(), forms={})


def _answers(account: Account, history: History, at: datetime) -> list[Decision]:
    """Return what people answer an hour after a look, as the life has it."""
    made = answered(account, history.life.answers, history.telling)
    return [replace(one, decided_at=at + timedelta(hours=1)) for one in made]


def _arrivals(history: History) -> dict[datetime, list[Received]]:
    """Return what arrives by when: what was there before in two steps, and in the last what became of it since."""
    first, second, last = (history.telling.now - ago for ago in AGO)
    chance = history.chance
    early = {one.place for one in history.before if chance.random() < 0.5 or one.document.type == "Patient"}
    return {
        first: [_received(one, first, history) for one in history.before if one.place in early],
        second: [_received(one, second, history) for one in history.before if one.place not in early],
        last: [_received(one, last, history) for one in history.now],
    }


def _received(one: Evidence, at: datetime, history: History) -> Received:
    document = one.document
    return Received(
        ehr=one.ehr,
        type=document.type,
        id=document.id,
        version=document.version,
        raw_hash=hashlib.sha256(document.raw).digest(),
        canonical_hash=document.canonical_hash,
        body=document.raw,
        patient=f"{history.telling.prefix}p-1",
        learned_at=at,
        presence=one.presence,
    )
