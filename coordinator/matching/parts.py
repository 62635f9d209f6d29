"""Part a set of patient records into persons, whatever order they came in.

The ties hold one after the other, from the strongest: what a person decided, what an EHR merged, what agrees for
certain (from the most bits), and what stayed. Bonds of one tie and strength are looked at together. Where together
they would make one person of records that can't be one, none of them holds: which of them is wrong can't be told, so a
person is asked. Records can't be one person's where a person said that they are two, or, unless a person or their EHR
said that they are one, where a number that everybody has once differs, or the birth dates do.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

from coordinator.care.patient.traits import Traits, births_clash, numbers_clash
from coordinator.matching.bonds import Bond, Tie
from coordinator.matching.verdicts import Pair, Verdict

_ORDER = tuple(Tie)
_OVER_DATA = (Tie.DECIDED, Tie.MERGED)  # a person, or staff of the EHR, looked at the two and knew that they differ

Group = frozenset[str]
Parted = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Which records are one person's, in the order of their first record, and the bonds that could not hold."""

    groups: tuple[Group, ...]
    held: tuple[Bond, ...]
    refused: tuple[Bond, ...]


def partition(records: Mapping[str, Traits], bonds: Collection[Bond], verdicts: Mapping[Pair, Verdict]) -> Partition:
    """Return which records are one person's."""
    apart: dict[str, set[str]] = {}
    for (one, other), verdict in verdicts.items():
        if not verdict.same:
            apart.setdefault(one, set()).add(other)
    groups: dict[str, Group] = {place: frozenset({place}) for place in records}
    held: list[Bond] = []
    refused: list[Bond] = []
    for tie, together in _layers(bonds):
        usable = [one for one in together if tie is not Tie.STAYED or _is_alone(one, groups)]
        for parts, own in _joined(usable, groups):
            if _may_be_one(parts, records, apart, over_data=tie in _OVER_DATA):
                whole = frozenset[str]().union(*parts)
                groups |= dict.fromkeys(whole, whole)
                held.extend(own)
            else:
                refused.extend(own)
    persons = tuple(sorted(set(groups.values()), key=min))
    return Partition(groups=persons, held=tuple(held), refused=tuple(refused))


def _layers(bonds: Collection[Bond]) -> Iterable[tuple[Tie, list[Bond]]]:
    """Yield bonds that are looked at together, from the strongest."""
    ordered = sorted(bonds, key=lambda one: (_ORDER.index(one.tie), -one.strength, one.pair))
    for (tie, _), together in groupby(ordered, key=lambda one: (one.tie, one.strength)):
        yield tie, list(together)


def _is_alone(bond: Bond, groups: Mapping[str, Group]) -> bool:
    """Say whether the record that changed, which `by` names, was not joined by anything else."""
    return len(groups[bond.by]) == 1


def _joined(bonds: Sequence[Bond], groups: Mapping[str, Group]) -> list[tuple[set[Group], list[Bond]]]:
    """Return the sets of groups that bonds would join, each with its bonds."""
    root: dict[Group, Group] = {}

    def found(group: Group) -> Group:
        while (above := root.setdefault(group, group)) is not group:
            root[group] = root[above]
            group = above
        return group

    for bond in bonds:
        first, second = (found(groups[place]) for place in bond.pair)
        root[first] = second
    parts: dict[Group, tuple[set[Group], list[Bond]]] = {}
    for group in root:
        parts.setdefault(found(group), (set(), []))[0].add(group)
    for bond in bonds:
        parts[found(groups[bond.pair[0]])][1].append(bond)
    return list(parts.values())


def _may_be_one(parts: set[Group], records: Mapping[str, Traits], apart: Parted, *, over_data: bool) -> bool:
    whole = frozenset[str]().union(*parts)
    if any(other in whole for one in whole for other in apart.get(one, ())):
        return False
    return over_data or not any(_clash(one, other, records) for one, other in combinations(parts, 2))


def _clash(one: Group, other: Group, records: Mapping[str, Traits]) -> bool:
    """Say whether each record of one group clashes with each of the other in the same way, or has nothing to say."""
    here, there = [records[place] for place in one], [records[place] for place in other]
    return numbers_clash(here, there) or births_clash(here, there)
