"""Traces as a port: what is under way is told as spans of a closed table; where nobody listens that costs nothing.

Whoever wires the program chooses a tracer for all that runs from there on, as a span belongs to the task that it is in.
A span says which stage, EHR and type of record it was about and what came of it. It must never name a person, hold an
id or an address, or repeat what an error said.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final, Protocol

Value = str | int

# span -> what may be told of it
SPANS: Final[Mapping[str, frozenset[str]]] = {
    "run": frozenset({"work", "outcome", "error", "seen", "changed", "people", "applied", "verified"}),
    "turn": frozenset({"work", "ehr", "outcome", "error"}),
    "pull": frozenset({"ehr", "seen", "changed", "error"}),
    "pull type": frozenset({"ehr", "type", "grade", "error"}),
    "decide": frozenset({"people", "changed", "error"}),
    "push": frozenset({"ehr", "sent", "error"}),
    "verify": frozenset({"ehr", "verified", "error"}),
    "exchange": frozenset({"ehr", "method", "place", "status", "error"}),
}
# A word of ours, the name of an EHR or of a type: no address, and nothing that is long enough to tell of anybody.
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,63}")


class Span(Protocol):
    """Something that is under way."""

    def tell(self, **told: Value) -> None:
        """Tell more of it; what is not in the table is dropped."""
        ...


class Tracer(Protocol):
    """Begins spans."""

    def span(self, name: str, told: Mapping[str, Value]) -> AbstractContextManager[Span]:
        """Return a span of the table that lasts as long as the block."""
        ...


class _Silent:
    def tell(self, **told: Value) -> None:
        pass


_SILENT: Final = _Silent()
_TRACER: Final[ContextVar[Tracer | None]] = ContextVar("tracer", default=None)


def span(name: str, **told: Value) -> AbstractContextManager[Span]:
    """Return a span that lasts as long as the block; of an error that ends it the kind is told, and no word of it."""
    tracer = _TRACER.get()
    return nullcontext(_SILENT) if tracer is None else _spanning(tracer, name, told)


@contextmanager
def _spanning(tracer: Tracer, name: str, told: Mapping[str, Value]) -> Iterator[Span]:
    with tracer.span(name, allowed(name, told)) as inner:
        try:
            yield inner
        except Exception as problem:
            inner.tell(error=type(problem).__name__)
            raise


@contextmanager
def traced_by(tracer: Tracer) -> Iterator[None]:
    """Have all that runs in the block, and the tasks that are begun in it, tell this tracer."""
    token = _TRACER.set(tracer)
    try:
        yield
    finally:
        _TRACER.reset(token)


def allowed(name: str, told: Mapping[str, Value]) -> dict[str, Value]:
    """Return what may be told of a span: keys of its row, whose values are numbers or short words."""
    return {key: value for key, value in told.items() if key in SPANS[name] and _is_plain(value)}


def _is_plain(value: Value) -> bool:
    return isinstance(value, int) or _WORD.fullmatch(value) is not None
