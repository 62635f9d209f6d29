"""What a pull that ended could not do, in a sentence for the person who looks after the connection."""

from collections.abc import Sequence

from coordinator.reconcile import Grade
from coordinator.sync.pull import PullReport
from coordinator.sync.records import PullRecord


def problem_of(pulled: PullReport) -> str:
    """Return what is wrong with an EHR that answered, empty where nothing is."""
    if pulled.refusal:
        return (
            f"It shows nothing to us: {pulled.refusal}. If it asks for a sign-in, register it anew with "
            "`ehr add --replace --smart …`; `coordinator ehr check` tells more."
        )
    if pulled.missed:
        told = ", ".join(f"{type_} {count}" for type_, count in sorted(pulled.missed.items()))
        return (
            f"Its fast lane had not shown all changes ({told}): the full compare found them, and the lane is off. "
            f"`coordinator ehr lane {pulled.ehr} --on` turns it on again."
        )
    return ""


def left_out(records: Sequence[PullRecord]) -> str:
    """Return what a pull could not see in full, empty where it did."""
    short = [one for one in records if one.grade in (Grade.PARTIAL, Grade.STALE) and not _is_meant(one)]
    reasons = sorted({one.reason for one in short if one.reason})
    types = ", ".join(sorted(one.type for one in short))
    return f"Not seen in full: {types} ({'; '.join(reasons)})." if short else ""


def _is_meant(record: PullRecord) -> bool:
    """Say whether a type is not pulled because of what the EHR is, which each pull would say anew."""
    return record.reason.startswith("not pulled")
