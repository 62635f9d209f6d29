"""The levels of care that records state, each read in its edition and with the days that its record speaks of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from coordinator.care.assessment.mapping import read_assessment
from coordinator.care.assessment.rules import as_assessment, assessed_at, is_final
from coordinator.care.level_of_care.billing import billed_levels
from coordinator.care.level_of_care.editions import in_its_edition
from coordinator.care.level_of_care.mapping import levels_in
from coordinator.care.level_of_care.model import Edition, Level, StatedLevel
from coordinator.care.referral.rules import asked_from, is_standing
from coordinator.errors import ConfigurationError
from coordinator.fhir import Interval, Json, day_of
from coordinator.reconcile.chart import Chart, Contact
from coordinator.reconcile.model import Evidence, Policy

CUTOVER = "level_edition_cutover"

Days = tuple[Interval | None, Interval | None]  # since when, and until when where that is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One level that one record states: of whose care, since when, and until when where the record tells an end.

    `rules` are the ids of the rules by which its edition was told, where the record does not mark it. `billed` levels
    are told by the code of a bill alone, which may show care but never outweighs what a program's own record says.
    """

    evidence: Evidence
    level: Level
    organization: str
    start: Interval | None
    end: Interval | None
    rules: tuple[str, ...]
    billed: bool = False

    @property
    def ref(self) -> str:
        """Return the citation of the record."""
        return self.evidence.ref


def level_json(level: Level) -> dict[str, Json]:
    """Return a level as facts and accounts name it: its edition and its code."""
    return {"edition": level.edition.value if level.edition else None, "code": level.code}


def statements_of(chart: Chart, policy: Policy) -> tuple[Statement, ...]:
    """Return every level that records state, in the order of their types and citations."""
    cutover = cutover_of(policy)
    found: list[Statement] = []
    for evidence, start, end in _dated(chart):
        told = levels_in(evidence.document, policy.mappings.get(evidence.ehr, ()))
        billed = () if told else billed_levels(evidence.document)
        if told or billed:
            days = _days(start, end, policy.zone)
            found += [_statement(evidence, one, days=days, cutover=cutover) for one in told]
            weak = [_statement(evidence, one, days=days, cutover=cutover) for one in billed]
            found += [replace(one, billed=True, rules=(*one.rules, "LV-06")) for one in weak]
    return tuple(found)


def read_in_edition(evidence: Evidence, stated: StatedLevel, days: Days, *, policy: Policy) -> Statement:
    """Return a level that a record states with the edition in which the tenant reads it. Raises ConfigurationError."""
    return _statement(evidence, stated, days=days, cutover=cutover_of(policy))


def cutover_of(policy: Policy) -> date | None:
    """Return the day from which the tenant reads an unmarked code as fourth edition. Raises ConfigurationError."""
    text = policy.options.get(CUTOVER)
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise ConfigurationError(f"{CUTOVER} is no date.", hint="Write it as 2025-07-01, or leave it out.") from error


def _statement(evidence: Evidence, stated: StatedLevel, *, days: Days, cutover: date | None) -> Statement:
    read = in_its_edition(stated.level, days[0], cutover)
    told = () if read.edition is stated.level.edition else ("LV-02",) if read.edition is Edition.PPC2R else ("LV-01",)
    return Statement(
        evidence=evidence,
        level=read,
        organization=stated.organization or evidence.organization,
        start=days[0],
        end=days[1],
        rules=told,
    )


def _dated(chart: Chart) -> Iterator[tuple[Evidence, str | None, str | None]]:
    """Yield each record that may state a level, with start and end of what it speaks of; not what was called off."""
    for episode in chart.episodes:
        if episode.record.status != "cancelled":
            yield episode.evidence, episode.record.start, episode.record.end
    contacts: tuple[Contact, ...] = (*chart.encounters, *chart.plans)
    for contact in contacts:
        if contact.record.status not in {"cancelled", "revoked"}:
            yield contact.evidence, contact.record.start, contact.record.end
    for request in chart.requests:
        if is_standing(request.record):
            yield request.evidence, asked_from(request.record), request.record.end
    for one in chart.observations:
        if one.document.get("valueCodeableConcept") is not None:
            record = read_assessment(one.document)
            if is_final(record):
                yield one, assessed_at(record), None
    for one in chart.answers:
        answered = as_assessment(one.document)
        if answered is not None:
            yield one, answered.at, None


def _days(start: str | None, end: str | None, zone: ZoneInfo) -> Days:
    return (day_of(start, zone) if start else None), (day_of(end, zone) if end else None)


def first_and_last(statements: Sequence[Statement]) -> tuple[str, ...]:
    """Return the citations of the earliest and the latest of statements that all say the same."""
    ordered = sorted(statements, key=lambda one: (one.start.first if one.start else date.min, one.ref))
    return tuple(dict.fromkeys((ordered[0].ref, ordered[-1].ref)))
