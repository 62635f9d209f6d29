"""An event as a BALP AuditEvent: type, subtype, action and agents by the tables of kinds."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.audit.kinds import Cells, agents_of, coding, kinds, profile_of
from coordinator.audit.model import AuditRow
from coordinator.fhir import Json, dumps, read_document

_BASE = "https://coordinator.example/fhir"
_US = "coordinator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened. `kind` is a row of the table of kinds; `entities` are citations; `outcome` '0' is success.

    `query` is what was searched for; `details` are words about the event, such as the nature of an emergency; `client`
    is the program or the address that asked, where it is not our own command line.
    """

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
    query: str = ""
    details: tuple[tuple[str, str], ...] = ()
    client: str = "local"


def audit_row(happening: Happening) -> AuditRow:
    """Return the row of the log for what happened. Raises KeyError for a kind that the table lacks."""
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


def details_of(row: AuditRow) -> dict[str, list[str]]:
    """Return the words about an event by their name, as the event itself tells them."""
    found: dict[str, list[str]] = {}
    for entity in read_document(row.body).all("entity"):
        details = entity.get("detail") if isinstance(entity, dict) else None
        for one in details if isinstance(details, list) else ():
            if isinstance(one, dict):
                found.setdefault(str(one.get("type")), []).append(str(one.get("valueString")))
    return found


def _event(one: Happening) -> dict[str, Json]:
    kind = kinds()[one.kind]
    event: dict[str, Json] = {
        "resourceType": "AuditEvent",
        "type": coding(kind["type_system"], kind["type_code"], kind["type_display"]),
        "subtype": _subtypes(kind),
        "action": kind["action"],
        "recorded": one.at.isoformat(timespec="milliseconds"),
        "outcome": one.outcome,
        "agent": [_agent(one, row) for row in agents_of(kind["shape"])],
        "source": {"observer": _who(_US)},
        "entity": list(_entities(one, kind["shape"])),
    }
    if profile := profile_of(kind, has_person=one.person is not None, outcome=one.outcome):
        event["meta"] = {"profile": [profile]}
    if one.reason:
        event["outcomeDesc"] = one.reason
    if one.purpose:
        event["purposeOfEvent"] = [{"coding": [coding("reason", one.purpose)]}]
    return event


def _subtypes(kind: Cells) -> list[Json]:
    found: list[Json] = [coding(kind["subtype_system"], kind["subtype_code"])]
    return [*found, coding(kind["also_system"], kind["also_code"])] if kind["also_code"] else found


def _agent(one: Happening, row: Cells) -> Json:
    names = {"actor": one.actor, "us": _US, "client": one.client, "recipient": one.recipient or one.ehr or "unknown"}
    agent: dict[str, Json] = {
        "type": {"coding": [coding(row["system"], row["code"], row["display"])]},
        "who": _who(names[row["who"]]),
        "requestor": row["requestor"] == "true",
    }
    if row["network"]:
        agent["network"] = {"address": names[row["network"]], "type": "1"}
    return agent


def _who(name: str) -> Json:
    return {"identifier": {"system": f"{_BASE}/identifier/actor", "value": name}}


def _entities(one: Happening, shape: str) -> list[dict[str, Json]]:
    """Return whom and what the event is about, the person first.

    What was disclosed is cited record by record. A read or write is of one thing (BALP slices `data` 1..1), so that its
    citations are details of it; an authorization names patient and consent alone (its slices are closed). A search that
    is about nobody in particular has no room for details.
    """
    entities = [_person(one)] if one.person else []
    cited = [("record", citation) for citation in one.entities]
    consents = [_consent(one.consent)] if one.consent else []
    match shape:
        case "authorized":
            entities.append(_detailed(_consent(one.consent or "none"), cited))
        case "search":
            entities += [{"query": _base64(one), **_entity(None, "2", "24")}, *consents]
        case "disclosed" | "received":
            entities += [*consents, *(_entity(one, "2", "4") for one in cited or [("subject", one.subject)])]
        case _:
            entities += [_detailed(_entity(("subject", one.subject), "2", "4"), cited), *consents]
    return [_detailed(entities[0], one.details), *entities[1:]]


def _detailed(entity: dict[str, Json], details: Sequence[tuple[str, str]]) -> dict[str, Json]:
    if not details:
        return entity
    return {**entity, "detail": [{"type": name, "valueString": value} for name, value in details]}


def _base64(one: Happening) -> str:
    return base64.b64encode((one.query or one.subject).encode()).decode()


def _person(one: Happening) -> dict[str, Json]:
    return _entity(("person", one.person or ""), "1", "1")


def _consent(value: str) -> dict[str, Json]:
    return {**_entity(("consent", value), "2", "4"), "type": coding("resource", "Consent")}


def _entity(what: tuple[str, str] | None, type_: str, role: str) -> dict[str, Json]:
    named: dict[str, Json] = {}
    if what is not None:
        named["what"] = {"identifier": {"system": f"{_BASE}/identifier/{what[0]}", "value": what[1]}}
    return {**named, "type": coding("entity-type", type_), "role": coding("object-role", role)}
