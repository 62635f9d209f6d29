"""What is known of a person's medication: the records that count, the courses they make, and the steps of a dose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date

from coordinator.care.medication.model import Dose, MedicationRecord, Product, Proof
from coordinator.fhir import Interval, Json, instant_of
from coordinator.reconcile.chart import Seen
from coordinator.reconcile.merge import Side
from coordinator.reconcile.model import Finding

ITEM = "course:"
DOSE = "dose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One record of a MAT product, with what its kind can prove. `sorted_at` is its time, by instants where known."""

    seen: Seen[MedicationRecord]
    product: Product
    dose: Dose | None
    supplied: Dose | None
    covers: Interval | None
    day: Interval | None
    sorted_at: str

    @property
    def proof(self) -> Proof:
        """Return what the record can prove."""
        return self.seen.record.proof

    @property
    def ref(self) -> str:
        """Return the citation of the record."""
        return self.seen.ref

    @property
    def order(self) -> tuple[str, str]:
        """Return what sorts takes by time."""
        return (self.sorted_at, self.seen.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a person is on: one per product form. `dose` is None where nobody states one; see `disputed`.

    `treatment` is the ingredient that treats (buprenorphine of buprenorphine/naloxone). `others` are records that say
    that it is not taken.
    """

    key: str
    ingredient: str
    form: str
    treatment: str
    dose: Dose | None
    disputed: bool
    status: str
    covered: tuple[Interval, ...]
    gaps: tuple[Interval, ...]
    last_seen: date | None
    takes: tuple[Take, ...]
    sides: tuple[Side, ...]
    rules: tuple[str, ...]

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return citations of all evidence."""
        return tuple(sorted(take.seen.ref for take in self.takes))

    @property
    def latest(self) -> Take:
        """Return the latest record."""
        return self.takes[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """All courses, the agreed doses, and what is open."""

    courses: tuple[Course, ...]
    agreed: Mapping[str, dict[str, dict[str, Json]]]
    findings: tuple[Finding, ...]


def moment_of(text: str) -> str:
    """Return what sorts FHIR times: the instant in UTC where there is one, else the text."""
    moment = instant_of(text) if text else None
    return moment.astimezone(UTC).isoformat() if moment else text
