"""Questions about a stay: does it count, did the program itself say that it ended, and how."""

from collections.abc import Mapping
from functools import cache

from coordinator.care.csv_table import packaged_rows
from coordinator.care.enrollment.model import DischargeKind, EpisodeRecord, EpisodeState, StatusSpan
from coordinator.fhir import CodeableConcept, normal_system

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


def is_paused(one: EpisodeRecord | StatusSpan) -> bool:
    """Say whether a status, now or in the history, is that of a leave: the stay goes on and the person is away."""
    return _states().get(one.status or "") is EpisodeState.PAUSED


def discharge_kind(concept: CodeableConcept) -> DischargeKind | None:
    """Return how a stay ended by the codes of a disposition; None where they name a place to go or nothing we know.

    A place is no kind: who went home may have completed treatment or not. Codes without a system count where no two
    systems use them.
    """
    kinds = _discharge_kinds()
    found = {kinds.get((normal_system(one.system or ""), one.code or "")) for one in concept.codings}
    known = found - {None}
    return known.pop() if len(known) == 1 else None


@cache
def _discharge_kinds() -> Mapping[tuple[str, str], DischargeKind]:
    columns = ("system", "code", "kind", "alone", "source", "status")
    found: dict[tuple[str, str], DischargeKind] = {}
    for row in packaged_rows(_PACKAGE, "discharge_kinds.csv", columns):
        kind = row.member("kind", DischargeKind)
        systems = [normal_system(row.text("system")), *([""] if row.flag("alone") else [])]
        for system in systems:
            if (system, row.text("code")) in found:
                raise row.bad("code", "stands twice")
            found[system, row.text("code")] = kind
    return found


@cache
def _states() -> dict[str, EpisodeState]:
    rows = packaged_rows(_PACKAGE, "episode_statuses.csv", ("status", "state"))
    return {row.text("status"): row.member("state", EpisodeState) for row in rows}
