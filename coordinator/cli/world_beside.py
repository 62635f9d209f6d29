"""A sandbox's world served beside a command, in a thread with a loop of its own, as if it ran in another terminal."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Thread
from typing import Any

from coordinator.sandbox import World, serving

_SECONDS = 10
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBeside:
    """Where a world answers, and what can be asked of its control address."""

    addresses: dict[str, Any]

    def move_clock(self, to: datetime) -> None:
        """Move the world's clock; what clinicians saved until then is there."""
        self._asked("clock", {"now": to.isoformat()})

    def writes(self) -> int:
        """Return how many requests other than reads all EHRs have seen."""
        logs = [self._asked(f"log?ehr={name}") for name in self.addresses["ehrs"]]
        return sum(1 for log in logs for row in log if _is_write(row["method"], row["path"]))

    def _asked(self, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON of any shape
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.addresses['control']}/{path}", data=data)  # noqa: S310 - our sandbox
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - our sandbox
            return json.loads(answer.read())


def _is_write(method: str, path: str) -> bool:
    place = path.partition("?")[0]
    return method not in _READING and not place.endswith(("/_search", "/oauth/token"))


@contextmanager
def serving_beside(world: World) -> Iterator[ServedBeside]:
    """Serve a world until the block ends. Raises ConfigurationError where it can't be served."""
    begun: Future[tuple[dict[str, Any], asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = Thread(target=lambda: asyncio.run(_serve(world, begun)), name="sandbox", daemon=True)
    thread.start()
    addresses, loop, stopped = begun.result()
    try:
        yield ServedBeside(addresses=addresses)
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(_SECONDS)


async def _serve(world: World, begun: Future[tuple[dict[str, Any], asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stopped = asyncio.Event()
    try:
        async with serving(world) as sandbox:
            begun.set_result((sandbox.addresses(), asyncio.get_running_loop(), stopped))
            await stopped.wait()
    except Exception as trouble:
        if begun.done():
            raise
        begun.set_exception(trouble)
