"""Where a stay ended: as told, as decided, as the next stay implies; and what a person must say about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coordinator.fhir import Interval, Json, PartialDate
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Decision, Finding, Grade, Policy
from coordinator.reconcile.timeline.beside import OTP, Sequel
from coordinator.reconcile.timeline.leaves import left_on

_TELLS_OF_AN_END = ("EpisodeOfCare", "Encounter")
_DECIDED = "ST-05"
_ABOUT_ENDS = ("stay.end-missing", "stay.end-unconfirmed", "stay.source-differs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Stays with the ends that hold, what is open about them, and the keys of those whose end can't be told."""

    stays: tuple[Stay, ...]
    findings: tuple[Finding, ...]
    unsure: frozenset[str]


def with_ends(stays: Sequence[Stay], decisions: Sequence[Decision], *, policy: Policy, as_of: date) -> Closed:
    """Return the stays with their ends: what a person decided holds, then what is told, then what the next implies."""
    sequel = Sequel(stays)
    chosen = _decided_ends(decisions)
    closed: list[Stay] = []
    findings: list[Finding] = []
    unsure: set[str] = set()
    for stay in stays:
        choice = _decided_end(stay, chosen)
        if choice is not None:
            held, found = _decided(stay, *choice)
        else:
            held, found = _with_end(stay, sequel.after(stay), policy)
            found += _unconfirmed(held, as_of)
            unsure |= {held.key} if found and held.end is None else set()
        closed.append(held)
        findings += found
    return Closed(stays=tuple(closed), findings=tuple(findings), unsure=frozenset(unsure))


def without_reversed(stays: Sequence[Stay]) -> tuple[list[Stay], list[Finding]]:
    """Take out stays that certainly end before they begin, by the instant where both are told; each is a finding."""
    sound: list[Stay] = []
    found: list[Finding] = []
    for stay in stays:
        if stay.end is None or not _is_reversed(stay, stay.end):
            sound.append(stay)
            continue
        facts: dict[str, Json] = {"start": _days(stay.start), "end": _days(stay.end)}
        found.append(finding("stay.reversed-period", stay.key, facts=facts, evidence=stay.evidence).drawn_by("TL-01"))
    return sound, found


def _is_reversed(stay: Stay, end: Interval) -> bool:
    if end.last < stay.start.first:
        return True
    return stay.began is not None and stay.ended is not None and stay.ended < stay.began


def _with_end(stay: Stay, after: Stay | None, policy: Policy) -> tuple[Stay, list[Finding]]:
    """Return the stay with the end that holds, and the finding where a person must say which."""
    if stay.end is not None or after is None:
        return stay, _differing(stay)
    last = stay.last_service
    if last is not None and last.day > after.start.last:
        return stay, []  # care went on beside the next stay: that is an overlap, not a missing end
    if stay.level.code == after.level.code == OTP and stay.organization != after.organization:
        return stay, []  # dosing goes on without encounters: two programs at once are asked about, not one ended
    if left_on(stay, after.start) is not None:
        return stay, []  # it was on hold while the other one began
    evidence = tuple(dict.fromkeys((*stay.evidence, *((last.ref,) if last else ()), *after.evidence)))
    found = [finding("stay.end-missing", stay.key, facts={"ends": []}, evidence=evidence).drawn_by("ST-04")]
    if not _saw_all(stay, policy):
        return stay, found
    least = max(last.day if last else stay.start.first, stay.start.first)
    end = Interval(first=least, last=max(least, after.start.last))
    return replace(stay, end=end, evidence=evidence, rules=(*stay.rules, "ST-04")), found


def _decided(stay: Stay, decision: Decision, text: str) -> tuple[Stay, list[Finding]]:
    """Hold the decided end; an end that was told since and differs opens the question again, once."""
    end = PartialDate.parse(text).interval
    held = replace(stay, end=end, rules=(*stay.rules, _DECIDED))
    known = {str(one.get("date")) for one in _ends_in(decision)}
    news = [day for day, _ in stay.ends if day not in known and not PartialDate.parse(day).interval.overlaps(end)]
    if not news:
        return held, []
    told: list[Json] = [*_told(stay), {"date": text, "by": "decision"}]
    last = stay.last_service
    evidence = (*stay.evidence, *((last.ref,) if last else ()))
    return held, [finding("stay.end-missing", stay.key, facts={"ends": told}, evidence=evidence).drawn_by("ST-05")]


