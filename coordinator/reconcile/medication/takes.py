"""Sort a person's medication records: those of MAT products, each told by its code, and all other medicines."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

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
from coordinator.fhir import Absolute, Document, Relative, day_of, once, read_reference
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.medication.model import Received, Take, moment_of
from coordinator.reconcile.model import Policy
from coordinator.reconcile.timeline import OTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """A record of a medicine, with its product where a code tells it, and the RxNorm codes that it goes by."""

    seen: Seen[MedicationRecord]
    codes: frozenset[str]
    product: Product | None


def sorted_medications(chart: Chart, policy: Policy) -> tuple[list[Take], list[Medicine]]:
    """Return the records of MAT products, in order of time, and of other medicines; a denial counts as one, too."""
    dosing = _dosing_organizations(policy)
    injection_days = _injection_days(policy)
    takes: list[Take] = []
    others: list[Medicine] = []
    for seen in chart.medications:
        if not is_live(seen.record) and not _denies(seen.record):
            continue
        medicine = _medicine(seen, _referred_to(seen, chart))
        product = medicine.product if medicine else None
        if product is not None and is_mat(product, for_use_disorder=seen.evidence.organization in dosing):
            takes.append(_take(seen, product, policy.zone, injection_days))
        elif medicine is not None:
            others.append(medicine)
    return sorted(takes, key=lambda one: one.order), others


def _denies(record: MedicationRecord) -> bool:
    """Say whether somebody states that the medicine is not taken; a dose that was not given says no more than that."""
    return record.proof is Proof.STATEMENT and is_negated(record)


@once
def _take(seen: Seen[MedicationRecord], product: Product, zone: ZoneInfo, injection_days: int | None) -> Take:
    record = seen.record
    at = seen_at(record) or record.effective_start or ""
    covers = supply_interval(record, product, zone=zone, injection_days=injection_days)
    kind: type[Take] = Take if covers is None else Received
    return kind(
        seen=seen,
        product=product,
        dose=dose_of(record, product),
        supplied=supplied_dose(record, product),
        covers=covers,
        day=day_of(at, zone) if at else None,
        sorted_at=moment_of(at),
    )


def _injection_days(policy: Policy) -> int | None:
    """Return how long an injection lasts where the tenant chose so among what its label allows."""
    chosen = policy.options.get("injection_coverage_days")
    return chosen if isinstance(chosen, int) and not isinstance(chosen, bool) and chosen > 0 else None


def _dosing_organizations(policy: Policy) -> frozenset[str]:
    """Return the organizations that run an opioid treatment program: there a methadone tablet is no pain treatment."""
    return frozenset(one.organization for one in policy.programs.values() if one.code == OTP)


def _referred_to(seen: Seen[MedicationRecord], chart: Chart) -> Document | None:
    """Return the Medication that a record refers to where it does not say itself what medicine it is about."""
    if seen.record.medication is not None:
        return None
    match read_reference({"reference": seen.record.medication_reference}):
        case Relative(id=id_) | Absolute(id=id_):
            return chart.medicines.get((seen.ehr, id_))
        case _:
            return None


@once
def _medicine(seen: Seen[MedicationRecord], referred_to: Document | None) -> Medicine | None:
    concept = read_medication_resource(referred_to) if referred_to else seen.record.medication
    if concept is None:
        return None
    product = product_of(concept)
    codes = frozenset(code.strip() for code in concept.codes_of(RXNORM))
    return Medicine(seen=seen, codes=codes | (consent_codes(product) if product else frozenset()), product=product)
