"""Which records are one goal: by id, by a shared identifier, else by likeness, best pairs first and one per EHR.

Some EHRs delete all goals of a plan and recreate them at each save: new ids alone are no change. An item of the plan is
known by what was agreed of it, by the records that are there, and by the last content of those that are gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from coordinator.care.care_plan.mapping import read_goal
from coordinator.care.care_plan.model import GoalRecord
from coordinator.care.care_plan.rules import Likeness, likeness
from coordinator.fhir import Json, kinds
from coordinator.reconcile.chart import Seen
from coordinator.reconcile.merge import ACCOUNT
from coordinator.reconcile.model import Agreed, Evidence

ITEM = "goal:"
MEMBER = "member"
MATCHED = "matched"
BY_IDENTIFIER = "identifier"
_CERTAIN = 2.0  # more than any words, codes and dates can be alike


@dataclass(slots=True, kw_only=True)
class Item:
    """A goal as it is being put together: who has it, told by what, and what it is known by."""

    key: str
    before: Mapping[str, Mapping[str, Json]]
    members: dict[str, Seen[GoalRecord]] = field(default_factory=dict)
    matched: dict[str, str] = field(default_factory=dict)
    known_by: list[GoalRecord] = field(default_factory=list)

    def add(self, seen: Seen[GoalRecord], how: str) -> None:
        """Take a record in."""
        self.members[seen.ehr] = seen
        self.matched[seen.ehr] = how
        self.known_by.append(seen.record)

    def forget(self, ehr: str) -> None:
        """Let go of an EHR, as if it had never had this goal."""
        self.members.pop(ehr, None)
        self.matched.pop(ehr, None)
        self.before = {
            name: {other: value for other, value in states.items() if other != ehr}
            for name, states in self.before.items()
        }


def items_of(
    goals: Sequence[Seen[GoalRecord]], agreed: Agreed, vanished: Sequence[Evidence], *, alike: Decimal
) -> dict[str, Item]:
    """Return the goals of the plan by key. What is known stays what it is; the rest is joined by likeness."""
    items = _known(agreed, vanished)
    by_place = {str(place): item for item in items.values() for place in item.before.get(MEMBER, {}).values()}
    left: list[Seen[GoalRecord]] = []
    for seen in goals:
        item = by_place.get(seen.evidence.place)
        if item is None:
            left.append(seen)
        else:
            item.add(seen, str(item.before.get(MATCHED, {}).get(seen.ehr) or "id"))
    known = tuple(items.values())
    left = _join_by_identifier(left, known)
    left = _join_by_likeness(left, known, alike)
    items |= {item.key: item for item in _fresh(left, alike)}
    return {key: item for key, item in sorted(items.items()) if item.members}


def _known(agreed: Agreed, vanished: Sequence[Evidence]) -> dict[str, Item]:
    gone = {one.place: read_goal(one.document) for one in vanished if one.document.type == "Goal"}
    items: dict[str, Item] = {}
    for key, before in agreed.items.items():
        if not key.startswith(ITEM):
            continue
        agreed_as = GoalRecord(text=kinds.TEXT.read(before.get("description", {}).get(ACCOUNT)))
        places = [str(place) for place in before.get(MEMBER, {}).values()]
        known_by = [agreed_as, *(gone[place] for place in places if place in gone)]
        items[key] = Item(key=key, before=before, known_by=known_by)
    return items


def _join_by_identifier(left: Sequence[Seen[GoalRecord]], items: Sequence[Item]) -> list[Seen[GoalRecord]]:
    """Join records that carry a business identifier of an item; return the rest."""
    index = {key: item for item in items for record in item.known_by for key in _identifiers(record)}
    rest: list[Seen[GoalRecord]] = []
    for seen in left:
        item = next((index[key] for key in _identifiers(seen.record) if key in index), None)
        if item is None or seen.ehr in item.members:
            rest.append(seen)
        else:
            item.add(seen, BY_IDENTIFIER)
    return rest


def _identifiers(record: GoalRecord) -> list[tuple[str, str]]:
    return sorted((one.system, one.value) for one in record.identifiers if one.system and one.value)


def _join_by_likeness(
    left: Sequence[Seen[GoalRecord]], items: Sequence[Item], alike: Decimal
) -> list[Seen[GoalRecord]]:
    """Join records to the items that they are most like, best pairs first; return the rest."""
    pairs = [
        (-found.total, item.key, seen.evidence.place, number, found)
        for number, seen in enumerate(left)
        for item in items
        if seen.ehr not in item.members and (found := _likeness(seen.record, item)).total >= alike
    ]
    by_key = {item.key: item for item in items}
    joined: set[int] = set()
    for _, key, _, number, found in sorted(pairs, key=lambda pair: pair[:3]):
        if number not in joined and left[number].ehr not in by_key[key].members:
            by_key[key].add(left[number], found.words)
            joined.add(number)
    return [seen for number, seen in enumerate(left) if number not in joined]


def _likeness(record: GoalRecord, item: Item) -> Likeness:
    return max((likeness(record, known) for known in item.known_by), key=lambda one: one.total)


def _fresh(left: Sequence[Seen[GoalRecord]], alike: Decimal) -> Iterable[Item]:
    """Return the goals that nobody knew: records of different EHRs most alike are one, the best pairs first."""
    groups: dict[int, list[int]] = {number: [number] for number in range(len(left))}
    how: dict[int, str] = dict.fromkeys(groups, "id")
    for found, one, other in _best_pairs(left, alike):
        here, there = sorted([groups[one], groups[other]])
        if {left[n].ehr for n in here} & {left[n].ehr for n in there}:
            continue
        how[there[0]] = found.words
        for number in there:
            groups[number] = here
        here += there
    for number, group in groups.items():
        if group[0] == number:
            first = min((left[n] for n in group), key=lambda seen: seen.evidence.place)
            item = Item(key=f"{ITEM}{first.evidence.place}", before={})
            for each in group:
                item.add(left[each], how[each])
            yield item


def _best_pairs(left: Sequence[Seen[GoalRecord]], alike: Decimal) -> list[tuple[Likeness, int, int]]:
    """Return the pairs of different EHRs that are alike enough, the most alike first."""
    pairs = [
        (found, one, other)
        for one in range(len(left))
        for other in range(one + 1, len(left))
        if left[one].ehr != left[other].ehr and (found := _same(left[one].record, left[other].record)).total >= alike
    ]
    return sorted(pairs, key=lambda pair: (-pair[0].total, left[pair[1]].evidence.place, left[pair[2]].evidence.place))


def _same(one: GoalRecord, other: GoalRecord) -> Likeness:
    """Return how alike two records are; a shared business identifier says it all."""
    if set(_identifiers(one)) & set(_identifiers(other)):
        return Likeness(total=_CERTAIN, words=BY_IDENTIFIER)
    return likeness(one, other)
