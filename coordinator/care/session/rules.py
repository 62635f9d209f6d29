"""Questions about a contact of care: what kind, in which mode, did the person attend, for how long."""

from coordinator.care.session.model import EncounterRecord, Kind, Mode
from coordinator.care.session.tables import encounter_modes, encounter_statuses, session_kinds
from coordinator.fhir import BadDate, instant_of


def kind_of(record: EncounterRecord) -> Kind:
    """Return what kind of contact this is, by its codes; a contact of a class of stays is a stay, else `other`."""
    for concept in record.types:
        for coding in concept.codings:
            kind = session_kinds().get(coding.key)
            if kind is not None:
                return kind
    found = encounter_modes().get(_class_code(record))
    return "other" if found is None or found.kind is None else found.kind


def mode_of(record: EncounterRecord) -> Mode:
    """Return how the person was there: virtual, in person, overnight; `unknown` where the table lacks the class."""
    found = encounter_modes().get(_class_code(record))
    return "unknown" if found is None else found.mode


def is_attended(record: EncounterRecord) -> bool:
    """Say whether the person attended, or does so now; a status that leaves it open does not say so."""
    status = encounter_statuses().get(record.status or "")
    return status is not None and status.attended


def minutes(record: EncounterRecord) -> int | None:
    """Return how long the contact took in whole minutes of real time, so that a change of clocks counts rightly.

    None where start or end is no instant, or the end lies before the start.
    """
    if record.start is None or record.end is None:
        return None
    try:
        start, end = instant_of(record.start), instant_of(record.end)
    except BadDate:
        return None
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds() // 60)


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
