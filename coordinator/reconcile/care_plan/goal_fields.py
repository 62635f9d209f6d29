"""The fields of one goal, each merged three ways against what was last agreed with each EHR.

Beside the rules of the merge: where nothing was agreed yet, a state that is dated later and may follow the others holds
(CP-04); and a state that may not follow the agreed one is for a person, though only one side changed (CP-05).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from coordinator.care.care_plan.model import GoalRecord
from coordinator.care.care_plan.rules import is_in_order
from coordinator.fhir import Json, instant_in
from coordinator.reconcile.care_plan.model import FIELDS, Goal, State, goal_value
from coordinator.reconcile.care_plan.same_goal import MATCHED, MEMBER, Item
from coordinator.reconcile.chart import Seen
from coordinator.reconcile.findings import finding
from coordinator.reconcile.merge import ACCOUNT, Disputed, Merged, Settled, Side, accepted, answer, merge
from coordinator.reconcile.model import Decision, Finding

_STATES = frozenset({"lifecycleStatus", "achievementStatus"})
_BY_ORDER, _AGAINST_ORDER = "CP-04", "CP-05"
GIVEN_UP = "given-up"
ENDED = "cancelled"
OWN_WORDS = (
    "own-words"  # state of an item: "ehr field" -> {"sent": what was written there, "held": how the EHR puts it}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalMerge:
    """A goal with its agreed states, and what is open about its fields."""

    goal: Goal
    state: State
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What people are asked or have decided about a goal as a whole.

    While `words` are held they stay as they were agreed; a `goal` that is held is told to nobody who lacks it.
    `given_up` names the decision that ended the goal; it counts once, so that taking it up again later is news.
    """

    words: bool = False
    goal: bool = False
    given_up: str | None = None


def merged_goal(item: Item, decisions: Sequence[Decision], hold: Hold) -> GoalMerge:
    """Return the goal merged field by field."""
    state: State = {
        **({GIVEN_UP: dict(item.before[GIVEN_UP])} if GIVEN_UP in item.before else {}),
        MEMBER: {
            **item.before.get(MEMBER, {}),
            **{ehr: seen.evidence.place for ehr, seen in item.members.items()},
        },
        MATCHED: {**item.before.get(MATCHED, {}), **item.matched},
    }
    if hold.given_up is not None:
        state[GIVEN_UP] = {ACCOUNT: hold.given_up}
    values: dict[str, Json] = {}
    disputed: set[str] = set()
    findings: list[Finding] = []
    rules: set[str] = {"CP-01", "CP-02"}
    for name in FIELDS:
        field = _merged_field(item, name, decisions, hold)
        if field is None:
            values[name] = None
            continue
        merged, by = field
        state[name] = dict(merged.agreed)
        rules |= {by} if by else set()
        match merged:
            case Settled():
                values[name] = merged.value
            case Disputed():
                values[name] = merged.held
                disputed.add(name)
                is_asked_otherwise = hold.words and name == "description"
                findings += [] if is_asked_otherwise else [_differs(item, name, merged, by)]
            case _:
                assert_never(merged)
    goal = Goal(
        key=item.key,
        values=values,
        disputed=frozenset(disputed),
        members=dict(item.members),
        matched=dict(item.matched),
        held=hold.goal,
        rules=tuple(sorted(rules)),
    )
    return GoalMerge(goal=goal, state=state, findings=tuple(findings))


def _is_given_up(item: Item, hold: Hold) -> bool:
    """Tell whether a person ended the goal and nobody took it up again since."""
    states = item.before.get("lifecycleStatus", {})
    if any(side.value != states.get(side.ehr) for side in _sides(item, "lifecycleStatus", states)):
        return False  # whoever changes it now has the next word
    told = item.before.get(GIVEN_UP, {}).get(ACCOUNT)
    if hold.given_up is not None and hold.given_up != told:
        return True
    return told is not None and states.get(ACCOUNT) == ENDED


