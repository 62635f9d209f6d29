"""Is the medicine taken, as far as anybody can tell: a fact of its own beside the dose and the days covered.

A dose given proves it; the person's own word outranks an order that nobody closed, yet never says what the dose is;
supply in hand makes it likely; an order alone is intent. Silence tells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from coordinator.care.medication.model import Proof
from coordinator.care.medication.rules import is_current, is_negated
from coordinator.fhir import Absolute, Interval, Relative, read_reference
from coordinator.reconcile.medication.model import Received, Take, Taking

TAKING, PRESUMED, NOT_TAKING, UNKNOWN = "taking", "presumed", "not-taking", "unknown"
DOSE, OWN_REPORT, STATEMENT, SUPPLY, ORDER = "dose", "own-report", "statement", "supply", "order"
_ENDED = frozenset({"stopped", "completed", "on-hold"})
_RANK = {STATEMENT: 0, SUPPLY: 1, OWN_REPORT: 2, DOSE: 3}  # which of two records of one time tells more


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old what tells of taking may be: the last day covered, and what somebody said."""

    covered_since: date
    said_since: date


def taking_of(takes: Sequence[Take], covered: Sequence[Interval], *, fresh: Freshness, as_of: date) -> Taking:
    """Return whether a course is taken on a day. What was given or said too long ago no longer tells."""
    told = [(_basis(one), one) for one in takes if one.day is not None and one.day.last <= as_of]
    telling = [(basis, one) for basis, one in told if basis is not None]
    if not telling:
        newest = takes[-1]
        return Taking(status=UNKNOWN, basis=ORDER, since=newest.day, ref=newest.ref)
    basis, chosen = max(telling, key=lambda pair: (pair[1].sorted_at, _RANK[pair[0]], pair[1].ref))
    basis, chosen = _unless_own_report_stands(telling, basis, chosen)
    return Taking(
        status=_status(basis, chosen, covered, fresh),
        basis=basis,
        since=_since(chosen, covered),
        ref=chosen.ref,
    )


def is_own_report(take: Take) -> bool:
    """Say whether the person told it themselves, in a statement: no other record names its source."""
    source = read_reference({"reference": take.seen.record.source})
    return isinstance(source, Relative | Absolute) and source.type == "Patient"


def says_not_taken(take: Take) -> bool:
    """Say whether a statement tells that the medicine is not taken, or no longer."""
    return take.proof is Proof.STATEMENT and (is_negated(take.seen.record) or take.seen.record.status in _ENDED)


def _basis(take: Take) -> str | None:
    if take.proof is Proof.STATEMENT:
        if not says_not_taken(take) and not is_current(take.seen.record):
            return None
        return OWN_REPORT if is_own_report(take) else STATEMENT
    return {Proof.DOSE: DOSE, Proof.SUPPLY: SUPPLY}.get(take.proof)


def _unless_own_report_stands(telling: Sequence[tuple[str, Take]], basis: str, chosen: Take) -> tuple[str, Take]:
    """Return the person's own last word instead of what another said of them later."""
    if basis != STATEMENT:
        return basis, chosen
    own = [(one, take) for one, take in telling if one != STATEMENT]
    if not own or own[-1][0] != OWN_REPORT:
        return basis, chosen
    return own[-1]


def _status(basis: str, take: Take, covered: Sequence[Interval], fresh: Freshness) -> str:
    if says_not_taken(take):
        return NOT_TAKING
    is_covered = bool(covered) and covered[-1].last >= fresh.covered_since
    if basis in (OWN_REPORT, STATEMENT):
        said_lately = take.day is not None and take.day.first >= fresh.said_since
        return TAKING if said_lately or is_covered else UNKNOWN
    if not is_covered:
        return UNKNOWN
    return TAKING if basis == DOSE else PRESUMED


def _since(take: Take, covered: Sequence[Interval]) -> Interval | None:
    """Return the first day of the stretch that a dose or supply belongs to, else the day of the word."""
    if isinstance(take, Received):
        stretch = next(one for one in reversed(covered) if one.first <= take.covers.first)
        return Interval(first=stretch.first, last=stretch.first)
    return take.day
