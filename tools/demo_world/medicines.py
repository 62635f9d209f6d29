"""Records of medication for opioid or alcohol use disorder: ordered, handed over, given, reported."""

from .charts import SNOMED, V3, Extra, Page, Record, concept, instant

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
FILM = ("1010604", "buprenorphine 8 MG / naloxone 2 MG Sublingual Film")
NALTREXONE = ("1483744", "naltrexone hydrochloride 50 MG Oral Tablet")
NALTREXONE_SHOT = ("637213", "naltrexone 380 MG Injection")
METHADONE = ("991147", "methadone hydrochloride 10 MG/ML Oral Solution")
ACAMPROSATE = ("835726", "acamprosate calcium 333 MG Delayed Release Oral Tablet")
SHOT_96 = ("2639041", "0.27 ML buprenorphine 356 MG/ML Prefilled Syringe")
SHOT_100 = ("1996184", "0.5 ML buprenorphine 200 MG/ML Prefilled Syringe")
SHOT_300 = ("1996192", "1.5 ML buprenorphine 200 MG/ML Prefilled Syringe")

Product = tuple[str, str]
_UNITS = {"film": "FILM", "tablet": "TAB"}
_ROUTES = {"film": ("37839007", "Sublingual route"), "tablet": ("26643006", "Oral route")}


def _medicine(product: Product) -> Record:
    return {"medicationCodeableConcept": concept(RXNORM, *product)}


def _dosage(count: int, unit: str, times: int) -> Record:
    often = {1: "once", 2: "twice", 3: "three times"}[times]
    where = "under the tongue" if unit == "film" else "by mouth"
    return {
        "text": f"{count} {unit}{'s' if count > 1 else ''} {where} {often} daily",
        "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
        "route": concept(SNOMED, *_ROUTES[unit]),
        "doseAndRate": [
            {
                "type": concept(f"{V3}/dose-rate-type", "ordered", "Ordered"),
                "doseQuantity": {
                    "value": count,
                    "unit": unit,
                    "system": f"{V3}/v3-orderableDrugForm",
                    "code": _UNITS[unit],
                },
            }
        ],
    }


def order(page: Page, id_: str, product: Product, *, dose: tuple[int, str, int], at: str, **more: Extra) -> Record:
    """Return a MedicationRequest of so many units so many times a day; `status` and `prior` as they apply."""
    prior = {"priorPrescription": {"reference": f"MedicationRequest/{more['prior']}"}} if more.get("prior") else {}
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        **page.chart.identifier("rx", id_),
        "status": more.get("status", "active"),
        "intent": "order",
        "category": [concept(f"{V3}/medicationrequest-category", "outpatient", "Outpatient")],
        **_medicine(product),
        "subject": page.subject(),
        "authoredOn": instant(at),
        "requester": page.chart.by(),
        "dosageInstruction": [_dosage(*dose)],
        **prior,
    }


def supply(page: Page, id_: str, product: Product, *, amount: tuple[int, str, int], at: str, **more: str) -> Record:
    """Return a MedicationDispense of so many units for so many days; `order` names its prescription."""
    quantity, unit, lasting = amount
    based = (
        {"authorizingPrescription": [{"reference": f"MedicationRequest/{more['order']}"}]} if more.get("order") else {}
    )
    return {
        "resourceType": "MedicationDispense",
        "id": id_,
        **page.chart.identifier("dispense", id_),
        "status": "completed",
        **_medicine(product),
        "subject": page.subject(),
        **based,
        "quantity": {"value": quantity, "unit": unit},
        "daysSupply": {"value": lasting, "unit": "days", "system": UCUM, "code": "d"},
        "whenHandedOver": instant(at),
    }


def given(page: Page, product: Product, *, milligrams: int, text: str, at: str) -> Record:
    """Return the MedicationAdministration of a dose at a local time."""
    return {
        "resourceType": "MedicationAdministration",
        "id": page.chart.next_id("ma"),
        "status": "completed",
        **_medicine(product),
        "subject": page.subject(),
        "effectiveDateTime": instant(at),
        "performer": [{"actor": page.chart.by()}],
        "dosage": {"text": text, "dose": {"value": milligrams, "unit": "mg", "system": UCUM, "code": "mg"}},
    }


def said(page: Page, id_: str, product: Product, *, dose: tuple[int, str, int], times: tuple[str, str]) -> Record:
    """Return a MedicationStatement of what is taken since a day, asserted at a local time."""
    since, asserted = times
    return {
        "resourceType": "MedicationStatement",
        "id": id_,
        **page.chart.identifier("med-list", id_),
        "status": "active",
        **_medicine(product),
        "subject": page.subject(),
        "effectivePeriod": {"start": since},
        "dateAsserted": instant(asserted),
        "informationSource": page.chart.by(),
        "dosage": [_dosage(*dose)],
    }
