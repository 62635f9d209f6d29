"""The stays of a person: one per program stay, out of every EHR's records of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from coordinator.care.care_plan.model import CarePlanRecord
from coordinator.care.enrollment.model import EpisodeRecord
from coordinator.care.level_of_care.model import Level, Role
from coordinator.care.level_of_care.rules import rank, row_of, same_level
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import ended_stay, is_attended, mode_of
from coordinator.fhir import Absolute, Interval, Relative, day_of, instant_of, parse_reference
from coordinator.reconcile.chart import Chart, Contact, Seen
from coordinator.reconcile.model import Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.stated_level import Statement

NOT_BEGUN = frozenset({"planned", "waitlist", "cancelled"})
CARRIED_OUT = frozenset({"active", "on-hold", "completed"})  # plans that are or were more than a draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A contact that was attended: its day in the program's zone, its instants where known, its citation."""

    ref: str
    organization: str
    day: date
    start: datetime | None
    end: datetime | None
    overnight: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Days within a stay on which the person was away and expected back: a leave, a hospital, an emergency.

    Both ends are days inclusive; `end` is the day of coming back, None while the person is away.
    """

    start: Interval
    end: Interval | None
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stay in a program at a level. `told_end` is what records say; `end` is what holds, None while it goes on.

    `ends` are all ends that were told, as (day text, by). `confirmed` means that a discharge was recorded, not only
    the end of a period; `reasons` are the kinds of discharge that were told, as (kind, by). `began` and `ended` are
    instants where records tell them. `rules` are the ids of the rules it was drawn by.
    """

    key: str
    level: Level
    organization: str
    start: Interval
    end: Interval | None
    ends: tuple[tuple[str, str], ...]
    confirmed: bool
    status: str
    evidence: tuple[str, ...]
    services: tuple[Service, ...]
    rules: tuple[str, ...]
    began: datetime | None = None
    ended: datetime | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    pauses: tuple[Pause, ...] = ()
    stale_since: date | None = None
    possible: bool = False

    @property
    def last_service(self) -> Service | None:
        """Return the latest attended contact."""
        return max(self.services, key=lambda one: (one.day, one.ref), default=None)


Provided = Mapping[str, Sequence[Statement]]  # the provided levels that records state, by their citations


def stays_of(chart: Chart, statements: Sequence[Statement], policy: Policy, *, as_of: date) -> tuple[Stay, ...]:
    """Return the stays that had begun by a day, in order of start, organization and key."""
    services = services_of(chart, policy.zone)
    provided: dict[str, list[Statement]] = {}
    for one in statements:
        if one.level.role is Role.PROVIDED and not one.billed:
            provided.setdefault(one.ref, []).append(one)
    stays = [
        stay
        for seen in chart.episodes
        for stay in _episode_stays(seen, chart, services, provided=provided, zone=policy.zone)
    ]
    stays += _stays_shown_by_sessions(chart, services, provided, policy.zone)
    merged = _merge_same(stays, within=timedelta(days=int(limit("same_stay_days", policy.options))))
    begun = [stay for stay in merged if stay.start.first <= as_of]
    return in_order(begun)


def in_order(stays: Iterable[Stay]) -> tuple[Stay, ...]:
    """Return stays in order of start, then of rank and key."""
    return tuple(sorted(stays, key=lambda one: (one.start.first, one.start.last, rank(one.level) or 0, one.key)))


def services_of(chart: Chart, zone: ZoneInfo) -> dict[str, Service]:
    """Return attended contacts by citation."""
    found: dict[str, Service] = {}
    for seen in chart.encounters:
        record = seen.record
        if record.start is None or not is_attended(record):
            continue
        found[seen.ref] = Service(
            ref=seen.ref,
            organization=seen.evidence.organization,
            day=day_of(record.end or record.start, zone).first,  # of a partial date only its first day is not too late
            start=instant_of(record.start),
            end=instant_of(record.end) if record.end else None,
            overnight=mode_of(record) == "overnight",
        )
    return found


def _episode_stays(
    seen: Seen[EpisodeRecord], chart: Chart, services: Mapping[str, Service], *, provided: Provided, zone: ZoneInfo
) -> list[Stay]:
    record = seen.record
    if record.status in NOT_BEGUN or record.start is None:
        return []
    start = day_of(record.start, zone)
    end = day_of(record.end, zone) if record.end else None
    stated = provided.get(seen.ref, ())[:1]
    near = _linked_encounters(seen, chart, (start, end), zone)
    linked = [one for one in near if stated and _may_be_of(one.record, stated[0].level)]
    ends = ((str(_day_text(record.end, zone)), seen.ehr),) if record.end else ()
    discharged = [one for one in linked if ended_stay(one.record)]
    return [
        Stay(
            key=seen.evidence.place,
            level=one.level,
            organization=one.organization,
            start=start,
            end=end,
            ends=ends,
            confirmed=record.status == "finished" or bool(discharged),
            status=record.status or "unknown",
            evidence=(seen.ref, *(one.ref for one in discharged)),
            services=tuple(services[ref.ref] for ref in linked if ref.ref in services),
            rules=("ST-01", *one.rules),
        )
        for one in stated
    ]


def _linked_encounters(
    seen: Seen[EpisodeRecord], chart: Chart, days: tuple[Interval, Interval | None], zone: ZoneInfo
) -> list[Seen[EncounterRecord]]:
    """Return the encounters of an episode: those that name it, or, where none does, the same EHR's within its time."""
    own = [one for one in chart.encounters if one.ehr == seen.ehr]
    if any(one.record.episodes for one in own):
        return [one for one in own if any(_names(text, seen) for text in one.record.episodes)]
    start, end = days
    dated = [(one, day_of(one.record.start, zone)) for one in own if one.record.start is not None]
    return [one for one, day in dated if day.last >= start.first and (end is None or day.first <= end.last)]


