"""A restriction as a FHIR Consent that denies: what a person asked to keep from somebody, and was promised (2.26)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.care.consent.mapping import RESOURCE_TYPES
from coordinator.fhir import Identifier, Json, dumps

_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What is kept back: from whom, of whom, which types of records and labels. What names nothing keeps back all."""

    consent_id: str
    patient: Identifier
    day: str
    recipients: tuple[Identifier, ...] = ()
    disclosers: tuple[Identifier, ...] = ()
    types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def restriction_body(asked: Restriction) -> bytes:
    """Return the Consent that says so."""
    provision: dict[str, Json] = {"type": "deny"}
    actors = [*_actors("CST", asked.disclosers), *_actors("IRCP", asked.recipients)]
    if actors:
        provision["actor"] = actors
    if asked.labels:
        provision["securityLabel"] = _codings(_ACT_CODE, asked.labels)
    if asked.types:
        provision["class"] = _codings(RESOURCE_TYPES, asked.types)
    return dumps(
        {
            "resourceType": "Consent",
            "id": asked.consent_id,
            "status": "active",
            "scope": {"coding": _codings(_SCOPE, ["patient-privacy"])},
            "category": [{"coding": _codings(_ACT_CODE, ["HIPAAConsentCD"])}],
            "patient": {"identifier": _identifier(asked.patient)},
            "dateTime": asked.day,
            "policyRule": {"coding": _codings(_ACT_CODE, ["42CFRPart2"])},
            "provision": provision,
        }
    )


def _actors(role: str, organizations: Sequence[Identifier]) -> list[Json]:
    return [
        {"role": {"coding": _codings(_ROLE, [role])}, "reference": {"identifier": _identifier(one)}}
        for one in organizations
    ]


def _codings(system: str, codes: Iterable[str]) -> list[Json]:
    return [{"system": system, "code": one} for one in codes]


def _identifier(one: Identifier) -> Json:
    return {"system": one.system, "value": one.value}
