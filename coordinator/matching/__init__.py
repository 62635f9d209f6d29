"""Whose record is it: which EHR patients are the same person.

In come a patient record and the candidates that share a key with it; out goes certainty, possibility or no match. Less
than certainty is for a person to decide. Nothing here searches an EHR: that would itself be a disclosure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.care.patient.model import PatientRecord
from coordinator.care.patient.rules import Agreement, agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A patient record that shares a key, and the person it is linked to (None while it is linked to nobody)."""

    person: str | None
    place: str
    record: PatientRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Certain:
    """The record is this person's."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """The record may be of these persons; a person decides."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMatch:
    """Nobody known."""


Match = Certain | Possible | NoMatch


def match(record: PatientRecord, candidates: Sequence[Candidate]) -> Match:
    """Return whose record it is: certain only if it agrees in full with one person and nobody else."""
    weighed = [(agreement(record, one.record), one) for one in candidates]
    certain = sorted({one.person for how, one in weighed if how is Agreement.CERTAIN and one.person})
    doubtful = tuple(one for how, one in weighed if how is not Agreement.NONE)
    if len(certain) == 1:
        return Certain(person=certain[0])
    return Possible(candidates=doubtful) if doubtful else NoMatch()


__all__ = ["Candidate", "Certain", "Match", "NoMatch", "Possible", "match"]
