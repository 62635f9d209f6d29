"""A person's evidence, sorted into the nouns of care: what each stage of reconciling reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from coordinator.care.bill.mapping import TYPES as BILL_TYPES
from coordinator.care.bill.mapping import read_bill
from coordinator.care.bill.model import BillRecord
from coordinator.care.care_plan.mapping import read_care_plan, read_goal
from coordinator.care.care_plan.model import CarePlanRecord, GoalRecord
from coordinator.care.care_team.mapping import read_care_team
from coordinator.care.care_team.model import CareTeamRecord
from coordinator.care.certification.mapping import LENSES, read_certification
from coordinator.care.certification.model import CertificationRecord
from coordinator.care.enrollment.mapping import read_episode
from coordinator.care.enrollment.model import EpisodeRecord
from coordinator.care.medication.mapping import read_medication
from coordinator.care.medication.model import MedicationRecord, Proof
from coordinator.care.patient.mapping import read_patient
from coordinator.care.patient.model import PatientRecord
from coordinator.care.referral.mapping import read_request, read_task
from coordinator.care.referral.model import RequestRecord, TaskRecord
from coordinator.care.session.mapping import read_appointment, read_encounter, read_place
from coordinator.care.session.model import AppointmentRecord, EncounterRecord, PlaceRecord
from coordinator.fhir import Document
from coordinator.reconcile.model import Evidence, Presence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """A record with the evidence it was read from."""

    evidence: Evidence
    record: T

    @property
    def ref(self) -> str:
        """Return the citation of the version it was read from."""
        return self.evidence.ref

    @property
    def ehr(self) -> str:
        """Return the EHR it came from."""
        return self.evidence.ehr


Contact = Seen[EncounterRecord] | Seen[CarePlanRecord]  # what shows a stay where an EHR has no EpisodeOfCare


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All that is known of one person, by concept; Medication documents and places by (ehr, id).

    Observations are kept unread: most are vital signs and laboratory values, and only assessments say anything here.
    """

    patients: tuple[Seen[PatientRecord], ...]
    episodes: tuple[Seen[EpisodeRecord], ...]
    encounters: tuple[Seen[EncounterRecord], ...]
    appointments: tuple[Seen[AppointmentRecord], ...]
    places: dict[tuple[str, str], Seen[PlaceRecord]]
    medications: tuple[Seen[MedicationRecord], ...]
    plans: tuple[Seen[CarePlanRecord], ...]
    goals: tuple[Seen[GoalRecord], ...]
    care_teams: tuple[Seen[CareTeamRecord], ...]
    certifying: tuple[Seen[CertificationRecord], ...]
    medicines: dict[tuple[str, str], Document]
    vanished: tuple[Evidence, ...]
    requests: tuple[Seen[RequestRecord], ...]
    tasks: tuple[Seen[TaskRecord], ...]
    observations: tuple[Evidence, ...]
    answers: tuple[Evidence, ...]
    bills: tuple[Seen[BillRecord], ...]


def distinct(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return evidence in the order of its citations; a version that arrived twice counts once, as learned of last."""
    by_arrival = sorted(evidence, key=lambda one: (one.ref, one.learned_at, one.presence.value, one.ours))
    return list({one.ref: one for one in by_arrival}.values())


def chart_of(evidence: Sequence[Evidence]) -> Chart:
    """Return the chart: what is present and not our own echo, each kind in the order of its citations."""
    ordered = distinct(evidence)
    present = [one for one in ordered if one.presence is Presence.PRESENT and not one.ours]
    return Chart(
        patients=_seen(present, ("Patient",), read_patient),
        episodes=_without_errors(_seen(present, ("EpisodeOfCare",), read_episode)),
        encounters=_without_errors(_seen(present, ("Encounter",), read_encounter)),
        appointments=_without_errors(_seen(present, ("Appointment",), read_appointment)),
        places={(one.ehr, one.evidence.document.id): one for one in _seen(present, ("Location",), read_place)},
        medications=_without_errors(_seen(present, tuple(proof.value for proof in Proof), read_medication)),
        plans=_without_errors(_seen(present, ("CarePlan",), read_care_plan)),
        goals=_without_errors(_seen(present, ("Goal",), read_goal)),
        care_teams=_without_errors(_seen(present, ("CareTeam",), read_care_team)),
        certifying=_without_errors(_seen(present, tuple(LENSES), read_certification)),
        medicines={(one.ehr, one.document.id): one.document for one in present if one.document.type == "Medication"},
        vanished=tuple(one for one in ordered if one.presence is not Presence.PRESENT),
        tasks=_without_errors(_seen(present, ("Task",), read_task)),
        requests=_without_errors(_seen(present, ("ServiceRequest",), read_request)),
        observations=tuple(one for one in present if one.document.type == "Observation"),
        answers=tuple(one for one in present if one.document.type == "QuestionnaireResponse"),
        bills=_without_errors(_seen(present, BILL_TYPES, read_bill)),
    )


def _seen(present: Sequence[Evidence], types: Sequence[str], read: Callable[[Document], T]) -> tuple[Seen[T], ...]:
    return tuple(Seen(one, read(one.document)) for one in present if one.document.type in types)


def _without_errors(seen: tuple[Seen[T], ...]) -> tuple[Seen[T], ...]:
    """Leave out what its own EHR says was entered in error."""
    return tuple(one for one in seen if getattr(one.record, "status", None) != "entered-in-error")
