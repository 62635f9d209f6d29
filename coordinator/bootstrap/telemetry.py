"""Wiring: traces by OpenTelemetry, to a collector that the settings name; without one nothing of it is even loaded.

Only what the table of spans allows goes out. What a library would add of its own (events, texts of errors, addresses)
is left off, and so is what it would print: that a collector can't be reached is told in words of ours.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coordinator import __version__
from coordinator.errors import ConfigurationError
from coordinator.settings import Settings
from coordinator.tracing import Span, Value, allowed, traced_by

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer as OtelTracer

_NOT_THERE = "Traces are asked for, but what sends them is not installed."
_HOW = "Install coordinator[traces], or unset COORDINATOR_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT."
_SECONDS = 3.0  # a command must not wait long at its end for a collector that is away
UNDELIVERED = "Traces could not be delivered to their collector; nothing else depends on that."


@contextmanager
def telling_traces(settings: Settings, told: Callable[[str], None]) -> Iterator[None]:
    """Trace what runs in the block where the settings name a collector, and deliver what is left at its end.

    `told` hears once where the collector takes nothing. Raises ConfigurationError where the library is not installed.
    """
    if not settings.traces:
        yield
        return
    provider = _provider(settings.traces, told)
    try:
        with traced_by(_Tracer(provider.get_tracer("coordinator", __version__))):
            yield
    finally:
        provider.shutdown()


def _provider(endpoint: str, told: Callable[[str], None]) -> "TracerProvider":
    try:
        # Loaded only where traces are asked for: it is an extra, and as heavy as the rest of the program.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as problem:
        raise ConfigurationError(_NOT_THERE, operation="traces", hint=_HOW) from problem
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    resource = Resource.create({"service.name": "coordinator", "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter: Any = _Telling(OTLPSpanExporter(endpoint=endpoint, timeout=_SECONDS), told)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


class _Tracer:
    """Begins spans of the library; the one that a task is in is the parent of those that are begun there."""

    def __init__(self, tracer: "OtelTracer") -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, told: Mapping[str, Value]) -> Iterator[Span]:
        """Yield a span; the text of an error is never kept, as it may be of somebody."""
        with self._tracer.start_as_current_span(
            name, attributes=_named(told), record_exception=False, set_status_on_exception=False
        ) as span:
            yield _Span(name, span)


class _Span:
    def __init__(self, name: str, span: "OtelSpan") -> None:
        self._name, self._span = name, span

    def tell(self, **told: Value) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - it is there, or this span would not be

        kept = allowed(self._name, told)
        self._span.set_attributes(_named(kept))
        if "error" in kept:
            self._span.set_status(StatusCode.ERROR)


def _named(told: Mapping[str, Value]) -> dict[str, Value]:
    return {f"coordinator.{key}": value for key, value in told.items()}


class _Telling:
    """Sends spans, and tells once that they do not get through."""

    def __init__(self, inner: "SpanExporter", told: Callable[[str], None]) -> None:
        self._inner, self._told, self._is_told = inner, told, False

    def export(self, spans: "Sequence[ReadableSpan]") -> Any:  # noqa: ANN401 - a result of the library, passed on
        result = self._inner.export(spans)
        if result.name != "SUCCESS" and not self._is_told:
            self._is_told = True
            self._told(UNDELIVERED)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)
