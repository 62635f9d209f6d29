"""Read a care team out of a CareTeam and write it back."""

from typing import Final

from coordinator.care.care_team.model import CareTeamRecord, Participant
from coordinator.fhir import Document, Field, Json, Kind, Lens, kinds, once


def _read_participant(value: Json) -> Participant | None:
    if not isinstance(value, dict):
        return None
    period = value.get("period")
    start, end = (period.get("start"), period.get("end")) if isinstance(period, dict) else (None, None)
    return Participant(
        roles=kinds.CONCEPTS.read(value.get("role")),
        member=kinds.REFERENCE.read(value.get("member")),
        on_behalf_of=kinds.REFERENCE.read(value.get("onBehalfOf")),
        start=kinds.TEXT.read(start),
        end=kinds.TEXT.read(end),
    )


def _write_participant(value: Participant, old: Json) -> Json:
    was = _read_participant(old) or Participant()
    before = old if isinstance(old, dict) else {}
    changes: dict[str, Json] = {}
    if value.roles != was.roles:
        changes["role"] = kinds.CONCEPTS.write(value.roles, before.get("role")) or None
    for name, now, then in (("member", value.member, was.member), ("onBehalfOf", value.on_behalf_of, was.on_behalf_of)):
        if now != then:
            changes[name] = None if now is None else kinds.REFERENCE.write(now, before.get(name))
    if (value.start, value.end) != (was.start, was.end):
        period = kinds.overlaid(before.get("period"), {"start": value.start, "end": value.end})
        changes["period"] = period or None
    return kinds.overlaid(before, changes)


_PARTICIPANT: Final = Kind(read=_read_participant, write=_write_participant)

CARE_TEAM: Final = Lens(
    CareTeamRecord,
    "CareTeam",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("name", ("name",), kinds.TEXT),
        Field("categories", ("category",), kinds.CONCEPTS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("end", ("period", "end"), kinds.TEXT),
        Field("participants", ("participant",), kinds.many(_PARTICIPANT, key=lambda one: one.member)),
        Field("organizations", ("managingOrganization",), kinds.REFERENCES),
    ),
)


@once
def read_care_team(document: Document) -> CareTeamRecord:
    """Return the team that a CareTeam shows."""
    return CARE_TEAM.read(document)


def write_care_team(record: CareTeamRecord, document: Document) -> Document:
    """Return the CareTeam with the team written into it, everything else as it came."""
    return CARE_TEAM.write(record, document)
