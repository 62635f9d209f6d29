"""The story of a seed on two real FHIR servers behind a fault proxy, so that the models of EHRs stay honest.

The product, its processes and their crashes, clinicians, the desk and the invariants are those of the simulation. The
servers keep their own time and ways; what goes over the wire is HTTP.
"""

import asyncio
import contextvars
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx

from coordinator.ehr import EhrRoom
from coordinator.ehr.exchange import Asked, Reply
from coordinator.ehr.wire import open_wire
from coordinator.fhir import Document, read_document
from coordinator.sandbox.served_world import written_type
from tests.simulation.fault_proxy import AFTER, BEFORE, FaultProxy
from tests.simulation.hasty_loop import run_hastily
from tests.simulation.network import Sent, Weather
from tests.simulation.options import Options, drawn
from tests.simulation.people import Clinicians, Desk
from tests.simulation.process import CURRENT
from tests.simulation.story import Story, Told, first_of
from tests.simulation.world import HOLDS, SimulatedWorld

NAMES = ("iop", "ced")
ROUNDS = 3
FHIR = {"content-type": "application/fhir+json", "cache-control": "no-cache"}


class PeerRecords:
    """What a server holds of the people of one seed, asked and changed past the proxy; ids are of this seed alone."""

    def __init__(self, name: str, direct: str, seed: int, patients: list[str]) -> None:
        self._direct, self._patients = direct, patients
        self._plain = re.compile(rf'(["/]){name}-(?!s{seed}-)')
        self._own = rf"\g<1>{name}-s{seed}-"
        self._client = httpx.Client(timeout=60, headers=FHIR)

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def own(self, text: str) -> str:
        """Return JSON with ids of this seed."""
        return self._plain.sub(self._own, text)

    def living(self, type_: str) -> Iterator[Any]:
        """Yield what is there of a type."""
        for patient in self._patients:
            whose = "_id" if type_ == "Patient" else "patient"
            told = self._client.get(f"{self._direct}/{type_}", params={whose: patient, "_count": "500"})
            for one in told.raise_for_status().json().get("entry", ()):
                yield SimpleNamespace(document=read_document(json.dumps(one["resource"]).encode()))

    def save(self, document: Document, _at: datetime) -> None:
        """Save a record, whatever is there."""
        told = json.loads(self.own(document.raw.decode()))
        told.pop("meta", None)
        place = f"{self._direct}/{told['resourceType']}/{told['id']}"
        self._client.put(place, content=json.dumps(told)).raise_for_status()

    def load(self, records: list[str]) -> None:
        """Save all records at once, as references need."""
        told = [json.loads(self.own(one)) for one in records]
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in told
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        self._client.post(self._direct, content=json.dumps(bundle)).raise_for_status()


class PeerLine:
    """The way to one server as the invariants see it."""

    def __init__(self, weather: Weather) -> None:
        self.weather = weather
        self.writes = 0
        self.contests = 0
        self.left_out: set[str] = set()
        self.on_leave: Any = None
        self.before_write: Any = None
        self.after_write: Any = None
        self.somebody_saves: Any = None


