"""Templates of plans: the goals that a program begins with, and the activities that stand behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from coordinator.care.care_plan.model import GoalRecord
from coordinator.care.csv_table import Row, packaged_rows
from coordinator.fhir import Coding

GOAL_SYSTEM = "https://coordinator.example/fhir/CodeSystem/program-goal"
_PACKAGE = "coordinator.care.care_plan"
_COLUMNS = ("template", "goal", "words", "activity", "activity_words", "kind", "source", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateActivity:
    """An activity of a template: its code and words, and the resource type that FHIR plans it as."""

    code: str
    words: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateGoal:
    """A goal of a template, with the codes of its activities."""

    code: str
    words: str
    activities: tuple[str, ...]
    verified: bool

    @property
    def record(self) -> GoalRecord:
        """Return the goal as a record, to be compared with those that a person has."""
        return GoalRecord(text=self.words, codings=(Coding(system=GOAL_SYSTEM, code=self.code),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The goals and activities of one kind of program, in the order of the table."""

    name: str
    goals: tuple[TemplateGoal, ...]
    activities: tuple[TemplateActivity, ...]


@dataclass(slots=True, kw_only=True)
class _Gathered:
    goals: dict[str, TemplateGoal] = field(default_factory=dict)
    activities: dict[str, TemplateActivity] = field(default_factory=dict)


@cache
def templates() -> Mapping[str, Template]:
    """Return the templates by name. Raises ConfigurationError where one code has two meanings in a template."""
    return templates_among(packaged_rows(_PACKAGE, "plan_templates.csv", _COLUMNS))


def templates_among(rows: Iterable[Row]) -> Mapping[str, Template]:
    """Return the templates that the lines of a table make."""
    found: dict[str, _Gathered] = {}
    for row in rows:
        one = found.setdefault(row.text("template"), _Gathered())
        activity = TemplateActivity(code=row.text("activity"), words=row.text("activity_words"), kind=row.text("kind"))
        if one.activities.setdefault(activity.code, activity) != activity:
            raise row.bad("activity_words", "differs from an earlier line of the same activity")
        one.goals[row.text("goal")] = _goal(row, one.goals.get(row.text("goal")), activity)
    return {
        name: Template(name=name, goals=tuple(one.goals.values()), activities=tuple(one.activities.values()))
        for name, one in found.items()
    }


def _goal(row: Row, before: TemplateGoal | None, activity: TemplateActivity) -> TemplateGoal:
    if before is not None and before.words != row.text("words"):
        raise row.bad("words", "differs from an earlier line of the same goal")
    verified = row.flag("status", yes="verified", no="unverified")
    return TemplateGoal(
        code=row.text("goal"),
        words=row.text("words"),
        activities=(*(before.activities if before else ()), activity.code),
        verified=verified and (before is None or before.verified),
    )
