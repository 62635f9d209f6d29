"""An EHR that was set back to a backup: many of its records are suddenly of earlier versions than we hold.

What was written there since is gone, and ids that were given since may be given again, to somebody else. So nothing
more of it is taken in and nothing is sent there until a person has looked and says that it goes on from there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from coordinator.audit import Happening, audit_row
from coordinator.errors import NotFound, PermanentEhrError
from coordinator.fhir import Json
from coordinator.sync.ports import Transaction
from coordinator.sync.records import Known, Received

MOST_BACK: Final = (
    10  # one record set back is somebody's undo, a few are told as a finding; so many at once are a backup
)
_DIGITS: Final = 9  # what is longer is a hash or an instant and no count of versions
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


def set_back(ehr: str, count: int) -> PermanentEhrError:
    """Return the error for an EHR that went back."""
    return PermanentEhrError(
        f"{ehr} seems to have been set back to a backup: {count} records are of earlier versions than before.",
        operation="pull",
        subject=ehr,
        hint=f"It is not asked and not written to until `coordinator ehr resume {ehr}`: see first what is lost there.",
    )


async def note_set_back(tx: Transaction, guard: Guard, now: datetime) -> None:
    """Keep that an EHR went back, until a person resumes it."""
    told: dict[str, Json] = {"since": now.isoformat(), "records": guard.back, "accepted": 0}
    await tx.registry.put_setting(_SETTING + guard.ehr, told)


async def guard_of(tx: Transaction, ehr: str) -> Guard:
    """Return the guard for a pull. Raises PermanentEhrError where the EHR went back and no person has accepted it."""
    told = await tx.registry.setting(_SETTING + ehr)
    if not isinstance(told, dict):
        return Guard(ehr=ehr)
    if not told.get("accepted"):
        raise set_back(ehr, int(str(told.get("records", 0))))
    return Guard(ehr=ehr, is_off=True)


async def went_back(tx: Transaction, ehr: str) -> bool:
    """Say whether an EHR went back and no person has accepted it."""
    told = await tx.registry.setting(_SETTING + ehr)
    return isinstance(told, dict) and not told.get("accepted")


async def accept(tx: Transaction, ehr: str, *, actor: str, now: datetime) -> None:
    """Let an EHR go on from where it was set back to. Raises NotFound where it was not."""
    if not await went_back(tx, ehr):
        raise NotFound(f"{ehr} was not set back.", operation="ehr resume", subject=ehr)
    happening = Happening(kind="configuration", at=now, actor=actor, subject="ehr resume", ehr=ehr)
    await tx.audit.append([audit_row(happening)])
    await tx.registry.put_setting(_SETTING + ehr, {"accepted": 1})


async def forget(tx: Transaction, guard: Guard) -> None:
    """Watch again, once a pull has taken in what the EHR was set back to."""
    if guard.is_off:
        await tx.registry.put_setting(_SETTING + guard.ehr, None)
