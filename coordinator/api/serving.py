"""Serves an application over HTTP inside a process that does other work, until the block ends."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from coordinator.errors import ConfigurationError, InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where the application answers."""

    host: str
    port: int


@asynccontextmanager
async def listening(app: FastAPI, address: str) -> AsyncIterator[Listening]:
    """Serve at HOST:PORT until the block ends; port 0 takes a free one.

    Raises InvalidInput for an address that is none, ConfigurationError where it can't be used.
    """
    host, port = _read(address)
    with _bound(host, port) as listener:
        server = _Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, server_header=False))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield Listening(host=host, port=listener.getsockname()[1])
        finally:
            server.should_exit = True
            await running


async def until_stopped(app: FastAPI, address: str, *, ready: Callable[[Listening], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told where, once it answers. Raises as `listening` does."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with listening(app, address) as place:
        ready(place)
        await stopped.wait()


class _Server(uvicorn.Server):
    """Leaves signals to the command that serves."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals as they are."""
        yield


def _read(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidInput(
            "This is no address to listen at.", operation="listen", hint="Give one such as 127.0.0.1:8080."
        )
    return host.strip("[]"), int(port)


@contextmanager
def _bound(host: str, port: int) -> Generator[socket.socket, None, None]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as cause:
            raise ConfigurationError(
                f"{host}:{port} can't be listened at: {cause.strerror}.",
                operation="listen",
                hint="Give another address or port.",
            ) from cause
        listener.listen()
        yield listener
