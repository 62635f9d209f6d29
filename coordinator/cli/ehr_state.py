"""How work at an EHR stands: open, paused, shut for a while, or given up, each with why."""

from collections.abc import Sequence

from coordinator.fhir import Json
from coordinator.sync.work.records import Pause, PauseKind, Trouble, Work
from coordinator.sync.work.stops import is_paused


def state_of(name: str, troubles: Sequence[Trouble], pauses: Sequence[Pause]) -> dict[str, Json]:
    """Return the state of an EHR and its cause, for a program and for a person."""
    if is_paused(pauses, name):
        reasons = [one.reason for one in pauses if one.kind is PauseKind.ALL or one.name == name]
        return {"state": "paused", "state_cause": reasons[0]}
    mine = [one for one in troubles if one.job.work is not Work.PERSON and one.job.key == name]
    for one in mine:
        if one.again is None:
            return {"state": "given up", "state_cause": one.cause}
    for one in mine:
        until = f"{one.again:%H:%M:%S}" if one.again else ""
        return {"state": f"{'shut' if one.is_outage else 'failing'} until {until} UTC", "state_cause": one.cause}
    return {"state": "open", "state_cause": ""}
