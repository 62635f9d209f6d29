"""What is open about the codes of levels: not to be read for certain, not in their edition, of two editions."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from coordinator.care.level_of_care.model import Edition, Level, Role
from coordinator.care.level_of_care.rules import as_third, counterparts, is_lossy, row_of
from coordinator.fhir import Interval, Json
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.level_of_care.stated import Statement, first_and_last, level_json
from coordinator.reconcile.model import Finding, Policy
from coordinator.reconcile.rules import limit

_Place = tuple[str, Edition, str]  # an organization with a level


def level_findings(statements: Sequence[Statement], stays: Sequence[Stay], policy: Policy) -> list[Finding]:
    """Return what is open about the codes that records use; nothing here moves the timeline."""
    named = [one for one in statements if not one.billed]  # the code of a bill is of no edition that anybody chose
    return [*_unread(named), *_two_editions(named, stays, policy)]


# ---- codes that can't be read ----------------------------------------------------------------------------------------
def _unread(statements: Iterable[Statement]) -> list[Finding]:
    """Return a finding for each code of an EHR that has no meaning: one, however many records carry it."""
    groups: dict[tuple[str, str], list[Statement]] = {}
    for one in statements:
        if row_of(one.level) is None:
            code = "level.unresolved" if one.level.edition is None else "level.not-in-edition"
            about = f"{one.evidence.ehr}/{one.evidence.document.type}:{_spelled(one.level)}"
            groups.setdefault((code, about), []).append(one)
    return [
        finding(code, about, facts=level_json(group[0].level), evidence=first_and_last(group)).drawn_by(
            "LV-03" if code == "level.unresolved" else "LV-04"
        )
        for (code, about), group in groups.items()
    ]


def _spelled(level: Level) -> str:
    return f"{level.edition.value} {level.code}" if level.edition else level.code


# ---- one stay, two editions ------------------------------------------------------------------------------------------
def _two_editions(statements: Iterable[Statement], stays: Sequence[Stay], policy: Policy) -> list[Finding]:
    """Return a finding for each stay whose level other records name in another edition; the stay keeps its own."""
    near = timedelta(days=int(limit("same_stay_days", policy.options)))
    known = _by_level(stays)
    own = {one.ref: stay.key for stay in stays for one in stay.told}
    others: dict[str, list[Statement]] = {}
    held: dict[str, Stay] = {}
    for one in statements:
        is_told = one.level.role is Role.PROVIDED and one.level.edition is not None
        if is_told and (start := one.start) is not None:
            stay = _named_by(one, start, known, near=near)
            if stay is not None and own.get(one.ref, stay.key) == stay.key:  # the next stay names its own level
                held[stay.key] = stay
                others.setdefault(stay.key, []).append(one)
    return [_mixed(held[key], others[key]) for key in others]


def _by_level(stays: Sequence[Stay]) -> dict[_Place, list[Stay]]:
    """Return stays of readable levels by organization and level, each list in order of start."""
    known: dict[_Place, list[Stay]] = {}
    for stay in sorted(stays, key=lambda one: (one.start.first, one.key)):
        row = row_of(as_third(stay.level))
        if row is not None and stay.level.edition is not None:
            known.setdefault((stay.organization, row.edition, row.code), []).append(stay)
    return known


def _named_by(
    one: Statement, start: Interval, known: Mapping[_Place, Sequence[Stay]], *, near: timedelta
) -> Stay | None:
    """Return the latest stay that a record speaks of in another edition than the stay's own."""
    candidates: list[Stay] = []
    for edition, code in counterparts(one.level):
        stays = known.get((one.organization, edition, code), ())
        at = bisect_right(stays, start.last + near, key=lambda stay: stay.start.first) - 1
        if at >= 0 and _goes_on_until(start, stays[at], near):
            candidates.append(stays[at])
    return max(candidates, key=lambda stay: (stay.start.first, stay.key), default=None)


def _goes_on_until(start: Interval, stay: Stay, near: timedelta) -> bool:
    return stay.end is None or start.first <= stay.end.last + near


def _mixed(stay: Stay, others: Sequence[Statement]) -> Finding:
    levels: list[Json] = [{**level_json(stay.level), "by": stay.key.partition("/")[0]}]
    told = {(_spelled(one.level), one.evidence.ehr): one for one in others}
    levels += [{**level_json(told[key].level), "by": key[1]} for key in sorted(told)]
    facts: dict[str, Json] = {"lossy": any(is_lossy(stay.level, one.level) for one in others), "levels": levels}
    evidence = (*stay.evidence, *first_and_last(others))
    return finding("level.edition-differs", stay.key, facts=facts, evidence=evidence).drawn_by("LV-05")
