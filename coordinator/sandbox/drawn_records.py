"""Records of drawn people: how a patient, a stay, a plan, a medicine and a consent look in an EHR of a drawn world."""

from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files

from coordinator.fhir.json_text import Json, dumps, parse

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
DIRECTORY = "https://directory.example/organization"
FILM = ("1010604", "buprenorphine 8 MG / naloxone 2 MG Sublingual Film")
METHADONE = ("991147", "methadone hydrochloride 10 MG/ML Oral Solution")
LEVELS = {
    "residential": ("3e", "3.5", "Clinically managed high-intensity residential"),
    "iop": ("4e", "2.1", "Intensive outpatient"),
}

Record = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who was drawn; `ehrs` know the person, each under a number of its own."""

    number: int
    given: str
    family: str
    gender: str
    born: date
    phone: str
    street: str
    ehrs: tuple[str, ...]

    def id(self, ehr: str) -> str:
        """Return the id of the Patient in an EHR."""
        return f"{ehr[0]}-{self.number}"

    def reference(self, ehr: str) -> Record:
        """Return the reference to the person in an EHR."""
        return {"reference": f"Patient/{self.id(ehr)}"}

    def identifier(self, ehr: str) -> Record:
        """Return the number under which an EHR knows the person."""
        return {"system": f"https://{ehr}.example/mrn", "value": self.id(ehr).upper()}


def patient(person: Person, ehr: str, *, with_phone: bool) -> Record:
    """Return the Patient."""
    kind: Record = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    phone: Record = {"telecom": [{"system": "phone", "value": person.phone}]} if with_phone else {}
    return {
        "resourceType": "Patient",
        "id": person.id(ehr),
        "identifier": [{"type": kind, **person.identifier(ehr)}],
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        **phone,
        "gender": person.gender,
        "birthDate": person.born.isoformat(),
        "address": [{"line": [person.street], "city": "Albany", "state": "NY", "postalCode": "12207"}],
    }


def stay(person: Person, ehr: str, *, start: date, end: date | None) -> Record:
    """Return the EpisodeOfCare of a stay, which goes on where no end is told."""
    edition, code, display = LEVELS[ehr]
    system = f"https://coordinator.example/fhir/CodeSystem/asam-{edition}"
    period: Record = {"start": start.isoformat()}
    if end is not None:
        period["end"] = end.isoformat()
    return {
        "resourceType": "EpisodeOfCare",
        "id": f"{person.id(ehr)}-stay",
        "status": "active" if end is None else "finished",
        "type": [{"coding": [{"system": system, "code": code, "display": display}]}],
        "patient": person.reference(ehr),
        "period": period,
    }


def goal(person: Person, ehr: str, text: str, *, number: int, due: date) -> Record:
    """Return a Goal."""
    return {
        "resourceType": "Goal",
        "id": f"{person.id(ehr)}-goal-{number}",
        "lifecycleStatus": "active",
        "description": {"text": text},
        "subject": person.reference(ehr),
        "target": [{"dueDate": due.isoformat()}],
    }


def plan(person: Person, ehr: str, goals: list[Record]) -> Record:
    """Return the CarePlan that holds some goals."""
    return {
        "resourceType": "CarePlan",
        "id": f"{person.id(ehr)}-plan",
        "status": "active",
        "intent": "plan",
        "subject": person.reference(ehr),
        "goal": [{"reference": f"Goal/{one['id']}"} for one in goals],
    }


def order(person: Person, ehr: str, *, films: int, at: date) -> Record:
    """Return a MedicationRequest of so many films a day."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"{person.id(ehr)}-order",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _concept(FILM),
        "subject": person.reference(ehr),
        "authoredOn": at.isoformat(),
        "dosageInstruction": [_films(films)],
    }


def supply(person: Person, ehr: str, *, films: int, at: date, days: int) -> Record:
    """Return a MedicationDispense for some days."""
    return {
        "resourceType": "MedicationDispense",
        "id": f"{person.id(ehr)}-supply",
        "status": "completed",
        "medicationCodeableConcept": _concept(FILM),
        "subject": person.reference(ehr),
        "authorizingPrescription": [{"reference": f"MedicationRequest/{person.id(ehr)}-order"}],
        "quantity": {"value": films * days, "unit": "FILM"},
        "daysSupply": {"value": days, "unit": "days", "system": UCUM, "code": "d"},
        "whenHandedOver": f"{at.isoformat()}T15:00:00Z",
    }


def statement(person: Person, ehr: str, *, films: int, since: date) -> Record:
    """Return a MedicationStatement of what is taken since a day."""
    return {
        "resourceType": "MedicationStatement",
        "id": f"{person.id(ehr)}-statement",
        "status": "active",
        "medicationCodeableConcept": _concept(FILM),
        "subject": person.reference(ehr),
        "effectivePeriod": {"start": since.isoformat()},
        "dateAsserted": f"{since.isoformat()}T15:00:00Z",
        "dosage": [_films(films)],
    }


def doses(person: Person, ehr: str, *, milligrams: int, last: date, days: int) -> list[Record]:
    """Return a MedicationAdministration for each of some days up to the last."""
    return [
        {
            "resourceType": "MedicationAdministration",
            "id": f"{person.id(ehr)}-dose-{(last - timedelta(days=back)).isoformat()}",
            "status": "completed",
            "medicationCodeableConcept": _concept(METHADONE),
            "subject": person.reference(ehr),
            "effectiveDateTime": f"{(last - timedelta(days=back)).isoformat()}T12:00:00Z",
            "dosage": {
                "text": f"{milligrams} mg once daily",
                "dose": {"value": milligrams, "unit": "mg", "system": UCUM, "code": "mg"},
            },
        }
        for back in reversed(range(days))
    ]


def consent(person: Person, source: str, recipient: str, *, names: dict[str, str]) -> bytes:
    """Return a written consent that one organization may tell another, in the form of the world to begin with."""
    text = files("coordinator.sandbox").joinpath("template/consents/residential-to-iop.json").read_text("utf-8")
    changed = {
        "example-residential-to-iop": f"{person.id(source)}-to-{recipient}",
        "https://residential.example/mrn": f"https://{source}.example/mrn",
        '"R-1"': f'"{person.id(source).upper()}"',
        "Robin Example": f"{person.given} {person.family}",
        '"value": "residential"': '"value": "@source"',
        '"value": "iop"': f'"value": "{recipient}"',
        "Example Residential": "@name",
        "Example IOP": names[recipient],
        "@source": source,
        "@name": names[source],
    }
    for before, after in changed.items():
        text = text.replace(before, after)
    return dumps(parse(text.encode())) + b"\n"


def _concept(product: tuple[str, str]) -> Record:
    code, display = product
    return {"coding": [{"system": RXNORM, "code": code, "display": display}], "text": display}


def _films(count: int) -> Record:
    return {
        "text": f"{count} film{'s' if count > 1 else ''} under the tongue once daily",
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": count, "unit": "film"}}],
    }
