"""Answers about goals under the names that this view has for them.

A goal is named by the first of its records. Whoever may not know that record, or met the records in another order,
names the same goal otherwise, and would look in vain for an answer that was given under the first name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from coordinator.reconcile.care_plan.same_goal import MEMBER, Item
from coordinator.reconcile.model import Decision


def answers_here(decisions: Sequence[Decision], items: Mapping[str, Item]) -> tuple[Decision, ...]:
    """Return the decisions, and those about goals once more under the names that the goals have here.

    The records that a decision rests on tell which goal it is. Whose view lacks one of them is given no such decision.
    """
    holders: dict[str, set[str]] = {}
    for key, item in items.items():
        members = [seen.evidence.place for seen in item.members.values()]
        for place in (*members, *map(str, item.before.get(MEMBER, {}).values())):
            holders.setdefault(place, set()).add(key)
    return (*decisions, *(named for one in decisions for named in _named_here(one, holders)))


def _named_here(decision: Decision, holders: Mapping[str, set[str]]) -> Iterator[Decision]:
    places = {ref.partition("@")[0] for ref in decision.evidence}
    found = {key for place in places for key in holders.get(place, ())}
    match decision.code:
        case "plan.goal-differs" if len(found) == 1:  # records that are two goals here were asked about as one
            part = f":{decision.facts.get('field')}"
        case "plan.goal-split" | "plan.goal-merged":  # it cites several goals; its facts tell the words
            part = f"@{decision.facts.get('ehr')}"
        case _:
            return
    yield from (replace(decision, key=f"{decision.code}:{key}{part}") for key in found)
