"""The four kinds of medication record are read in common words, however each names its medication."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from coordinator.care.medication.mapping import (
    TwoMedications,
    read_medication,
    read_medication_resource,
    write_medication,
)
from coordinator.care.medication.model import MedicationRecord, Proof
from coordinator.fhir import CodeableConcept, Coding, Document, Quantity, WrongType, read_document

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
FILM = {"coding": [{"system": RXNORM, "code": "1010604"}]}
FILM_CONCEPT = CodeableConcept(codings=(Coding(system=RXNORM, code="1010604"),))


def document(resource_type: str, **members: Any) -> Document:
    return read_document(json.dumps({"resourceType": resource_type, "id": "1", **members}).encode())


def test_an_order_is_read():
    record = read_medication(
        document(
            "MedicationRequest",
            status="active",
            intent="order",
            medicationCodeableConcept=FILM,
            subject={"reference": "Patient/p"},
            authoredOn="2026-04-10T10:05:00-04:00",
            dosageInstruction=[{"text": "x"}],
            dispenseRequest={
                "quantity": {"value": 42, "unit": "film"},
                "expectedSupplyDuration": {"value": 14, "code": "d"},
            },
            priorPrescription={"reference": "MedicationRequest/M-1"},
            basedOn=[{"reference": "CarePlan/c"}],
            reportedBoolean=False,
        )
    )

    assert record == MedicationRecord(
        proof=Proof.ORDER,
        status="active",
        intent="order",
        medication=FILM_CONCEPT,
        patient="Patient/p",
        at="2026-04-10T10:05:00-04:00",
        dosage=[{"text": "x"}],
        quantity=Quantity(value=Decimal(42), unit="film"),
        days_supply=Quantity(value=Decimal(14), code="d"),
        prior="MedicationRequest/M-1",
        based_on=("CarePlan/c",),
        reported=False,
    )


def test_a_supply_a_dose_and_a_statement_are_read_each_by_its_own_paths():
    supply = read_medication(
        document(
            "MedicationDispense",
            whenHandedOver="2026-04-12",
            quantity={"value": 42},
            daysSupply={"value": 14},
            authorizingPrescription=[{"reference": "MedicationRequest/M-2"}],
        )
    )
    dose = read_medication(
        document(
            "MedicationAdministration",
            effectiveDateTime="2026-04-12",
            dosage={"dose": {"value": 85}},
            request={"reference": "MedicationRequest/r"},
        )
    )
    statement = read_medication(
        document(
            "MedicationStatement",
            dateAsserted="2026-04-11",
            effectivePeriod={"start": "2026-03-02"},
            informationSource={"reference": "Patient/p"},
            derivedFrom=[{"reference": "MedicationRequest/r"}],
        )
    )

    assert (supply.at, supply.quantity, supply.days_supply) == (
        "2026-04-12",
        Quantity(value=Decimal(42)),
        Quantity(value=Decimal(14)),
    )
    assert supply.based_on == ("MedicationRequest/M-2",)
    assert (dose.at, dose.dosage, dose.based_on) == ("2026-04-12", {"dose": {"value": 85}}, ("MedicationRequest/r",))
    assert (statement.at, statement.effective_start, statement.effective_end) == ("2026-04-11", "2026-03-02", None)
    assert (statement.source, statement.derived_from) == ("Patient/p", ("MedicationRequest/r",))


def test_a_statement_about_one_moment_begins_and_ends_there_and_stays_so():
    moment = document("MedicationStatement", effectiveDateTime="2026-04-11")
    record = read_medication(moment)

    assert (record.effective_start, record.effective_end) == ("2026-04-11", "2026-04-11")
    moved = write_medication(replace(record, effective_start="2026-04-12", effective_end="2026-04-12"), moment)
    assert moved.tree == {"resourceType": "MedicationStatement", "id": "1", "effectiveDateTime": "2026-04-12"}
    lasting = write_medication(replace(record, effective_end=None), moment)
    assert lasting.tree == {
        "resourceType": "MedicationStatement",
        "id": "1",
        "effectivePeriod": {"start": "2026-04-11"},
    }


@pytest.mark.parametrize(
    ("members", "medication", "reference"),
    [
        ({"medicationReference": {"reference": "Medication/9"}}, None, "Medication/9"),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": FILM}],
            },
            FILM_CONCEPT,
            "#m",
        ),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Substance", "id": "m", "code": FILM}],
            },
            None,
            "#m",
        ),
        (
            {
                "medicationReference": {"reference": "#other"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": FILM}],
            },
            None,
            "#other",
        ),
        ({"medicationReference": {"display": "x"}}, None, None),
        ({}, None, None),
    ],
    ids=["elsewhere", "contained", "contained but no Medication", "dangling", "words only", "none"],
)
def test_a_medication_is_found_however_it_is_named(
    members: Any, medication: CodeableConcept | None, reference: str | None
):
    record = read_medication(document("MedicationRequest", **members))

    assert (record.medication, record.medication_reference) == (medication, reference)


def test_a_contained_medication_goes_with_the_reference_that_meant_it():
    contained = document(
        "MedicationRequest",
        contained=[{"resourceType": "Medication", "id": "m", "code": FILM}],
        medicationReference={"reference": "#m"},
    )

    written = write_medication(replace(read_medication(contained), medication_reference=None), contained)

    assert written.tree == {"resourceType": "MedicationRequest", "id": "1", "medicationCodeableConcept": FILM}


def test_a_record_that_names_two_medications_is_refused():
    named = document("MedicationRequest", medicationCodeableConcept=FILM)

    with pytest.raises(TwoMedications):
        write_medication(replace(read_medication(named), medication_reference="Medication/9"), named)


def test_a_document_of_another_type_is_refused():
    with pytest.raises(WrongType):
        read_medication(document("Goal"))
    with pytest.raises(WrongType):
        read_medication_resource(document("Goal"))
    with pytest.raises(WrongType):
        write_medication(MedicationRecord(proof=Proof.DOSE), document("MedicationRequest"))


def test_a_medication_resource_says_what_it_is():
    assert read_medication_resource(document("Medication", code=FILM)) == FILM_CONCEPT
    assert read_medication_resource(document("Medication")) is None
