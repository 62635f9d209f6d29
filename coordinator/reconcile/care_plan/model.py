"""The one plan: its goals with each EHR's record of them, its activities, and what is agreed and open about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.care.care_plan.model import CarePlanRecord, GoalRecord
from coordinator.care.care_plan.rules import achievement_code
from coordinator.fhir import Json
from coordinator.reconcile.chart import Seen
from coordinator.reconcile.model import Finding

FIELDS = ("lifecycleStatus", "achievementStatus", "description", "dueDate")

GoalMap = Mapping[str, Seen[GoalRecord]]  # by EHR
State = dict[str, dict[str, Json]]  # what is agreed of an item: field -> {"": agreed value, ehr: value agreed with it}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal of the one plan: values by field, which of them are disputed, and each EHR's record of it.

    `matched` says by what each record was told to be this goal. A goal that is `held` is told to nobody who does not
    have it: whether it replaces another one is for a person.
    """

    key: str
    values: Mapping[str, Json]
    disputed: frozenset[str]
    members: GoalMap
    matched: Mapping[str, str]
    held: bool
    rules: tuple[str, ...]

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return citations of each EHR's record."""
        return tuple(sorted(seen.ref for seen in self.members.values()))

    def told(self, ehr: str, name: str) -> Json:
        """Return what an EHR's record says of a field."""
        return goal_value(self.members[ehr].record, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """An activity of the one plan, by its words; `status` is None where nobody tells it or the tellers differ."""

    key: str
    text: str
    status: str | None
    evidence: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The one plan, its agreed states, and what is open about it. `plans` are the EHRs' own live plans."""

    goals: tuple[Goal, ...]
    activities: tuple[Activity, ...]
    plans: tuple[Seen[CarePlanRecord], ...]
    agreed: dict[str, State] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def goal_value(record: GoalRecord, name: str) -> Json:
    """Return a goal's value by the name of its FHIR field, as text or None."""
    match name:
        case "lifecycleStatus":
            return record.status
        case "achievementStatus":
            return achievement_code(record)
        case "description":
            return record.text
        case "dueDate":
            return record.due
        case _:
            raise KeyError(name)
