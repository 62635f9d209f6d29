"""Whether a person has asked to leave an EHR, someone, or everything alone."""

from collections.abc import Sequence

from coordinator.sync.work.records import Pause, PauseKind


def is_paused(pauses: Sequence[Pause], ehr: str, person: str = "") -> bool:
    """Say whether all is paused, or this EHR, or this person."""
    stopped = {(PauseKind.ALL, ""), (PauseKind.EHR, ehr), (PauseKind.PERSON, person)}
    return any((one.kind, one.name) in stopped for one in pauses)
