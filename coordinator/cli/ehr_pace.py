"""How often an EHR is asked: what `ehr add` reads of its pace."""

from coordinator.cli.session import WrongWord
from coordinator.errors import InvalidInput
from coordinator.fhir import Json
from coordinator.sync.work.budget import parse_budget


def read_pace(*, every: int | None, budget: str, export_every: int | None) -> dict[str, Json]:
    """Return the options of a pace. Raises WrongWord."""
    told: dict[str, Json] = {} if every is None else {"every_seconds": every}
    told |= {} if export_every is None else {"export_every_hours": export_every}
    if not budget:
        return told
    try:
        return {**told, "budget": dict(parse_budget(budget))}
    except InvalidInput as problem:
        raise WrongWord("--budget can't be used.", hint=problem.hint) from None
