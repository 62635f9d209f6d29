"""The network between a process and one simulated EHR: requests take time, get lost, and meet an EHR in trouble.

The EHR acts on its own: what was sent is dealt with though its sender has died meanwhile.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

from coordinator.ehr.exchange import Answer, Asked, Lost, Reply
from coordinator.fhir import dumps, parse
from coordinator.sandbox.ehr_server import SimulatedEhr
from coordinator.sandbox.exchange import Asked as AskedThere
from coordinator.sandbox.records import Version
from coordinator.sandbox.served_world import written_type
from tests.simulation.process import CURRENT, Process
from tests.simulation.trace import Trace

PATIENCE = 60.0  # seconds until a request is given up, as the shipped wire does
# Kinds of trouble of one request; each is drawn for a world with a rate of its own.
LOSSES = (
    "unsent",
    "lost-before",
    "lost-after",
    "slow",
    "500-before",
    "500-after",
    "502",
    "503",
    "429",
    "429-long",
    "saved-first",
)
OF_READS = ("html", "page-repeated", "page-dropped", "page-reordered", "broken-off")
KINDS = (*LOSSES, *OF_READS, "token-expired")


@dataclass(slots=True, kw_only=True)
class Weather:
    """What goes wrong at one EHR: the rate of trouble, its kinds, and stretches of time in which it is down."""

    rate: float = 0.0
    kinds: tuple[str, ...] = ()
    outages: list[tuple[float, float]] = field(default_factory=list)

    def is_down(self, at: float) -> bool:
        return any(begins <= at < ends for begins, ends in self.outages)


@dataclass(slots=True, kw_only=True)
class Sent:
    """A body that left a process for an EHR."""

    at: float
    process: str
    ehr: str
    method: str
    subject: str
    body: bytes


class Line:
    """The network to one EHR, shared by all processes."""

    def __init__(self, ehr: SimulatedEhr, *, weather: Weather, chance: Random, trace: Trace) -> None:
        self.ehr, self.weather, self.trace = ehr, weather, trace
        self._chance = chance
        self.requests = 0
        self.writes = 0
        self.on_leave: Callable[[Process, Sent], None] = lambda _process, _sent: None
        self.before_write: Callable[[Sent], Version | None] = lambda _sent: None
        self.after_write: Callable[[Sent, Version | None, int], None] = lambda _sent, _before, _status: None
        self.somebody_saves: Callable[[str, str], None] = lambda _ehr, _subject: None
        self.looked: dict[str, float] = {}
        self.contests = 0  # before so many updates of a goal somebody saves it
        self.left_out: set[str] = set()  # the ids of what it has at any time left out of an answer
        self.hides = False  # it has left out of an answer what it holds

    async def carry(self, process: Process, asked: Asked) -> Reply:
        """Carry a request of a process there, and what comes of it back."""
        await process.step(f"send {asked.place}")
        there = _there(asked)
        written = written_type(there.method, there.path)
        self.requests += 1
        sent = None
        if written is not None:
            self.writes += 1
            sent = self._sent(process, there)
            self.on_leave(process, sent)
        loop = asyncio.get_running_loop()
        # A context of its own: the EHR is no part of the process.
        work = loop.create_task(self._at_the_ehr(there, sent), context=contextvars.Context())
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await asyncio.shield(work)
        except TimeoutError:
            reply = Lost(reason=f"no answer within {PATIENCE:g} s", sent=True)
        await process.step(f"answer {asked.place}")
        return reply

    def _sent(self, process: Process, there: AskedThere) -> Sent:
        subject = there.path.removeprefix("/fhir/")
        now = asyncio.get_running_loop().time()
        return Sent(
            at=now, process=process.name, ehr=self.ehr.name, method=there.method, subject=subject, body=there.body
        )

    async def _at_the_ehr(self, there: AskedThere, sent: Sent | None) -> Reply:
        chance, loop = self._chance, asyncio.get_running_loop()
        kind = self._trouble(is_write=sent is not None)
        await asyncio.sleep(chance.choice((0.01, 0.03, 0.08, 0.2, 0.7)))
        if self.weather.is_down(loop.time()):
            self.trace.reach("fault: outage")
            return chance.choice((Lost(reason="can't connect", sent=False), _answer(503, there)))
        if kind:
            self.trace.reach(f"fault: {kind}")
            if sent:
                self.trace.tell(loop.time(), self.ehr.name, "trouble", kind, there.method, there.path)
        if (reply := self._instead(kind, there)) is not None:
            return reply
        if kind == "token-expired":
            self.ehr.smart.expire()
        if sent is not None and (kind == "saved-first" or self._is_contested(sent)):
            self.somebody_saves(self.ehr.name, sent.subject)
        before = self.before_write(sent) if sent else None
        if sent is None:
            self.looked[there.path.removeprefix("/fhir/")] = loop.time()
        answer = self.ehr.answer(there)
        if sent is not None:
            self.trace.tell(
                loop.time(),
                self.ehr.name,
                "took" if answer.status < 300 else "refused",
                there.method,
                there.path,
                answer.status,
            )
            self.after_write(sent, before, answer.status)
        reply = Answer(status=answer.status, headers=self._headers(answer.headers), body=answer.body)
        return await self._on_the_way_back(kind, reply, there)

    def _is_contested(self, sent: Sent) -> bool:
        if not self.contests or sent.method != "PUT" or not sent.subject.startswith("Goal/"):
            return False
        self.contests -= 1
        return True

    def _trouble(self, *, is_write: bool) -> str:
        if not self.weather.kinds or self._chance.random() >= self.weather.rate:
            return ""
        kind = self._chance.choice(self.weather.kinds)
        return "" if is_write and kind in OF_READS else kind

    def _instead(self, kind: str, there: AskedThere) -> Reply | None:
        """Return what comes instead of an answer of the EHR, which has seen nothing then."""
        match kind:
            case "unsent":
                return Lost(reason="can't connect", sent=False)
            case "lost-before":
                return Lost(reason="the connection broke", sent=True)
            case "500-before":
                return _answer(500, there)
            case "502" | "503":
                return _answer(int(kind), there)
            case "429":
                return _answer(429, there, **{"retry-after": "2"})
            case "429-long":
                return _answer(429, there, **{"retry-after": "600"})
            case "html":
                return Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>sign in</html>")
            case _:
                return None

    async def _on_the_way_back(self, kind: str, reply: Answer, there: AskedThere) -> Reply:
        match kind:
            case "lost-after":
                return Lost(reason="the connection was closed without an answer", sent=True)
            case "500-after":
                return _answer(500, there)
            case "slow":
                await asyncio.sleep(PATIENCE + 5)
                return reply
            case "broken-off":
                return Answer(status=reply.status, headers=reply.headers, fault="broken off")
            case "page-repeated" | "page-dropped" | "page-reordered":
                self.hides |= kind == "page-dropped"
                return _disordered(kind, reply, self._chance, self.left_out)
            case _:
                return reply

    def _headers(self, told: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
        return {**dict(told), "date": format_datetime(self.ehr.now().astimezone(), usegmt=False)}


def _there(asked: Asked) -> AskedThere:
    parts = urlsplit(asked.url)
    return AskedThere(
        method=asked.method,
        path=parts.path,
        query=parts.query,
        headers={name.lower(): value for name, value in asked.headers.items()},
        body=asked.body or b"",
    )


def _answer(status: int, there: AskedThere, **headers: str) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json", **headers}, body=b"")


def _disordered(kind: str, reply: Answer, chance: Random, left_out: set[str]) -> Answer:
    """Return a page of a search with an entry twice, with one left out, or in another order."""
    if reply.status != 200 or not reply.body.startswith(b'{"resourceType":"Bundle"'):
        return reply
    tree: Any = parse(reply.body)
    entries = tree.get("entry") or []
    if not entries:
        return reply
    match kind:
        case "page-repeated":
            entries.append(chance.choice(entries))
        case "page-dropped":
            left_out.add(entries.pop(chance.randrange(len(entries)))["resource"]["id"])
        case _:
            chance.shuffle(entries)
    tree["entry"] = entries
    if not entries:
        del tree["entry"]
    return Answer(status=reply.status, headers=reply.headers, body=dumps(tree))


class Network:
    """All lines; opens wires as the EHR room asks for them. A wire belongs to the process that opened it."""

    def __init__(self, lines: Mapping[str, Line]) -> None:
        self.lines = lines

    @asynccontextmanager
    async def wires(self, *, limits: object, private_network: bool, tls: object = None) -> AsyncIterator[Any]:
        process = CURRENT.get()
        assert process is not None
        is_open = [True]

        async def wire(asked: Asked) -> Reply:
            assert is_open[0], "a request over a wire that was closed"
            host = urlsplit(asked.url).hostname or ""
            return await self.lines[host.partition(".")[0]].carry(process, asked)

        try:
            yield wire
        finally:
            is_open[0] = False
