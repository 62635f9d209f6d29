"""The activities of all live plans: one by its words, its state merged three ways like a field of a goal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import assert_never

from coordinator.care.care_plan.model import ActivityRecord, CarePlanRecord
from coordinator.care.care_plan.rules import same_text
from coordinator.fhir import Json
from coordinator.reconcile.care_plan.model import Activity, State
from coordinator.reconcile.chart import Seen
from coordinator.reconcile.findings import finding
from coordinator.reconcile.merge import Disputed, Settled, Side, accepted, answer, merge
from coordinator.reconcile.model import Agreed, Decision, Finding

ITEM = "activity:"
STATUS = "status"
_NOTHING_SAID = frozenset({None, "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    seen: Seen[CarePlanRecord]
    activity: ActivityRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Activities:
    """The activities, their agreed states, and what is open about them."""

    activities: tuple[Activity, ...]
    agreed: dict[str, State] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def activities_of(
    plans: Iterable[Seen[CarePlanRecord]], agreed: Agreed, decisions: Sequence[Decision], *, alike: Decimal
) -> Activities:
    """Return the activities of live plans; the order in which a plan lists them means nothing."""
    activities: list[Activity] = []
    states: dict[str, State] = {}
    findings: list[Finding] = []
    for key, tellers in sorted(_by_words(plans, alike).items()):
        activity, state, found = _merged(f"{ITEM}{key}", tellers, agreed, decisions)
        activities.append(activity)
        findings += found
        if state:
            states[activity.key] = {STATUS: state}
    return Activities(activities=tuple(activities), agreed=states, findings=tuple(findings))


def _by_words(plans: Iterable[Seen[CarePlanRecord]], alike: Decimal) -> dict[str, list[_Teller]]:
    """Return who tells each activity: the same words, or words of another EHR that are alike enough and alone so."""
    told: dict[str, list[_Teller]] = {}
    active = [one for one in plans if one.record.status == "active"]
    for seen, activity in [(one, activity) for one in active for activity in one.record.activities]:
        if activity.text:
            told.setdefault(_folded(activity.text), []).append(_Teller(seen=seen, activity=activity))
    found: dict[str, list[_Teller]] = {}
    for key, tellers in sorted(told.items()):
        near = [other for other in found if _is_other_teller(found[other], tellers)]
        like = [other for other in near if same_text(other, key) >= alike]
        found.setdefault(like[0] if len(like) == 1 else key, []).extend(tellers)
    return found


def _is_other_teller(ones: Sequence[_Teller], others: Sequence[_Teller]) -> bool:
    return not {one.seen.ehr for one in ones} & {one.seen.ehr for one in others}


def _merged(
    key: str, tellers: Sequence[_Teller], agreed: Agreed, decisions: Sequence[Decision]
) -> tuple[Activity, dict[str, Json], list[Finding]]:
    refs = tuple(sorted({one.seen.ref for one in tellers}))
    text = str(tellers[0].activity.text)
    before = agreed.items.get(key, {}).get(STATUS, {})
    sides = _sides(tellers)
    if not sides:
        return Activity(key=key, text=text, status=None, evidence=refs, rules=("CP-03",)), {}, []
    decision = answer(decisions, f"plan.activity-differs:{key}", {side.ehr: side.value for side in sides})
    merged = merge(sides, before, accepted(decision, sides) if decision else None)
    status: str | None = None
    found: list[Finding] = []
    match merged:
        case Settled():
            status = str(merged.value)
        case Disputed():
            found = [_differs(key, merged, refs)]
        case _:
            assert_never(merged)
    made = Activity(key=key, text=text, status=status, evidence=refs, rules=("CP-03",))
    return made, dict(merged.agreed), found


def _sides(tellers: Sequence[_Teller]) -> list[Side]:
    """Return the state that each EHR tells; one that lists an activity twice in two states tells none."""
    states: dict[str, set[str | None]] = {}
    refs: dict[str, str] = {}
    for one in tellers:
        states.setdefault(one.seen.ehr, set()).add(one.activity.status)
        refs[one.seen.ehr] = one.seen.ref
    told: Mapping[str, set[str | None]] = {ehr: found - _NOTHING_SAID for ehr, found in states.items()}
    return [Side(ehr=ehr, value=next(iter(found)), ref=refs[ehr]) for ehr, found in told.items() if len(found) == 1]


def _differs(key: str, dispute: Disputed, refs: Sequence[str]) -> Finding:
    values: dict[str, Json] = {side.ehr: side.value for side in dispute.sides}
    facts: dict[str, Json] = {"field": STATUS, "base": dispute.base, "values": values}
    return finding("plan.activity-differs", key, facts=facts, evidence=refs).drawn_by("CP-03")


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
