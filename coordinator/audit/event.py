"""An event as a BALP AuditEvent: type, subtype, action and agents by the table of kinds."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from coordinator.audit.model import AuditRow
from coordinator.fhir import Json, dumps

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_BASE = "https://coordinator.example/fhir"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened. `kind` is a row of the table of kinds; `entities` are citations; `outcome` '0' is success."""

    kind: str
    at: datetime
    actor: str
    subject: str
    person: str | None = None
    ehr: str | None = None
    recipient: str | None = None
    consent: str | None = None
    purpose: str | None = None
    outcome: str = "0"
    reason: str = ""
    entities: tuple[str, ...] = ()


def audit_row(happening: Happening) -> AuditRow:
    """Return the row of the log for what happened."""
    return AuditRow(
        kind=happening.kind,
        at=happening.at,
        actor=happening.actor,
        person=happening.person,
        ehr=happening.ehr,
        consent=happening.consent,
        purpose=happening.purpose,
        outcome=happening.outcome,
        subject=happening.subject,
        body=dumps(_event(happening)),
    )


def _event(one: Happening) -> dict[str, Json]:
    row = _kinds()[one.kind]
    event: dict[str, Json] = {
        "resourceType": "AuditEvent",
        "type": {"system": row["type_system"], "code": row["type_code"], "display": row["type_display"]},
        "subtype": [{"system": row["subtype_system"], "code": row["subtype_code"]}],
        "action": row["action"],
        "recorded": one.at.isoformat(timespec="milliseconds"),
        "outcome": one.outcome,
        "agent": _agents(one, row),
        "source": {"observer": {"display": "coordinator"}},
        "entity": _entities(one),
    }
    if row["profile"]:
        event["meta"] = {"profile": [row["profile"]]}
    if one.reason:
        event["outcomeDesc"] = one.reason
    if one.purpose:
        event["purposeOfEvent"] = [{"coding": [{"system": _REASON, "code": one.purpose}]}]
    return event


def _agents(one: Happening, row: Mapping[str, str]) -> list[Json]:
    """Return who acted (the requestor), and for what left the house its source and recipient."""
    agents: list[Json] = [_agent(one.actor, "IRCP", "information recipient", requestor=True)]
    if row["type_code"] == "110106":
        agents.append(_agent("coordinator", "110153", "Source Role ID"))
        agents.append(_agent(one.recipient or one.ehr or "unknown", "110152", "Destination Role ID"))
    return agents


def _agent(who: str, code: str, display: str, *, requestor: bool = False) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType" if code == "IRCP" else _DCM
    return {
        "type": {"coding": [{"system": system, "code": code, "display": display}]},
        "who": {"identifier": {"system": f"{_BASE}/identifier/actor", "value": who}},
        "requestor": requestor,
        "network": {"address": "local" if requestor else who, "type": "1"},
    }


def _entities(one: Happening) -> list[Json]:
    entities: list[Json] = []
    if one.person:
        entities.append(_entity("person", one.person, type_="1", role="1"))
    if one.consent:
        entities.append(_entity("consent", one.consent, type_="2", role="4"))
    entities += [_entity("record", citation, type_="2", role="4") for citation in one.entities]
    return entities or [_entity("subject", one.subject, type_="2", role="4")]


def _entity(kind: str, value: str, *, type_: str, role: str) -> Json:
    return {
        "what": {"identifier": {"system": f"{_BASE}/identifier/{kind}", "value": value}},
        "type": {"system": _ENTITY, "code": type_},
        "role": {"system": _ROLE, "code": role},
    }


@cache
def _kinds() -> dict[str, dict[str, str]]:
    with files("coordinator.audit").joinpath("tables/event_kinds.csv").open(encoding="utf-8") as lines:
        return {row["kind"]: dict(row) for row in csv.DictReader(lines)}
