"""A person's evidence, sorted into the nouns of care: what each stage of reconciling reads."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
from coordinator.care.session.model import AppointmentRecord, EncounterRecord, Kind, PlaceRecord
from coordinator.care.session.rules import is_attended, kind_of, mode_of
from coordinator.fhir import Document, once
from coordinator.reconcile.model import Evidence, Presence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """A record with the evidence it was read from, which tells its citation and its EHR.

    `kept` is what was concluded from it alone.
    """

    evidence: Evidence
    record: T
    ref: str = field(init=False, repr=False, compare=False)
    ehr: str = field(init=False, repr=False, compare=False)
    kept: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take over citation and EHR: they are asked for again and again."""
        object.__setattr__(self, "ref", self.evidence.ref)
        object.__setattr__(self, "ehr", self.evidence.ehr)


Contact = Seen[EncounterRecord] | Seen[CarePlanRecord]  # what shows a stay where an EHR has no EpisodeOfCare


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All that is known of one person, by concept; Medication documents and places by (ehr, id).

    `attended` are the encounters at which the person was; of them `assessing` are the sessions of assessment, and
    `overnight` those that include nights. Observations are kept unread: most are vital signs and laboratory values, and
    only assessments say anything here.
    """

    patients: tuple[Seen[PatientRecord], ...]
    episodes: tuple[Seen[EpisodeRecord], ...]
    encounters: tuple[Seen[EncounterRecord], ...]
    attended: tuple[Seen[EncounterRecord], ...]
    assessing: tuple[Seen[EncounterRecord], ...]
    overnight: tuple[Seen[EncounterRecord], ...]
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
    latest: dict[str, Evidence] = {}
    for one in evidence:
        other = latest.setdefault(one.ref, one)
        if other is not one and _arrival(other) <= _arrival(one):
            latest[one.ref] = one
    return [latest[ref] for ref in sorted(latest)]


def _arrival(one: Evidence) -> tuple[datetime, str, bool]:
    return one.learned_at, one.presence.value, one.ours


def chart_of(evidence: Sequence[Evidence]) -> Chart:
    """Return the chart of distinct evidence: what is present and not our own echo, in the order of its citations."""
    present: dict[str, list[Evidence]] = {}
    for one in evidence:
        if one.presence is Presence.PRESENT and not one.ours:
            present.setdefault(one.document.type, []).append(one)
    encounters = _sound(present.get("Encounter", ()), read_encounter)
    attended = tuple(one for one in encounters if one.record.start is not None and is_attended(one.record))
    return Chart(
        patients=_seen(present.get("Patient", ()), read_patient),
        episodes=_sound(present.get("EpisodeOfCare", ()), read_episode),
        encounters=encounters,
        attended=attended,
        assessing=tuple(one for one in attended if _kind(one) == "assessment"),
        overnight=tuple(one for one in attended if mode_of(one.record) == "overnight"),
        appointments=_sound(present.get("Appointment", ()), read_appointment),
        places={(one.ehr, one.evidence.document.id): one for one in _seen(present.get("Location", ()), read_place)},
        medications=_sound(_several(present, (proof.value for proof in Proof)), read_medication),
        plans=_sound(present.get("CarePlan", ()), read_care_plan),
        goals=_sound(present.get("Goal", ()), read_goal),
        care_teams=_sound(present.get("CareTeam", ()), read_care_team),
        certifying=_sound(_several(present, LENSES), read_certification),
        medicines={(one.ehr, one.document.id): one.document for one in present.get("Medication", ())},
        vanished=tuple(one for one in evidence if one.presence is not Presence.PRESENT),
        tasks=_sound(present.get("Task", ()), read_task),
        requests=_sound(present.get("ServiceRequest", ()), read_request),
        observations=tuple(present.get("Observation", ())),
        answers=tuple(present.get("QuestionnaireResponse", ())),
        bills=_sound(_several(present, BILL_TYPES), read_bill),
    )


def _several(present: Mapping[str, Sequence[Evidence]], types: Iterable[str]) -> list[Evidence]:
    """Return the evidence of several types, in the order of its citations again."""
    return sorted((one for type_ in types for one in present.get(type_, ())), key=lambda one: one.ref)


def _seen(evidence: Iterable[Evidence], read: Callable[[Document], T]) -> tuple[Seen[T], ...]:
    return tuple([_seen_by(one, read) for one in evidence])


@once
def _seen_by(evidence: Evidence, read: Callable[[Document], T]) -> Seen[T]:
    return Seen(evidence, read(evidence.document))


@once
def _kind(seen: Seen[EncounterRecord]) -> Kind:
    return kind_of(seen.record)


def _sound(evidence: Iterable[Evidence], read: Callable[[Document], T]) -> tuple[Seen[T], ...]:
    """Leave out what its own EHR says was entered in error."""
    return tuple([one for one in _seen(evidence, read) if getattr(one.record, "status", None) != "entered-in-error"])
