"""One care plan out of several: goals over all EHRs, the activities of live plans, and the states of plans."""

from collections.abc import Sequence

from coordinator.care.care_plan.model import CarePlanRecord
from coordinator.fhir import Json
from coordinator.reconcile.care_plan.activities import activities_of
from coordinator.reconcile.care_plan.goal_answers import answers_here
from coordinator.reconcile.care_plan.goal_fields import Hold, merged_goal
from coordinator.reconcile.care_plan.goals_gone import PRESENCE, goals_named, gone_of
from coordinator.reconcile.care_plan.goals_split import recut_of
from coordinator.reconcile.care_plan.model import Goal, Plan, State
from coordinator.reconcile.care_plan.same_goal import MATCHED, MEMBER, items_of
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Agreed, Decision, Finding, Policy
from coordinator.reconcile.rules import limit

_TOLD = frozenset({"active", "on-hold", "completed", "revoked"})  # states of plans that were carried out


def plan_of(chart: Chart, agreed: Agreed, decisions: Sequence[Decision], *, policy: Policy) -> Plan:
    """Return the plan merged from all EHRs' goals and activities."""
    items = items_of(chart.goals, agreed, chart.vanished, alike=limit("alike_text", policy.options))
    answers = answers_here(decisions, items)
    recut = recut_of(items, chart, answers, policy=policy)
    gone = gone_of(items, chart, answers, policy=policy, explained=recut.explained)
    given_up = {**gone.given_up, **recut.given_up}
    goals: list[Goal] = []
    states: dict[str, State] = {}
    findings: list[Finding] = [*recut.findings, *gone.findings]
    for key, item in sorted(items.items()):
        if not item.members:
            continue
        is_in_doubt = key in recut.goals_held
        hold = Hold(words=key in recut.words_held, goal=is_in_doubt or key in gone.asked, given_up=given_up.get(key))
        merged = merged_goal(item, answers, hold)
        goals.append(merged.goal)
        presence = gone.presence[key]
        if not is_in_doubt:
            states[key] = merged.state | ({PRESENCE: presence} if presence else {})
        else:  # of what may take another goal's place nothing is agreed anew; only whose records it is stays known
            states[key] = {name: dict(state) for name, state in item.before.items()}
            states[key] |= {name: merged.state[name] for name in (MEMBER, MATCHED)}
        findings += merged.findings
    activities = activities_of(chart.plans, agreed, decisions, alike=limit("alike_activity", policy.options))
    return Plan(
        goals=tuple(sorted(goals, key=lambda one: (str(one.values.get("description")), one.key))),
        activities=activities.activities,
        plans=tuple(seen for seen in chart.plans if seen.record.status == "active"),
        agreed=states | activities.agreed,
        findings=(*findings, *activities.findings, *_states_differ(chart.plans, goals)),
    )


def _states_differ(plans: Sequence[Seen[CarePlanRecord]], goals: Sequence[Goal]) -> list[Finding]:
    """Return a finding where plans of the same goals stand differently in two EHRs: neither is taken to be right."""
    latest: dict[str, Seen[CarePlanRecord]] = {}
    for seen in sorted(plans, key=lambda one: (one.record.start or "", one.ref)):
        if seen.record.status in _TOLD and seen.record.intent != "proposal":
            latest[seen.ehr] = seen
    shared = {seen.ehr: _items_named(seen, goals) for seen in latest.values()}
    linked = {
        ehr: seen
        for ehr, seen in latest.items()
        if any(shared[ehr] & shared[other] for other in latest if other != ehr)
    }
    values: dict[str, Json] = {ehr: seen.record.status for ehr, seen in sorted(linked.items())}
    if len(set(map(str, values.values()))) < 2:
        return []
    about = "+".join(sorted(seen.evidence.place for seen in linked.values()))
    facts: dict[str, Json] = {"field": "status", "base": None, "values": values}
    refs = [seen.ref for seen in linked.values()]
    return [finding("plan.status-differs", about, facts=facts, evidence=refs).drawn_by("CP-08")]


def _items_named(seen: Seen[CarePlanRecord], goals: Sequence[Goal]) -> set[str]:
    places = goals_named(seen)
    return {goal.key for goal in goals if seen.ehr in goal.members and goal.members[seen.ehr].evidence.place in places}
