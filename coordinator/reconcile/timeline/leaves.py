"""Leaves: days within a stay on which the person was away and expected back. They are no discharge.

A leave is told by the status of the episode, now or in its history. A hospital or an emergency department that treated
the person during a stay that they come to by day is one, too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from coordinator.care.enrollment.model import EpisodeRecord, StatusSpan
from coordinator.care.enrollment.rules import is_paused
from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import asks_for_hours, row_of
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import is_attended, mode_of
from coordinator.fhir import Interval, day_of
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.enrollment import Pause, Stay
from coordinator.reconcile.timeline.beside import compatible
from coordinator.reconcile.timeline.records import Records

LEAVE, HOSPITAL, EMERGENCY = "leave", "hospital", "emergency"
_WHY = {"overnight": HOSPITAL, "observation": HOSPITAL, "emergency": EMERGENCY}
_ORDER = (HOSPITAL, EMERGENCY, LEAVE)  # what tells most about the reason first


def with_pauses(stays: Sequence[Stay], chart: Chart, records: Records, *, zone: ZoneInfo) -> list[Stay]:
    """Return the stays with the days on which the person was away."""
    elsewhere = sorted(_elsewhere(chart, stays, zone), key=lambda one: _order(one[0]))
    starts = [one.start.first for one, _ in elsewhere]
    paused: list[Stay] = []
    for stay in stays:
        found = [pause for seen in records.episodes_of(stay) for pause in _told_by(seen, stay, zone)]
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


# ---- told by the episode ---------------------------------------------------------------------------------------------
def _told_by(seen: Seen[EpisodeRecord], stay: Stay, zone: ZoneInfo) -> Iterator[Pause]:
    """Yield the leaves in the history of an episode, and the one that it is in now."""
    learned = seen.evidence.learned_at.astimezone(zone).date()
    history = sorted(seen.record.history, key=lambda one: (one.start or "", one.end or ""))
    now_told = False
    for at, span in enumerate(history):
        if not is_paused(span) or span.start is None:
            continue
        after = next((one.start for one in history[at + 1 :] if one.start), None)
        goes_on = span.end is None and after is None and is_paused(seen.record)
        now_told = now_told or goes_on
        start = day_of(span.start, zone)
        latest = Interval(first=start.first, last=max(start.last, learned))
        end = None if goes_on else day_of(span.end or after or "", zone) if span.end or after else latest
        yield Pause(start=start, end=end, why=LEAVE, evidence=(seen.ref,))
    if is_paused(seen.record) and not now_told:
        yield Pause(start=_since(history, stay, learned, zone), end=None, why=LEAVE, evidence=(seen.ref,))


def _since(history: Sequence[StatusSpan], stay: Stay, learned: date, zone: ZoneInfo) -> Interval:
    """Return since when an episode that is on hold may be so: since its status before ended, or any day until now."""
    ends = [day_of(one.end, zone) for one in history if one.end]
    if ends:
        return max(ends, key=lambda one: (one.first, one.last))
    first = stay.start.first
    return Interval(first=first, last=max(first, learned))


# ---- told by care elsewhere ------------------------------------------------------------------------------------------
def _elsewhere(chart: Chart, stays: Sequence[Stay], zone: ZoneInfo) -> Iterator[tuple[Pause, Level | None]]:
    """Yield hospital days and emergencies: contacts that belong to no stay, and stays at a level of a hospital."""
    of_stays = {one.ref for stay in stays for one in stay.services}
    for seen in chart.encounters:
        pause = _pause_in(seen, zone) if seen.ref not in of_stays else None
        if pause is not None:
            yield pause, None
    for stay in stays:
        row = row_of(stay.level)
        if row is not None and row.setting == "inpatient":
            yield Pause(start=stay.start, end=stay.end, why=HOSPITAL, evidence=stay.evidence), stay.level


def _pause_in(seen: Seen[EncounterRecord], zone: ZoneInfo) -> Pause | None:
    record = seen.record
    why = _WHY.get(mode_of(record))
    if why is None or record.start is None or not is_attended(record):
        return None
    start = day_of(record.start, zone)
    goes_on = record.end is None and record.status == "in-progress"
    end = day_of(record.end, zone) if record.end else start
    if end.last < start.first:
        return None
    return Pause(start=start, end=None if goes_on else end, why=why, evidence=(seen.ref,))


def _joined(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """Join pauses that touch: an EHR may write an Encounter for each day in a hospital, after one for the emergency."""
    made: list[Pause] = []
    for one in sorted(pauses, key=_order):
        before = made[-1] if made else None
        if before is None or (before.end is not None and before.end.last + timedelta(days=1) < one.start.first):
            made.append(one)
            continue
        open_ended = before.end is None or one.end is None
        ends = [each for each in (before.end, one.end) if each is not None]
        made[-1] = Pause(
            start=before.start,
            end=None if open_ended else max(ends, key=lambda each: (each.last, each.first)),
            why=min(before.why, one.why, key=_ORDER.index),
            evidence=tuple(dict.fromkeys((*before.evidence, *one.evidence))),
        )
    return tuple(made)


def _order(pause: Pause) -> tuple[date, date, tuple[str, ...]]:
    return pause.start.first, pause.start.last, pause.evidence
