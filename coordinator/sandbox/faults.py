"""Trouble on demand: an EHR that is down, loses its answer, is changed by somebody first, lies, or does not answer.

    down         503 to everything while from <= now < to by the world's clock, once `after_writes` writes came
    drop-answer  the write is done, its answer lost: for `times` writes of `type`
    conflict     somebody saves first: for `times` updates of `type`
    hold         writes after the first `after_writes` are taken whole and not answered, until release
    silent       every request is taken and not answered, until release
    release      ends what is held, an outage that has no end, and what is wrong with its answers
    html         a web page with `status` in the place of each answer below `path`, as a gateway in between gives
    gzip         answers that lie about how they are packed, by `lie`: said and not done, or done and not said
    throttle     429 to all but the first `after` requests, with Retry-After where `retry_after` tells seconds

`after_writes` counts from the fault on; without `type` each type is meant; `times` is 1 where it is not told.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coordinator.errors import InvalidInput
from coordinator.fhir.json_text import Json
from coordinator.sandbox.bends import Bend, GzipLie, Throttle, WebPage
from coordinator.sandbox.toml_file import instant_in

KINDS = {
    "down": {"from", "to", "after_writes"},
    "drop-answer": {"type", "times"},
    "conflict": {"type", "times"},
    "hold": {"after_writes"},
    "silent": set[str](),
    "release": set[str](),
    "html": {"status", "path"},
    "gzip": {"lie"},
    "throttle": {"after", "retry_after"},
}


@dataclass(slots=True, kw_only=True)
class _Down:
    starts: datetime | None
    ends: datetime | None
    after_writes: int
    writes: int = 0

    def is_on(self, now: datetime) -> bool:
        begun = self.starts is None or self.starts <= now
        over = self.ends is not None and self.ends <= now
        return begun and not over and self.writes >= self.after_writes


@dataclass(slots=True, kw_only=True)
class _Some:
    """A fault of a number of writes of one type, or of any."""

    type: str | None
    times: int

    def strikes(self, resource_type: str) -> bool:
        if self.times < 1 or self.type not in (None, resource_type):
            return False
        self.times -= 1
        return True


@dataclass(slots=True, kw_only=True)
class _Hold:
    after_writes: int
    writes: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """What goes wrong at one EHR."""

    def __init__(self) -> None:
        self._downs: list[_Down] = []
        self._dropped: list[_Some] = []
        self._conflicts: list[_Some] = []
        self._holds: list[_Hold] = []
        self._silences: list[asyncio.Event] = []
        self.bent: list[Bend] = []

    def add(self, fault: Mapping[str, Json]) -> None:
        """Begin a fault, or release what is held; raises InvalidInput for one that can't be understood."""
        kind = fault.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise _bad_fault("kind", f"one of: {', '.join(KINDS)}")
        for key in fault:
            if key not in KINDS[kind] | {"ehr", "kind"}:
                raise _bad_fault(key, f"left out: {kind} knows {', '.join(sorted(KINDS[kind])) or 'no more keys'}")
        match kind:
            case "down":
                starts, ends = _instant(fault, "from"), _instant(fault, "to")
                self._downs.append(
                    _Down(starts=starts, ends=ends, after_writes=_whole(fault, "after_writes", default=0))
                )
            case "drop-answer":
                self._dropped.append(_some(fault))
            case "conflict":
                self._conflicts.append(_some(fault))
            case "hold":
                self._holds.append(_Hold(after_writes=_whole(fault, "after_writes", default=0)))
            case "silent":
                self._silences.append(asyncio.Event())
            case "html" | "gzip" | "throttle":
                self.bent.append(read_bend(fault))
            case _:
                self.release()

    def release(self) -> None:
        """Answer what is held, end outages that have no end, and answer straight again."""
        for hold in self._holds:
            hold.released.set()
        self._holds.clear()
        for ended in self._silences:
            ended.set()
        self._silences.clear()
        self._downs = [down for down in self._downs if down.ends is not None]
        self.bent.clear()

    def is_down(self, now: datetime) -> bool:
        """Say whether the EHR answers nothing but 503."""
        return any(down.is_on(now) for down in self._downs)

    async def silence(self) -> None:
        """Wait for as long as the EHR answers nothing."""
        for ended in tuple(self._silences):
            await ended.wait()

    def count_write(self) -> None:
        """Take note that a write came."""
        for down in self._downs:
            down.writes += 1

    def held(self) -> tuple[asyncio.Event, ...]:
        """Return what a write that has just come must wait for before it is answered."""
        for hold in self._holds:
            hold.writes += 1
        return tuple(hold.released for hold in self._holds if hold.writes > hold.after_writes)

    def drops_answer(self, resource_type: str) -> bool:
        """Say whether the answer to this write is lost."""
        return any(one.strikes(resource_type) for one in self._dropped)

    def conflicts(self, resource_type: str) -> bool:
        """Say whether somebody saves before this update."""
        return any(one.strikes(resource_type) for one in self._conflicts)


def read_bend(fault: Mapping[str, Json]) -> Bend:
    """Return what a fault does to answers. Raises InvalidInput."""
    match fault["kind"]:
        case "html":
            return WebPage(status=_whole(fault, "status", default=200), path=str(fault.get("path", "")))
        case "gzip":
            lie = fault.get("lie", "said")
            if lie not in ("said", "done"):
                raise _bad_fault("lie", "said or done")
            return GzipLie(is_done=lie == "done")
        case _:
            wait = fault.get("retry_after")
            return Throttle(
                after=_whole(fault, "after", default=0),
                retry_after=None if wait is None else _whole(fault, "retry_after", default=0),
            )


def _some(fault: Mapping[str, Json]) -> _Some:
    kind = fault.get("type")
    if kind is not None and not isinstance(kind, str):
        raise _bad_fault("type", "a resource type")
    return _Some(type=kind, times=_whole(fault, "times", default=1))


def _whole(fault: Mapping[str, Json], key: str, *, default: int) -> int:
    value = fault.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _bad_fault(key, "a whole number")
    return value


def _instant(fault: Mapping[str, Json], key: str) -> datetime | None:
    if fault.get(key) is None:
        return None
    found = instant_in(fault[key])
    if found is None:
        raise _bad_fault(key, "an instant such as 2026-06-04T12:00:00Z")
    return found


def _bad_fault(key: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"{key!r} of a fault must be {wanted}.", operation="fault", subject=key)
