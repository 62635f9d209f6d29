"""An event loop with real sockets on which time goes by faster: who waits a minute has waited a few seconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
PACE = 10.0


class _Hasty:
    """A selector that waits for a part of what is asked."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Any:
        return self._inner.select(None if timeout is None else timeout / PACE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class HastyLoop(asyncio.SelectorEventLoop):
    """A loop whose time begins at 0."""

    def __init__(self) -> None:
        self._began = 0.0
        super().__init__(_Hasty())  # type: ignore[arg-type]  # all that a loop asks of a selector is there
        self._began = super().time()

    def time(self) -> float:
        """Return the seconds of this loop."""
        return (super().time() - self._began) * PACE


def run_hastily(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on such a loop of its own."""
    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        return runner.run(main)
