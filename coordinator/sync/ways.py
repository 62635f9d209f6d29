"""What a run and an EHR tell each other of the ways of pulling: fast lanes, bulk exports, calls that wake."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

NONE_EXPORTED: Final = "the export holds none of this type, which proves nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class FastLane:
    """A way to ask an EHR what changed. `basis` tells what it was asked of: with another basis a mark is worth nothing.

    After `full_every` a full compare is due, which checks it.
    """

    way: str
    basis: str
    full_every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """A bulk export: where the EHR that is at work on it tells how far it is; without address one to be started.

    With `since` it brings what changed since then, if `basis` is still what is exported: else all there is.
    """

    url: str = ""
    since: datetime | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where an EHR is to call when something changed: of which topic if of one, until when, how often when quiet."""

    endpoint: str
    ends: datetime
    topic: str = ""
    heartbeat: int = 3600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooked:
    """Subscriptions that an EHR took: their ids there, and the secret that it shows when it calls."""

    ids: tuple[str, ...]
    secret: str
