"""What an EHR says of itself now against the statement that was accepted: type by type, and whether we lose by it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from coordinator.ehr.capability import INTERACTIONS, Statement, TypeFacts
from coordinator.fhir import Json

# The types that are pulled or written; of others only the interactions are kept, so that what is kept stays small.
USED = frozenset(
    {
        *("Patient", "EpisodeOfCare", "Encounter", "CarePlan", "CareTeam", "Goal", "ServiceRequest", "Task", "Consent"),
        *("Observation", "QuestionnaireResponse", "Claim", "ExplanationOfBenefit", "ChargeItem", "Appointment"),
        *("MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "Medication"),
        *("DocumentReference", "Communication", "Group", "Condition"),
    }
)
# The parameters by which we search; another one that goes away is told and costs us nothing.
_SEARCHED_BY = frozenset({"patient", "subject", "identifier", "_id", "_lastUpdated", "_count", "_maxresults"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed about one type, or about the statement as a whole, whose `type` is empty."""

    type: str
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    is_loss: bool = False

    @property
    def words(self) -> str:
        """Return the change as a line of a diff."""
        told = (*(f"+{one}" for one in self.gained), *(f"-{one}" for one in self.lost))
        return f"{self.type or 'statement'}: {', '.join(told)}"


def kept_of(statement: Statement) -> dict[str, Json]:
    """Return what is kept of a statement, to hold later ones against it."""
    return {
        "fhir_version": statement.fhir_version,
        "software": statement.software,
        "types": {name: list[Json](sorted(_facts(facts))) for name, facts in sorted(statement.types.items())},
    }


def differences(accepted: Json, statement: Statement) -> tuple[Change, ...]:
    """Return what changed since a statement was accepted; nothing where none was."""
    if not isinstance(accepted, dict):
        return ()
    now = kept_of(statement)
    whole = tuple(_whole(accepted, now))
    before, after = _types(accepted.get("types")), _types(now["types"])
    names = sorted(before.keys() | after.keys())
    return (*whole, *(found for name in names if (found := _change(name, before.get(name), after.get(name)))))


def _whole(accepted: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[Change]:
    for name in ("fhir_version", "software"):
        if accepted.get(name) != now[name]:
            yield Change(type="", gained=(f"{name} {now[name]}",), lost=(f"{name} {accepted.get(name)}",))


def _change(name: str, before: frozenset[str] | None, after: frozenset[str] | None) -> Change | None:
    if before == after:
        return None
    held, found = before or frozenset(), after or frozenset()
    gone = (*(("type",) if after is None else ()), *sorted(held - found))
    new = (*(("type",) if before is None else ()), *sorted(found - held))
    return Change(type=name, gained=new, lost=gone, is_loss=name in USED and any(map(_is_used, gone)))


def _is_used(fact: str) -> bool:
    kind, _, name = fact.rpartition(" ")
    return kind != "search param" or name in _SEARCHED_BY


def _facts(facts: TypeFacts) -> Iterable[str]:
    """Yield what a type offers, a text each."""
    known = {code: name for name, code in INTERACTIONS.items()}
    yield from (known.get(code, code) for code in facts.interactions)
    if facts.type in USED:
        yield from (f"search param {name}" for name in facts.search_params)
        yield from (f"needs {' or '.join(sorted(one))}" for one in facts.required)
        if facts.versioning:
            yield f"versioning {facts.versioning}"


def _types(told: Json) -> dict[str, frozenset[str]]:
    if not isinstance(told, dict):
        return {}
    return {name: frozenset(map(str, facts)) for name, facts in told.items() if isinstance(facts, list)}


def told_losses(found: Iterable[Change]) -> str:
    """Return in a sentence what of the accepted statement went away that we use; empty where nothing did."""
    lost = [f"{one.type} {', '.join(one.lost)}" for one in found if one.is_loss]
    more = f" and {len(lost) - 5} types more" if len(lost) > 5 else ""
    return f"It no longer offers what we use: {'; '.join(lost[:5])}{more}." if lost else ""
