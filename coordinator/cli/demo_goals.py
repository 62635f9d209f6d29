"""How goals of the demonstration were edited in several EHRs, and what came of it: field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coordinator.care.care_plan.mapping import read_goal
from coordinator.care.care_plan.model import GoalRecord
from coordinator.cli.demo_run import Acquaintance
from coordinator.cli.json_parts import member, objects, text, texts
from coordinator.fhir import Json, read_document
from coordinator.reconcile.care_plan import FIELDS, goal_value
from coordinator.sandbox import World
from coordinator.sandbox.world import Saved

_NAMES = {"lifecycleStatus": "status", "achievementStatus": "achievement", "description": "text", "dueDate": "due"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedField:
    """A field of a goal that was edited: as first agreed, as each EHR's clinicians saved it, and as it stands."""

    goal: str
    field: str
    base: str
    saved: Mapping[str, str]
    now: str
    waits: bool


def edited_fields(who: Acquaintance, world: World) -> list[EditedField]:
    """Return the fields of the person's goals that clinicians changed, in the order of the plan."""
    saved = _saved_goals(world)
    return [
        one
        for goal in objects(member(who.account, "plan"), "goals")
        for one in _of_goal(goal, [ref.partition("@")[0] for ref in texts(goal, "evidence")], who, saved)
    ]


def _saved_goals(world: World) -> dict[str, GoalRecord]:
    """Return each goal as clinicians last saved it, by its place."""
    return {
        f"{ehr.name}/Goal/{one.id}": read_goal(read_document(one.raw))
        for ehr in world.ehrs
        for change in ehr.changes
        for one in change.records
        if isinstance(one, Saved) and one.type == "Goal"
    }


def _of_goal(
    goal: Mapping[str, Json], places: list[str], who: Acquaintance, saved: Mapping[str, GoalRecord]
) -> Iterator[EditedField]:
    base = next((who.goals_before[place] for place in places if place in who.goals_before), None)
    edits = {place.partition("/")[0]: saved[place] for place in places if place in saved}
    if base is None:
        return
    for name in FIELDS:
        before = goal_value(base, name)
        told = {ehr: goal_value(record, name) for ehr, record in edits.items()}
        if any(value != before for value in told.values()):
            yield EditedField(
                goal=base.text or "",
                field=_NAMES[name],
                base=str(before or ""),
                saved={ehr: str(value or "") for ehr, value in told.items() if value != before},
                now=text(goal, _NAMES[name]),
                waits=_is_disputed(name, places, who),
            )


def _is_disputed(name: str, places: list[str], who: Acquaintance) -> bool:
    return any(
        one.facts.get("field") == name and {ref.partition("@")[0] for ref in one.evidence} & set(places)
        for one in who.findings
    )