class PeerWorld(SimulatedWorld):
    """A world whose EHRs are real servers."""

    def __init__(self, options: Options, *, keys: Path, servers: Mapping[str, str]) -> None:
        super().__init__(options, loop=asyncio.get_running_loop(), keys=keys)
        models = self.ehrs
        # Identifiers of ours rest on numbers of people, and the servers keep what other seeds wrote.
        self.database.rows("tenant").count = 100_000 * (options.seed + 1)
        self.proxies = {}
        self.lines, self.ehrs = {}, {}
        for one in options.ehrs:
            weather = Weather(rate=one.rate, kinds=one.kinds)
            self.lines[one.name] = PeerLine(weather)  # type: ignore[assignment]
            self.lines[one.name].contests = options.contests
            self.proxies[one.name] = FaultProxy(
                servers[one.name],
                weather=weather,
                chance=Random(f"proxy {options.seed} {one.name}"),
                tell=lambda kind, name=one.name: self._trouble(name, kind),  # type: ignore[misc]
            )
            own = [f"{one.name}-s{options.seed}-p{person}" for person in range(options.persons)]
            self.patients |= {(one.name, person): patient for person, patient in enumerate(own)}
            records = PeerRecords(one.name, servers[one.name], options.seed, own)
            model = models[one.name]
            peer = SimpleNamespace(
                name=one.name, records=records, personality=model.personality, now=self.clock.now, base=""
            )
            self.ehrs[one.name] = peer  # type: ignore[assignment]
        self.room = EhrRoom(clock=self.clock, keys=keys, wires=self.wires)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Put the records into the servers and the proxies before them until the block ends."""
        async with AsyncExitStack() as stack:
            for described in self._described:
                records: Any = self.ehrs[described.name].records
                stack.callback(records.close)
                records.load([raw.decode() for raws in described.resources.values() for raw in raws])
            for name, proxy in self.proxies.items():
                self.ehrs[name].base = await stack.enter_async_context(proxy.serving())  # type: ignore[misc]
            await self.connect()
            async with self.database.open().transaction() as tx:
                for one in await tx.registry.ehrs():
                    own = tuple(patient for (ehr, _), patient in self.patients.items() if ehr == one.name)
                    await tx.registry.put_ehr(replace(one, roster="file:story", patients=own))
            yield

    def _trouble(self, name: str, kind: str) -> None:
        self.trace.reach(f"fault: {kind}")
        self.trace.tell(self.loop.time(), name, "trouble", kind)

    @asynccontextmanager
    async def wires(self, **given: Any) -> AsyncIterator[Any]:
        """Yield a wire over HTTP whose requests are steps of a process."""
        async with open_wire(**{**given, "private_network": True}) as inner:
            yield _PeerWire(self, inner)


class _PeerWire:
    def __init__(self, world: PeerWorld, inner: Any) -> None:
        self._world, self._inner = world, inner
        self.stream = inner.stream

    async def __call__(self, asked: Asked) -> Reply:
        process = CURRENT.get()
        assert process is not None
        await process.step(f"send {asked.place}")
        path = urlsplit(asked.url).path
        if written_type(asked.method, path) is not None:
            self._leaves(process, asked, path.removeprefix("/fhir/"))
        # A context of its own: the server is no part of the process.
        work = asyncio.get_running_loop().create_task(self._inner(asked), context=contextvars.Context())
        reply: Reply = await asyncio.shield(work)
        await process.step(f"answer {asked.place}")
        self._reached(reply)
        return reply

    def _leaves(self, process: Any, asked: Asked, subject: str) -> None:
        port = urlsplit(asked.url).port
        name = next(one for one, ehr in self._world.ehrs.items() if urlsplit(ehr.base).port == port)
        line, now = self._world.lines[name], self._world.loop.time()
        line.writes += 1
        if asked.method == "PUT" and "if-match" not in {one.lower() for one in asked.headers}:
            self._world.watch.breaks(f"an update of {name}/{subject} left without If-Match, which its server honors")
        body = asked.body or b""
        if line.contests and asked.method == "PUT" and subject.startswith("Goal/"):
            line.contests -= 1
            line.somebody_saves(name, subject)
        sent = Sent(at=now, process=process.name, ehr=name, method=asked.method, subject=subject, body=body)
        line.on_leave(process, sent)

    def _reached(self, reply: Reply) -> None:
        if getattr(reply, "status", 0) in (409, 412):
            self._world.trace.reach("conflict: the EHR refused a stale version")


class PeerClinicians(Clinicians):
    """They edit and add goals; a server that keeps references whole deletes none that a plan names."""

    def _edit_goals(self, name: str, goals: list[Any]) -> None:
        if self._chance.random() < 0.8:
            self.edit_goal(name, self._chance.choice(goals))
        else:
            self._add(name)


class PeerStory(Story):
    """A seed on real servers: rounds of trouble, then calm, then rest."""

    async def live(self) -> None:
        """Trouble, calm, and rest."""
        assert isinstance(self.world, PeerWorld)
        clinicians, desk = PeerClinicians(self.world), Desk(self.world)
        async with self.world.served():
            await self._cycle(self._process())
            for _ in range(ROUNDS):
                clinicians.edit()
                async with asyncio.TaskGroup() as group:
                    for _ in range(self.options.workers):
                        process = self._process()
                        self._endanger(process)
                        group.create_task(self._cycle(process))
                    group.create_task(self._when_busy(clinicians.edit, seconds=20.0))
                if self.options.revocations and self._chance.random() < 0.3:
                    await desk.revoke()
                if self._chance.random() < 0.3:
                    await desk.answer()
            await self._calm()
            await self._come_to_rest(pause=1.0)
            self.watch.at_rest()
            for name in self.world.ehrs:
                for type_ in HOLDS[name]:
                    self.watch.is_there_once(name, type_)
            await self._one_more_changes_nothing()


def peer_options(seed: int) -> Options:
    """Return the options of a seed, as far as real servers have them: two programs, faults of the proxy, kills."""
    options, chance = drawn(seed), Random(f"peer options {seed}")
    one = options.ehrs[0]
    ehrs = tuple(
        replace(
            one,
            name=name,
            if_match="honored",
            version_ids=True,
            smart=False,
            lag=0,
            drops=(),
            rewrites=(),
            rate=chance.choice((0.0, 0.05, 0.15)),
            kinds=tuple(chance.sample((*BEFORE, *AFTER), 4)),
        )
        for name in NAMES
    )
    return replace(
        options, ehrs=ehrs, persons=1, workers=chance.choice((1, 2)), fleets=0, freezes=0, merges=0, restores=0
    )


def tell_on_peers(seed: int, *, keys: Path, servers: Mapping[str, str]) -> Told:
    """Live through a seed on servers of these base addresses."""
    options = peer_options(seed)
    story: list[PeerStory] = []
    broken: list[str] = []

    async def live() -> None:
        world = PeerWorld(options, keys=keys, servers=servers)
        story.append(PeerStory(options, keys=keys, world=world))
        await story[0].live()

    try:
        run_hastily(live())
    except* AssertionError as problems:
        broken.append(first_of(problems))
    return Told(options=options, trace=story[0].world.trace, broken=broken[0] if broken else "")
