"""A world while it is served: its EHRs, its clock, what clinicians save as time passes, and what was asked of whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.errors import NotFound
from coordinator.fhir.json_text import Json
from coordinator.sandbox.ehr_server import SimulatedEhr
from coordinator.sandbox.world import Change, World
from coordinator.sandbox.world_clock import WorldClock

_WRITING = ("PUT", "PATCH", "DELETE")


@dataclass(slots=True, kw_only=True)
class Row:
    """One request that an EHR has seen; its status is None while it is not answered.

    One that `is_cut` never came whole: who sent it was gone before its end, and nothing was done by it.
    """

    method: str
    path: str
    if_match: str | None
    body: str | None = None
    status: int | None = None
    is_cut: bool = False

    def told(self) -> dict[str, Json]:
        """Return the row as the control address tells it."""
        return {
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "if_match": self.if_match,
            "body": self.body,
        }


class ServedWorld:
    """Everything that changes in a world."""

    def __init__(self, world: World, address: str) -> None:
        self.clock = WorldClock(world.now, world.zone)
        self.ehrs = {ehr.name: SimulatedEhr(ehr, self.clock, address=f"{address}/{ehr.name}") for ehr in world.ehrs}
        self._logs: dict[str, list[Row]] = {name: [] for name in self.ehrs}
        waiting = [(change.at, ehr.name, change) for ehr in world.ehrs for change in ehr.changes]
        self._waiting: list[tuple[datetime, str, Change]] = sorted(waiting, key=lambda one: one[:2])
        self._catch_up()

    def move(self, to: datetime) -> None:
        """Move the clock; what was saved up to then is there. Raises InvalidInput for an earlier instant."""
        self.clock.move(to)
        self._catch_up()

    def ehr(self, name: str) -> SimulatedEhr:
        """Return an EHR of the world; raises NotFound for another name."""
        if name not in self.ehrs:
            raise NotFound(
                f"This world has no EHR {name!r}.", operation="sandbox", hint=f"It has: {', '.join(self.ehrs)}."
            )
        return self.ehrs[name]

    def log(self, name: str) -> Sequence[Row]:
        """Return the requests that an EHR has seen, in the order in which they began."""
        return self._logs[self.ehr(name).name]

    def begin(self, name: str, row: Row) -> None:
        """Take note of a request that begins."""
        self._logs[name].append(row)

    def _catch_up(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.clock.now():
            _, name, change = self._waiting.pop(0)
            self.ehrs[name].records.apply(change)


def written_type(method: str, path: str) -> str | None:
    """Return the type that a request below an EHR's address writes; None for one that only reads."""
    parts = [part for part in path.split("/") if part]
    if len(parts) < 2 or parts[0] != "fhir":
        return None
    is_write = method in _WRITING or (method == "POST" and len(parts) == 2)
    return parts[1] if is_write else None
