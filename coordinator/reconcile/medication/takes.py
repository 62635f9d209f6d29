"""Sort a person's medication records: those of MAT products, each told by its code, and all other medicines."""

from dataclasses import dataclass

from coordinator.care.medication.mapping import read_medication_resource
from coordinator.care.medication.model import MedicationRecord, Product, Proof
from coordinator.care.medication.rules import (
    RXNORM,
    consent_codes,
    dose_of,
    is_live,
    is_mat,
    is_negated,
    product_of,
    seen_at,
    supplied_dose,
    supply_interval,
)
from coordinator.fhir import Absolute, CodeableConcept, Relative, day_of, parse_reference
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.medication.model import Take, moment_of
from coordinator.reconcile.model import Policy
from coordinator.reconcile.timeline import OTP


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherMedicine:
    """A live record of a medicine that is no MAT, with the RxNorm codes of its product and ingredients."""

    seen: Seen[MedicationRecord]
    codes: frozenset[str]
    product: Product | None


def sorted_medications(chart: Chart, policy: Policy) -> tuple[list[Take], list[OtherMedicine]]:
    """Return the live records of MAT products, in order of time, and those of other medicines."""
    dosing = _dosing_organizations(policy)
    injection_days = _injection_days(policy)
    takes: list[Take] = []
    others: list[OtherMedicine] = []
    for seen in chart.medications:
        if not is_live(seen.record) and not _denies(seen.record):
            continue
        concept = _concept(seen, chart)
        product = product_of(concept)
        if product is not None and is_mat(product, for_use_disorder=seen.evidence.organization in dosing):
            takes.append(_take(seen, product, policy, injection_days))
        elif concept is not None and is_live(seen.record):
            codes = frozenset(code.strip() for code in concept.codes_of(RXNORM))
            codes |= consent_codes(product) if product else frozenset()
            others.append(OtherMedicine(seen=seen, codes=codes, product=product))
    return sorted(takes, key=lambda one: one.order), others


def _denies(record: MedicationRecord) -> bool:
    """Say whether somebody states that the medicine is not taken; a dose that was not given says no more than that."""
    return record.proof is Proof.STATEMENT and is_negated(record)


def _take(seen: Seen[MedicationRecord], product: Product, policy: Policy, injection_days: int | None) -> Take:
    record = seen.record
    at = seen_at(record) or record.effective_start or ""
    return Take(
        seen=seen,
        product=product,
        dose=dose_of(record, product),
        supplied=supplied_dose(record, product),
        covers=supply_interval(record, product, zone=policy.zone, injection_days=injection_days),
        day=day_of(at, policy.zone) if at else None,
        sorted_at=moment_of(at),
    )


def _injection_days(policy: Policy) -> int | None:
    """Return how long an injection lasts where the tenant chose so among what its label allows."""
    chosen = policy.options.get("injection_coverage_days")
    return chosen if isinstance(chosen, int) and not isinstance(chosen, bool) and chosen > 0 else None


def _dosing_organizations(policy: Policy) -> frozenset[str]:
    """Return the organizations that run an opioid treatment program: there a methadone tablet is no pain treatment."""
    return frozenset(one.organization for one in policy.programs.values() if one.code == OTP)


def _concept(seen: Seen[MedicationRecord], chart: Chart) -> CodeableConcept | None:
    """Return what medicine a record is about: its own concept, or that of the Medication it refers to."""
    if seen.record.medication is not None:
        return seen.record.medication
    reference = parse_reference(seen.record.medication_reference or "")
    id_ = reference.id if isinstance(reference, Relative | Absolute) else ""
    document = chart.medicines.get((seen.ehr, id_))
    return read_medication_resource(document) if document else None
