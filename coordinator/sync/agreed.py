"""Agreed states as canonical JSON bytes for the store, and back; and what is agreed with an EHR in its own words."""

from collections.abc import Iterable, Mapping, Sequence

from coordinator.errors import InvalidInput
from coordinator.fhir import Json, canonical, parse
from coordinator.outbox import Entry
from coordinator.outbox.kept import KeptAs, Made, kept_of
from coordinator.outbox.owed_care_plan import field_of, goal_values
from coordinator.reconcile import Agreed, Evidence
from coordinator.reconcile.care_plan.goal_fields import OWN_WORDS
from coordinator.reconcile.merge import ACCOUNT


def write_agreed(agreed: Agreed) -> bytes:
    """Return agreed states as canonical JSON."""
    items: dict[str, Json] = {
        item: {name: dict(states) for name, states in fields.items()} for item, fields in agreed.items.items()
    }
    return canonical(items)


def read_agreed(body: bytes) -> Agreed:
    """Return agreed states from JSON. Raises InvalidInput for anything that this product did not write."""
    tree = parse(body)
    if not isinstance(tree, dict):
        raise InvalidInput("A stored shadow is no JSON object.", operation="read shadow")
    items: dict[str, dict[str, dict[str, Json]]] = {}
    for item, fields in tree.items():
        named = fields if isinstance(fields, dict) else {}
        items[item] = {name: dict(states) for name, states in named.items() if isinstance(states, dict)}
    return Agreed(items=items)


# ---- in an EHR's own words -------------------------------------------------------------------------------------------

_States = Mapping[str, Mapping[str, Json]]


def in_own_words(agreed: Agreed, entries: Iterable[Entry], evidence: Sequence[Evidence]) -> Agreed:
    """Return agreed states that know what EHRs made of our writes, while their records stand as the writes left them.

    What stands there is nobody's edit: else two EHRs that rewrite what they take would tell each other news for ever.
    Other words for what was sent are read as that; with an EHR that holds something else, this is what is agreed.
    """
    records = {one.place: one for one in evidence}
    items: dict[str, Mapping[str, Mapping[str, Json]]] = dict(agreed.items)
    for entry in entries:
        goal = entry.intent.key.removeprefix("goal:")
        place = f"{entry.intent.ehr}/{entry.intent.type}/{entry.result_id}"
        if entry.intent.type != "Goal" or goal not in items or place not in records:
            continue
        for made in kept_of(entry):
            if made.is_of(records[place].document):
                items[goal] = _held_to(items[goal], made, entry.intent.ehr)
    return Agreed(items=items)


def _held_to(states: _States, made: KeptAs, ehr: str) -> _States:
    name = field_of(made)
    sent, held = goal_values(made)
    if made.made is Made.REWORDED:
        words: Json = {"sent": sent, "held": held}
        return {**states, OWN_WORDS: {**states.get(OWN_WORDS, {}), f"{ehr} {name}": words}}
    before = states.get(name, {})
    return {**states, name: {**before, ehr: held}} if ACCOUNT in before and before[ACCOUNT] == sent else states
