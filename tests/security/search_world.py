"""A person known to three organizations, a value of its own in every element, and consents in all states."""

from collections.abc import Iterator
from typing import Any

from coordinator.access import HeldConsent, search_parameters, served_types
from coordinator.care.consent.mapping import read_consent
from coordinator.fhir import Parameter
from coordinator.reconcile import Evidence
from tests.builders import FORMS, MRN, a_consent, document, evidence

SOURCES = ("otp", "iop", "pcp")  # the first two are Part 2 programs
SYSTEM = "https://codes.example"
PLAIN = frozenset({"status", "gender", "intent", "lifecycleStatus"})
LISTS = frozenset(
    {"identifier", "name", "given", "telecom", "address", "category", "reasonCode", "target", "diagnosis"}
)
DAYS = {"otp": "1984-01-01", "iop": "1985-02-02", "pcp": "1986-03-03"}

# state -> the consents of the person for a recipient
STATES = (
    "none",
    "in force",
    "of the other program",
    "for another recipient",
    "run out",
    "revoked",
    "treatment alone",
    "two types alone",
    "restricted",
)


def consents(state: str, recipient: str) -> list[HeldConsent]:
    """Return the consents that are held in a state; the discloser is the OTP."""
    given: dict[str, list[dict[str, Any]]] = {
        "none": [],
        "in force": [_consent(discloser="otp", recipient=recipient)],
        "of the other program": [_consent(discloser="iop", recipient=recipient)],
        "for another recipient": [_consent(discloser="otp", recipient="res")],
        "run out": [_consent(discloser="otp", recipient=recipient, end="2026-02-01")],
        "revoked": [_consent(discloser="otp", recipient=recipient, status="inactive")],
        "treatment alone": [_consent(discloser="otp", recipient=recipient, purposes=["TREAT"])],
        "two types alone": [_consent(discloser="otp", recipient=recipient, types=["Patient", "Encounter"])],
        "restricted": [_consent(discloser="otp", recipient=recipient), _denial(recipient)],
    }
    return [HeldConsent(record=read_consent(document(one)), forms=FORMS) for one in given[state]]


def _consent(**more: Any) -> dict[str, Any]:
    return a_consent(**{"types": served_types(), **more})


def _denial(recipient: str) -> dict[str, Any]:
    told = _consent(discloser="otp", recipient=recipient, consent="R-1")
    return told | {"provision": told["provision"] | {"type": "deny"}}


def records() -> list[Evidence]:
    """Return one record of each type from each organization."""
    return [evidence(_record(type_, source), ehr=source) for type_ in search_parameters() for source in SOURCES]


def probes(parameter: Parameter, source: str) -> Iterator[str]:
    """Yield what finds the record of an organization by a parameter, and that of no other."""
    word = parameter.elements[0][-1]
    match parameter.kind:
        case "date":
            yield DAYS[source]
        case "string":
            yield _word(parameter.type, source)
        case _ if word in PLAIN:
            yield _word(parameter.type, source)
        case _:
            yield f"{MRN if word == 'identifier' else SYSTEM}|{_word(parameter.type, source)}"


def _word(type_: str, source: str) -> str:
    return f"{source}{type_}".lower()


def _record(type_: str, source: str) -> dict[str, Any]:
    tree: dict[str, Any] = {"resourceType": type_, "id": f"{source}-1"}
    for parameter in search_parameters()[type_].values():
        for path in parameter.elements[:1]:
            _put(tree, path, _value(parameter, path[-1], source))
    if type_ == "Patient":  # the person is one: the record number of the consents
        tree["identifier"] = [*tree["identifier"], {"system": MRN, "value": "A1"}]
        tree["active"] = True
    return tree


def _value(parameter: Parameter, word: str, source: str) -> Any:
    if parameter.kind == "reference":
        return {"reference": f"{max(parameter.targets)}/{source}-1"}
    if parameter.kind == "date":
        return {"start": DAYS[source], "end": DAYS[source]} if word == "period" else DAYS[source]
    text = _word(parameter.type, source)
    if parameter.kind == "string" or word in PLAIN:
        return text
    if word in {"identifier", "telecom"}:
        return {"system": MRN if word == "identifier" else SYSTEM, "value": text}
    coding = {"system": SYSTEM, "code": text}
    return coding if word == "class" else {"coding": [coding]}


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    here = tree
    for part in path[:-1]:
        held = here.setdefault(part, [{}] if part in LISTS else {})
        here = held[0] if isinstance(held, list) else held
    here[path[-1]] = [value] if path[-1] in LISTS else value
