"""An EHR that was set back to a backup: many of its records are suddenly of earlier versions than we hold.

What was written there since is gone, and ids that were given since may be given again, to somebody else. So nothing
more of it is taken in and nothing is sent there until a person has looked and says that it goes on from there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from coordinator.errors import PermanentEhrError
from coordinator.sync.ports import Transaction
from coordinator.sync.records import Known, Received
from coordinator.sync.work.holding import pause
from coordinator.sync.work.records import Pause, PauseKind

MOST_BACK: Final = 10  # one is somebody's undo, a few are told as a finding; so many at once are a backup
_DIGITS: Final = 9  # what is longer is a hash or an instant and no count of versions
_ACTOR: Final = "system:sync"
_SETTING: Final = "restored/"


@dataclass(slots=True, kw_only=True)
class Guard:
    """Counts records of an EHR that went back and forward during a pull; with `is_off` a person has accepted it."""

    ehr: str
    is_off: bool = False
    back: int = 0
    forward: int = 0

    @property
    def is_tripped(self) -> bool:
        """Say whether so many went back that all of it may have."""
        return not self.is_off and self.back >= MOST_BACK and self.back > self.forward

    def look(self, changed: Iterable[Received], known: Mapping[str, Known]) -> None:
        """Look at versions before they are kept. Raises PermanentEhrError where so many go back that all of it may."""
        for one in changed:
            held = known.get(one.id)
            was, now = _count(held.version if held else ""), _count(one.version)
            if was is not None and now is not None:
                self.back += now < was
                self.forward += now > was
        if self.is_tripped:
            raise set_back(self.ehr, self.back)


def _count(version: str) -> int | None:
    return int(version) if version.isascii() and version.isdigit() and len(version) <= _DIGITS else None


def goes_back(was: str, now: str) -> bool:
    """Say whether a version is earlier than another one, where the EHR counts them."""
    before, after = _count(was), _count(now)
    return before is not None and after is not None and after < before


def set_back(ehr: str, count: int) -> PermanentEhrError:
    """Return the error for an EHR that went back."""
    return PermanentEhrError(
        f"{ehr} {_words(count)}.",
        operation="pull",
        subject=ehr,
        hint=f"It is paused: see first what is lost there, then `coordinator resume --ehr {ehr}`.",
    )


def _words(count: int) -> str:
    return f"seems to have been set back to a backup: {count} records are of earlier versions than before"


async def note_set_back(tx: Transaction, guard: Guard, now: datetime) -> None:
    """Pause an EHR that went back, until a person resumes it."""
    await tx.registry.put_setting(_SETTING + guard.ehr, {"since": now.isoformat(), "records": guard.back})
    reason = f"it {_words(guard.back)}"
    await pause(tx, Pause(kind=PauseKind.EHR, name=guard.ehr, reason=reason, actor=_ACTOR, since=now))


async def guard_of(tx: Transaction, ehr: str) -> Guard:
    """Return the guard for a pull: off, where a person has resumed an EHR that went back."""
    return Guard(ehr=ehr, is_off=await tx.registry.setting(_SETTING + ehr) is not None)


async def forget(tx: Transaction, guard: Guard) -> None:
    """Watch again, once a pull has taken in what the EHR was set back to."""
    if guard.is_off:
        await tx.registry.put_setting(_SETTING + guard.ehr, None)
