"""Whose record is it: which EHR patients are the same person.

In come the patient records that may be one person's, what people decided about pairs of them, and what their EHRs said;
out goes which of them are one person. Less than certainty is for a person to decide. Nothing here searches an EHR: that
would itself be a disclosure.
"""

from coordinator.matching.bonds import Bond, Tie, bonds_between, pair_of
from coordinator.matching.known import KnownPatient, known_patient
from coordinator.matching.parts import Partition, partition
from coordinator.matching.verdicts import Pair, Verdict, verdicts

__all__ = [
    "Bond",
    "KnownPatient",
    "Pair",
    "Partition",
    "Tie",
    "Verdict",
    "bonds_between",
    "known_patient",
    "pair_of",
    "partition",
    "verdicts",
]
