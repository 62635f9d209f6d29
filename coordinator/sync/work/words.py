"""What a pull that ended could not do, in a sentence for the person who looks after the connection."""

from collections.abc import Sequence

from coordinator.reconcile import Grade
from coordinator.sync.pull import PullReport
from coordinator.sync.records import PullRecord
from coordinator.sync.work.records import HELD_BACK, HELD_OFF, SILENT

_GIVEN_UP = (SILENT, HELD_OFF, HELD_BACK, "status 429")  # what speaks for the whole EHR


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


def cut_short(records: Sequence[PullRecord]) -> str:
    """Return why an EHR was given up on the way, empty where it answered to the end.

    One type may be busy for itself; where the last two were not answered, the EHR was not.
    """
    last = [one.reason for one in records if not _is_meant(one)][-2:]
    is_shut = len(last) == 2 and all(map(_is_given_up, last))
    return f"{last[-1]}." if is_shut else ""


def given_up(records: Sequence[PullRecord]) -> str:
    """Return what became of a pull whose EHR was given up on the way, empty where it answered to the end."""
    short = [one for one in records if not _is_meant(one) and _is_given_up(one.reason)]
    if not short:
        return ""
    types, reasons = _types_and_reasons(short)
    return f"It was given up on the way ({reasons}). Not seen, which does not mean gone, until the next run: {types}."


def left_out(records: Sequence[PullRecord]) -> str:
    """Return what a pull could not see in full, empty where it did."""
    short = [one for one in records if one.grade in (Grade.PARTIAL, Grade.STALE) and not _is_meant(one)]
    types, reasons = _types_and_reasons(short)
    return f"Not seen in full: {types} ({reasons})." if short else ""


def _types_and_reasons(short: Sequence[PullRecord]) -> tuple[str, str]:
    reasons = sorted({one.reason for one in short if one.reason})
    return ", ".join(sorted(one.type for one in short)), "; ".join(reasons)


def _is_given_up(reason: str) -> bool:
    return any(word in reason for word in _GIVEN_UP)


def _is_meant(record: PullRecord) -> bool:
    """Say whether a type is not pulled because of what the EHR is, which each pull would say anew."""
    return record.reason.startswith("not pulled")
