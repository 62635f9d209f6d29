"""Subscriptions by rest-hook, R4 criteria and R5-backport topics: they wake us and carry nothing.

Without a payload (R4), or with the content `empty` (backport), a notification names nobody. It is a hint that makes a
pull come sooner; that none came proves nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from coordinator.ehr.exchange import FHIR_JSON, Answer, Asked, Base, Lost, Reply, Steps
from coordinator.ehr.protocols.trouble import trouble
from coordinator.errors import InvalidInput
from coordinator.fhir import Json, head
from coordinator.sync.ways import Hook

PLACE: Final = "Subscription"
HEADER: Final = "X-Coordinator-Hook"
_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
_HEADERS: Final = {"accept": FHIR_JSON, "content-type": FHIR_JSON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One subscription: what is watched, a search of a type or the address of a topic."""

    criteria: str
    is_topic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Where the EHR is to call, and the secret that it shows."""

    hook: Hook
    secret: str


def wishes(types: Sequence[str], topic: str) -> tuple[Wish, ...]:
    """Return what to subscribe to: a topic if one is told, else changes of each type, of whomever."""
    return (Wish(criteria=topic, is_topic=True),) if topic else tuple(Wish(criteria=f"{one}?") for one in types)


def subscribe(base: Base, wish: Wish, call: Call) -> Steps[str]:
    """Return the id of a new subscription. Raises EhrError."""
    reply = yield _send(base, wish, call, id_=None)
    if isinstance(reply, Lost) or reply.status not in (200, 201):
        raise trouble(reply, operation="subscribe", subject=PLACE)
    id_ = _named(reply)
    if not id_:
        raise trouble(reply, operation="subscribe", subject=PLACE)
    return id_


def renew(base: Base, wish: Wish, call: Call, *, id_: str) -> Steps[str]:
    """Return the id of a subscription that goes on; of a new one where the EHR has dropped it. Raises EhrError."""
    reply = yield _send(base, wish, call, id_=id_)
    if isinstance(reply, Answer) and reply.status in (200, 201):
        return id_
    if isinstance(reply, Answer) and reply.status in (404, 405, 410):
        return (yield from subscribe(base, wish, call))
    raise trouble(reply, operation="subscribe", subject=PLACE)


def unsubscribe(base: Base, id_: str) -> Steps[None]:
    """End a subscription; one that is gone has ended. Raises EhrError."""
    reply: Reply = yield Asked(method="DELETE", url=base.record(PLACE, id_), place=PLACE, safe=True)
    if isinstance(reply, Lost) or (reply.status >= 300 and reply.status not in (404, 410)):
        raise trouble(reply, operation="unsubscribe", subject=PLACE)


def _send(base: Base, wish: Wish, call: Call, *, id_: str | None) -> Asked:
    tree = {**_resource(wish, call), **({"id": id_} if id_ else {})}
    url = base.record(PLACE, id_) if id_ else f"{base.url}/{PLACE}"
    method = "PUT" if id_ else "POST"
    return Asked(method=method, url=url, place=PLACE, headers=_HEADERS, body=json.dumps(tree).encode(), safe=bool(id_))


def _resource(wish: Wish, call: Call) -> Mapping[str, Json]:
    channel: dict[str, Json] = {
        "type": "rest-hook",
        "endpoint": call.hook.endpoint,
        "header": [f"{HEADER}: {call.secret}"],
    }
    tree: dict[str, Json] = {
        "resourceType": "Subscription",
        "status": "requested",
        "end": call.hook.ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": "Wakes the coordinator of care; no content is wanted.",
        "criteria": wish.criteria,
        "channel": channel,
    }
    if wish.is_topic:
        content: Json = {"extension": [{"url": f"{_BACKPORT}/backport-payload-content", "valueCode": "empty"}]}
        heartbeat: Json = {"url": f"{_BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": call.hook.heartbeat}
        channel |= {"payload": "application/fhir+json", "_payload": content, "extension": [heartbeat]}
        tree["meta"] = {"profile": [f"{_BACKPORT}/backport-subscription"]}
    return tree


def _named(answer: Answer) -> str:
    """Return the id that an answer gives to a new subscription: in its body, else in its Location."""
    try:
        found = head(answer.body)
        if found.type == PLACE and found.id:
            return found.id
    except InvalidInput:
        pass
    parts = answer.headers.get("location", "").partition("/_history/")[0].rstrip("/").split("/")
    return parts[-1] if len(parts) > 1 and parts[-2] == PLACE else ""
