"""What the records of a stay say beyond its days: instants, how it ended, and when the person was away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.care.enrollment.model import EpisodeRecord
from coordinator.care.enrollment.rules import discharge_kind
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import ended_stay
from coordinator.fhir import CodeableConcept, instant_of
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.enrollment import Stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records that stays were drawn from, by citation."""

    episodes: Mapping[str, Seen[EpisodeRecord]]
    encounters: Mapping[str, Seen[EncounterRecord]]

    @classmethod
    def of(cls, chart: Chart) -> "Records":
        """Return the records of a chart."""
        return cls(
            episodes={one.ref: one for one in chart.episodes},
            encounters={one.ref: one for one in chart.encounters},
        )

    def episodes_of(self, stay: Stay) -> list[Seen[EpisodeRecord]]:
        """Return the episodes that a stay was drawn from."""
        return [self.episodes[ref] for ref in stay.evidence if ref in self.episodes]

    def encounters_of(self, stay: Stay) -> list[Seen[EncounterRecord]]:
        """Return the encounters that a stay cites: the first and last of it, and those that ended it."""
        return [self.encounters[ref] for ref in stay.evidence if ref in self.encounters]


def told_in_full(stays: Sequence[Stay], records: Records) -> list[Stay]:
    """Return the stays with the instants and the kinds of discharge that their records tell."""
    return [_told(stay, records) for stay in stays]


def _told(stay: Stay, records: Records) -> Stay:
    episodes, encounters = records.episodes_of(stay), records.encounters_of(stay)
    spans: list[tuple[str | None, str | None]] = [(one.record.start, one.record.end) for one in episodes]
    if not episodes and encounters:
        last = encounters[-1].record
        spans = [(encounters[0].record.start, (last.end or last.start) if ended_stay(last) else None)]
    began = _instants(start for start, _ in spans)
    ended = _instants(end for _, end in spans if end is not None)
    return replace(
        stay,
        began=min(began) if began else None,
        ended=max(ended) if ended else None,
        reasons=tuple(sorted(set(_reasons(episodes, encounters)))),
    )


def _instants(texts: Iterable[str | None]) -> list[datetime]:
    """Return the instants of texts, none where one of them is only a day: then the time is not known."""
    found = [instant_of(text) if text else None for text in texts]
    return [one for one in found if one is not None] if None not in found else []


def _reasons(
    episodes: Iterable[Seen[EpisodeRecord]], encounters: Iterable[Seen[EncounterRecord]]
) -> Iterable[tuple[str, str]]:
    for episode in episodes:
        yield from _kinds(episode.record.dispositions, episode.evidence.place)
    for encounter in encounters:
        told = encounter.record.disposition if ended_stay(encounter.record) else None
        if told is not None:
            yield from _kinds([told], encounter.evidence.place)


def _kinds(concepts: Iterable[CodeableConcept], place: str) -> Iterable[tuple[str, str]]:
    for concept in concepts:
        kind = discharge_kind(concept)
        if kind is not None:
            yield kind.value, place
