"""Stays that an EHR's own EpisodeOfCare shows, with the contacts that are care of each."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from coordinator.care.enrollment.model import EpisodeRecord
from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import row_of
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import ended_stay, mode_of
from coordinator.fhir import Absolute, Interval, Relative, day_of, once, parse_reference
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.enrollment.contacts import NOT_BEGUN
from coordinator.reconcile.enrollment.model import Service, Stay, Told, day_text
from coordinator.reconcile.level_of_care.stated import Statement

_LONGEST = timedelta(days=366)  # a partial date spans a year at most

Provided = Mapping[str, Sequence[Statement]]  # the provided levels that records state, by their citations


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The encounters of each EHR: by the episode that they name, or, where none of its encounters does, by day."""

    by_episode: Mapping[tuple[str, str], Sequence[Seen[EncounterRecord]]]
    by_day: Mapping[str, Sequence[tuple[Interval, Seen[EncounterRecord]]]]

    @classmethod
    def of(cls, chart: Chart, zone: ZoneInfo) -> "Linked":
        """Return the encounters of a chart, each list in order."""
        by_episode: dict[tuple[str, str], list[Seen[EncounterRecord]]] = {}
        by_day: dict[str, list[tuple[Interval, Seen[EncounterRecord]]]] = {}
        naming = {one.ehr for one in chart.encounters if one.record.episodes}
        for seen in chart.encounters:
            for name in _episodes_named(seen):
                by_episode.setdefault((seen.ehr, name), []).append(seen)
            if seen.ehr not in naming and seen.record.start is not None:
                by_day.setdefault(seen.ehr, []).append((day_of(seen.record.start, zone), seen))
        for pairs in by_day.values():
            pairs.sort(key=lambda pair: (pair[0].first, pair[1].ref))
        return cls(by_episode=by_episode, by_day=by_day)

    def near(self, seen: Seen[EpisodeRecord], start: Interval, end: Interval | None) -> list[Seen[EncounterRecord]]:
        """Return the encounters of an episode: those that name it, or, where none does, the EHR's within its time."""
        named = self.by_episode.get((seen.ehr, seen.evidence.document.id), ())
        dated = self.by_day.get(seen.ehr, ())
        at = bisect_left(dated, start.first - _LONGEST, key=lambda pair: pair[0].first)
        until = bisect_right(dated, end.last, key=lambda pair: pair[0].first) if end else len(dated)
        return [*named, *(one for day, one in dated[at:until] if day.last >= start.first)]


def stays_of_episodes(
    chart: Chart, linked: Linked, services: Mapping[str, Service], *, provided: Provided, zone: ZoneInfo
) -> list[Stay]:
    """Return the stay of each episode that has begun and states a provided level; of several levels the first."""
    return [
        _stay(seen, provided[seen.ref][0], linked, services, zone=zone)
        for seen in chart.episodes
        if seen.ref in provided and seen.record.status not in NOT_BEGUN and seen.record.start is not None
    ]


def _stay(
    seen: Seen[EpisodeRecord], stated: Statement, linked: Linked, services: Mapping[str, Service], *, zone: ZoneInfo
) -> Stay:
    record = seen.record
    began = record.start or ""
    start, end = day_of(began, zone), day_of(record.end, zone) if record.end else None
    own = [one for one in linked.near(seen, start, end) if _may_be_of(one.record, stated.level)]
    discharged = [one.ref for one in own if ended_stay(one.record)]
    return Stay(
        key=seen.evidence.place,
        level=stated.level,
        organization=stated.organization,
        start=start,
        end=end,
        ends=((day_text(record.end, zone), seen.ehr),) if record.end else (),
        confirmed=record.status == "finished" or bool(discharged),
        status=record.status or "unknown",
        evidence=(seen.ref, *discharged),
        services=tuple(services[one.ref] for one in own if one.ref in services),
        rules=("ST-01", *stated.rules),
        told=(Told(ref=seen.ref, start=day_text(began, zone), level=stated.level, own=_is_own(seen, stated)),),
    )


def _is_own(seen: Seen[EpisodeRecord], stated: Statement) -> bool:
    return stated.organization == seen.evidence.organization


def _may_be_of(record: EncounterRecord, level: Level) -> bool:
    """Tell whether a contact may be care of a stay: an emergency is of none, nor a night of one that has only days."""
    if record.episodes:
        return True
    mode = mode_of(record)
    row = row_of(level)
    by_day = row is not None and row.setting == "ambulatory"
    return mode != "emergency" and not (by_day and mode in ("overnight", "observation"))


@once
def _episodes_named(seen: Seen[EncounterRecord]) -> tuple[str, ...]:
    """Return the ids of episodes that its references name, relative or absolute, with or without a version."""
    references = [parse_reference(text) for text in seen.record.episodes]
    named = [one for one in references if isinstance(one, Relative | Absolute) and one.type == "EpisodeOfCare"]
    return tuple(dict.fromkeys(one.id for one in named))
