"""Questions about a contact of care: what kind, in which mode, did the person attend, for how long."""

from collections.abc import Iterable

from coordinator.care.session.model import (
    AppointmentRecord,
    ContactSpan,
    EncounterRecord,
    Kind,
    Mode,
    ParticipantRecord,
    PlaceRecord,
)
from coordinator.care.session.tables import (
    appointment_statuses,
    encounter_modes,
    encounter_statuses,
    places_of_service,
    session_kinds,
)
from coordinator.fhir import CodeableConcept, instant_in


def kind_of(record: EncounterRecord) -> Kind:
    """Return what kind of contact this is, by its codes; a contact of a class of stays is a stay, else `other`."""
    kind = _kind_told(record.types)
    if kind is not None:
        return kind
    found = encounter_modes().get(_class_code(record))
    return "other" if found is None or found.kind is None else found.kind


def kind_agreed(record: AppointmentRecord) -> Kind:
    """Return what kind of contact was agreed, by its codes; `other` where they do not tell."""
    return _kind_told((*record.services, *((record.kind,) if record.kind else ()))) or "other"


def mode_of(record: EncounterRecord) -> Mode:
    """Return how the person was there: virtual, in person, overnight; `unknown` where the table lacks the class."""
    found = encounter_modes().get(_class_code(record))
    return "unknown" if found is None else found.mode


def is_attended(record: EncounterRecord) -> bool:
    """Say whether the person attended, or does so now; a status that leaves it open does not say so."""
    status = encounter_statuses().get(record.status or "")
    return status is not None and status.attended


def is_missed(record: EncounterRecord) -> bool:
    """Say whether the contact certainly did not take place."""
    status = encounter_statuses().get(record.status or "")
    return status is not None and status.missed


def is_away(one: EncounterRecord | ContactSpan) -> bool:
    """Say whether a status, now or in the history, is that of a leave: the stay goes on and the person is away."""
    status = encounter_statuses().get(one.status or "")
    return status is not None and status.away


def is_planned(record: EncounterRecord) -> bool:
    """Say whether the contact is still to come; a status that nobody knows does not say so."""
    status = encounter_statuses().get(record.status or "")
    return status is not None and not status.session


def came(record: AppointmentRecord, own: ParticipantRecord | None) -> bool | None:
    """Say whether the person came, None where that is open; who has declined did not, though others met."""
    worth = appointment_statuses().get(record.status or "")
    if worth is None or worth.came is None:
        return None
    return worth.came and (own is None or own.status != "declined")


def is_session(record: AppointmentRecord) -> bool:
    """Say whether an Appointment without an Encounter tells of a contact that was held, or missed by the person."""
    worth = appointment_statuses().get(record.status or "")
    return worth is not None and worth.session


def minutes(record: EncounterRecord | AppointmentRecord, own: ParticipantRecord | None = None) -> int | None:
    """Return how long the person was there in whole minutes of real time, so that a change of clocks counts rightly.

    Where an Appointment tells when the person themselves took part, what lies outside does not count. None where start
    or end is no instant, or the end lies before the start.
    """
    starts = [instant_in(text) for text in (record.start, own.start if own else None) if text is not None]
    ends = [instant_in(text) for text in (record.end, own.end if own else None) if text is not None]
    known = [[one for one in times if one is not None] for times in (starts, ends)]
    if not starts or not ends or [len(one) for one in known] != [len(starts), len(ends)]:
        return None
    start, end = max(known[0]), min(known[1])
    return None if end < start else int((end - start).total_seconds() // 60)


def mode_of_place(record: PlaceRecord) -> Mode | None:
    """Return in which mode care is given at a place by its place-of-service code; None where no code tells."""
    keys = (coding.key for concept in record.types for coding in concept.codings)
    return next((mode for key in keys if (mode := places_of_service().get(key)) is not None), None)


def ended_stay(record: EncounterRecord) -> bool:
    """Say whether this contact ended a stay: it is over and tells where the person went.

    The end of a period is no discharge, and a disposition that is planned while the stay goes on is none yet.
    """
    status = encounter_statuses().get(record.status or "")
    disposition = record.disposition
    told = disposition is not None and bool(disposition.codings or disposition.text)
    return told and status is not None and status.ended


def _class_code(record: EncounterRecord) -> str:
    """Return the code of the class. EHRs leave out or misname its system, and no two systems share these codes."""
    return ((record.class_.code or "") if record.class_ else "").strip().upper()


def _kind_told(concepts: Iterable[CodeableConcept]) -> Kind | None:
    keys = (coding.key for concept in concepts for coding in concept.codings)
    return next((kind for key in keys if (kind := session_kinds().get(key)) is not None), None)
