"""Leaves: days within a stay on which the person was away and expected back. They are no discharge.

A leave is told by the status of the episode, or of the Encounter of an overnight stay, now or in its history. A
hospital or an emergency department that treated the person during a stay that they come to by day is one, too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from coordinator.care.enrollment.model import EpisodeRecord
from coordinator.care.enrollment.rules import is_paused
from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import asks_for_hours, is_overnight, row_of, rule_at
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import is_away, mode_of
from coordinator.fhir import Interval, Json, day_of, once
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.enrollment import Pause, Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding
from coordinator.reconcile.timeline.beside import compatible
from coordinator.reconcile.timeline.records import Records

LEAVE, HOSPITAL, EMERGENCY = "leave", "hospital", "emergency"
_WHY = {"overnight": HOSPITAL, "observation": HOSPITAL, "emergency": EMERGENCY}
_ORDER = (HOSPITAL, EMERGENCY, LEAVE)  # what tells most about the reason first
_LONGEST = timedelta(days=366)  # a partial date spans a year at most


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """The statuses that a record went through, as (was it a leave, from when, until when), and whether it is one now.

    `learned` is the day on which its version was learned of: what it says of now, it says of that day.
    """

    spans: Sequence[tuple[bool, str | None, str | None]]
    away: bool
    ref: str
    learned: date

    @classmethod
    def of_episode(cls, seen: Seen[EpisodeRecord], zone: ZoneInfo) -> "_Past":
        spans = tuple((is_paused(one), one.start, one.end) for one in seen.record.history)
        return cls(spans=spans, away=is_paused(seen.record), ref=seen.ref, learned=_learned(seen, zone))

    @classmethod
    def of_contact(cls, seen: Seen[EncounterRecord], zone: ZoneInfo) -> "_Past":
        spans = tuple((is_away(one), one.start, one.end) for one in seen.record.history)
        return cls(spans=spans, away=is_away(seen.record), ref=seen.ref, learned=_learned(seen, zone))


def _learned(seen: Seen[EpisodeRecord] | Seen[EncounterRecord], zone: ZoneInfo) -> date:
    return seen.evidence.learned_at.astimezone(zone).date()


def with_pauses(stays: Sequence[Stay], chart: Chart, records: Records, *, zone: ZoneInfo) -> list[Stay]:
    """Return the stays with the days on which the person was away."""
    elsewhere = sorted(_elsewhere(chart, stays, zone), key=lambda one: _order(one[0]))
    starts = [one.start.first for one, _ in elsewhere]
    leaving = _leaving(chart, zone)
    paused: list[Stay] = []
    for stay in stays:
        pasts = [_Past.of_episode(seen, zone) for seen in records.episodes_of(stay)]
        pasts += [_Past.of_contact(seen, zone) for seen in _left_from(stay, leaving)]
        found = [pause for past in pasts for pause in _told_by(past, stay, zone)]
        if asks_for_hours(stay.level):
            begin = bisect_left(starts, stay.start.last)
            end = bisect_left(starts, stay.end.first) if stay.end else len(starts)
            found += [
                _until_seen(one, stay)
                for one, level in elsewhere[begin:end]
                if level is None or compatible(level, stay.level)
            ]
        paused.append(replace(stay, pauses=_joined(found)) if found else stay)
    return paused


def _until_seen(pause: Pause, stay: Stay) -> Pause:
    """Return care elsewhere that nobody closed with the end that the next day of care at the stay implies."""
    if pause.end is not None:
        return pause
    later = min((one.day for one in stay.services if one.day > pause.start.last), default=None)
    return pause if later is None else replace(pause, end=Interval(first=pause.start.first, last=later))


def within_stay(stay: Stay) -> Stay:
    """Return the stay without what began after it ended."""
    held = tuple(one for one in stay.pauses if stay.end is None or one.start.first <= stay.end.last)
    return stay if held == stay.pauses else replace(stay, pauses=held)


def left_on(stay: Stay, days: Interval) -> Interval | None:
    """Return since when a stay was on hold, by its own records, on days that may be these; None where it was not."""
    told = (one for one in stay.pauses if one.why == LEAVE)
    may = (one for one in told if one.start.first <= days.last and (one.end is None or days.first <= one.end.last))
    return next((one.start for one in may), None)


def long_leaves(stays: Sequence[Stay], *, as_of: date, zone: ZoneInfo) -> list[Finding]:
    """Return a finding for each leave that goes on certainly longer than its rule expects; past its limit it is urgent.

    A leave that is over is history: how long it took stands beside the return.
    """
    return [
        made
        for stay in stays
        for pause in stay.pauses
        if pause.end is None and stay.end is None
        if (made := _long_leave(stay, pause, as_of=as_of, zone=zone)) is not None
    ]


def _long_leave(stay: Stay, pause: Pause, *, as_of: date, zone: ZoneInfo) -> Finding | None:
    rule = rule_at(pause.why, stay.level)
    if rule is None or rule.expected_max_gap_days is None or rule.outer_limit_days is None:
        return None
    expected, outer = rule.expected_max_gap_days, rule.outer_limit_days
    if (as_of - pause.start.last).days <= expected:
        return None
    lost = pause.start.last + timedelta(days=outer + 1)
    is_lost = as_of >= lost
    facts: dict[str, Json] = {
        "why": pause.why,
        "since": [str(pause.start.first), str(pause.start.last)],
        "expected": expected,
        "limit": outer,
        "past_limit": is_lost,
        "rule": rule.rule_id,
    }
    about = f"{stay.key}:{pause.start.first}"
    evidence = (*stay.evidence, *pause.evidence)
    made = finding("stay.leave-long", about, facts=facts, evidence=evidence, urgency="urgent" if is_lost else "")
    rises = None if is_lost else datetime.combine(lost, time(), tzinfo=zone)
    return replace(made.drawn_by("TL-20", rule.rule_id), due_at=rises)


# ---- told by the record of the stay ----------------------------------------------------------------------------------
def _leaving(chart: Chart, zone: ZoneInfo) -> Mapping[str, Sequence[tuple[Interval, Seen[EncounterRecord]]]]:
    """Return the overnight contacts of each EHR that tell of a leave, in order of days; a break by day is none."""
    found: dict[str, list[tuple[Interval, Seen[EncounterRecord]]]] = {}
    for seen in chart.encounters:
        record = seen.record
        if (is_away(record) or any(map(is_away, record.history))) and mode_of(record) == "overnight" and record.start:
            found.setdefault(seen.ehr, []).append((day_of(record.start, zone), seen))
    for pairs in found.values():
        pairs.sort(key=lambda pair: (pair[0].first, pair[1].ref))
    return found


def _left_from(
    stay: Stay, leaving: Mapping[str, Sequence[tuple[Interval, Seen[EncounterRecord]]]]
) -> Iterator[Seen[EncounterRecord]]:
    """Yield the nights of an overnight stay that tell of a leave: contacts of its EHR, organization and time."""
    if not is_overnight(stay.level):
        return
    for ehr in dict.fromkeys(one.ehr for one in stay.told):
        pairs = leaving.get(ehr, ())
        at = bisect_left(pairs, stay.start.first - _LONGEST, key=lambda pair: pair[0].first)
        until = bisect_left(pairs, stay.end.last, key=lambda pair: pair[0].first) if stay.end else len(pairs)
        for days, seen in pairs[at:until]:
            if days.last >= stay.start.first and seen.evidence.organization == stay.organization:
                yield seen


def _told_by(past: _Past, stay: Stay, zone: ZoneInfo) -> Iterator[Pause]:
    """Yield the leaves in the history of a record, and the one that it is in now."""
    history = sorted(past.spans, key=lambda one: (one[1] or "", one[2] or ""))
    for at, (away, begin, over) in enumerate(history):
        if not away or begin is None:
            continue
        after = next((start for _, start, _ in history[at + 1 :]), None)
        goes_on = over is None and after is None and past.away
        start, told = day_of(begin, zone), over or after
        latest = Interval(first=start.first, last=max(start.last, past.learned))
        end = None if goes_on else day_of(told, zone) if told else latest
        yield Pause(start=start, end=end, why=LEAVE, evidence=(past.ref,))
    if past.away:  # joined with the last of its history where that goes on
        since = _since([(begin, over) for _, begin, over in history], stay, learned=past.learned, zone=zone)
        yield Pause(start=since, end=None, why=LEAVE, evidence=(past.ref,))


def _since(history: Sequence[tuple[str | None, str | None]], stay: Stay, *, learned: date, zone: ZoneInfo) -> Interval:
    """Return since when a record that tells a leave may do so: since the status before ended, or any day until now.

    Where the status before tells only when it began, the leave began on that day or on any later one.
    """
    begin, over = history[-1] if history else (None, None)
    if over:
        ends = (day_of(text, zone) for _, text in history if text)
        return max(ends, key=lambda one: (one.first, one.last))
    first = max(stay.start.first, day_of(begin, zone).first if begin else stay.start.first)
    return Interval(first=first, last=max(first, learned))


# ---- told by care elsewhere ------------------------------------------------------------------------------------------
def _elsewhere(chart: Chart, stays: Sequence[Stay], zone: ZoneInfo) -> Iterator[tuple[Pause, Level | None]]:
    """Yield hospital days and emergencies: contacts that belong to no stay, and stays at a level of a hospital."""
    of_stays = {one.ref for stay in stays for one in stay.services}
    for seen in chart.attended:
        pause = _pause_in(seen, zone) if seen.ref not in of_stays else None
        if pause is not None:
            yield pause, None
    for stay in stays:
        row = row_of(stay.level)
        if row is not None and row.setting == "inpatient":
            yield Pause(start=stay.start, end=stay.end, why=HOSPITAL, evidence=stay.evidence), stay.level


@once
def _pause_in(seen: Seen[EncounterRecord], zone: ZoneInfo) -> Pause | None:
    record = seen.record
    why = _WHY.get(mode_of(record))
    if why is None:
        return None
    start = day_of(record.start or "", zone)
    goes_on = record.end is None and record.status == "in-progress"
    end = day_of(record.end, zone) if record.end else start
    if end.last < start.first:
        return None
    return Pause(start=start, end=None if goes_on else end, why=why, evidence=(seen.ref,))


def _joined(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """Join pauses that touch: an EHR may write an Encounter for each day in a hospital, after one for the emergency."""
    runs: list[list[Pause]] = []
    latest = date.min  # the last day that the run of now may reach
    for one in sorted(pauses, key=_order):
        last = one.end.last if one.end else date.max
        if runs and (one.start.first - latest).days <= 1:
            runs[-1].append(one)
            latest = max(latest, last)
        else:
            runs.append([one])
            latest = last
    return tuple(_as_one(run) for run in runs)


def _as_one(run: Sequence[Pause]) -> Pause:
    """Return touching pauses as one, for a reason that holds for all of it: an emergency within a leave is none.

    A leave that began with nights in a hospital and is over was for these; one that goes on after them is a leave.
    """
    start = run[0].start
    ends = [one.end for one in run if one.end is not None]
    end = max(ends, key=lambda each: (each.last, each.first)) if len(ends) == len(run) else None
    begun = [one for one in run if one.start.first <= start.last + timedelta(days=1)]
    whole = {one.why for one in begun if one.end == end or (end is not None and one.why == HOSPITAL)}
    whys = whole or ({one.why for one in run} & {LEAVE}) or {one.why for one in run}
    return Pause(
        start=start,
        end=end,
        why=min(whys, key=_ORDER.index),
        evidence=tuple(dict.fromkeys(ref for one in run for ref in one.evidence)),
    )


def _order(pause: Pause) -> tuple[date, date, tuple[str, ...]]:
    return pause.start.first, pause.start.last, pause.evidence