def _merged_field(item: Item, name: str, decisions: Sequence[Decision], hold: Hold) -> tuple[Merged, str] | None:
    """Return how a field stands, None where nobody tells it, and the rule beside the merge that made it so."""
    before = item.before.get(name, {})
    sides = _sides(item, name, before)
    if not sides:
        return None
    if name == "lifecycleStatus" and _is_given_up(item, hold):
        return Settled(value=ENDED, agreed={**before, ACCOUNT: ENDED}), ""
    if name == "description" and hold.words and ACCOUNT in before:
        return Disputed(base=before[ACCOUNT], sides=tuple(sides), agreed=dict(before)), ""
    decision = answer(decisions, _key(item, name), {side.ehr: side.value for side in sides})
    chosen = accepted(decision, sides) if decision else None
    merged = merge(sides, before, chosen)
    if chosen is not None or name not in _STATES:
        return merged, ""
    if isinstance(merged, Disputed) and ACCOUNT not in before:
        latest = _latest_in_order(item, name, sides)
        return (merged, "") if latest is None else (merge(sides, before, latest), _BY_ORDER)
    if isinstance(merged, Settled) and not _follows(name, before.get(ACCOUNT), merged.value):
        return Disputed(base=before[ACCOUNT], sides=tuple(sides), agreed=dict(before)), _AGAINST_ORDER
    return merged, ""


def _key(item: Item, name: str) -> str:
    return f"plan.goal-differs:{item.key}:{name}"


def _sides(item: Item, name: str, before: Mapping[str, Json]) -> list[Side]:
    """Return what each EHR says of a field; an EHR that never said anything of it takes no side."""
    told = [(ehr, _said(item, ehr, name), seen.ref) for ehr, seen in sorted(item.members.items())]
    return [Side(ehr=ehr, value=value, ref=ref) for ehr, value, ref in told if value is not None or ehr in before]


def _said(item: Item, ehr: str, name: str) -> Json:
    """Return what an EHR says of a field; what it made of words that we wrote there are those words, not its own."""
    value = goal_value(item.members[ehr].record, name)
    words = item.before.get(OWN_WORDS, {}).get(f"{ehr} {name}")
    return words.get("sent") if isinstance(words, dict) and words.get("held") == value else value


def _latest_in_order(item: Item, name: str, sides: Sequence[Side]) -> Side | None:
    """Return the side whose state is dated after all others and may follow each of them."""
    dated = [(moment, side) for side in sides if (moment := _since(item.members[side.ehr])) is not None]
    if len(dated) < len(sides):
        return None
    moment, latest = max(dated, key=lambda one: one[0])
    others = [(when, side) for when, side in dated if side.value != latest.value]
    in_order = all(when < moment and _follows(name, side.value, latest.value) for when, side in others)
    return latest if in_order else None


def _since(seen: Seen[GoalRecord]) -> str | None:
    """Return since when a goal stands as it does, as a full day: only such days can be put in order."""
    told = seen.record.status_date
    if told is None or len(told) != len("2026-01-01"):
        return None
    return told


def _follows(name: str, before: Json, after: Json) -> bool:
    """Tell whether a state may follow; none at all is one that no table knows, and may come from and go anywhere."""
    return is_in_order(name, str(before), str(after))


def _differs(item: Item, name: str, dispute: Disputed, by: str) -> Finding:
    facts: dict[str, Json] = {
        "field": name,
        "base": dispute.base,
        "values": {side.ehr: side.value for side in dispute.sides},
        "told": {side.ehr: _telling(item.members[side.ehr]) for side in dispute.sides},
    }
    return finding(
        "plan.goal-differs",
        f"{item.key}:{name}",
        facts=facts,
        evidence=[side.ref for side in dispute.sides],
    ).drawn_by("CP-02", *((by,) if by else ()))


def _telling(seen: Seen[GoalRecord]) -> Json:
    """Return who told it, when and where, as far as the record says."""
    saved = seen.evidence.document.last_updated
    return {
        "record": seen.ref,
        "when": seen.record.status_date or (saved if instant_in(saved) else None),
        "who": seen.record.expressed_by,
    }
