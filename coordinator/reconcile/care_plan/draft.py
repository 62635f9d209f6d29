"""A plan to begin with, drafted from a template beside what the person's plan holds already: a proposal, no write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from coordinator.care.care_plan.rules import likeness, same_text
from coordinator.care.care_plan.template import Template, TemplateActivity, TemplateGoal
from coordinator.fhir import Json
from coordinator.reconcile.care_plan.model import Activity, Goal, Plan
from coordinator.reconcile.rules import limit

_Held = TypeVar("_Held", Goal, Activity)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftGoal:
    """A goal of the template; `held` is the goal of the person that says the same, None where it would be new."""

    goal: TemplateGoal
    held: Goal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftActivity:
    """An activity of the template; `held` is the one of the person's plan that says the same."""

    activity: TemplateActivity
    held: Activity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposal for a person: nothing of it is in any EHR, and nothing writes it but a clinician in their own."""

    template: str
    goals: tuple[DraftGoal, ...]
    activities: tuple[DraftActivity, ...]


def drafted(template: Template, plan: Plan, options: Mapping[str, Json]) -> Draft:
    """Return the template's goals and activities, each with what the plan already holds of it: that is not said twice.

    A goal that the person has in other words stays theirs: the template gives way to it.
    """
    alike, alike_activity = float(limit("alike_text", options)), float(limit("alike_activity", options))
    return Draft(
        template=template.name,
        goals=tuple(DraftGoal(goal=one, held=_held_goal(one, plan.goals, alike)) for one in template.goals),
        activities=tuple(
            DraftActivity(activity=one, held=_held_activity(one, plan.activities, alike_activity))
            for one in template.activities
        ),
    )


def _held_goal(wanted: TemplateGoal, goals: Sequence[Goal], alike: float) -> Goal | None:
    scored = [
        (-max(likeness(wanted.record, seen.record).total for seen in one.members.values()), one.key, one)
        for one in goals
    ]
    return _best(scored, alike)


def _held_activity(wanted: TemplateActivity, activities: Sequence[Activity], alike: float) -> Activity | None:
    return _best([(-same_text(wanted.words, one.text), one.key, one) for one in activities], alike)


def _best(scored: Sequence[tuple[float, str, _Held]], alike: float) -> _Held | None:
    """Return what is the most alike, if alike enough; of two alike, the first by key. No two have one key."""
    fitting = [found for found in scored if -found[0] >= alike]
    return min(fitting)[2] if fitting else None


def draft_json(draft: Draft) -> dict[str, Json]:
    """Return a draft as the commands show it."""
    return {
        "template": draft.template,
        "status": "draft",
        "goals": [
            {
                "code": one.goal.code,
                "text": one.goal.words,
                "activities": list(one.goal.activities),
                "in_plan": one.held.values.get("description") if one.held else None,
                "status": one.held.values.get("lifecycleStatus") if one.held else "proposed",
                "evidence": list(one.held.evidence) if one.held else [],
            }
            for one in draft.goals
        ],
        "activities": [
            {
                "code": one.activity.code,
                "text": one.activity.words,
                "kind": one.activity.kind,
                "in_plan": one.held.text if one.held else None,
                "evidence": list(one.held.evidence) if one.held else [],
            }
            for one in draft.activities
        ],
    }
