"""One care plan out of several: goals matched over EHRs by id or by content, each field merged three ways."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import assert_never

from coordinator.care.care_plan.model import ActivityRecord, CarePlanRecord, GoalRecord
from coordinator.care.care_plan.rules import achievement_code, same_text
from coordinator.fhir import Json
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.findings import finding
from coordinator.reconcile.merge import Disputed, Settled, Side, accepted, answer, merge
from coordinator.reconcile.model import Agreed, Decision, Evidence, Finding, Policy, Presence
from coordinator.reconcile.rules import limit

ITEM = "goal:"
MEMBER = "member"
FIELDS = ("lifecycleStatus", "achievementStatus", "description", "dueDate")

GoalMap = Mapping[str, Seen[GoalRecord]]  # by EHR


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal of the one plan: values by field, which of them are disputed, and each EHR's record of it."""

    key: str
    values: Mapping[str, Json]
    disputed: frozenset[str]
    members: GoalMap
    rules: tuple[str, ...] = ("CP-01", "CP-02")

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return citations of each EHR's record."""
        return tuple(sorted(seen.ref for seen in self.members.values()))

    def told(self, ehr: str, name: str) -> Json:
        """Return what an EHR's record says of a field."""
        return goal_value(self.members[ehr].record, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """An activity of the one plan, by its words."""

    text: str
    status: str | None
    evidence: tuple[str, ...]
    rules: tuple[str, ...] = ("CP-03",)

    @property
    def key(self) -> str:
        """Return what names the activity: its words, folded."""
        return f"activity:{_folded(self.text)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The one plan, its agreed states, and what is open about it. `plans` are the EHRs' own live plans."""

    goals: tuple[Goal, ...]
    activities: tuple[Activity, ...]
    plans: tuple[Seen[CarePlanRecord], ...]
    agreed: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)
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


def plan_of(chart: Chart, agreed: Agreed, decisions: Sequence[Decision], *, policy: Policy) -> Plan:
    """Return the plan merged from all EHRs' goals and activities."""
    items = _matched(chart.goals, agreed, limit("alike_text", policy.options))
    goals: list[Goal] = []
    states: dict[str, dict[str, dict[str, Json]]] = {}
    findings: list[Finding] = []
    for key in sorted(items):
        goal, state, found = _merged_goal(key, items[key], agreed, decisions)
        goals.append(goal)
        states[key] = state
        findings += found
    findings += _removed(items, agreed, chart.vanished)
    activities, differing = _activities(chart.plans)
    return Plan(
        goals=tuple(sorted(goals, key=lambda one: (str(one.values.get("description")), one.key))),
        activities=activities,
        plans=tuple(seen for seen in chart.plans if seen.record.status == "active"),
        agreed=states,
        findings=(*findings, *differing),
    )


# ---- which records are one goal --------------------------------------------------------------------------------------
def _matched(
    goals: Sequence[Seen[GoalRecord]], agreed: Agreed, alike: Decimal
) -> dict[str, dict[str, Seen[GoalRecord]]]:
    """Return the records of each goal by item key and EHR: by id, then by content with what was agreed, then anew."""
    items: dict[str, dict[str, Seen[GoalRecord]]] = {}
    left: list[Seen[GoalRecord]] = []
    by_place = {
        place: key
        for key, state in agreed.items.items()
        if key.startswith(ITEM)
        for place in state.get(MEMBER, {}).values()
    }
    for seen in goals:
        known = by_place.get(seen.evidence.place)
        if known is None:
            left.append(seen)
        else:
            items.setdefault(known, {})[seen.ehr] = seen
    known_texts = {key: _agreed_text(state) for key, state in agreed.items.items() if key.startswith(ITEM)}
    left = _join_by_content(left, items, known_texts, alike=alike)
    for seen in left:
        texts = {key: next(iter(members.values())).record.text or "" for key, members in items.items()}
        fresh = {key: text for key, text in texts.items() if key not in known_texts}
        if _join_by_content([seen], items, fresh, alike=alike):
            items[f"{ITEM}{seen.evidence.place}"] = {seen.ehr: seen}
    return items


def _join_by_content(
    goals: Sequence[Seen[GoalRecord]],
    items: dict[str, dict[str, Seen[GoalRecord]]],
    texts: Mapping[str, str],
    *,
    alike: Decimal,
) -> list[Seen[GoalRecord]]:
    """Join goals to the items whose text is most alike, best pairs first, one per EHR and item; return the rest."""
    pairs = sorted(
        (
            (-same_text(seen.record.text or "", text), key, seen.evidence.place, number)
            for number, seen in enumerate(goals)
            for key, text in texts.items()
            if text and seen.record.text
        ),
    )
    joined: set[int] = set()
    for score, key, _, number in pairs:
        seen = goals[number]
        if -score < alike or number in joined or seen.ehr in items.get(key, {}):
            continue
        items.setdefault(key, {})[seen.ehr] = seen
        joined.add(number)
    return [seen for number, seen in enumerate(goals) if number not in joined]


