"""Log lines, one JSON object each, of a closed catalogue: what is not in its table can't be said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from coordinator.care.csv_table import packaged_rows
from coordinator.clock import Clock
from coordinator.fhir import Json, dumps


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of the catalogue: a sentence for people, and the keys that may stand beside it."""

    id: str
    level: str
    sentence: str
    keys: frozenset[str]


@cache
def _catalogue() -> Mapping[str, Event]:
    rows = packaged_rows("coordinator.worker", "events.csv", ["id", "level", "sentence", "keys", "source"])
    found = [
        Event(
            id=row.text("id"),
            level=row.text("level"),
            sentence=row.text("sentence"),
            keys=frozenset(row.words("keys")),
        )
        for row in rows
    ]
    return MappingProxyType({event.id: event for event in found})


EVENTS: Final = _catalogue


class EventLog:
    """Writes events of the catalogue as lines; a key that is not in an event's row is dropped, whatever it holds."""

    def __init__(self, write: Callable[[bytes], None], clock: Clock) -> None:
        self._write, self._clock = write, clock

    def tell(self, id_: str, **values: Json) -> None:
        """Write an event."""
        event = EVENTS()[id_]
        line: dict[str, Json] = {
            "at": self._clock.now().isoformat(timespec="milliseconds"),
            "level": event.level,
            "id": event.id,
            "event": event.sentence,
        }
        told = {key: value for key, value in values.items() if key in event.keys and value is not None}
        self._write(dumps({**line, **told}))
