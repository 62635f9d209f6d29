"""Twin worlds: the same lives with a secret and without it, and all that one recipient can see of either.

The EHRs answer in the process itself, so that what is compared is what the product does: each request in its order,
byte for byte with its headers, each answer, and the account as the recipient's organization would be shown it.

Our business identifiers are hashes of ids that are drawn by chance for each person: they are compared by which of them
comes when, not by their digits.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coordinator.bootstrap import connect_world
from coordinator.ehr import EhrRoom
from coordinator.ehr.exchange import Answer, Asked, Reply
from coordinator.errors import NotFound
from coordinator.fhir import canonical
from coordinator.sandbox import read_world
from coordinator.sandbox.ehr_server import SimulatedEhr
from coordinator.sandbox.exchange import Asked as AskedThere
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sandbox.world_clock import WorldClock
from coordinator.sync.emergency import Emergency, shown_in_emergency
from coordinator.sync.gather import account_of, gather, setting_of
from coordinator.sync.run import run
from coordinator.sync.shown import shown_to
from coordinator.sync.tenant import read_tenant
from coordinator.workflow import revoke_consent
from tests.builders import FORMS
from tests.flow.story import WorldFolder

_OURS = re.compile(rb"\b[0-9a-f]{32}\b|(?<=%7C)[0-9a-f]{32}\b")
_UNTOLD = {"user-agent", "authorization"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One exchange as the EHR sees it."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer: bytes


class Direct:
    """A wire to one EHR in this process."""

    def __init__(self, twin: "Twin") -> None:
        self._twin = twin

    async def __call__(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.url)
        name = (parts.hostname or "").partition(".")[0]
        headers = {key.lower(): value for key, value in asked.headers.items()}
        there = AskedThere(
            method=asked.method, path=parts.path, query=parts.query, headers=headers, body=asked.body or b""
        )
        answer = self._twin.ehrs[name].answer(there)
        told = tuple(sorted((key, value) for key, value in headers.items() if key not in _UNTOLD))
        self._twin.seen[name].append(
            Seen(
                method=asked.method,
                path=f"{parts.path}?{parts.query}",
                headers=told,
                body=there.body,
                status=answer.status,
                answer=answer.body,
            )
        )
        return Answer(status=answer.status, headers=dict(answer.headers), body=answer.body)

    def stream(self, asked: Asked) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError(asked.place)


class Twin:
    """A world, and the product that is connected to it."""

    def __init__(self, folder: Path) -> None:
        self.world = read_world(folder)
        self.clock = WorldClock(self.world.now, self.world.zone)
        self.ehrs = {
            one.name: SimulatedEhr(one, self.clock, address=f"https://{one.name}.example") for one in self.world.ehrs
        }
        self.seen: dict[str, list[Seen]] = {name: [] for name in self.ehrs}
        self.store = MemoryStore()
        self._waiting = sorted(
            ((change.at, one.name, change) for one in self.world.ehrs for change in one.changes),
            key=lambda one: one[:2],
        )
        self.room = EhrRoom(clock=self.clock, keys=folder / "keys", wires=self._wires)

    @asynccontextmanager
    async def _wires(self, **_more: Any) -> AsyncIterator[Direct]:
        yield Direct(self)

    async def connect(self) -> None:
        addresses = {"control": "", "ehrs": {name: ehr.base for name, ehr in self.ehrs.items()}}
        async with self.store.transaction() as tx:
            await connect_world(tx, self.world, addresses, actor="tester", now=self.world.now)
            for one in await tx.registry.ehrs():
                await tx.registry.put_ehr(replace(one, sandbox=False))

    def move(self, to: str) -> None:
        self.clock.move(datetime.fromisoformat(to).astimezone(UTC))
        while self._waiting and self._waiting[0][0] <= self.clock.now():
            _, name, change = self._waiting.pop(0)
            self.ehrs[name].records.apply(change)

    async def sync(self) -> None:
        await run(self.store, self.room, self.clock)

    async def revoke(self, consent: str) -> None:
        async with self.store.transaction() as tx:
            await revoke_consent(tx, consent, actor="casey", now=self.clock.now(), forms=FORMS)

    async def break_glass(self) -> None:
        async with self.store.transaction() as tx:
            tenant = await read_tenant(tx)
            setting = await setting_of(tx, tenant.policy, tenant.forms)
            told = Emergency(name="Dr Ellery", affiliation="Albany General", nature="unresponsive")
            for person in sorted({one.person for one in await tx.people.links()}):
                dossier = await gather(tx, person, setting)
                await shown_in_emergency(tx, dossier, told, setting, actor="er", now=self.clock.now())

    async def shown(self, organization: str) -> list[bytes]:
        """Return each account as an organization would be shown it, and the words where it would be shown nobody."""
        found: list[bytes] = []
        async with self.store.transaction() as tx:
            tenant = await read_tenant(tx)
            setting = await setting_of(tx, tenant.policy, tenant.forms)
            for person in sorted({one.person for one in await tx.people.links()}):
                dossier = await gather(tx, person, setting)
                try:
                    there = shown_to(dossier, organization, setting, actor="tester", now=self.clock.now())
                except NotFound:
                    continue  # the words are those for somebody who does not exist
                found.append(canonical(account_of(there, setting, self.clock.now()).content))
        return sorted(found)


async def lived(world: WorldFolder, steps: Iterable[tuple[str, str]]) -> Twin:
    """Return a world after these steps: (sync, ''), (move, instant), (revoke, consent), (emergency, '')."""
    twin = Twin(world.finish())
    await twin.connect()
    for step, what in steps:
        match step:
            case "sync":
                await twin.sync()
            case "move":
                twin.move(what)
            case "revoke":
                await twin.revoke(what)
            case "emergency":
                await twin.break_glass()
            case _:
                raise ValueError(step)
    return twin


def _renamed(seen: Iterable[Seen]) -> list[Seen]:
    """Return exchanges with our identifiers named by the order in which they come."""
    names: dict[bytes, bytes] = {}

    def name(found: re.Match[bytes]) -> bytes:
        return names.setdefault(found[0], f"ours-{len(names)}".encode())

    return [
        replace(
            one,
            path=_OURS.sub(name, one.path.encode()).decode(),
            headers=tuple((key, _OURS.sub(name, value.encode()).decode()) for key, value in one.headers),
            body=_OURS.sub(name, one.body),
            answer=_OURS.sub(name, one.answer),
        )
        for one in seen
    ]


async def differences(one: Twin, other: Twin, *, to: Mapping[str, str]) -> list[str]:
    """Return what differs for recipients, each EHR with its organization: nothing may."""
    found: list[str] = []
    for ehr, organization in to.items():
        here, there = _renamed(one.seen[ehr]), _renamed(other.seen[ehr])
        if len(here) != len(there):
            found.append(f"{ehr}: {len(here)} and {len(there)} requests")
        found += [f"{ehr}: {a} / {b}" for a, b in zip(here, there, strict=False) if a != b]
        if await one.shown(organization) != await other.shown(organization):
            found.append(f"{organization}: another account")
    return found
