"""The sessions of a person: contacts of Encounters, joined with the Appointments that they were agreed in."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from coordinator.care.session.model import AppointmentRecord, EncounterRecord, Mode, ParticipantRecord
from coordinator.care.session.rules import (
    came,
    is_attended,
    is_missed,
    is_planned,
    is_session,
    kind_agreed,
    kind_of,
    minutes,
    mode_of,
)
from coordinator.fhir import Absolute, Interval, Relative, day_of, instant_of, once, parse_reference
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.model import Policy

Contact = Seen[EncounterRecord]
Meeting = Seen[AppointmentRecord]
Span = tuple[datetime, datetime]
LONGEST = timedelta(days=1)  # what takes longer is no hour that somebody was asked to


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A contact, with the records that show it. `minutes` is None where they do not say how long the person was there.

    `days` are those on which it may have begun, one for an instant. `episodes` are the records of the stays that it
    names as its own, as `ehr/EpisodeOfCare/id`; `places` are the ids of the Locations where it was. It is
    `contradicted` where one of its records says that the person came and another that they did not. `stay` is the key
    of the stay that it is part of, or that it is `continuing_care` after.
    """

    evidence: tuple[str, ...]
    organization: str
    ehr: str
    kind: str
    class_: str
    mode: Mode
    attended: bool
    minutes: int | None
    days: Interval
    start: str
    rules: tuple[str, ...]
    contradicted: bool = False
    stay: str | None = None
    continuing_care: bool = False
    episodes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return what names the session: its record, whatever the version."""
        return self.evidence[0].partition("@")[0]

    @property
    def day(self) -> date:
        """Return the first day on which it may have begun."""
        return self.days.first


def sessions_of(chart: Chart, policy: Policy) -> tuple[Session, ...]:
    """Return the contacts in order of start, each once, whether it was attended or missed.

    Days of an overnight stay are none, nor is what is still to come or was called off.
    """
    contacts = [one for one in chart.encounters if _may_be_session(one)]
    linked = _linked(contacts, chart.appointments)
    left = _without(chart.appointments, linked.values())
    free = [one for one in contacts if one.ref not in linked]
    agreed = {**linked, **_held_at_the_same_time(free, left)}
    people = {(one.ehr, one.evidence.document.id) for one in chart.patients}
    found = [_of_contact(one, agreed.get(one.ref), people, policy.zone) for one in contacts]
    alone = [one for one in _without(left, agreed.values()) if one.record.start and is_session(one.record)]
    alone = [one for one in alone if not is_group(one) or said_of(one, _own(one, people)) is not None]
    found += [_of_meeting(one, people, policy.zone) for one in alone]
    return tuple(sorted(found, key=_order))


@once
def _may_be_session(seen: Contact) -> bool:
    return seen.record.start is not None and mode_of(seen.record) != "overnight" and not is_planned(seen.record)


def _order(one: Session) -> tuple[date, date, datetime, tuple[str, ...]]:
    """Order by instants, not by their texts: two offsets may write one moment."""
    moment = instant_of(one.start) or datetime(one.day.year, one.day.month, one.day.day, tzinfo=UTC)
    return one.days.first, one.days.last, moment, one.evidence


# ---- which Appointment belongs to which Encounter --------------------------------------------------------------------
def _linked(contacts: Sequence[Contact], meetings: Sequence[Meeting]) -> dict[str, Meeting]:
    """Return the Appointment that each Encounter names, by the Encounter's citation."""
    by_id = {(one.ehr, one.evidence.document.id): one for one in meetings}
    named = ((one, _ids(one.record.appointments, "Appointment")) for one in contacts if one.record.appointments)
    pairs = ((one, [found for id_ in ids if (found := by_id.get((one.ehr, id_)))]) for one, ids in named)
    return {one.ref: found[0] for one, found in pairs if found}


def _held_at_the_same_time(contacts: Sequence[Contact], meetings: Sequence[Meeting]) -> dict[str, Meeting]:
    """Return the Appointment held at the time of each Encounter of the same EHR where none is named.

    They belong together if they share at least half of the shorter one, and do not say of each other that the person
    came and that they did not: who missed a group may have been seen alone in that hour.
    """
    by_ehr: dict[str, list[tuple[Span, Contact]]] = {}
    ehrs = {one.ehr for one in meetings}
    for one in contacts:
        span = _span(one.record) if one.ehr in ehrs else None
        if span is not None:
            by_ehr.setdefault(one.ehr, []).append((span, one))
    for held in by_ehr.values():
        held.sort(key=lambda pair: (pair[0], pair[1].ref))
    starts = {ehr: [span[0] for span, _ in held] for ehr, held in by_ehr.items()}
    longest = {ehr: max(span[1] - span[0] for span, _ in held) for ehr, held in by_ehr.items()}
    found: dict[str, Meeting] = {}
    dated = sorted(((span, one) for one in meetings if (span := _span(one.record))), key=lambda pair: pair[0])
    for span, meeting in dated:
        if meeting.ehr not in by_ehr:
            continue
        at = bisect_left(starts[meeting.ehr], span[0] - longest[meeting.ehr])
        near = _until(by_ehr[meeting.ehr], at, span[1])
        fitting = (one for other, one in near if one.ref not in found and _belong(one, other, meeting, span))
        first = next(fitting, None)
        if first is not None:
            found[first.ref] = meeting
    return found


