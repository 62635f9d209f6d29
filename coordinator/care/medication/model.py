"""What shows that a medicine was ordered, supplied, given or reported."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from coordinator.fhir import CodeableConcept, Json, Quantity


class Proof(Enum):
    """What a record proves: intent, supply in hand, a dose received, or that someone said so."""

    ORDER = "MedicationRequest"
    SUPPLY = "MedicationDispense"
    DOSE = "MedicationAdministration"
    STATEMENT = "MedicationStatement"


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationRecord:
    """One of the four kinds of medication record, in common words.

    `medication` is the concept in the record itself, of a contained Medication, or None when `medication_reference`
    names one elsewhere. `at` is when it was ordered, handed over, given or asserted (FHIR text); `effective_start` and
    `effective_end` bound a statement's or an administration's period. `dosage` is the raw Dosage list of the record,
    of an administration the one dosage object. `reported` says that an order is told of by somebody else, `requester`
    who ordered; `source` and `derived_from` are who says a statement, and what it was made from.
    """

    proof: Proof
    status: str | None = None
    intent: str | None = None
    medication: CodeableConcept | None = None
    medication_reference: str | None = None
    patient: str | None = None
    at: str | None = None
    effective_start: str | None = None
    effective_end: str | None = None
    dosage: Json = None
    quantity: Quantity | None = None
    days_supply: Quantity | None = None
    prior: str | None = None
    based_on: tuple[str, ...] = ()
    reported: bool | None = None
    requester: str | None = None
    derived_from: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A row of the MOUD product table: what a product code is, for what use, and its strength per unit.

    `strength` is that of the first ingredient: mg of a unit (`mg`), of a milliliter (`mg/mL`) or of an hour (`mg/h`).
    `interval_days` is how long one dose of a long-acting product lasts, `least_days` the shortest time to the next;
    `interval_most` is set where the interval is a range, of which `interval_days` is the least and a tenant may choose.
    `is_mat_in_context` marks what counts as MAT only where the record shows that use: an ingredient, a hospital's
    injection.
    """

    code: str
    name: str
    term_type: str
    ingredient: str
    form: str
    use: str
    strength: Decimal | None
    strength_unit: str | None
    interval_days: int | None
    is_mat: bool
    verified: bool
    is_mat_in_context: bool = False
    volume_ml: Decimal | None = None
    least_days: int | None = None
    interval_most: int | None = None

    def __hash__(self) -> int:
        """Return the hash of the code, which names the row."""
        return hash(self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """An amount of the first ingredient per period, such as 16 mg per `d`.

    `per` is `d`, several days as `2d` or `7d`, or `dose` for a long-acting product, whose doses are not spread over
    days.
    """

    value: Decimal
    unit: str
    per: str
