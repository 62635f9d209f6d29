"""FHIR R5 read as R4: a view of a document in which the elements that we use stand where R4 has them.

Only the view is made anew; the received bytes stay the record and are never rewritten, and nothing is written to an EHR
through it. Each type has its lens below; what R4 has no place for stays where it is, and nobody reads it. Codes whose
words changed are in tables/r5_codes.csv.
"""

import csv
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from coordinator.fhir.checker import check
from coordinator.fhir.document import Document
from coordinator.fhir.json_text import Json, dumps
from coordinator.fhir.models import Issue

_Tree = dict[str, Json]
_MOST_LEFT = 60  # members that R4 does not know, in one record
_UNKNOWN = "a member that the specification does not know"


def is_r5(fhir_version: Json) -> bool:
    """Say whether a version, as a statement tells it, is R5."""
    return isinstance(fhir_version, str) and fhir_version.startswith("5.")


def as_r4(document: Document) -> Document:
    """Return the view of an R5 document as R4; its bytes are those that were received."""
    lens = _LENSES.get(document.type)
    if lens is None:
        return document
    tree = dict(document.tree)
    lens(tree)
    return Document(raw=document.raw, tree=tree)


def check_r5(document: Document) -> tuple[Issue, ...]:
    """Return what is wrong with a view, as `check` does; members that only R5 knows are nothing wrong."""
    tree = document.tree
    for _ in range(_MOST_LEFT):
        issues = check(Document(raw=dumps(tree), tree=tree))
        unknown = [one for one in issues if one.text == _UNKNOWN]
        if not unknown:
            return issues
        tree = _without(tree, unknown[0].path.split(".")[1:])
    return issues


def _without(tree: Json, path: list[str]) -> _Tree:
    """Return a tree without the member at a path such as Encounter.participant[0].actor."""
    name, _, index = path[0].partition("[")
    found = dict(tree) if isinstance(tree, dict) else {}
    value = found.get(name)
    if len(path) == 1 or value is None:
        found.pop(name, None)
        return found
    if index and isinstance(value, list):
        place = int(index.rstrip("]"))
        return found | {name: [_without(one, path[1:]) if i == place else one for i, one in enumerate(value)]}
    return found | {name: _without(value, path[1:])}


# --- parts of lenses ------------------------------------------------------------------------------------------------


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dicts(value: Json) -> list[_Tree]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _moved(tree: _Tree, name: str, to: str) -> None:
    """Let a member stand under the name that it has in R4; one that is there already stays."""
    if name in tree and to not in tree:
        tree[to] = tree.pop(name)


def _concepts(value: Json) -> list[Json]:
    return [one["concept"] for one in _dicts(value) if "concept" in one]


def _references(value: Json) -> list[Json]:
    return [one["reference"] for one in _dicts(value) if isinstance(one.get("reference"), dict)]


def _split(tree: _Tree, name: str, *, concepts: str = "", references: str = "") -> None:
    """Split a list of CodeableReference into the lists of concepts and of references that R4 has."""
    if name not in tree:
        return
    value = tree.pop(name)
    for to, found in ((concepts, _concepts(value)), (references, _references(value))):
        if to and found:
            tree[to] = found


def _code(tree: _Tree, element: str = "status") -> None:
    value = tree.get(element)
    if isinstance(value, str):
        tree[element] = _codes().get((str(tree["resourceType"]), element, value), value)


@cache
def _codes() -> Mapping[tuple[str, str, str], str]:
    with files("coordinator.fhir").joinpath("tables/r5_codes.csv").open(encoding="utf-8") as lines:
        return {(row["type"], row["element"], row["r5"]): row["r4"] for row in csv.DictReader(lines)}


def _medication(tree: _Tree) -> None:
    """R5 has one element of type CodeableReference where R4 has a choice of two."""
    value = tree.get("medication")
    if isinstance(value, dict):
        _first(tree, "medicationCodeableConcept", _concepts(value))
        if "medicationCodeableConcept" not in tree:
            _first(tree, "medicationReference", _references(value))
        tree.pop("medication")
    for name in ("dosage", "dosageInstruction"):
        if name in tree:
            tree[name] = [_dosage(one) for one in _dicts(tree[name])]
    _split(tree, "reason", concepts="reasonCode", references="reasonReference")


def _dosage(told: _Tree) -> _Tree:
    """As needed: a flag and a list of concepts in R5, a choice between them in R4."""
    found = dict(told)
    needed, reasons = found.pop("asNeeded", None), _list(found.pop("asNeededFor", None))
    if reasons:
        found["asNeededCodeableConcept"] = reasons[0]
    elif needed is not None:
        found["asNeededBoolean"] = needed
    most = found.get("maxDosePerPeriod")
    if isinstance(most, list):
        _first(found, "maxDosePerPeriod", most)
    return found


def _first(tree: _Tree, name: str, values: list[Json]) -> None:
    if values:
        tree[name] = values[0]


# --- a lens for each type -------------------------------------------------------------------------------------------


def _request(tree: _Tree) -> None:
    _medication(tree)
    _code(tree)
    _moved(tree, "reported", "reportedBoolean")