def _agreed_text(state: Mapping[str, Mapping[str, Json]]) -> str:
    text = state.get("description", {}).get("")
    return text if isinstance(text, str) else ""


# ---- fields ----------------------------------------------------------------------------------------------------------
def _merged_goal(
    key: str, members: GoalMap, agreed: Agreed, decisions: Sequence[Decision]
) -> tuple[Goal, dict[str, dict[str, Json]], list[Finding]]:
    before = agreed.items.get(key, {})
    state: dict[str, dict[str, Json]] = {
        MEMBER: {**before.get(MEMBER, {}), **{ehr: seen.evidence.place for ehr, seen in members.items()}}
    }
    values: dict[str, Json] = {}
    disputed: set[str] = set()
    findings: list[Finding] = []
    for name in FIELDS:
        sides = _sides(members, name, before.get(name, {}))
        if not sides:
            values[name] = None
            continue
        about = f"{key}:{name}"
        decision = answer(decisions, f"plan.goal-differs:{about}", {side.ehr: side.value for side in sides})
        merged = merge(sides, before.get(name, {}), accepted(decision, sides) if decision else None)
        state[name] = dict(merged.agreed)
        match merged:
            case Settled():
                values[name] = merged.value
            case Disputed():
                values[name] = merged.base
                disputed.add(name)
                findings.append(_differs(about, name, merged))
            case _:
                assert_never(merged)
    goal = Goal(key=key, values=values, disputed=frozenset(disputed), members=dict(members))
    return goal, state, findings


def _sides(members: GoalMap, name: str, before: Mapping[str, Json]) -> list[Side]:
    """Return what each EHR says of a field; an EHR that never said anything of it takes no side."""
    told = [(ehr, goal_value(seen.record, name), seen.ref) for ehr, seen in sorted(members.items())]
    return [Side(ehr=ehr, value=value, ref=ref) for ehr, value, ref in told if value is not None or ehr in before]


def _differs(about: str, name: str, dispute: Disputed) -> Finding:
    facts: dict[str, Json] = {
        "field": name,
        "base": dispute.base,
        "values": {side.ehr: side.value for side in dispute.sides},
    }
    return finding("plan.goal-differs", about, facts=facts, evidence=[side.ref for side in dispute.sides])


def _removed(items: Mapping[str, GoalMap], agreed: Agreed, vanished: Sequence[Evidence]) -> list[Finding]:
    """Return a finding for each goal that one EHR deleted while another keeps it: silence removes nobody's goal."""
    deleted = {one.place: one for one in vanished if one.presence is Presence.DELETED}
    found: list[Finding] = []
    for key, members in items.items():
        for ehr, place in sorted(agreed.items.get(key, {}).get(MEMBER, {}).items()):
            gone = deleted.get(str(place))
            if gone is None or ehr in members:
                continue
            values: dict[str, Json] = {ehr: "deleted", **dict.fromkeys(sorted(members), "present")}
            facts: dict[str, Json] = {"field": "presence", "base": "present", "values": values}
            refs = [gone.ref, *(seen.ref for seen in members.values())]
            found.append(finding("plan.goal-differs", f"{key}:presence", facts=facts, evidence=refs))
    return found


# ---- activities ------------------------------------------------------------------------------------------------------
def _activities(plans: Iterable[Seen[CarePlanRecord]]) -> tuple[tuple[Activity, ...], list[Finding]]:
    """Return the activities of all live plans by their words; different states of one are for a person."""
    told: dict[str, list[tuple[str, ActivityRecord, str]]] = {}
    for seen in plans:
        if seen.record.status != "active":
            continue
        for activity in seen.record.activities:
            if activity.text:
                told.setdefault(_folded(activity.text), []).append((seen.ehr, activity, seen.ref))
    activities: list[Activity] = []
    findings: list[Finding] = []
    for key, tellers in sorted(told.items()):
        refs = tuple(sorted({ref for _, _, ref in tellers}))
        states: dict[str, Json] = {ehr: one.status for ehr, one, _ in tellers}
        same = len({one.status for _, one, _ in tellers}) == 1
        activities.append(
            Activity(text=tellers[0][1].text or "", status=tellers[0][1].status if same else None, evidence=refs)
        )
        if not same:
            facts: dict[str, Json] = {"field": "status", "base": None, "values": states}
            findings.append(finding("plan.activity-differs", f"activity:{key}", facts=facts, evidence=refs))
    return tuple(activities), findings


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
