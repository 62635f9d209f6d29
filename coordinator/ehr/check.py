"""What an EHR can do and what follows, per type and per concept; what is wrong, with its cause and cure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from coordinator.ehr.capability import INTERACTIONS, Fact, Statement, TypeFacts
from coordinator.ehr.connect import EhrRoom, OpenEhr, skew_words
from coordinator.ehr.diagnosis import MUCH_SKEW
from coordinator.ehr.drift import Change, kept_of, told_losses
from coordinator.ehr.lanes import offered
from coordinator.ehr.problem import Cause, Problem, cause_of
from coordinator.ehr.smart import asked_scopes
from coordinator.ehr.strategy import CONCEPTS, Pulling, ladder, strategy, vendor
from coordinator.ehr.trial import tried
from coordinator.errors import ConfigurationError, CoordinatorError, EhrError
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
    drift: tuple[Change, ...] = ()
    stated: Mapping[str, Json] = field(default_factory=dict)

    @property
    def accepting(self) -> Mapping[str, Json]:
        """Return the profile with the statement as it is now in the place of the one that was accepted."""
        return {
            **{name: value for name, value in self.profile.items() if name != "drift"},
            "statement": {**self.stated},
        }

    @property
    def is_usable(self) -> bool:
        """Say whether the EHR can be worked with."""
        return bool(self.types)


async def check_connection(room: EhrRoom, connection: EhrConnection) -> Report:
    """Return what an EHR can do; trouble is part of the report.

    It asks for the statement, for a token, and for one page of the search with which a pull would begin. It creates
    nothing, searches for nobody by name, and keeps nothing of what came.
    """
    try:
        async with room.open(connection) as ehr:
            report = _report(ehr)
            return replace(report, problems=_ordered(await tried(ehr), report.problems))
    except (EhrError, ConfigurationError) as problem:
        return Report(ehr=connection.name, problems=tuple(await _why(room, connection, problem)))


def _ordered(shown: tuple[Problem, ...], known: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return what a trial showed before what the statement tells; a refusal that is explained is told once."""
    explained = {one.cause for one in known}
    return (*(one for one in shown if one.cause not in explained), *known)


async def _why(room: EhrRoom, connection: EhrConnection, error: CoordinatorError) -> list[Problem]:
    """Return why an EHR could not be opened, as far as looking closer tells."""
    told = Problem(what=str(error), cure=error.hint or _ASK, cause=cause_of(getattr(error, "code", "")))
    try:
        if connection.smart is not None and error.operation == "get token":
            return [await room.why_refused(connection, error)]
        if told.cause in (Cause.WRONG_BASE, Cause.WEB_PAGE, Cause.FHIR_VERSION):
            other = await room.sibling(connection)
            cure = f"A FHIR R4 server answers at {other}: register that with --replace." if other else told.cure
            return [replace(told, cure=cure)]
    except (EhrError, ConfigurationError):
        return [told]
    return [told]


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
            *_drift(ehr),
            *_problems(statement, types, concepts),
            *_roster_problems(ehr),
            *_scope_problems(ehr),
            *_kept_problems(ehr),
            *_clock(ehr),
        ),
        drift=ehr.drift,
        stated=kept_of(ehr.stated),
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


def _problems(statement: Statement, types: tuple[TypeRow, ...], concepts: tuple[ConceptRow, ...]) -> list[Problem]:
    unseen = [row.type for row in types if row.pulling == "not-served" and row.type in _NEEDED]
    found = [
        Problem(
            what=f"{', '.join(unseen)} can't be pulled from here.",
            cure="Silence about them proves nothing; ask the EHR's operator for the scope, or map what shows them.",
            cause=Cause.NOT_OFFERED,
        )
    ]
    is_version = any(facts.create.source == "FHIR version" for facts in statement.types.values())
    if not any({"create", "update"} & set(row.offers) for row in types):
        return [*(found if unseen else []), _R5 if is_version else _READ_ONLY]
    mute = [row.concept for row in concepts if len(row.forms) == 1]
    told = Problem(
        what=f"Of {', '.join(mute)} this EHR can be told in no form.",
        cure="It stays owed and visible in `coordinator plan`, for a person to deliver.",
        cause=Cause.UNTOLD,
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
            cause=Cause.ROSTER,
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
                cause=Cause.SCOPE,
            )
        ]
    facts = [ehr.statement.of(type_) for type_ in CHECKED]
    lacking = {name: [one.type for one in facts if _is_withheld(one, name)] for name in INTERACTIONS}
    found = [
        Problem(
            what=f"The token does not cover {name} of {', '.join(types)}, which the EHR offers; asked for: {asked}.",
            cure="Ask the EHR's operator for these scopes; a client of the other version of SMART scopes gets none.",
            cause=Cause.SCOPE,
        )
        for name, types in lacking.items()
        if types
    ]
    narrowed = [one.type for one in facts if one.narrowed]
    told = Problem(
        what=f"The token covers only a part of {', '.join(narrowed)}.",
        cure="What is missing there proves nothing; ask the EHR's operator for the scopes without a filter.",
        cause=Cause.SCOPE,
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
            cause=Cause.NOT_KEPT,
        )
        for _ in lost[:1]
    ]


def _drift(ehr: OpenEhr) -> list[Problem]:
    lost = told_losses(ehr.drift)
    if not lost:
        return []
    return [
        Problem(
            what=lost,
            cure=f"Ask the EHR's operator whether that is meant; `coordinator ehr check {ehr.name} --accept` takes it.",
            cause=Cause.DRIFT,
        )
    ]


def _clock(ehr: OpenEhr) -> list[Problem]:
    if ehr.skew is None or abs(ehr.skew) < MUCH_SKEW:
        return []
    return [
        Problem(
            what=f"The EHR's clock is {skew_words(ehr.skew)} ours.",
            cure="Set this machine's clock by NTP; if it is right, tell the EHR's operator: tokens will be refused.",
            cause=Cause.CLOCK,
        )
    ]


_ASK = "Check the address and the set-up of this connection, and ask the EHR's operator if it stays so."
_READ_ONLY = Problem(
    what="It takes no writes from us: neither statement nor granted scopes offer create or update of a type we write.",
    cure="Ask the EHR's operator for scopes to write; until then all that is owed stays in `coordinator plan`, "
    "for a person to deliver.",
    cause=Cause.READ_ONLY,
)
_R5 = Problem(
    what="It speaks FHIR R5: its records are read through lenses of their own, and nothing is written to it.",
    cure="Where it has an R4 base, register that; else what is owed stays in `coordinator plan`, for a person.",
    cause=Cause.READ_ONLY,
)
_NEEDED = frozenset({"EpisodeOfCare", "Encounter", "CarePlan", "Goal", "MedicationRequest"})
