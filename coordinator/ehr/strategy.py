"""What follows from capability: how each type is pulled, and in which form each concept can be written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from coordinator.care.csv_table import packaged_rows
from coordinator.ehr.capability import Statement, TypeFacts
from coordinator.fhir import Json
from coordinator.outbox.model import Form

CONCEPTS = ("enrollment", "care_plan", "goal", "medication", "stay-proposal")


class Pulling(Enum):
    """How a type is pulled."""

    ALL = "all"  # one search over everybody; falls back to per patient where the EHR refuses
    PER_PATIENT = "per-patient"
    REFERENCED = "referenced"  # read by id, where other records point to it
    NOT_SERVED = "not-served"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How one type is pulled from one EHR, and why so. `queries` are the further parameters of each search."""

    type: str
    pulling: Pulling
    reason: str
    queries: tuple[tuple[tuple[str, str], ...], ...] = ((),)
    patient_param: str = "patient"
    page_size: tuple[str, str] | None = ("_count", "200")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the operator and earlier probes know of a site, next to its statement."""

    roster: str = "all"
    options: Mapping[str, Json] | None = None
    profile: Mapping[str, Json] | None = None

    @property
    def needs_patient(self) -> frozenset[str]:
        """Return the types of which a probe learned that a search wants a patient."""
        learned = (self.profile or {}).get("needs_patient")
        return frozenset(one for one in learned if isinstance(one, str)) if isinstance(learned, list) else frozenset()

    @property
    def posts(self) -> bool:
        """Say whether the operator told that searches go by POST: `options["search_by"]` = "post"."""
        return (self.options or {}).get("search_by") == "post"

    def queries(self, type_: str) -> tuple[tuple[tuple[str, str], ...], ...]:
        """Return further parameters told for a type: `options["search"]` = {type: ["category=assess-plan"]}."""
        told = (self.options or {}).get("search")
        mine = told.get(type_) if isinstance(told, dict) else None
        lines = [one for one in mine if isinstance(one, str)] if isinstance(mine, list) else []
        return tuple(_pairs(line) for line in lines)


def strategy(statement: Statement, type_: str, site: Site) -> Strategy:
    """Return how a type is pulled.

    Full compare per patient of the roster is the default; `_lastUpdated` is declared by few and honored by fewer, so
    it is no way of its own yet.
    """
    facts = statement.of(type_)
    queries = site.queries(type_) or _vendor_queries(vendor(statement), type_) or ((),)
    size = page_size(facts)
    if type_ in REFERENCED_ONLY and facts.read:
        return _of(type_, Pulling.REFERENCED, "too many to list; read where a record points to one")
    if not facts.search:
        if facts.read:
            return _of(type_, Pulling.REFERENCED, f"can be read but not searched ({facts.search.source})")
        return _of(type_, Pulling.NOT_SERVED, f"not offered ({facts.read.source})")
    if _is_closed(statement, facts):
        reason = "a search wants parameters that nobody can know beforehand"
        named = "; read where an encounter names one" if type_ == "EpisodeOfCare" else ""
        return _of(type_, Pulling.REFERENCED, reason + named)
    patient_param = facts.patient_param
    is_whole = site.roster == "all" and type_ not in site.needs_patient and not facts.needs_patient
    if is_whole and not _vendor_needs_patient(statement):
        pulling, reason = Pulling.ALL, "nothing says that a search needs a patient"
    elif type_ == "Patient":
        pulling, reason = Pulling.PER_PATIENT, "each patient of the roster is read by id"
    elif patient_param is None:
        return _of(type_, Pulling.REFERENCED, "can't be searched by patient")
    else:
        pulling, reason = Pulling.PER_PATIENT, "full compare for each patient of the roster"
    return Strategy(
        type=type_,
        pulling=pulling,
        reason=reason,
        queries=queries,
        patient_param=patient_param or "patient",
        page_size=size,
    )


REFERENCED_ONLY = frozenset({"Medication"})


def page_size(facts: TypeFacts) -> tuple[str, str] | None:
    """Return the parameter that asks for larger pages, where the statement knows one; `_count` where it lists none."""
    if "_count" in facts.search_params or not facts.search_params:
        return ("_count", "200")
    return ("_maxresults", "200") if "_maxresults" in facts.search_params else None


def _of(type_: str, pulling: Pulling, reason: str) -> Strategy:
    return Strategy(type=type_, pulling=pulling, reason=reason)


def _pairs(line: str) -> tuple[tuple[str, str], ...]:
    parts = (one.partition("=") for one in line.split("&") if one)
    return tuple((name, value) for name, _, value in parts)


# --- vendors --------------------------------------------------------------------------------------------------------


def vendor(statement: Statement) -> str:
    """Return the vendor that a statement's software tells of, empty where none of our table."""
    return next((name for name, sign, _ in _vendors() if re.search(sign, statement.software)), "")


@cache
def _vendors() -> tuple[tuple[str, str, bool], ...]:
    rows = packaged_rows("coordinator.ehr", "vendors.csv", ["vendor", "software", "needs_patient", "source"])
    return tuple((row.text("vendor"), row.text("software"), row.flag("needs_patient")) for row in rows)


def _vendor_needs_patient(statement: Statement) -> bool:
    mine = vendor(statement)
    return any(needs for name, _, needs in _vendors() if name == mine)


@cache
def _rules() -> tuple[tuple[str, str, str], ...]:
    rows = packaged_rows("coordinator.ehr", "search_rules.csv", ["vendor", "type", "parameters", "source"])
    return tuple((row.text("vendor"), row.text("type"), row.text("parameters")) for row in rows)


def _vendor_queries(name: str, type_: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    mine = [parameters for vendor_, kind, parameters in _rules() if (vendor_, kind) == (name, type_)]
    return tuple(_pairs(line) for line in mine if line != "unknown")


def _is_closed(statement: Statement, facts: TypeFacts) -> bool:
    return (vendor(statement), facts.type, "unknown") in _rules()


# --- forms ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the ladder of a concept: the form, the type that carries it, and what the EHR must take."""

    form: Form
    type: str
    needs: tuple[str, ...]


def ladder(statement: Statement, concept: str) -> tuple[Rung, ...]:
    """Return the rungs that hold at an EHR, best first, one for each form."""
    held: dict[Form, Rung] = {}
    for rung in _rungs(concept):
        if rung.form not in held and _holds(statement.of(rung.type), rung):
            held[rung.form] = rung
    return tuple(held.values())


def forms(statement: Statement, concept: str) -> tuple[Form, ...]:
    """Return the forms in which an EHR can be told of a concept, best first; `none` is always last."""
    return (*(rung.form for rung in ladder(statement, concept)), Form.NONE)


def _holds(facts: TypeFacts, rung: Rung) -> bool:
    taken = {"create": facts.create, "update": facts.update, "patch": facts.patch}
    return any(taken[need] for need in rung.needs)


@cache
def _table() -> Mapping[str, tuple[Rung, ...]]:
    found: dict[str, tuple[Rung, ...]] = {}
    for row in packaged_rows("coordinator.ehr", "forms.csv", ["concept", "form", "type", "needs_any"]):
        rung = Rung(form=row.member("form", Form), type=row.text("type"), needs=row.words("needs_any"))
        concept = row.text("concept")
        found[concept] = (*found.get(concept, ()), rung)
    return found


def _rungs(concept: str) -> Iterator[Rung]:
    yield from _table().get(concept, ())
