"""What an EHR can do and what follows, per type and per concept; what is wrong, with its cause and cure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from coordinator.ehr.capability import INTERACTIONS, Fact, Statement, TypeFacts
from coordinator.ehr.connect import MUCH_SKEW, EhrRoom, OpenEhr, skew_words
from coordinator.ehr.lanes import offered
from coordinator.ehr.smart import asked_scopes
from coordinator.ehr.strategy import CONCEPTS, Pulling, ladder, strategy, vendor
from coordinator.errors import ConfigurationError, EhrError
from coordinator.fhir import Json
from coordinator.sync.learned import made_of, not_kept
from coordinator.sync.records import EhrConnection

CHECKED = (
    "Patient",
    "EpisodeOfCare",
    "Encounter",
    "CarePlan",
    "Goal",
    "ServiceRequest",
    "Observation",
    "QuestionnaireResponse",
    "Claim",
    "ExplanationOfBenefit",
    "ChargeItem",
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
    """A type: what the EHR offers, how it is pulled and why so, and by which fast lane between full compares."""

    type: str
    offers: tuple[str, ...]
    pulling: str
    reason: str
    lane: str = ""
    lane_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptRow:
    """A concept: the forms in which the EHR can be told of it, best first, with the type that carries each."""

    concept: str
    forms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and what to do about it. `area` is `clock` where the cause lies with a clock."""

    what: str
    cure: str
    area: str = "ehr"


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
    skew: timedelta | None = None
    profile: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Say whether the EHR can be worked with."""
        return bool(self.types)


async def check_connection(room: EhrRoom, connection: EhrConnection) -> Report:
    """Return what an EHR can do; trouble is part of the report. It creates nothing and searches for nobody."""
    try:
        async with room.open(connection) as ehr:
            report = _report(ehr)
            return replace(report, problems=(_SHUT, *report.problems)) if await ehr.is_shut() else report
    except (EhrError, ConfigurationError) as problem:
        return Report(ehr=connection.name, problems=(Problem(what=str(problem), cure=problem.hint or _ASK),))


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
        problems=(
            *_problems(types, concepts),
            *_roster_problems(ehr),
            *_scope_problems(ehr),
            *_kept_problems(ehr),
            *_clock(ehr),
        ),
        skew=ehr.skew,
        profile=ehr.profile,
    )


def _type_row(ehr: OpenEhr, type_: str) -> TypeRow:
    facts = ehr.statement.of(type_)
    way = strategy(ehr.statement, type_, ehr.site)
    lane = offered(ehr.statement, type_, ehr.site)
    return TypeRow(
        type=type_,
        offers=tuple(name for name in INTERACTIONS if getattr(facts, name)),
        pulling=way.pulling.value,
        reason=way.reason,
        lane=lane.way,
        lane_reason=lane.reason,
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


def _roster_problems(ehr: OpenEhr) -> list[Problem]:
    """Tell where nobody could be pulled: an EHR that lists no patients needs a roster."""
    is_listing = ehr.site.roster == "all" and not ehr.connection.patients
    way = strategy(ehr.statement, "Patient", ehr.site)
    if not is_listing or way.pulling is Pulling.ALL:
        return []
    return [
        Problem(
            what="This EHR does not list its patients, and no roster says whom to ask for.",
            cure="Register it anew with --replace and --roster group:ID or file:F.",
        )
    ]


def _scope_problems(ehr: OpenEhr) -> list[Problem]:
    """Tell what the EHR offers and the token does not cover, or covers only in part."""
    if ehr.connection.smart is None:
        return []
    asked = " ".join(asked_scopes(ehr.connection.smart))
    if ehr.granted and not any(one.startswith("system/") for one in ehr.granted):
        return [
            Problem(
                what=f"None of the granted scopes is for a system; asked for: {asked}.",
                cure="Have the client registered for backend services, and give its scopes with --smart.",
            )
        ]
    facts = [ehr.statement.of(type_) for type_ in CHECKED]
    lacking = {name: [one.type for one in facts if _is_withheld(one, name)] for name in INTERACTIONS}
    found = [
        Problem(
            what=f"The token does not cover {name} of {', '.join(types)}, which the EHR offers; asked for: {asked}.",
            cure="Ask the EHR's operator for these scopes; a client of the other version of SMART scopes gets none.",
        )
        for name, types in lacking.items()
        if types
    ]
    narrowed = [one.type for one in facts if one.narrowed]
    told = Problem(
        what=f"The token covers only a part of {', '.join(narrowed)}.",
        cure="What is missing there proves nothing; ask the EHR's operator for the scopes without a filter.",
    )
    return [*found, *([told] if narrowed else [])]


def _is_withheld(facts: TypeFacts, name: str) -> bool:
    fact: Fact = getattr(facts, name)
    return INTERACTIONS[name] in facts.interactions and fact.source == "scope" and not fact


def _kept_problems(ehr: OpenEhr) -> list[Problem]:
    """Tell what this EHR was seen not to keep of what we wrote."""
    software = ehr.statement.software
    lost = sorted(not_kept(ehr.profile, software))
    told = made_of(ehr.profile, software)
    counts = ", ".join(f"{path} ({sum(told[path].values())} writes)" for path in lost)
    return [
        Problem(
            what=f"It takes writes and does not keep {counts}, as reading back showed.",
            cure="Such a value stays owed in `coordinator plan`, for a person to tell; other software is tried anew.",
        )
        for _ in lost[:1]
    ]


def _clock(ehr: OpenEhr) -> list[Problem]:
    if ehr.skew is None or abs(ehr.skew) < MUCH_SKEW:
        return []
    return [
        Problem(
            what=f"The EHR's clock is {skew_words(ehr.skew)} ours.",
            cure="Set this machine's clock by NTP; if it is right, tell the EHR's operator: tokens will be refused.",
            area="clock",
        )
    ]


_SHUT = Problem(
    what="It asks for a sign-in (status 401) that this connection does not bring: nothing can be pulled or written.",
    cure="Have a client registered there, then register the EHR anew with --replace and --smart.",
)
_ASK = "Check the address and the set-up of this connection, and ask the EHR's operator if it stays so."
_NEEDED = frozenset({"EpisodeOfCare", "Encounter", "CarePlan", "Goal", "MedicationRequest"})
