"""The patient records that may be of the same person: those that share a matching key."""

from coordinator.care.patient.mapping import read_patient
from coordinator.care.patient.model import PatientRecord
from coordinator.care.patient.rules import matching_keys, wider_keys
from coordinator.fhir import read_document
from coordinator.matching import Candidate
from coordinator.sync.ports import Transaction
from coordinator.sync.records import PatientKey


async def candidates(tx: Transaction, record: PatientRecord, own: PatientKey) -> list[Candidate]:
    """Return the patient records that share a matching key with this one, in order of place."""
    by_key = await tx.people.with_keys(keys_of(record))
    others = sorted({key for keys in by_key.values() for key in keys} - {own})
    links = await tx.people.linked(others)
    found: list[Candidate] = []
    for ehr, patient in others:
        version = await tx.evidence.one(ehr, "Patient", patient)
        if version is None:
            continue
        link = links.get((ehr, patient))
        found.append(
            Candidate(
                person=link.person if link else None,
                place=f"{ehr}/Patient/{patient}",
                record=read_patient(read_document(version.body)),
            )
        )
    return found


def keys_of(record: PatientRecord) -> tuple[str, ...]:
    """Return the keys under which records meet that may be of one person: for certain, or in part."""
    return (*matching_keys(record), *wider_keys(record))
