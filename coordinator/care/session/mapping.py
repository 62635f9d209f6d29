"""Read a contact of care out of Encounter, Appointment and Location and write it back."""

from typing import Final

from coordinator.care.session.model import (
    AppointmentRecord,
    ContactSpan,
    EncounterRecord,
    ParticipantRecord,
    PlaceRecord,
)
from coordinator.fhir import Document, Field, Json, Lens, kinds, once


def _read_place(value: Json) -> str | None:
    return kinds.REFERENCE.read(value.get("location")) if isinstance(value, dict) else None


def _write_place(value: str, _old: Json) -> Json:
    # Status, time and kind of room were said of another place.
    return {"location": kinds.REFERENCE.write(value, None)}


_PLACES: Final = kinds.many(kinds.Kind(read=_read_place, write=_write_place))


def _read_span(value: Json) -> ContactSpan | None:
    if not isinstance(value, dict):
        return None
    period = value.get("period")
    held = period if isinstance(period, dict) else {}
    start, end = kinds.TEXT.read(held.get("start")), kinds.TEXT.read(held.get("end"))
    return ContactSpan(status=kinds.TEXT.read(value.get("status")), start=start, end=end)


def _write_span(value: ContactSpan, old: Json) -> Json:
    period = kinds.overlaid(
        old.get("period") if isinstance(old, dict) else None, {"start": value.start, "end": value.end}
    )
    return kinds.overlaid(old, {"status": value.status, "period": period or None})


ENCOUNTER: Final = Lens(
    EncounterRecord,
    "Encounter",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("class_", ("class",), kinds.CODING),
        Field("types", ("type",), kinds.CONCEPTS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("episodes", ("episodeOfCare",), kinds.REFERENCES),
        Field("appointments", ("appointment",), kinds.REFERENCES),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("end", ("period", "end"), kinds.TEXT),
        Field("places", ("location",), _PLACES),
        Field("organization", ("serviceProvider",), kinds.REFERENCE),
        Field("disposition", ("hospitalization", "dischargeDisposition"), kinds.CONCEPT),
        Field("history", ("statusHistory",), kinds.many(kinds.Kind(read=_read_span, write=_write_span))),
    ),
)


@once
def read_encounter(document: Document) -> EncounterRecord:
    """Return the contact that an Encounter shows."""
    return ENCOUNTER.read(document)


def write_encounter(record: EncounterRecord, document: Document) -> Document:
    """Return the Encounter with the contact written into it, everything else as it came."""
    return ENCOUNTER.write(record, document)


def _read_participant(value: Json) -> ParticipantRecord | None:
    if not isinstance(value, dict):
        return None
    period = value.get("period")
    times: dict[str, Json] = period if isinstance(period, dict) else {}
    return ParticipantRecord(
        actor=kinds.REFERENCE.read(value.get("actor")),
        status=kinds.TEXT.read(value.get("status")),
        start=kinds.TEXT.read(times.get("start")),
        end=kinds.TEXT.read(times.get("end")),
    )


def _write_participant(value: ParticipantRecord, old: Json) -> Json:
    before = _read_participant(old)
    # What is required of somebody, and in which role, is not so of somebody else.
    base: dict[str, Json] = old if isinstance(old, dict) and before and before.actor == value.actor else {}
    period: Json = kinds.overlaid(base.get("period"), {"start": value.start, "end": value.end}) or None
    actor = base.get("actor") if value.actor is None or base else kinds.REFERENCE.write(value.actor, None)
    return kinds.overlaid(base, {"actor": actor, "status": value.status, "period": period})


_PARTICIPANTS: Final = kinds.many(
    kinds.Kind(read=_read_participant, write=_write_participant), key=lambda one: one.actor
)

APPOINTMENT: Final = Lens(
    AppointmentRecord,
    "Appointment",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("services", ("serviceType",), kinds.CONCEPTS),
        Field("kind", ("appointmentType",), kinds.CONCEPT),
        Field("start", ("start",), kinds.TEXT),
        Field("end", ("end",), kinds.TEXT),
        Field("participants", ("participant",), _PARTICIPANTS),
    ),
)


@once
def read_appointment(document: Document) -> AppointmentRecord:
    """Return what was agreed in an Appointment and what came of it."""
    return APPOINTMENT.read(document)


def write_appointment(record: AppointmentRecord, document: Document) -> Document:
    """Return the Appointment with the record written into it, everything else as it came."""
    return APPOINTMENT.write(record, document)


PLACE: Final = Lens(PlaceRecord, "Location", (Field("types", ("type",), kinds.CONCEPTS),))


@once
def read_place(document: Document) -> PlaceRecord:
    """Return the place that a Location shows."""
    return PLACE.read(document)


def write_place(record: PlaceRecord, document: Document) -> Document:
    """Return the Location with the record written into it, everything else as it came."""
    return PLACE.write(record, document)