def _dispense(tree: _Tree) -> None:
    _medication(tree)
    _moved(tree, "encounter", "context")


def _administration(tree: _Tree) -> None:
    _medication(tree)
    _moved(tree, "encounter", "context")
    for spelled in ("occurence", "occurrence"):  # R5 spells it with one r (MedicationAdministration.occurence[x])
        _moved(tree, f"{spelled}DateTime", "effectiveDateTime")
        _moved(tree, f"{spelled}Period", "effectivePeriod")


def _statement(tree: _Tree) -> None:
    """In R5 the status is that of the record, and whether it is taken is told as adherence; R4 has both in one."""
    _medication(tree)
    _moved(tree, "encounter", "context")
    sources = tree.get("informationSource")
    if isinstance(sources, list):
        tree.pop("informationSource")
        _first(tree, "informationSource", sources)
    adherence = tree.pop("adherence", None)
    if tree.get("status") in ("recorded", "draft"):
        tree["status"] = _taken(adherence if tree["status"] == "recorded" else None)


def _taken(adherence: Json) -> str:
    code = adherence.get("code") if isinstance(adherence, dict) else None
    codings = _dicts(code.get("coding")) if isinstance(code, dict) else []
    found = (_codes().get(("MedicationStatement", "adherence", str(one.get("code")))) for one in codings)
    return next((one for one in found if one), "unknown")


def _encounter(tree: _Tree) -> None:
    _code(tree)
    classes = tree.get("class")
    if isinstance(classes, list):
        codings = [coding for one in _dicts(classes) for coding in _dicts(one.get("coding"))]
        tree.pop("class")
        _first(tree, "class", list[Json](codings))
    _moved(tree, "actualPeriod", "period")
    _moved(tree, "admission", "hospitalization")
    services = tree.get("serviceType")
    if isinstance(services, list):
        tree.pop("serviceType")
        _first(tree, "serviceType", _concepts(services))
    reasons = [value for one in _dicts(tree.pop("reason", None)) for value in _dicts(one.get("value"))]
    for to, found in (
        ("reasonCode", _concepts(list[Json](reasons))),
        ("reasonReference", _references(list[Json](reasons))),
    ):
        if found:
            tree[to] = found
    if "participant" in tree:
        tree["participant"] = [_renamed(one, {"actor": "individual"}) for one in _dicts(tree["participant"])]
    _diagnoses(tree)


def _renamed(told: _Tree, names: Mapping[str, str]) -> _Tree:
    return {names.get(name, name): value for name, value in told.items()}


def _diagnoses(tree: _Tree) -> None:
    """A diagnosis names one condition by reference in R4; those that R5 names by concept alone have no place there."""
    if "diagnosis" not in tree:
        return
    found: list[Json] = [
        {"condition": reference}
        for one in _dicts(tree.pop("diagnosis"))
        for reference in _references(one.get("condition"))
    ]
    if found:
        tree["diagnosis"] = found


def _episode(tree: _Tree) -> None:
    tree.pop("reason", None)
    _diagnoses(tree)


def _care_plan(tree: _Tree) -> None:
    _split(tree, "addresses", references="addresses")
    _moved(tree, "custodian", "author")
    if "activity" not in tree:
        return
    activities: list[Json] = []
    for one in _dicts(tree["activity"]):
        told = _renamed(one, {"plannedActivityReference": "reference"})
        _split(told, "performedActivity", concepts="outcomeCodeableConcept", references="outcomeReference")
        activities.append(told)
    tree["activity"] = activities


def _goal(tree: _Tree) -> None:
    _moved(tree, "source", "expressedBy")
    _split(tree, "outcome", concepts="outcomeCode", references="outcomeReference")


def _care_team(tree: _Tree) -> None:
    _split(tree, "reason", concepts="reasonCode", references="reasonReference")
    if "participant" in tree:
        tree["participant"] = [_participant(one) for one in _dicts(tree["participant"])]


def _participant(told: _Tree) -> _Tree:
    found = _renamed(told, {"coveragePeriod": "period"})
    if isinstance(found.get("role"), dict):
        found["role"] = [found["role"]]
    return found


def _service_request(tree: _Tree) -> None:
    code = tree.get("code")
    if isinstance(code, dict) and ("concept" in code or "reference" in code):
        tree.pop("code")
        _first(tree, "code", _concepts(code))
    _split(tree, "reason", concepts="reasonCode", references="reasonReference")
    _split(tree, "location", concepts="locationCode", references="locationReference")
    _split(tree, "supportingInfo", references="supportingInfo")


def _task(tree: _Tree) -> None:
    reasons = _list(tree.pop("reason", None))
    _first(tree, "reasonCode", _concepts(reasons))
    _first(tree, "reasonReference", _references(reasons))


def _appointment(tree: _Tree) -> None:
    _split(tree, "serviceType", concepts="serviceType")
    _split(tree, "reason", concepts="reasonCode", references="reasonReference")


def _communication(tree: _Tree) -> None:
    _split(tree, "reason", concepts="reasonCode", references="reasonReference")


