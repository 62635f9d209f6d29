"""HL7 v2 ADT as FHIR: who the patients are, and each visit as an Encounter that its events made.

A message is an event; what we keep is the state that the events of a visit made, whatever order their files come in.
What an event says of admission and discharge counts where it is the latest of its kind; what it describes beside that
counts where the message is the latest, and fills what nobody has told else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from coordinator.care.csv_table import packaged_rows
from coordinator.ehr.files.hl7v2 import Message, messages, when
from coordinator.ehr.files.provenance import Unreadable, meta, record_id
from coordinator.fhir import Json, dumps, instant_in, parse
from coordinator.sync.intake import Line

BASE: Final = "https://coordinator.example/fhir"
_SPAN: Final = f"{BASE}/StructureDefinition/adt-told-at"
_SSN: Final = "http://hl7.org/fhir/sid/us-ssn"
_CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DISCHARGE: Final = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
_STATUS: Final = {"opens": "in-progress", "plans": "planned", "ends": "finished", "cancels": "cancelled"}

Place = tuple[str, str]  # (type, id)
Tree = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One readable message: when it was sent, what it does to the visit, and the records that it speaks of."""

    line: str
    trigger: str
    sent: str
    happened: str
    patient: Tree
    merged: str = ""
    visit: Tree | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adt:
    """The events of a file, and what could not be read."""

    events: tuple[Event, ...]
    faults: tuple[Line, ...]

    @property
    def places(self) -> frozenset[Place]:
        """Return the records that the events speak of."""
        found = {("Patient", str(one.patient["id"])) for one in self.events}
        found |= {("Patient", one.merged) for one in self.events if one.merged}
        return frozenset(found | {("Encounter", str(one.visit["id"])) for one in self.events if one.visit})


def read_adt(raw: bytes, *, name: str, zone: ZoneInfo) -> Adt:
    """Return the events in a file of HL7 v2 messages; each that can't be read is a fault, whole, with its reason."""
    events: list[Event] = []
    faults: list[Line] = []
    for one in messages(raw):
        number = one.number if isinstance(one, Message) else one[0]
        place = f"{name} message {number}"
        if not isinstance(one, Message):
            faults.append(Line(place=place, raw=one[1], fault=one[2]))
            continue
        try:
            events.append(_event(one, place, zone))
        except Unreadable as problem:
            faults.append(Line(place=place, raw=one.raw, fault=str(problem)))
    return Adt(events=tuple(events), faults=tuple(faults))


def joined(files: Iterable[Adt]) -> Adt:
    """Return the events of several files as those of one."""
    held = list(files)
    return Adt(
        events=tuple(event for one in held for event in one.events),
        faults=tuple(fault for one in held for fault in one.faults),
    )


def folded(adt: Adt, held: Mapping[Place, bytes]) -> Iterator[Line]:
    """Yield what the events make of the records that are held, each record once, and the faults."""
    trees: dict[Place, Tree] = {place: tree for place, raw in held.items() if isinstance(tree := parse(raw), dict)}
    lines: dict[Place, str] = {}
    for event in sorted(adt.events, key=lambda one: _instant(one.sent)):
        for place, tree in _applied(event, trees):
            trees[place], lines[place] = tree, event.line
    for place in sorted(lines):
        yield Line(place=lines[place], raw=dumps(trees[place]))
    yield from adt.faults


# --- a message ------------------------------------------------------------------------------------------------------


def _event(message: Message, line: str, zone: ZoneInfo) -> Event:
    trigger = message.field("MSH", 9, at=(2,)) or message.field("EVN", 1)
    row = _events().get(trigger)
    if message.field("MSH", 9) != "ADT" or row is None:
        raise Unreadable(f"MSH-9: {trigger or 'an unnamed event'} is no ADT event that is read")
    sent = when(message.field("MSH", 7), zone, field="MSH-7")
    told = message.field("EVN", 6) or message.field("EVN", 2)
    merged = message.field("MRG", 1)
    if row.merges and not merged:
        raise Unreadable("MRG-1: the message does not say which patient was merged")
    patient = _patient(message, zone)
    visit = None
    if row.visit != "none":
        visit = _visit(message, str(patient["id"]), zone)
    return Event(
        line=line,
        trigger=trigger,
        sent=sent,
        happened=when(told, zone, field="EVN-2") if told else sent,
        patient=patient,
        merged=record_id(merged) if row.merges else "",
        visit=visit,
    )


