"""Ordinary visits, conditions, prescriptions and finished plans at the family practice, out of synthetic people.

Each person of the demonstration gets the records of the synthetic one of the same gender who was born nearest. Bodies
are kept but for what would not be true here: ids, references, names of other people and of real places. What speaks of
opioids, alcohol or other drugs is left out, as that is what the stories tell.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from .charts import Chart, Record
from .people import Person

SINCE = "2010"
_MOST = {"Encounter": 16, "Condition": 6, "MedicationRequest": 6, "CarePlan": 2}
_APART = (
    "codone", "codeine", "fentanyl", "tramadol", "buprenorphine", "methadone", "meperidine", "opioid", "drug",
    "alcohol", "overdose", "rehabilitation",
)  # fmt: skip
_KEPT = {
    "Encounter": ("status", "class", "type", "reasonCode", "period"),
    "Condition": (
        "clinicalStatus",
        "verificationStatus",
        "category",
        "code",
        "onsetDateTime",
        "abatementDateTime",
        "recordedDate",
    ),
    "MedicationRequest": (
        "status",
        "intent",
        "category",
        "medicationCodeableConcept",
        "authoredOn",
        "dosageInstruction",
    ),
    "CarePlan": ("status", "intent", "category", "period"),
}
_SHORT = {"Encounter": "v", "Condition": "c", "MedicationRequest": "rx", "CarePlan": "cp"}


def add_synthetic(folder: Path, chart: Chart, people: Sequence[Person]) -> None:
    """Add the ordinary records of these people to a chart."""
    twins = _twins(_rows(folder, "Patient"), people)
    rows = {kind: list(_rows(folder, kind)) for kind in _KEPT}
    for person in people:
        seen: dict[str, str] = {}
        for kind, found in rows.items():
            own = [one for one in found if one["subject"]["reference"] == f"Patient/{twins[person.key]}" and _fits(one)]
            own.sort(key=lambda one: (_when(one), one["id"]))
            for one in own[-_MOST[kind] :]:
                seen[one["id"]] = _add(one, chart, person, seen)


def _rows(folder: Path, kind: str) -> Iterator[Record]:
    with gzip.open(folder / f"{kind}.ndjson.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _twins(patients: Iterator[Record], people: Sequence[Person]) -> dict[str, str]:
    """Return the synthetic patient of each person, each used once."""
    free = [one for one in patients if "deceasedDateTime" not in one]
    twins: dict[str, str] = {}
    for person in people:
        born = date.fromisoformat(person.born)
        best = min(
            (one for one in free if one["gender"] == person.gender),
            key=lambda one: (abs((date.fromisoformat(one["birthDate"]) - born).days), one["id"]),
        )
        free.remove(best)
        twins[person.key] = best["id"]
    return twins


def _fits(one: Record) -> bool:
    words = json.dumps(
        [one.get(name) for name in ("code", "type", "reasonCode", "medicationCodeableConcept", "category", "activity")]
    )
    if _when(one) < SINCE or any(word in words.casefold() for word in _APART):
        return False
    match one["resourceType"]:
        case "Encounter":
            return bool(one["class"]["code"] in ("AMB", "VR"))
        case "Condition":
            return "(disorder)" in words
        case "MedicationRequest":
            return "medicationCodeableConcept" in one
        case _:
            return one["status"] == "completed"  # a plan that goes on would be one more plan to agree on


def _when(one: Record) -> str:
    found = one.get("recordedDate") or one.get("authoredOn") or one["period"]["start"]
    return str(found)


def _add(one: Record, chart: Chart, person: Person, seen: dict[str, str]) -> str:
    kind = one["resourceType"]
    id_ = chart.next_id(_SHORT[kind])
    made: Record = {"resourceType": kind, "id": id_, **chart.identifier(kind.lower(), id_)}
    made |= {name: one[name] for name in _KEPT[kind] if name in one}
    made["subject"] = chart.subject(person)
    visit = seen.get(one.get("encounter", {}).get("reference", "").removeprefix("Encounter/"))
    if visit:
        made["encounter"] = {"reference": f"Encounter/{visit}"}
    if kind == "Encounter":
        made |= {"participant": [{"individual": chart.by()}], "serviceProvider": chart.organization()}
    elif kind == "MedicationRequest":
        made["requester"] = chart.by()
    elif kind == "CarePlan":
        made["activity"] = [_activity(each) for each in one["activity"]]
    chart.add(made, _when(one)[:16])
    return id_


def _activity(one: Record) -> Record:
    return {"detail": {name: one["detail"][name] for name in ("code", "status")}}
