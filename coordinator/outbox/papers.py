"""Documents and messages: the forms for EHRs that can't hold a concept as data."""

import base64
from collections.abc import Sequence

from coordinator.fhir import Json, dumps

LOINC = "http://loinc.org"
_TITLES = {
    "medication": ("10160-0", "Medication for substance use disorder, as known from all sources"),
    "care_plan": ("18776-5", "Agreed care plan"),
}


def document_reference(
    concept: str, *, patient: str, claim: tuple[str, str], text: str, resource: Json
) -> dict[str, Json]:
    """Return a DocumentReference that holds the content for people to read and for machines to read."""
    code, title = _TITLES[concept]
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": claim[0], "value": claim[1]},
        "identifier": [{"system": claim[0], "value": claim[1]}],
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": code}], "text": title},
        "subject": {"reference": f"Patient/{patient}"},
        "description": title,
        "content": [
            {"attachment": _attachment("text/plain; charset=utf-8", title, text.encode())},
            {"attachment": _attachment("application/fhir+json", title, dumps(resource))},
        ],
    }


def message(
    type_: str | None, *, patient: str, claim: tuple[str, str], text: str, focus: str | None = None
) -> dict[str, Json]:
    """Return a message to the staff of an EHR in the type that it takes: a Task, or else a Communication."""
    if type_ == "Task":
        return task(patient=patient, claim=claim, text=text, focus=focus)
    about: dict[str, Json] = {"about": [{"reference": focus}]} if focus else {}
    return communication(patient=patient, claim=claim, text=text) | about


def message_paths(type_: str | None) -> tuple[str, ...]:
    """Return the paths at which a message tells what it is for."""
    return ("Task.description",) if type_ == "Task" else ("Communication.payload",)


def communication(*, patient: str, claim: tuple[str, str], text: str) -> dict[str, Json]:
    """Return a Communication to the staff of an EHR about a person that they know."""
    return {
        "resourceType": "Communication",
        "identifier": [{"system": claim[0], "value": claim[1]}],
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "payload": [{"contentString": text}],
    }


def task(*, patient: str, claim: tuple[str, str], text: str, focus: str | None) -> dict[str, Json]:
    """Return a Task for the staff of an EHR: a proposal that only they can carry out."""
    made: dict[str, Json] = {
        "resourceType": "Task",
        "identifier": [{"system": claim[0], "value": claim[1]}],
        "status": "requested",
        "intent": "proposal",
        "description": text,
        "for": {"reference": f"Patient/{patient}"},
    }
    return made | ({"focus": {"reference": focus}} if focus else {})


def lines(parts: Sequence[str]) -> str:
    """Return lines of text without empty ones."""
    return "\n".join(part for part in parts if part)


def _attachment(content_type: str, title: str, content: bytes) -> Json:
    return {"contentType": content_type, "data": base64.b64encode(content).decode(), "title": title}
