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
ENDED = frozenset({"stopped", "completed", "on-hold", "not-taken"})


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
    def is_received(self) -> bool:
        """Say whether the record shows the medicine in hand or in the body."""
        return self.proof in (Proof.SUPPLY, Proof.DOSE)

    @property
    def order(self) -> tuple[str, str]:
        """Return what sorts takes by time."""
        return (self.sorted_at, self.seen.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Take):
    """A supply or a dose that covers days which are known."""

    covers: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """Whether a person takes a medicine, by what that is known, and since when it is known so."""

    status: str
    basis: str
    since: Interval | None
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseStep:
    """A dose that an EHR came to state: since when, by which kind of record."""

    dose: Dose
    since: Interval | None
    ehr: str
    proof: Proof
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseTrend:
    """The last changes of a dose that all went one way, `raised` or `lowered`, from the step before the first."""

    kind: str
    steps: tuple[DoseStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What came before: the course that gave way to this one, the first day of this one, and the days of both."""

    course: str
    day: date
    crossover: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a person is on: one per product form. `dose` is None where nobody states one; see `disputed`.

    `treatment` is the ingredient that treats (buprenorphine of buprenorphine/naloxone): a change of form is a switch to
    another course of the same treatment. `after` are the days since
    the last one covered; `bridged` are days without own supply that an inpatient stay elsewhere covers.
    """

    key: str
    ingredient: str
    form: str
    treatment: str
    dose: Dose | None
    disputed: bool
    status: str
    taking: Taking
    covered: tuple[Interval, ...]
    gaps: tuple[Interval, ...]
    after: tuple[Interval, ...]
    bridged: tuple[Interval, ...]
    bridging: tuple[str, ...]
    last_seen: date | None
    history: tuple[DoseStep, ...]
    trend: DoseTrend | None
    takes: tuple[Take, ...]
    sides: tuple[Side, ...]
    rules: tuple[str, ...]
    switched_from: Switch | None = None

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return citations of all evidence."""
        return tuple(sorted({*(take.seen.ref for take in self.takes), *self.bridging}))

    @property
    def is_ended(self) -> bool:
        """Say whether somebody said that it is over or not taken; silence says neither."""
        return self.status in ENDED

    @property
    def received(self) -> tuple[Received, ...]:
        """Return the supplies and doses that cover days, in order of time."""
        return tuple(one for one in self.takes if isinstance(one, Received))

    def shares_use(self, other: "Course") -> bool:
        """Say whether two courses treat the same disorder, so that one may take the place of the other."""
        return bool(_uses(self) & _uses(other))

    @property
    def prescribers(self) -> tuple[tuple[str, str], ...]:
        """Return who ordered what still holds: organization, and the reference that its EHR names them by."""
        orders = [one for one in self.takes if one.proof is Proof.ORDER and one.seen.record.status == "active"]
        return tuple(sorted({(one.seen.evidence.organization, one.seen.record.requester or "") for one in orders}))

    @property
    def suppliers(self) -> tuple[str, ...]:
        """Return the organizations that dispensed or gave it."""
        return tuple(sorted({one.seen.evidence.organization for one in self.takes if one.is_received}))

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


def _uses(course: Course) -> set[str]:
    return {"OUD", "AUD"} & set(course.takes[0].product.use.split())


def moment_of(text: str) -> str:
    """Return what sorts FHIR times: the instant in UTC where there is one, else the text."""
    moment = instant_of(text) if text else None
    return moment.astimezone(UTC).isoformat() if moment else text
