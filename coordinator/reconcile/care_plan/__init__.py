"""One care plan out of several: goals matched over EHRs, each field merged three ways, activities by their words."""

from coordinator.reconcile.care_plan.model import FIELDS, Activity, Goal, Plan, goal_value
from coordinator.reconcile.care_plan.plan import plan_of

__all__ = ["FIELDS", "Activity", "Goal", "Plan", "goal_value", "plan_of"]
