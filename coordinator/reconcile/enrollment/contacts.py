"""Attended contacts, and the stays that contacts and plans show where an EHR has no EpisodeOfCare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from coordinator.care.care_plan.model import CarePlanRecord
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import ended_stay, is_attended, is_away, mode_of
from coordinator.fhir import Interval, day_of, instant_of, once
from coordinator.reconcile.chart import Chart, Contact, Seen
from coordinator.reconcile.enrollment.model import Service, Stay, Told, day_text
from coordinator.reconcile.level_of_care.stated import Statement

NOT_BEGUN = frozenset({"planned", "waitlist", "cancelled"})  # episodes that show nobody in care
CARRIED_OUT = frozenset({"active", "on-hold", "completed"})  # plans that are or were more than a draft

_Group = tuple[str, str, str, str]  # an EHR, an organization, a level by edition and code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A contact or plan that shows a stay: since when, and at which level."""

    contact: Contact
    start: Interval
    stated: Statement


def services_of(chart: Chart, zone: ZoneInfo) -> dict[str, Service]:
    """Return attended contacts by citation."""
    return {seen.evidence.ref: _service(seen, zone) for seen in chart.attended}


@once
def _service(seen: Seen[EncounterRecord], zone: ZoneInfo) -> Service:
    start, end = seen.record.start or "", seen.record.end
    return Service(
        ref=seen.ref,
        organization=seen.evidence.organization,
        day=day_of(end or start, zone).first,  # of a partial date only its first day is not too late
        start=instant_of(start),
        end=instant_of(end) if end else None,
        overnight=mode_of(seen.record) == "overnight",
    )


def stays_of_contacts(
    chart: Chart, services: Mapping[str, Service], *, provided: Mapping[str, Sequence[Statement]], zone: ZoneInfo
) -> list[Stay]:
    """Return stays of EHRs without an EpisodeOfCare that has begun, from contacts and plans at a provided level.

    The first contact at a level starts the stay. Nothing but a recorded discharge ends it: silence is not an end.
    """
    with_episodes = {seen.ehr for seen in chart.episodes if seen.record.status not in NOT_BEGUN}
    groups: dict[_Group, list[_Shown]] = {}
    contacts: tuple[Contact, ...] = (*chart.encounters, *chart.plans)
    for seen in contacts:
        if seen.ehr in with_episodes or seen.record.start is None or not _shows_a_stay(seen.record):
            continue
        for one in provided.get(seen.ref, ()):
            key = (seen.ehr, one.organization, str(one.level.edition), one.level.code)
            shown = _Shown(contact=seen, start=day_of(seen.record.start, zone), stated=one)
            groups.setdefault(key, []).append(shown)
    return [_stay(run, services, zone) for key in sorted(groups) for run in _runs(groups[key])]


def _shows_a_stay(record: EncounterRecord | CarePlanRecord) -> bool:
    """Tell whether a record shows that somebody was there: not what is planned, was missed or was called off.

    Who is on leave from a night's stay is in it.
    """
    if not isinstance(record, EncounterRecord):
        return record.status in CARRIED_OUT
    return is_attended(record) or (is_away(record) and mode_of(record) == "overnight")


def _ended(record: EncounterRecord | CarePlanRecord) -> bool:
    return isinstance(record, EncounterRecord) and ended_stay(record)


def _runs(shown: Sequence[_Shown]) -> list[list[_Shown]]:
    """Cut contacts, by day, after each recorded discharge: what comes later is another stay."""
    runs: list[list[_Shown]] = [[]]
    for one in sorted(shown, key=lambda one: (one.start.first, one.contact.ref)):
        runs[-1].append(one)
        if _ended(one.contact.record):
            runs.append([])
    return [run for run in runs if run]


def _stay(run: Sequence[_Shown], services: Mapping[str, Service], zone: ZoneInfo) -> Stay:
    first, last, stated = run[0].contact, run[-1].contact, run[0].stated
    ended = (last.record.end or last.record.start) if _ended(last.record) else None
    return Stay(
        key=first.evidence.place,
        level=stated.level,
        organization=stated.organization,
        start=run[0].start,
        end=day_of(ended, zone) if ended else None,
        ends=((day_text(ended, zone), first.ehr),) if ended else (),
        confirmed=bool(ended),
        status="finished" if ended else "active",
        evidence=tuple(dict.fromkeys((first.ref, last.ref))),
        services=tuple(services[one.contact.ref] for one in run if one.contact.ref in services),
        rules=("ST-02", *stated.rules),
        told=(Told(ref=first.ref, start=None, level=stated.level),),
    )