def _decided_ends(decisions: Sequence[Decision]) -> dict[str, list[tuple[Decision, str]]]:
    """Return the decisions about ends with the day that each names, by the key of the finding they answer."""
    found: dict[str, list[tuple[Decision, str]]] = {}
    for one in decisions:
        day = _day_named(one)
        if day is not None:
            found.setdefault(one.key, []).append((one, day))
    return found


def _decided_end(stay: Stay, chosen: Mapping[str, Sequence[tuple[Decision, str]]]) -> tuple[Decision, str] | None:
    """Return the latest decision about the end of a stay and the day it names; none that lies before the stay."""
    named = [pair for code in _ABOUT_ENDS for pair in chosen.get(f"{code}:{stay.key}", ())]
    fitting = [(one, day) for one, day in named if PartialDate.parse(day).last >= stay.start.first]
    return max(fitting, key=lambda pair: (pair[0].decided_at, pair[0].actor), default=None)


def _day_named(decision: Decision) -> str | None:
    """Return the day that a decision names: itself, or as the end that the accepted EHR had told."""
    if "end" in decision.value:
        return str(decision.value["end"])
    ehr = str(decision.value.get("accept")).partition("/")[0]
    return next((str(one.get("date")) for one in _ends_in(decision) if one.get("by") == ehr), None)


def _ends_in(decision: Decision) -> list[dict[str, object]]:
    ends = decision.facts.get("ends")
    return [dict(one) for one in ends if isinstance(one, dict)] if isinstance(ends, list) else []


def _differing(stay: Stay) -> list[Finding]:
    """Return the finding of ends that can't all be right; a month and a day in it can.

    An end that only others tell, while the program's own record goes on, is a question, too.
    """
    told = [PartialDate.parse(day) for day, _ in stay.ends]
    goes_on = still_running(stay)
    if not told or (max(one.first for one in told) <= min(one.last for one in told) and not goes_on):
        return []
    facts: dict[str, Json] = {"ends": _told(stay)}
    if goes_on:
        facts["goes_on"] = list[Json](goes_on)
    return [finding("stay.source-differs", stay.key, facts=facts, evidence=stay.evidence).drawn_by("TL-03")]


def still_running(stay: Stay) -> list[str]:
    """Return the EHRs in which the program's own record of a stay tells no end, where no record of its own does.

    What a person decided about the end needs no record to say so.
    """
    ended = {by for _, by in stay.ends}
    own = [one for one in stay.told if one.own and _DECIDED not in stay.rules]
    return sorted({one.ehr for one in own}) if own and not any(one.ehr in ended for one in own) else []


def _saw_all(stay: Stay, policy: Policy) -> bool:
    """Tell whether what we did not see of a stay is not there: an end, a later service. Only complete pulls say so.

    Of each EHR that tells the stay: what one left out, another may not know.
    """
    asked = [(one.ehr, type_) for one in stay.told for type_ in _TELLS_OF_AN_END]
    return all(policy.grades.get(one, Grade.COMPLETE) is Grade.COMPLETE for one in asked)


def _unconfirmed(stay: Stay, as_of: date) -> list[Finding]:
    """A period that ended without a recorded discharge: the end of a period is not a discharge."""
    if not stay.ends or stay.confirmed or stay.end is None or stay.end.last >= as_of:
        return []
    facts: dict[str, Json] = {"end": _days(stay.end), "ends": _told(stay)}
    return [finding("stay.end-unconfirmed", stay.key, facts=facts, evidence=stay.evidence).drawn_by("TL-02")]


def _told(stay: Stay) -> list[Json]:
    return [{"date": day, "by": by} for day, by in sorted(stay.ends)]


def _days(interval: Interval) -> Json:
    return [str(interval.first), str(interval.last)]