def _until(held: Sequence[tuple[Span, Contact]], at: int, end: datetime) -> Iterator[tuple[Span, Contact]]:
    """Yield the contacts from a place on that began before an instant."""
    while at < len(held) and held[at][0][0] < end:
        yield held[at]
        at += 1


def _belong(contact: Contact, span: Span, meeting: Meeting, agreed: Span) -> bool:
    said = said_of(meeting, None)
    if said is not None and said != is_attended(contact.record):
        return False
    shared = min(span[1], agreed[1]) - max(span[0], agreed[0])
    return shared * 2 >= min(span[1] - span[0], agreed[1] - agreed[0])


def _span(record: EncounterRecord | AppointmentRecord) -> Span | None:
    if record.start is None or record.end is None:
        return None
    start, end = instant_of(record.start), instant_of(record.end)
    if start is None or end is None or not timedelta() < end - start <= LONGEST:
        return None
    return start, end


def _without(meetings: Sequence[Meeting], taken: Iterable[Meeting]) -> list[Meeting]:
    refs = {one.ref for one in taken}
    return [one for one in meetings if one.ref not in refs]


def _ids(texts: Iterable[str], type_: str) -> list[str]:
    references = [parse_reference(text) for text in texts]
    return [one.id for one in references if isinstance(one, Relative | Absolute) and one.type == type_]


# ---- the session -----------------------------------------------------------------------------------------------------
def _of_contact(seen: Contact, meeting: Meeting | None, people: set[tuple[str, str]], zone: ZoneInfo) -> Session:
    told = _of_encounter(seen, zone)
    if meeting is None:
        return told
    own = _own(meeting, people)
    said = said_of(meeting, own)
    return replace(
        told,
        evidence=(*told.evidence, meeting.ref),
        kind=told.kind if told.kind != "other" else kind_agreed(meeting.record),
        minutes=minutes(seen.record, own) if told.attended else told.minutes,
        contradicted=said is not None and said != told.attended and (told.attended or is_missed(seen.record)),
        rules=(*told.rules, "SE-03"),
    )


@once
def _of_encounter(seen: Contact, zone: ZoneInfo) -> Session:
    record, start = seen.record, seen.record.start or ""
    attended = is_attended(record)
    return Session(
        evidence=(seen.ref,),
        organization=seen.evidence.organization,
        ehr=seen.ehr,
        kind=kind_of(record),
        class_=(record.class_.code or "") if record.class_ else "",
        mode=mode_of(record),
        attended=attended,
        minutes=minutes(record) if attended else 0 if is_missed(record) else None,
        days=day_of(start, zone),
        start=start,
        episodes=tuple(f"{seen.ehr}/EpisodeOfCare/{id_}" for id_ in _ids(record.episodes, "EpisodeOfCare")),
        places=tuple(_ids(record.places, "Location")),
        rules=("SE-01",),
    )


def _of_meeting(seen: Meeting, people: set[tuple[str, str]], zone: ZoneInfo) -> Session:
    record, start = seen.record, seen.record.start or ""
    own = _own(seen, people)
    attended = said_of(seen, own) is True
    return Session(
        evidence=(seen.ref,),
        organization=seen.evidence.organization,
        ehr=seen.ehr,
        kind=kind_agreed(record),
        class_="",
        mode="unknown",
        attended=attended,
        minutes=minutes(record, own) if attended else 0,
        days=day_of(start, zone),
        start=start,
        rules=("SE-04",),
    )


def is_group(meeting: Meeting) -> bool:
    """Say whether other patients were asked together with the person; who they are is not shown here."""
    asked = meeting.evidence.document.all("participant", "actor")
    return any(isinstance(one, dict) and one.get("type") == "Patient" and "reference" not in one for one in asked)


def said_of(meeting: Meeting, own: ParticipantRecord | None) -> bool | None:
    """Say whether the person came, None where that is open.

    What is so of a group need not be so of each in it: there only the person's own answer and own time tell.
    """
    told = came(meeting.record, own)
    if not is_group(meeting) or (own is not None and own.status == "declined"):
        return told
    return told if told and own is not None and own.start is not None else None


def has_declined(meeting: Meeting, people: set[tuple[str, str]]) -> bool:
    """Say whether the person said that they will not come."""
    own = _own(meeting, people)
    return own is not None and own.status == "declined"


def _own(meeting: Meeting, people: set[tuple[str, str]]) -> ParticipantRecord | None:
    """Return the person among those who were asked: nobody else's time counts."""
    patients = [(one, _ids(filter(None, [one.actor]), "Patient")) for one in meeting.record.participants]
    named = [(one, (meeting.ehr, ids[0])) for one, ids in patients if ids]
    known = [one for one, key in named if key in people]
    return known[0] if known else named[0][0] if len(named) == 1 else None
