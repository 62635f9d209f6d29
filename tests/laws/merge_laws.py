"""The laws of merging, by field and for plans of goals over EHRs: each a function of the way to merge or reconcile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from random import Random

from coordinator.care.care_plan.mapping import read_goal
from coordinator.care.care_plan.rules import held_in, likeness
from coordinator.fhir import Json, canonical
from coordinator.reconcile import Account, Agreed, Evidence
from coordinator.reconcile.merge import ACCOUNT, Disputed, Merged, Settled, Side
from coordinator.reconcile.rules import limit
from tests.laws.account_laws import How
from tests.laws.lives import BEFORE, NOW, History

Merge = Callable[[Sequence[Side], Mapping[str, Json]], Merged]


# ---- one field -------------------------------------------------------------------------------------------------------
def identical_edits_are_no_conflict(merge: Merge, sides: Sequence[Side], agreed: Mapping[str, Json]) -> None:
    """Law: where all in sight say the same it holds and is agreed with them, whatever had been agreed before."""
    said = [replace(side, value=sides[0].value) for side in sides]
    merged = merge(said, agreed)
    assert isinstance(merged, Settled)
    assert merged.value == sides[0].value
    assert {ACCOUNT, *(side.ehr for side in sides)} <= {one for one, v in merged.agreed.items() if v == merged.value}


def the_order_of_sides_does_not_matter(merge: Merge, sides: Sequence[Side], agreed: Mapping[str, Json]) -> None:
    """Law: merge(a, b) = merge(b, a)."""
    assert _plain(merge(sides[::-1], agreed)) == _plain(merge(sides, agreed))


def names_do_not_matter(merge: Merge, sides: Sequence[Side], agreed: Mapping[str, Json], chance: Random) -> None:
    """Law: under other names of the EHRs the same value holds, and the same sides are at odds."""
    ehrs = sorted({*(side.ehr for side in sides), *agreed} - {ACCOUNT})
    other = dict(zip(ehrs, chance.sample(ehrs, len(ehrs)), strict=True)) | {ACCOUNT: ACCOUNT}
    there = merge(
        [replace(side, ehr=other[side.ehr]) for side in sides], {other[ehr]: value for ehr, value in agreed.items()}
    )
    assert _plain(there) == _plain(merge(sides, agreed), other)


def merging_again_changes_nothing(merge: Merge, sides: Sequence[Side], agreed: Mapping[str, Json]) -> None:
    """Law: with the states that it led to, merging gives the same value or the same dispute, and the same states."""
    first = merge(sides, agreed)
    assert _plain(merge(sides, first.agreed)) == _plain(first)


def no_value_is_made_up(merge: Merge, sides: Sequence[Side], agreed: Mapping[str, Json]) -> None:
    """Law: what holds is what a side says, or what had been agreed with somebody in sight."""
    merged = merge(sides, agreed)
    known = [one for side in sides for one in (side.value, agreed.get(side.ehr))]
    if isinstance(merged, Settled):
        assert merged.value in known
    else:
        assert len({side.value for side in merged.sides}) > 1
        assert merged.held is None or merged.held in known


def _plain(merged: Merged, names: Mapping[str, str] | None = None) -> Json:
    """Return a merge as JSON without the order of sides."""
    named = names or {}
    agreed: dict[str, Json] = {named.get(ehr, ehr): value for ehr, value in merged.agreed.items()}
    if isinstance(merged, Disputed):
        told: dict[str, Json] = {named.get(side.ehr, side.ehr): side.value for side in merged.sides}
        return ["disputed", merged.base, told, agreed]
    return ["settled", merged.value, agreed]


# ---- a plan ----------------------------------------------------------------------------------------------------------
def it_does_not_matter_which_ehr_said_it(how: How, history: History) -> None:
    """Law: had each EHR said what another said, the goals and activities would have the same values and disputes.

    The names of goals are those of their first records, so they are left out. Where one EHR has two goals alike, which
    of them is another's can be told by their names alone: such lives say nothing here.
    """
    if _is_ambiguous((*history.before, *history.now)):
        return
    ehrs = sorted({one.ehr for one in history.now})
    other = dict(zip(ehrs, reversed(ehrs), strict=True))
    at = history.telling.now - (NOW - BEFORE)
    first = history.account(how, evidence=_under(other, history.before), agreed=Agreed(), decisions=(), as_of=at)
    there = history.account(how, evidence=_under(other, history.now), agreed=first.agreed, decisions=())
    assert _plan(there, other) == _plan(history.account(how, decisions=()), {})


def _is_ambiguous(evidence: Sequence[Evidence]) -> bool:
    """Tell whether an EHR has two goals that may be taken for each other, or had one that was made anew since."""
    goals = {one.place: one for one in evidence if one.document.type == "Goal"}
    told = [(one.ehr, read_goal(one.document)) for one in goals.values()]
    alike = limit("alike_text", {})
    return any(
        ehr == there and (likeness(one, other).total >= alike or held_in(one.text or "", other.text or "") > 0)
        for (ehr, one), (there, other) in combinations(told, 2)
    )


def _under(names: Mapping[str, str], evidence: Sequence[Evidence]) -> list[Evidence]:
    return [replace(one, ehr=names[one.ehr], organization=names[one.organization]) for one in evidence]


def _plan(account: Account, names: Mapping[str, str]) -> list[bytes]:
    """Return goals and activities as what they say, with the records of each under the names of here."""
    goals: list[dict[str, Json]] = [
        {
            "values": dict(goal.values),
            "disputed": sorted(goal.disputed),
            "held": goal.held,
            "members": sorted(
                f"{names.get(ehr, ehr)} {seen.evidence.document.id}" for ehr, seen in goal.members.items()
            ),
        }
        for goal in account.plan.goals
    ]
    activities: list[dict[str, Json]] = [{"key": one.key, "status": one.status} for one in account.plan.activities]
    return sorted(canonical(one) for one in (*goals, *activities))