def _patient(message: Message, zone: ZoneInfo) -> Tree:
    count = message.repeats("PID", 3)
    listed = [_identifier(message, repeat) for repeat in range(1, count + 1) if message.field("PID", 3, repeat=repeat)]
    if not listed:
        raise Unreadable("PID-3: the message names no patient")
    own = next((value for kind, value, _ in listed if kind == "MR"), listed[0][1])
    born, gender = message.field("PID", 7), message.field("PID", 8)
    names: Tree = {"family": message.field("PID", 5), "given": [one for one in _given(message) if one]}
    address: Tree = {
        "line": [one for one in (message.field("PID", 11),) if one],
        "city": message.field("PID", 11, at=(3,)),
        "state": message.field("PID", 11, at=(4,)),
        "postalCode": message.field("PID", 11, at=(5,)),
    }
    phone = message.field("PID", 13) or "".join(message.field("PID", 13, at=(part,)) for part in (6, 7))
    tree: Tree = {
        "resourceType": "Patient",
        "id": record_id(own),
        "meta": meta("hl7v2"),
        "identifier": [{"system": system, "value": value} for _, value, system in listed],
        "name": [_filled(names)] if names["family"] or names["given"] else None,
        "telecom": [{"system": "phone", "value": phone}] if phone else None,
        "gender": _code("gender", gender),
        "birthDate": when(born, zone, field="PID-7")[:10] if born else None,
        "address": [_filled(address)] if any(address.values()) else None,
    }
    return _filled(tree)


def _given(message: Message) -> tuple[str, ...]:
    return (message.field("PID", 5, at=(2,)), message.field("PID", 5, at=(3,)))


def _identifier(message: Message, repeat: int) -> tuple[str, str, str]:
    """Return kind, value and system of an identifier; a system that nobody else has where its authority has no OID."""
    value = message.field("PID", 3, repeat=repeat)
    authority = message.field("PID", 3, at=(4, 1), repeat=repeat)
    oid = message.field("PID", 3, at=(4, 2), repeat=repeat)
    kind = message.field("PID", 3, at=(5,), repeat=repeat)
    system = f"urn:oid:{oid}" if oid and message.field("PID", 3, at=(4, 3), repeat=repeat) == "ISO" else ""
    if kind == "SS":
        return kind, value, _SSN
    return kind, value, system or f"{BASE}/authority/{record_id(authority or kind or 'unnamed')}"


def _visit(message: Message, patient: str, zone: ZoneInfo) -> Tree:
    number = message.field("PV1", 19) or message.field("PID", 18)
    if not number:
        raise Unreadable("PV1-19: the message names no visit")
    kind, service = message.field("PV1", 18), message.field("PV1", 10)
    start, end = message.field("PV1", 44), message.field("PV1", 45)
    code = _code("class", message.field("PV1", 2))
    told = message.field("PV1", 36)
    place = message.field("PV1", 3)
    out: Tree = {
        "resourceType": "Encounter",
        "id": record_id(number),
        "meta": meta("hl7v2"),
        "identifier": [{"system": f"{BASE}/adt/visit", "value": number}],
        "class": {"system": _CLASS, "code": code} if code else None,
        "type": [_concept("patient-type", kind)] if kind else None,
        "serviceType": _concept("hospital-service", service) if service else None,
        "subject": {"reference": f"Patient/{patient}"},
        "location": [{"location": {"display": place}}] if place else None,
        "period": _filled(
            {
                "start": when(start, zone, field="PV1-44") if start else None,
                "end": when(end, zone, field="PV1-45") if end else None,
            }
        ),
        "hospitalization": {"dischargeDisposition": _disposition(told)} if told else None,
    }
    return _filled(out)


def _concept(kind: str, code: str) -> Tree:
    return {"coding": [{"system": f"{BASE}/adt/{kind}", "code": code}], "text": code}


def _disposition(told: str) -> Tree:
    code = _code("discharge", told.zfill(2))
    known: list[Json] = [{"system": _DISCHARGE, "code": code}] if code else []
    return {"coding": [*known, {"system": f"{BASE}/adt/discharge-disposition", "code": told}]}


def _filled(tree: Mapping[str, Json]) -> Tree:
    return {name: value for name, value in tree.items() if value not in (None, "", [], {})}


# --- what events make of records ------------------------------------------------------------------------------------


def _applied(event: Event, trees: Mapping[Place, Tree]) -> Iterator[tuple[Place, Tree]]:
    place = ("Patient", str(event.patient["id"]))
    yield place, _patient_after(event, trees.get(place))
    if event.merged:
        retired = ("Patient", event.merged)
        yield retired, _retired(event, trees.get(retired))
    if event.visit is not None:
        place = ("Encounter", str(event.visit["id"]))
        yield place, _visit_after(event, event.visit, trees.get(place))


