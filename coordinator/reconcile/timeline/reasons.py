"""How a stay ended, where its records tell kinds of discharge that can't all be right: what a person accepted, or asks.

Completed and against advice are not both true. Which one holds moves no day, but it moves what follows: a discharge
against advice asks for outreach.
"""

from collections.abc import Sequence
from dataclasses import replace

from coordinator.fhir import Json
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Decision, Finding

CODE = "stay.source-differs"


def with_reasons(stays: Sequence[Stay], decisions: Sequence[Decision]) -> tuple[list[Stay], list[Finding]]:
    """Return the stays with the kind of discharge that was accepted; what no decision settles is a finding."""
    chosen: dict[str, list[Decision]] = {}
    for one in decisions:
        if one.code == CODE:
            chosen.setdefault(one.key, []).append(one)
    held: list[Stay] = []
    found: list[Finding] = []
    for stay in stays:
        now, asked = _settled(stay, chosen.get(f"{CODE}:{_about(stay)}", ()))
        held.append(now)
        found += asked
    return held, found


def _settled(stay: Stay, made: Sequence[Decision]) -> tuple[Stay, list[Finding]]:
    """Hold what was accepted last; it is asked anew once a record tells what nobody knew when deciding."""
    if len({kind for kind, _ in stay.reasons}) < 2:
        return stay, []
    told = [(one, kept) for one in made if (kept := _accepted(one, stay))]
    decision, kept = max(told, key=lambda pair: (pair[0].decided_at, pair[0].actor), default=(None, ()))
    if decision is None:
        return stay, [_asked(stay)]
    known = decision.facts.get("reasons")
    is_known = isinstance(known, list) and all(one in known for one in _reasons(stay))
    now = replace(stay, reasons=kept, rules=(*stay.rules, "ST-09"))
    return now, [] if is_known else [_asked(stay)]


def _accepted(decision: Decision, stay: Stay) -> tuple[tuple[str, str], ...]:
    """Return what the accepted record tells now."""
    place = str(decision.value.get("accept")).partition("@")[0]
    return tuple(one for one in stay.reasons if one[1] == place)


def _asked(stay: Stay) -> Finding:
    facts: dict[str, Json] = {"reasons": _reasons(stay)}
    return finding(CODE, _about(stay), facts=facts, evidence=stay.evidence).drawn_by("TL-03")


def _reasons(stay: Stay) -> list[Json]:
    return [{"reason": kind, "by": place.partition("/")[0], "record": place} for kind, place in stay.reasons]


def _about(stay: Stay) -> str:
    return f"{stay.key}:reason"
