"""What an EHR can do and what follows, per type and per concept; what is wrong, with its cause and cure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.ehr.capability import INTERACTIONS, Statement
from coordinator.ehr.connect import EhrRoom, OpenEhr
from coordinator.ehr.strategy import CONCEPTS, ladder, strategy, vendor
from coordinator.errors import ConfigurationError, EhrError
from coordinator.fhir import Json
from coordinator.sync.records import EhrConnection

CHECKED = (
    "Patient",
    "EpisodeOfCare",
    "Encounter",
    "CarePlan",
    "Goal",
    "ServiceRequest",
    "Observation",
    "Task",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationDispense",
    "MedicationAdministration",
    "Medication",
    "DocumentReference",
    "Communication",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRow:
    """A type: what the EHR offers, how it is pulled and why so."""

    type: str
    offers: tuple[str, ...]
    pulling: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptRow:
    """A concept: the forms in which the EHR can be told of it, best first, with the type that carries each."""

    concept: str
    forms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and what to do about it."""

    what: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check of one EHR found; without types where it could not be used at all."""

    ehr: str
    fhir_version: str = ""
    software: str = ""
    vendor: str = ""
    types: tuple[TypeRow, ...] = ()
    concepts: tuple[ConceptRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    profile: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Say whether the EHR can be worked with."""
        return bool(self.types)


async def check_connection(room: EhrRoom, connection: EhrConnection) -> Report:
    """Return what an EHR can do; trouble is part of the report. It creates nothing and searches for nobody."""
    try:
        async with room.open(connection) as ehr:
            return _report(ehr)
    except (EhrError, ConfigurationError) as problem:
        return Report(ehr=connection.name, problems=(Problem(what=str(problem), cure=problem.hint),))


def _report(ehr: OpenEhr) -> Report:
    statement = ehr.statement
    types = tuple(_type_row(ehr, type_) for type_ in CHECKED)
    concepts = tuple(_concept_row(statement, concept) for concept in CONCEPTS)
    return Report(
        ehr=ehr.name,
        fhir_version=statement.fhir_version,
        software=statement.software,
        vendor=vendor(statement),
        types=types,
        concepts=concepts,
        problems=tuple(_problems(types, concepts)),
        profile={**ehr.connection.profile, "software": statement.software, "fhir_version": statement.fhir_version},
    )


def _type_row(ehr: OpenEhr, type_: str) -> TypeRow:
    facts = ehr.statement.of(type_)
    way = strategy(ehr.statement, type_, ehr.site)
    return TypeRow(
        type=type_,
        offers=tuple(name for name in INTERACTIONS if getattr(facts, name)),
        pulling=way.pulling.value,
        reason=way.reason,
    )


def _concept_row(statement: Statement, concept: str) -> ConceptRow:
    rungs = tuple((rung.form.value, rung.type) for rung in ladder(statement, concept))
    return ConceptRow(concept=concept, forms=(*rungs, ("none", "")))


def _problems(types: tuple[TypeRow, ...], concepts: tuple[ConceptRow, ...]) -> list[Problem]:
    unseen = [row.type for row in types if row.pulling == "not-served" and row.type in _NEEDED]
    found = [
        Problem(
            what=f"{', '.join(unseen)} can't be pulled from here.",
            cure="Silence about them proves nothing; ask the EHR's operator for the scope, or map what shows them.",
        )
    ]
    mute = [row.concept for row in concepts if len(row.forms) == 1]
    told = Problem(
        what=f"Of {', '.join(mute)} this EHR can be told in no form.",
        cure="It stays owed and visible in `coordinator plan`, for a person to deliver.",
    )
    return [*(found if unseen else []), *([told] if mute else [])]


_NEEDED = frozenset({"EpisodeOfCare", "Encounter", "CarePlan", "Goal", "MedicationRequest"})