def _patient_after(event: Event, held: Tree | None) -> Tree:
    """Return the patient as the latest message tells; one that was merged stays so."""
    told = _times(held)
    if held is not None and _instant(event.sent) < _instant(told.get("said", "")):
        return held
    kept: Tree = {name: held[name] for name in ("active", "link") if held and name in held}
    return _stamped({**event.patient, **kept}, {**told, "said": event.sent})


def _retired(event: Event, held: Tree | None) -> Tree:
    into: Json = {"reference": f"Patient/{event.patient['id']}"}
    before = held or {"resourceType": "Patient", "id": event.merged, "meta": meta("hl7v2")}
    tree: Tree = {**before, "active": False, "link": [{"other": into, "type": "replaced-by"}]}
    return _stamped(tree, {**_times(held), "merged": event.sent})


def _visit_after(event: Event, visit: Tree, held: Tree | None) -> Tree:
    """Return a visit after an event: its state where it is the latest to say so, the rest where the message is."""
    told = _times(held)
    before = held or {}
    is_latest = held is None or _instant(event.sent) >= _instant(told.get("said", ""))
    told = {**told, "said": event.sent} if is_latest else told
    state: Tree = {name: before[name] for name in ("status", "hospitalization") if name in before}
    period = _object(before.get("period"))
    effect = _effect(event, visit)
    if effect != "moves" and _instant(event.sent) >= _instant(told.get("state", "")):
        state, period = _state_after(event, visit, effect, period)
        told = {**told, "state": event.sent}
    start = _object(visit.get("period")).get("start")
    if start is not None and (is_latest or "start" not in period):
        period = {**period, "start": start}
    described = {name: value for name, value in visit.items() if name not in ("status", "period", "hospitalization")}
    rest = {**before, **described} if is_latest else {**described, **before}
    tree = _filled({**rest, "status": "in-progress", **state, "period": period, "hospitalization": None})
    if "hospitalization" in state:
        tree["hospitalization"] = state["hospitalization"]
    return _stamped(tree, told)


def _effect(event: Event, visit: Tree) -> str:
    """Return what an event does to a visit; an update that tells a discharge ends it."""
    effect = _events()[event.trigger].visit
    return "ends" if effect == "moves" and "end" in _object(visit.get("period")) else effect


def _state_after(event: Event, visit: Tree, effect: str, before: Tree) -> tuple[Tree, Tree]:
    """Return status and disposition, and the period, after an event that changes them."""
    told = _object(visit.get("period"))
    if effect == "ends":
        state: Tree = {"status": "finished"}
        if "hospitalization" in visit:
            state["hospitalization"] = visit["hospitalization"]
        return state, {**before, **told, "end": told.get("end", event.happened)}
    begun = {"start": told.get("start", before.get("start", event.happened))}
    return {"status": _STATUS.get(effect, "in-progress")}, begun if effect != "plans" else _filled({**told})


def _times(held: Tree | None) -> dict[str, str]:
    """Return when the latest message was sent that told of a record, and of its state."""
    extensions = (held or {}).get("extension")
    for one in extensions if isinstance(extensions, list) else []:
        if isinstance(one, dict) and one.get("url") == _SPAN and isinstance(one.get("extension"), list):
            parts = [_object(part) for part in one["extension"]] if isinstance(one["extension"], list) else []
            return {str(part.get("url")): str(part.get("valueDateTime")) for part in parts}
    return {}


def _stamped(tree: Tree, told: Mapping[str, str]) -> Tree:
    parts: list[Json] = [{"url": name, "valueDateTime": at} for name, at in sorted(told.items())]
    return {**tree, "extension": [{"url": _SPAN, "extension": parts}]}


def _object(value: Json) -> Tree:
    return value if isinstance(value, dict) else {}


def _instant(text: str) -> float:
    """Return when a message was sent, so that two can be put in order; one of a day alone comes before its hours."""
    at = instant_in(text if "T" in text else None)
    if at is not None:
        return at.timestamp()
    return instant_in(f"{text}T00:00:00Z").timestamp() if len(text) == 10 else float("-inf")  # type: ignore[union-attr]


# --- tables ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    visit: str
    merges: bool


@cache
def _events() -> dict[str, _Row]:
    rows = packaged_rows("coordinator.ehr", "adt_events.csv", ["event", "visit", "merges", "source"])
    return {row.text("event"): _Row(visit=row.text("visit"), merges=row.flag("merges")) for row in rows}


@cache
def _codes() -> dict[tuple[str, str], str]:
    rows = packaged_rows("coordinator.ehr", "adt_codes.csv", ["field", "value", "code", "source"])
    return {(row.text("field"), row.text("value")): row.text("code") for row in rows}


def _code(field: str, value: str) -> str | None:
    return _codes().get((field, value.upper()))