def _may_be_of(record: EncounterRecord, level: Level) -> bool:
    """Tell whether a contact may be care of a stay: an emergency is of none, nor a night of one that has only days."""
    if record.episodes:
        return True
    mode = mode_of(record)
    row = row_of(level)
    by_day = row is not None and row.setting == "ambulatory"
    return mode != "emergency" and not (by_day and mode in ("overnight", "observation"))


def _names(text: str, seen: Seen[EpisodeRecord]) -> bool:
    """Tell whether a reference, relative or absolute, with or without a version, names an episode."""
    reference = parse_reference(text)
    return isinstance(reference, Relative | Absolute) and reference.id == seen.evidence.document.id


def _stays_shown_by_sessions(
    chart: Chart, services: Mapping[str, Service], provided: Provided, zone: ZoneInfo
) -> list[Stay]:
    """Return stays of EHRs without EpisodeOfCare, from encounters, plans and requests that state a provided level.

    The first contact at a level starts the stay. Nothing but a recorded discharge ends it: silence is not an end.
    """
    with_episodes = {seen.ehr for seen in chart.episodes}
    groups: dict[tuple[str, str, str, str], list[Contact]] = {}
    levels: dict[tuple[str, str, str, str], Statement] = {}
    contacts: tuple[Contact, ...] = (*chart.encounters, *chart.plans)
    for seen in contacts:
        if seen.ehr in with_episodes or seen.record.start is None or not _shows_a_stay(seen.record):
            continue
        for one in provided.get(seen.ref, ()):
            key = (seen.ehr, one.organization, str(one.level.edition), one.level.code)
            groups.setdefault(key, []).append(seen)
            levels.setdefault(key, one)
    return [
        _stay_of_contacts(levels[key], run, services, zone)
        for key in sorted(groups)
        for run in _runs(groups[key], zone)
    ]


def _shows_a_stay(record: EncounterRecord | CarePlanRecord) -> bool:
    """Tell whether a record shows that somebody was there: not what is planned, was missed or was called off."""
    return is_attended(record) if isinstance(record, EncounterRecord) else record.status in CARRIED_OUT


def _ended(record: EncounterRecord | CarePlanRecord) -> bool:
    return isinstance(record, EncounterRecord) and ended_stay(record)


def _runs(contacts: Sequence[Contact], zone: ZoneInfo) -> list[list[Contact]]:
    """Cut contacts, by day, after each recorded discharge: what comes later is another stay."""
    runs: list[list[Contact]] = [[]]
    for seen in sorted(contacts, key=lambda one: (day_of(one.record.start or "", zone).first, one.ref)):
        runs[-1].append(seen)
        if _ended(seen.record):
            runs.append([])
    return [run for run in runs if run]


def _stay_of_contacts(
    stated: Statement, contacts: list[Contact], services: Mapping[str, Service], zone: ZoneInfo
) -> Stay:
    first, last = contacts[0], contacts[-1]
    ended = (last.record.end or last.record.start) if _ended(last.record) else None
    return Stay(
        key=first.evidence.place,
        level=stated.level,
        organization=stated.organization,
        start=day_of(first.record.start or "", zone),
        end=day_of(ended, zone) if ended else None,
        ends=((_day_text(ended, zone), first.ehr),) if ended else (),
        confirmed=bool(ended),
        status="finished" if ended else "active",
        evidence=tuple(dict.fromkeys((first.ref, last.ref))),
        services=tuple(services[one.ref] for one in contacts if one.ref in services),
        rules=("ST-02", *stated.rules),
    )


def _merge_same(stays: Sequence[Stay], *, within: timedelta) -> list[Stay]:
    """Join records of one stay: same organization, same level, started within days of each other, from other EHRs."""
    merged: list[Stay] = []
    for stay in sorted(stays, key=lambda one: (one.start.first, one.key)):
        at = next((n for n, other in enumerate(merged) if _is_same(other, stay, within=within)), None)
        if at is None:
            merged.append(stay)
        else:
            merged[at] = _joined(merged[at], stay)
    return merged


def _is_same(one: Stay, other: Stay, *, within: timedelta) -> bool:
    return (
        one.organization == other.organization
        and one.key.partition("/")[0] != other.key.partition("/")[0]
        and same_level(one.level, other.level)
        and other.start.first - one.start.last <= within
    )


def _joined(one: Stay, other: Stay) -> Stay:
    ends = tuple(dict.fromkeys((*one.ends, *other.ends)))
    return replace(
        one,
        end=_joined_end(one.end, other.end),
        ends=ends,
        confirmed=one.confirmed or other.confirmed,
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence))),
        services=tuple(dict.fromkeys((*one.services, *other.services))),
        rules=tuple(dict.fromkeys((*one.rules, *other.rules, "ST-03"))),
    )


def _joined_end(one: Interval | None, other: Interval | None) -> Interval | None:
    """Return the days on which both ends may fall; where they can't both be right, all that were told."""
    if one is None or other is None:
        return one or other
    if one.overlaps(other):
        return Interval(first=max(one.first, other.first), last=min(one.last, other.last))
    return Interval(first=min(one.first, other.first), last=max(one.last, other.last))


def _day_text(text: str, zone: ZoneInfo) -> str:
    """Return the day of an instant in the program's zone; a partial date stays as it was written."""
    return text if instant_of(text) is None else str(day_of(text, zone).first)
