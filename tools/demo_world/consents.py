"""Written consents for treatment, payment and operations, one for each way that records may go."""

from .charts import DIRECTORY, V3, Chart, Record, concept
from .people import Person

FORM = "https://coordinator.example/fhir/consent-form/tpo-2026-02"
_TYPES = (
    "Patient", "EpisodeOfCare", "Encounter", "CarePlan", "Goal", "Observation", "ServiceRequest", "Task",
    "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration",
)  # fmt: skip
_PURPOSES = (("TREAT", "treatment"), ("HPAYMT", "healthcare payment"), ("HOPERAT", "healthcare operations"))


def consent(person: Person, source: Chart, recipient: Chart, *, signed: str) -> Record:
    """Return a person's consent that one organization may tell another."""
    id_ = f"c-{person.key}-{source.name}-{recipient.name}"
    patient = {
        "type": "Patient",
        "identifier": {"system": f"https://{source.domain}.example/mrn", "value": source.mrn(person)},
        "display": person.name,
    }
    act = f"{V3}/v3-ActCode"
    return {
        "resourceType": "Consent",
        "id": id_,
        "identifier": [{"system": "https://coordinator.example/consent", "value": id_}],
        "status": "active",
        "scope": concept(f"{V3}/consentscope", "patient-privacy", "Privacy Consent"),
        "category": [
            concept(act, "42CFRPart2CD", "42 CFR Part 2 consent directive"),
            concept("http://loinc.org", "59284-0", "Consent Document"),
        ],
        "patient": patient,
        "dateTime": f"{signed}T09:30:00-05:00",
        "performer": [patient],
        "organization": [_named(source)],
        "sourceAttachment": {
            "contentType": "application/pdf",
            "url": FORM,
            "title": "Consent to share treatment records, form tpo-2026-02",
            "creation": signed,
        },
        "policyRule": concept(act, "42CFRPart2CD", "42 CFR Part 2 consent directive"),
        "verification": [{"verified": True, "verifiedWith": patient, "verificationDate": signed}],
        "provision": {
            "type": "permit",
            "period": {"start": signed},
            "actor": [_actor("CST", "custodian", source), _actor("IRCP", "information recipient", recipient)],
            "action": [concept(f"{V3}/consentaction", "disclose", "Disclose")],
            "securityLabel": [{"system": act, "code": "42CFRPart2"}],
            "purpose": [{"system": f"{V3}/v3-ActReason", "code": code, "display": word} for code, word in _PURPOSES],
            "class": [{"system": "http://hl7.org/fhir/resource-types", "code": name} for name in _TYPES],
            "provision": [
                {
                    "type": "deny",
                    "securityLabel": [
                        {"system": act, "code": "PSYTHPN", "display": "psychotherapy note information sensitivity"}
                    ],
                }
            ],
        },
    }


def _named(chart: Chart) -> Record:
    return {
        "type": "Organization",
        "identifier": {"system": DIRECTORY, "value": chart.key},
        "display": chart.title,
    }


def _actor(code: str, display: str, chart: Chart) -> Record:
    return {"role": concept(f"{V3}/v3-ParticipationType", code, display), "reference": _named(chart)}
