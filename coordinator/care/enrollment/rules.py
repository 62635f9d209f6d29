"""Questions about a stay: does it count, did the program itself say that it ended."""

from functools import cache

from coordinator.care.csv_table import packaged_rows
from coordinator.care.enrollment.model import EpisodeRecord, EpisodeState

_PACKAGE = "coordinator.care.enrollment"


def state_of(record: EpisodeRecord) -> EpisodeState:
    """Return what the status says about the stay; a status that the table does not know says nothing."""
    return _states().get(record.status or "", EpisodeState.UNKNOWN)


def is_evidence(record: EpisodeRecord) -> bool:
    """Say whether this record shows a stay at all: not one entered in error, cancelled, or only planned."""
    return state_of(record) in {EpisodeState.RUNNING, EpisodeState.PAUSED, EpisodeState.ENDED}


def is_ended_by_program(record: EpisodeRecord) -> bool:
    """Say whether the program itself says that the stay ended; the end of a period alone is not a discharge."""
    return state_of(record) is EpisodeState.ENDED


@cache
def _states() -> dict[str, EpisodeState]:
    rows = packaged_rows(_PACKAGE, "episode_statuses.csv", ("status", "state"))
    return {row.text("status"): row.member("state", EpisodeState) for row in rows}
