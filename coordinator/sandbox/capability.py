"""What an EHR offers, type by type: from a table of interactions or from a real EHR's CapabilityStatement."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

from coordinator.fhir.json_text import Json
from coordinator.sandbox.table_files import rows_of

INTERACTIONS = (
    "read",
    "vread",
    "search-type",
    "history-type",
    "history-instance",
    "create",
    "update",
    "patch",
    "delete",
)
"""The interactions that the sandbox can do, in the words of FHIR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an EHR offers for one resource type; a search needs at least one of the required sets."""

    type: str
    interactions: tuple[str, ...]
    parameters: tuple[str, ...]
    required: tuple[frozenset[str], ...] = ()
    versioning: str = ""
    conditional_create: str = ""
    update_create: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One search parameter: what it is and where in a resource it looks."""

    name: str
    kind: str
    paths: tuple[tuple[str, ...], ...]


@cache
def parameters_of(resource_type: str) -> Mapping[str, Parameter]:
    """Return the search parameters that the sandbox can evaluate for a type."""
    return {
        row["parameter"]: Parameter(
            name=row["parameter"],
            kind=row["kind"],
            paths=tuple(tuple(path.split(".")) for path in row["path"].split("|")),
        )
        for row in rows_of("search_parameters")
        if row["type"] in ("*", resource_type)
    }


@cache
def personalities() -> frozenset[str]:
    """Return the names of the real EHRs whose statement the sandbox can act."""
    return frozenset(row["personality"] for row in rows_of("personalities"))


@cache
def offers_of(personality: str) -> Mapping[str, Offer]:
    """Return what a real EHR's CapabilityStatement offers."""
    return {
        row["type"]: Offer(
            type=row["type"],
            interactions=tuple(row["interactions"].split()),
            parameters=tuple(row["parameters"].split()),
            required=tuple(frozenset(one.split("+")) for one in row["required"].split(";") if one),
            versioning=row["versioning"],
            conditional_create=row["conditional_create"],
            update_create=row["update_create"],
        )
        for row in rows_of("personalities")
        if row["personality"] == personality
    }


def offer_from_table(
    resource_type: str, interactions: Collection[str], *, versioning: str, last_updated_search: bool
) -> Offer:
    """Return the offer of a type whose interactions a world lists: with every parameter that we can evaluate."""
    left_out = () if last_updated_search else ("_lastUpdated",)
    parameters = (name for name in parameters_of(resource_type) if name not in left_out)
    return Offer(
        type=resource_type,
        interactions=tuple(code for code in INTERACTIONS if code in interactions),
        parameters=(*parameters, "_count", "_summary") if "search-type" in interactions else (),
        versioning=versioning,
    )


def with_patient_required(offer: Offer) -> Offer:
    """Return the offer of an EHR that answers no search without a patient; a Patient needs any parameter at all."""
    if offer.required:
        return offer
    known = [name for name in offer.parameters if name in parameters_of(offer.type) and name != "_lastUpdated"]
    names = known if offer.type == "Patient" else [name for name in ("patient", "subject") if name in known]
    if not names:
        return offer
    required = tuple(frozenset({name}) for name in dict.fromkeys([*names, "_id"]))
    return replace(offer, required=required)


_EXPORTS = {"system": "export", "Patient": "patient-export", "Group": "group-export"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a statement tells beside its types."""

    base: str
    now: str
    token_endpoint: str | None = None
    exports: Collection[str] = ()
    system_history: bool = False
    fhir_version: str = "4.0.1"


def statement(offers: Mapping[str, Offer], told: Stated) -> dict[str, Json]:
    """Return the CapabilityStatement; silent on what the personality is silent about, as real ones are.

    In DSTU2 the same resource had the name Conformance.
    """
    rest: dict[str, Json] = {"mode": "server", "resource": [_resource(offer) for offer in offers.values()]}
    operations = [{"name": name} for scope, name in _EXPORTS.items() if scope in told.exports]
    if operations:
        rest["operation"] = [dict(one) for one in operations]
    if told.system_history:
        rest["interaction"] = [{"code": "history-system"}]
    if told.token_endpoint is not None:
        rest["security"] = _security(told.token_endpoint)
    return {
        "resourceType": "Conformance" if told.fhir_version.startswith("1.") else "CapabilityStatement",
        "status": "active",
        "date": told.now,
        "kind": "instance",
        "software": {"name": "coordinator sandbox"},
        "implementation": {"description": "A simulated EHR", "url": told.base},
        "fhirVersion": told.fhir_version,
        "format": ["json"],
        "rest": [rest],
    }


def _resource(offer: Offer) -> dict[str, Json]:
    found: dict[str, Json] = {
        "type": offer.type,
        "interaction": [{"code": code} for code in offer.interactions],
    }
    if offer.versioning:
        found["versioning"] = offer.versioning
    if offer.conditional_create:
        found["conditionalCreate"] = offer.conditional_create == "true"
    if offer.update_create:
        found["updateCreate"] = offer.update_create == "true"
    known = parameters_of(offer.type)
    if offer.parameters:
        found["searchParam"] = [{"name": name, "type": _kind(known, name)} for name in offer.parameters]
    return found


def _kind(known: Mapping[str, Parameter], name: str) -> str:
    if name in known:
        return known[name].kind
    return "number" if name == "_count" else "special"


def _security(token_endpoint: str) -> dict[str, Json]:
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": "token", "valueUri": token_endpoint}],
            }
        ],
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
    }