_R5_CONSENT: Final = frozenset({"decision", "subject", "grantor", "grantee", "controller", "manager"})
_SCOPE: Final[Json] = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
}
_FHIR_TYPES: Final = "http://hl7.org/fhir/fhir-types"  # R5's name of the system of types
_RESOURCE_TYPES: Final[_Tree] = {"system": "http://hl7.org/fhir/resource-types"}
# v3-ParticipationType: who holds the records, and who is to have them (HL7/UTG, as in R4's Consent.provision.actor).
_HOLDS, _HAS_THEM = "CST", "IRCP"


def is_r5_consent(document: Document) -> bool:
    """Say whether a Consent is one of R5, as its elements tell: it comes without a server that would say so."""
    tree = document.tree
    return document.type == "Consent" and (bool(_R5_CONSENT & tree.keys()) or isinstance(tree.get("provision"), list))


def _consent(tree: _Tree) -> None:
    """In R5 the decision holds by default, and each provision is an exception to it, so it turns the decision over.

    R4 says the same with a root provision of the rule's type and provisions below it of the other type.
    """
    decision = tree.pop("decision", None)
    provisions = tree.pop("provision", None) if isinstance(tree.get("provision"), list) else None
    if decision is not None or provisions is not None:
        tree["provision"] = _rule(decision, _dicts(provisions), tree)
    _code(tree)
    tree.setdefault("scope", _SCOPE)
    _moved(tree, "subject", "patient")
    _moved(tree, "date", "dateTime")
    _moved(tree, "grantor", "performer")
    _moved(tree, "manager", "organization")
    attachments = tree.pop("sourceAttachment", None)
    _first(tree, "sourceAttachment", _list(attachments))
    if "verification" in tree:
        tree["verification"] = [_verification(one) for one in _dicts(tree["verification"])]


def _rule(decision: Json, provisions: list[_Tree], tree: _Tree) -> _Tree:
    """Return the root provision.

    Denied but for one exception, as a consent to disclose is written in R5, is that permit: that nothing else is
    permitted holds without it. Denied but for several is a permit of which nobody can tell by one root what it covers.
    """
    below: list[Json] = [_exception(one, decision) for one in provisions]
    root: _Tree = {"type": decision} if isinstance(decision, str) else {}
    if decision == "deny" and below:
        root = _dicts(below)[0] if len(below) == 1 else {"type": "permit", "provision": below}
    elif below:
        root["provision"] = below
    if root.get("type") == "permit":
        _add_parties(root, tree)
    whole = tree.pop("period", None)
    if whole is not None and root.setdefault("period", whole) != whole:
        root["periods"] = whole  # two of them: a limit that R4 has no place for
    return root


def _add_parties(root: _Tree, tree: _Tree) -> None:
    """Name who holds the records and who is to have them, where the provision itself names nobody for that."""
    actors = _dicts(root.get("actor"))
    roles = [{str(one.get("code")) for one in _codings(actor.get("role"))} for actor in actors]
    has_holder = any(_HOLDS in one for one in roles)
    added = [] if has_holder else [_actor(_HOLDS, one) for one in _list(tree.get("controller"))]
    if all(one == {_HOLDS} for one in roles):
        added += [_actor(_HAS_THEM, one) for one in _list(tree.get("grantee"))]
    if actors or added:
        root["actor"] = [*actors, *added]


def _codings(concept: Json) -> list[_Tree]:
    return _dicts(concept.get("coding")) if isinstance(concept, dict) else []


def _actor(role: str, reference: Json) -> _Tree:
    system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    return {"role": {"coding": [{"system": system, "code": role}]}, "reference": reference}


def _verification(told: _Tree) -> _Tree:
    """R5 lists the dates of a verification, of which R4 has one."""
    found = dict(told)
    dates = _list(found.pop("verificationDate", None))
    _first(found, "verificationDate", dates)
    return found


def _exception(told: _Tree, decision: Json) -> _Tree:
    other = {"permit": "deny", "deny": "permit"}
    found = _renamed(told, {"resourceType": "class"})
    if "class" in found:
        found["class"] = [
            one | _RESOURCE_TYPES if one.get("system") == _FHIR_TYPES else one for one in _dicts(found["class"])
        ]
    kind = other.get(decision) if isinstance(decision, str) else None
    inner = [_exception(one, kind) for one in _dicts(found.pop("provision", None))]
    return {
        **({"type": kind} if kind else {}),
        **found,
        **({"provision": list[Json](inner)} if inner else {}),
    }


_LENSES: Final[Mapping[str, Callable[[_Tree], None]]] = {
    "Appointment": _appointment,
    "CarePlan": _care_plan,
    "CareTeam": _care_team,
    "Communication": _communication,
    "Consent": _consent,
    "Encounter": _encounter,
    "EpisodeOfCare": _episode,
    "Goal": _goal,
    "MedicationAdministration": _administration,
    "MedicationDispense": _dispense,
    "MedicationRequest": _request,
    "MedicationStatement": _statement,
    "ServiceRequest": _service_request,
    "Task": _task,
}
