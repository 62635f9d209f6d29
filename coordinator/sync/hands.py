"""Which person each group of records is: when groups are joined or parted, persons stay or come back as they were.

A person keeps their id, what was agreed with each EHR, and what people decided. Where the same records are a person's
again, after others had been joined with them, it is the same person with the same agreed states as then; so joining and
parting leaves both accounts as they were.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from coordinator.reconcile import Agreed, Decision
from coordinator.sync.agreed import read_agreed, write_agreed
from coordinator.sync.ports import Transaction
from coordinator.sync.records import IdentityLink, Past

Group = frozenset[str]
_NOTHING = write_agreed(Agreed())


async def change_hands(
    tx: Transaction, links: Mapping[str, IdentityLink], groups: Sequence[Group], now: datetime
) -> dict[str, str]:
    """Return the person of each record, and bring along what was agreed and decided about those who change hands."""
    hands = _Hands(links)
    hands.keep(groups)
    moving = sorted((group for group in groups if group not in hands.taken), key=lambda one: (-len(one), min(one)))
    for person in sorted(hands.before.keys() - set(hands.taken.values())):
        shadows = await tx.accounts.shadows(person)
        await tx.people.remember(Past(records=hands.before[person], person=person, shadows=shadows))
    for group in moving:
        past = await _past(tx, group, hands)
        if past is not None:
            hands.take(group, past.person)
            hands.pasts[group] = past
    for group in moving:
        if group not in hands.taken:
            hands.take(group, hands.best(group) or await tx.people.create())
    agreed = {group: await _agreed(tx, group, hands) for group in moving if hands.sources(group)}
    decided = {person: await tx.accounts.decisions(person) for group in moving for person in hands.sources(group)}
    for group, states in agreed.items():
        await _bring_along(tx, hands.taken[group], states, now)
        await _tell_decisions(tx, hands.taken[group], [one for each in hands.sources(group) for one in decided[each]])
    return {place: person for group, person in hands.taken.items() for place in group}


class _Hands:
    """Who had which records, who is taken as the person of a group, and what was so in the past."""

    def __init__(self, links: Mapping[str, IdentityLink]) -> None:
        self._links = links
        had: dict[str, set[str]] = {}
        for place, link in links.items():
            had.setdefault(link.person, set()).add(place)
        self.before: dict[str, Group] = {person: frozenset(places) for person, places in had.items()}
        self.taken: dict[Group, str] = {}
        self.pasts: dict[Group, Past] = {}
        self._persons: set[str] = set()

    def keep(self, groups: Sequence[Group]) -> None:
        """Take the persons who have exactly the records that they had."""
        same = {places: person for person, places in self.before.items()}
        for group in groups:
            if group in same:
                self.take(group, same[group])

    def take(self, group: Group, person: str) -> None:
        """Take a person as that of a group."""
        self.taken[group] = person
        self._persons.add(person)

    def is_free(self, person: str) -> bool:
        """Say whether a person was not taken for any group."""
        return person not in self._persons

    def sources(self, group: Group) -> list[str]:
        """Return the persons whose records a group is made of."""
        return sorted({self._links[place].person for place in group if place in self._links})

    def best(self, group: Group) -> str | None:
        """Return the free person who had the most records of a group, or had them first."""
        counts: dict[str, tuple[int, datetime]] = {}
        for place in sorted(group & self._links.keys()):
            link = self._links[place]
            count, since = counts.get(link.person, (0, link.since))
            counts[link.person] = (count - 1, min(since, link.since))
        free = [(*counts[person], person) for person in counts if self.is_free(person)]
        return min(free)[2] if free else None


async def _past(tx: Transaction, group: Group, hands: _Hands) -> Past | None:
    """Return the past of a group whose person has no other records now."""
    if not hands.sources(group):
        return None
    past = await tx.people.past(group)
    if past is None or not hands.is_free(past.person):
        return None
    elsewhere = [
        link for link in await tx.people.links(past.person) if link.place not in hands.before.get(past.person, ())
    ]
    return None if elsewhere else past


async def _agreed(tx: Transaction, group: Group, hands: _Hands) -> Mapping[str, bytes]:
    """Return the agreed states of a group, by view: those of the past, or of all whom it joins.

    What is left of a person who lost records begins without: whose each agreed value was can't be told.
    """
    if group in hands.pasts:
        return hands.pasts[group].shadows
    sources = hands.sources(group)
    if any(not hands.before[person] <= group for person in sources):
        return {}
    person = hands.taken[group]
    joined: dict[str, Agreed] = {}
    for source in sorted(sources, key=lambda one: one != person):
        for view, body in (await tx.accounts.shadows(source)).items():
            held = joined.get(view, Agreed())
            joined[view] = Agreed(items={**read_agreed(body).items, **held.items})
    return {view: write_agreed(agreed) for view, agreed in joined.items()}


async def _bring_along(tx: Transaction, person: str, shadows: Mapping[str, bytes], now: datetime) -> None:
    held = await tx.accounts.shadows(person)
    for view in sorted(held.keys() | shadows.keys()):
        await tx.accounts.put_shadow(person, view, shadows.get(view, _NOTHING), at=now)


async def _tell_decisions(tx: Transaction, person: str, decisions: Sequence[Decision]) -> None:
    """Keep at a person what was decided at those whose records they have now; what cites others' will not count."""
    known = await tx.accounts.decisions(person)
    for decision in decisions:
        if decision not in known:
            known.append(decision)
            await tx.accounts.add_decision(person, decision)
