"""Serve a world over loopback HTTP: every EHR and the control address on one port, in this process."""

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from coordinator.errors import ConfigurationError
from coordinator.sandbox.bends import bent
from coordinator.sandbox.control import Control
from coordinator.sandbox.exchange import Answer, Asked, Refusal, answer_refusal
from coordinator.sandbox.served_world import Row, ServedWorld, written_type
from coordinator.sandbox.world import World

HOST = "127.0.0.1"
CONTROL = "_sandbox"

Connections = dict[tuple[str, int], asyncio.Transport]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """The files by which a world is served over https; with `clients` only to who shows a certificate issued by it."""

    certificate: Path
    key: Path
    clients: Path | None = None

    def options(self) -> dict[str, Any]:
        """Return what the server is told."""
        told: dict[str, Any] = {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key)}
        if self.clients is not None:
            told |= {"ssl_ca_certs": str(self.clients), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return told


class SandboxApp:
    """The ASGI application of a served world."""

    def __init__(self, world: World, address: str, *, connections: Connections | None = None) -> None:
        self.served = ServedWorld(world, address)
        self._address = address
        self._control = Control(self.served)
        self._connections = {} if connections is None else connections

    def addresses(self) -> dict[str, Any]:
        """Return where the control address and each EHR are."""
        return {
            "control": f"{self._address}/{CONTROL}",
            "ehrs": {name: ehr.base for name, ehr in self.served.ehrs.items()},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless who began it has gone."""
        with suppress(ClientDisconnect):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        first, _, path = scope["path"].lstrip("/").partition("/")
        if first == CONTROL:
            asked = await _asked(request, path)
            await self._send(self._control.answer(asked), scope, receive=receive, send=send)
        elif first in self.served.ehrs:
            answer = await self._asked_of_ehr(first, request, path=path)
            if answer is None:
                await self._lose(scope, receive)
            else:
                await self._send(answer, scope, receive=receive, send=send)
        else:
            nothing = Refusal(404, "not-found", text=f"No EHR here; there are: {', '.join(self.served.ehrs)}.")
            await self._send(answer_refusal(nothing), scope, receive=receive, send=send)

    def release(self) -> None:
        """Let go of every answer that is held back."""
        for ehr in self.served.ehrs.values():
            ehr.faults.release()

    async def _asked_of_ehr(self, name: str, request: Request, *, path: str) -> Answer | None:
        """Log a request and return its answer, None where the answer is to be lost on the way.

        Raises ClientDisconnect where the rest of the request never came.
        """
        ehr = self.served.ehrs[name]
        row = Row(method=request.method, path=_path_with_query(request), if_match=request.headers.get("if-match"))
        self.served.begin(name, row)
        try:
            asked = await _asked(request, path)
        except ClientDisconnect:
            row.is_cut = True
            raise
        row.body = asked.body.decode("utf-8", "replace") or None
        written = written_type(asked.method, path)
        await ehr.faults.silence()
        if ehr.faults.is_down(self.served.clock.now()):
            answer = answer_refusal(Refusal(503, "transient", text="This EHR is down."))
            row.status = answer.status
            return answer
        if written is not None:
            ehr.faults.count_write()
        answer = bent(ehr.faults.bent, asked, ehr.answer(asked))
        if written is not None:
            for released in ehr.faults.held():
                await released.wait()
        row.status = answer.status
        is_lost = written is not None and answer.status < 300 and ehr.faults.drops_answer(written)
        return None if is_lost else answer

    async def _lose(self, scope: Scope, receive: Receive) -> None:
        """Close the connection instead of answering."""
        connection = self._connections.get(tuple(scope["client"] or ("", 0)))
        if connection is None:
            raise ConfigurationError("An answer can only be lost where the world is served.", operation="sandbox")
        connection.close()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _send(self, answer: Answer, scope: Scope, *, receive: Receive, send: Send) -> None:
        headers = dict(answer.headers)
        headers["date"] = format_datetime(self.served.clock.now().astimezone(UTC), usegmt=True)
        await Response(answer.body, status_code=answer.status, headers=headers)(scope, receive, send)


class Sandbox:
    """A world that is being served."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        addresses = app.addresses()
        self.control: str = addresses["control"]
        self.ehrs: Mapping[str, str] = addresses["ehrs"]

    def addresses(self) -> dict[str, Any]:
        """Return what the first line of `sandbox serve` tells."""
        return self.app.addresses()


@asynccontextmanager
async def serving(world: World, *, port: int = 0, tls: ServerTls | None = None) -> AsyncIterator[Sandbox]:
    """Serve a world until the block ends; port 0 takes a free one, with `tls` it is served over https.

    Raises ConfigurationError when the port is taken.
    """
    with _listening(port) as listener:
        address = f"{'http' if tls is None else 'https'}://{HOST}:{listener.getsockname()[1]}"
        connections: Connections = {}
        app = SandboxApp(world, address, connections=connections)
        server = _Server(app, connections, tls=tls)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield Sandbox(app)
        finally:
            app.release()
            server.stop()
            await running


def run_until_stopped(world: World, *, port: int = 0, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve a world until SIGINT or SIGTERM; `ready` gets the addresses once it answers."""
    asyncio.run(_served_until_stopped(world, port, ready=ready))


async def _served_until_stopped(world: World, port: int, *, ready: Callable[[dict[str, Any]], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with serving(world, port=port) as sandbox:
        ready(sandbox.addresses())
        await stopped.wait()


class _Server(uvicorn.Server):
    """Serves until told to stop, without a timer and without handlers of signals of its own."""

    def __init__(self, app: SandboxApp, connections: Connections, *, tls: ServerTls | None = None) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            http=_protocol(connections),
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=2,
            **({} if tls is None else tls.options()),
        )
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End the serving."""
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        """Wait for the end; there is nothing to do every tenth of a second."""
        await self._stopped.wait()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the command that serves."""
        yield


def _protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with a list of its connections, so that one can be closed instead of answered."""

    class Listed(H11Protocol):
        """Keeps its transport where the application finds it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            connections[transport.get_extra_info("peername")[:2]] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.transport.get_extra_info("peername")[:2], None)
            super().connection_lost(exc)

    return Listed


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    # Named TCP, so that asyncio sets TCP_NODELAY on what it accepts; else each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as cause:
            raise ConfigurationError(
                f"Port {port} can't be used: {cause.strerror}.",
                operation="sandbox serve",
                hint="Give another port, or 0.",
            ) from cause
        listener.listen()
        yield listener


async def _asked(request: Request, path: str) -> Asked:
    return Asked(
        method=request.method,
        path=path,
        query=request.url.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def _path_with_query(request: Request) -> str:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (raw + (b"?" + query if query else b"")).decode("latin-1")
