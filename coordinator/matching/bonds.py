"""What holds two patient records together as one person's, from the strongest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from coordinator.care.patient.rules import Agreement, Thresholds, Weighed, weigh
from coordinator.matching.known import KnownPatient
from coordinator.matching.verdicts import Pair, Verdict


class Tie(Enum):
    """Why two records are one person's; the value is the rule."""

    DECIDED = "ID-20"  # a person said so
    MERGED = "ID-21"  # their EHR merged them
    AGREED = "ID-22"  # they agree for certain
    STAYED = "ID-23"  # they were one person's before one of them changed, and may still be


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """Two records that something holds together. Of one tie the stronger comes first; `rule` says what it rests on.

    `by` is who decided, or the record that changed and stayed.
    """

    pair: Pair
    tie: Tie
    rule: str
    strength: Decimal = Decimal(0)
    by: str = ""


def pair_of(one: str, other: str) -> Pair:
    """Return two places as a pair, whichever comes first."""
    return (one, other) if one < other else (other, one)


def bonds_between(
    one: KnownPatient, other: KnownPatient, *, verdicts: Mapping[Pair, Verdict], limits: Thresholds
) -> tuple[list[Bond], Weighed]:
    """Return what holds two records together, and how far they agree."""
    pair = pair_of(one.place, other.place)
    weighed = weigh(one.traits, other.traits, limits)
    found: list[Bond] = []
    verdict = verdicts.get(pair)
    if verdict is not None and verdict.same:
        found.append(
            Bond(
                pair=pair,
                tie=Tie.DECIDED,
                rule=Tie.DECIDED.value,
                strength=_newness(verdict.decided_at),
                by=verdict.actor,
            )
        )
    if other.place in one.merged or one.place in other.merged:
        found.append(Bond(pair=pair, tie=Tie.MERGED, rule=Tie.MERGED.value))
    if weighed.agreement is Agreement.CERTAIN:
        found.append(Bond(pair=pair, tie=Tie.AGREED, rule=weighed.rule, strength=weighed.bits))
    return found, weighed


def _newness(at: datetime) -> Decimal:
    return Decimal(str(at.timestamp()))
