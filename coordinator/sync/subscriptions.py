"""Subscriptions at EHRs: kept alive by the pulls, and the notifications that come of them, which only wake a pull.

A notification is believed in nothing but that somebody with the secret sent it. Pulls go on at their own pace whether
any come or not, so an EHR that falls silent is polled as before.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from coordinator.errors import NotFound
from coordinator.fhir import Json, instant_in
from coordinator.sync.ports import Ehr, Store, Transaction
from coordinator.sync.ways import Hook

LIFE: Final = timedelta(days=7)
RENEW_BEFORE: Final = timedelta(days=3)  # a run that fails over a weekend leaves time for the next
_SETTING: Final = "subscription/"
_NOTED_EACH: Final = timedelta(minutes=1)  # of a storm of notifications one a minute is written down


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """The subscriptions at an EHR: where they lead, until when, and when one of them last called. No secret."""

    ehr: str
    ids: tuple[str, ...]
    endpoint: str
    topic: str
    ends: datetime
    secret_hash: str
    called_at: datetime | None = None


async def subscribed(tx: Transaction, ehr: str) -> Subscribed | None:
    """Return the subscriptions at an EHR."""
    told = await tx.registry.setting(_SETTING + ehr)
    if not isinstance(told, dict):
        return None
    ids, ends = told.get("ids"), instant_in(_text(told.get("ends")))
    if not isinstance(ids, list) or ends is None:
        return None
    return Subscribed(
        ehr=ehr,
        ids=tuple(map(_text, ids)),
        endpoint=_text(told.get("endpoint")),
        topic=_text(told.get("topic")),
        ends=ends,
        secret_hash=_text(told.get("secret")),
        called_at=instant_in(_text(told.get("called_at")) or None),
    )


async def subscribe(store: Store, ehr: Ehr, hook: Hook) -> Subscribed:
    """Subscribe at an EHR, or renew what is there, and keep it. Raises EhrError."""
    async with store.transaction() as tx:
        before = await subscribed(tx, ehr.name)
    hooked = await ehr.subscribe(hook, before.ids if before else ())
    held = Subscribed(
        ehr=ehr.name,
        ids=hooked.ids,
        endpoint=hook.endpoint,
        topic=hook.topic,
        ends=hook.ends,
        secret_hash=_hashed(hooked.secret),
        called_at=before.called_at if before else None,
    )
    async with store.transaction() as tx:
        await _keep(tx, held)
    return held


async def renew(store: Store, ehr: Ehr, now: datetime) -> None:
    """Renew the subscriptions at an EHR that end soon, with a new secret. Raises EhrError."""
    async with store.transaction() as tx:
        held = await subscribed(tx, ehr.name)
    if held is not None and now >= held.ends - RENEW_BEFORE:
        await subscribe(store, ehr, Hook(endpoint=held.endpoint, topic=held.topic, ends=now + LIFE))


async def unsubscribe(store: Store, ehr: Ehr) -> int:
    """End the subscriptions at an EHR; return how many there were. Raises NotFound, EhrError."""
    async with store.transaction() as tx:
        held = await subscribed(tx, ehr.name)
    if held is None:
        raise NotFound(f"There is no subscription at {ehr.name}.", operation="ehr unsubscribe", subject=ehr.name)
    await ehr.unsubscribe(held.ids)
    async with store.transaction() as tx:
        await tx.registry.put_setting(_SETTING + ehr.name, None)
    return len(held.ids)


async def is_call(tx: Transaction, ehr: str, secret: str, *, now: datetime) -> bool:
    """Say whether a notification comes from who has the secret, and note that one came."""
    held = await subscribed(tx, ehr)
    if held is None or not hmac.compare_digest(_hashed(secret), held.secret_hash):
        return False
    if held.called_at is None or now >= held.called_at + _NOTED_EACH:
        await _keep(tx, replace(held, called_at=now))
    return True


async def _keep(tx: Transaction, held: Subscribed) -> None:
    told: dict[str, Json] = {
        "ids": list(held.ids),
        "endpoint": held.endpoint,
        "topic": held.topic,
        "ends": held.ends.isoformat(),
        "secret": held.secret_hash,
        "called_at": held.called_at.isoformat() if held.called_at else None,
    }
    await tx.registry.put_setting(_SETTING + held.ehr, told)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
