"""Goals that one EHR split in several or put together into one: told by their words, and decided by a person.

Until then the words of the goal stay as they were agreed, and the new goals are told to nobody else: an edit that
shortens a goal because its other half became a goal of its own would else take that half away everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.care.care_plan.rules import held_in
from coordinator.fhir import Json
from coordinator.reconcile.care_plan.goals_gone import keep_answer
from coordinator.reconcile.care_plan.model import FIELDS
from coordinator.reconcile.care_plan.same_goal import MEMBER, Item
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.findings import finding
from coordinator.reconcile.merge import ACCOUNT
from coordinator.reconcile.model import Decision, Finding, Policy, Presence
from coordinator.reconcile.rules import limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What an EHR said of a goal when it was last agreed, and what it says now; `gone` where it took it out."""

    item: Item
    before: str
    now: str
    ref: str
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """A goal cut anew: the question, the goal it is about, the new goals, and the goals that are gone at that EHR."""

    finding: Finding
    item: Item
    fresh: tuple[Item, ...]
    lost: tuple[Item, ...]


@dataclass(slots=True, kw_only=True)
class Recut:
    """Goals cut anew: what is asked, whose words and which goals are held, what is given up, what that explains."""

    findings: list[Finding] = field(default_factory=list)
    words_held: set[str] = field(default_factory=set)
    goals_held: set[str] = field(default_factory=set)
    given_up: dict[str, str] = field(default_factory=dict)
    explained: set[str] = field(default_factory=set)


def recut_of(items: dict[str, Item], chart: Chart, decisions: Sequence[Decision], *, policy: Policy) -> Recut:
    """Return the goals that an EHR seems to have split or put together since they were agreed.

    Where a person said that the old goals stay, `items` changes: what that EHR has now is then a goal of its own.
    """
    part = float(limit("goal_part_words", policy.options))
    recut = Recut()
    for ehr in sorted({ehr for item in items.values() for ehr in (*item.members, *item.before.get(MEMBER, {}))}):
        followed: set[str] = set()
        cuts = _cuts_at(ehr, items, chart, part)
        while answered := _next_answered(cuts, decisions, followed):
            followed.add(answered[0].finding.key)
            _follow(recut, *answered, items=items, ehr=ehr)
            cuts = _cuts_at(ehr, items, chart, part)  # what one answer explains, no other question may rest on
        for cut in cuts:
            if cut.finding.key not in followed:
                _hold(recut, cut)
    return recut


def _cuts_at(ehr: str, items: Mapping[str, Item], chart: Chart, part: float) -> list[_Cut]:
    return list(_cuts(list(_told(items, ehr, chart)), ehr, part))


def _next_answered(
    cuts: Sequence[_Cut], decisions: Sequence[Decision], followed: set[str]
) -> tuple[_Cut, Decision] | None:
    """Return the first cut that a person answered and that was not followed yet."""
    for cut in cuts:
        answer = None if cut.finding.key in followed else keep_answer(decisions, cut.finding.key, cut.finding.facts)
        if answer is not None:
            return cut, answer
    return None


def _hold(recut: Recut, cut: _Cut) -> None:
    """Ask, and hold what is asked about until it is answered."""
    recut.findings.append(cut.finding)
    recut.explained |= {item.key for item in (cut.item, *cut.lost)}
    recut.words_held.add(cut.item.key)
    recut.goals_held |= {item.key for item in cut.fresh}


def _follow(recut: Recut, cut: _Cut, answer: Decision, *, items: dict[str, Item], ehr: str) -> None:
    """Let the new goals take the place of the old, or leave the old to the others and what the EHR has now to it."""
    for item in cut.lost:
        item.forget(ehr)
    if answer.value["keep"] is False:
        recut.given_up |= {item.key: answer.decided_at.isoformat() for item in cut.lost}
    elif ehr in cut.item.members and any(name in cut.item.before for name in FIELDS):
        seen = cut.item.members[ehr]
        cut.item.forget(ehr)
        own = Item(key=f"{cut.item.key}|{seen.evidence.place}", before={})
        own.add(seen, "id")
        items[own.key] = own


def _cuts(told: Sequence[_Told], ehr: str, part: float) -> Iterator[_Cut]:
    fresh = [one for one in told if not one.before]
    lost = [one for one in told if one.gone]
    for one in told:
        if one.now == one.before:
            continue
        found = _split(one, fresh, ehr=ehr, part=part) or _joint(one, lost, ehr=ehr, part=part)
        if found is not None:
            yield found


def _told(items: Mapping[str, Item], ehr: str, chart: Chart) -> Iterator[_Told]:
    """Yield what an EHR said and says of each goal that it has, had, or has anew.

    Who has taken over the words that were agreed cut nothing: mostly it was us who wrote them there.
    """
    gone = {one.place: one for one in chart.vanished if one.presence is Presence.DELETED}
    for item in items.values():
        member, place = item.members.get(ehr), item.before.get(MEMBER, {}).get(ehr)
        words = item.before.get("description", {})
        agreed = words.get(ehr)
        before = agreed if isinstance(agreed, str) else ""
        if member is not None:
            now = member.record.text or ""
            has_taken_over = before and now == words.get(ACCOUNT)
            yield _Told(item=item, before=now if has_taken_over else before, now=now, ref=member.ref)
        elif str(place) in gone:
            yield _Told(item=item, before=before, now="", ref=gone[str(place)].ref, gone=True)


def _split(one: _Told, fresh: Sequence[_Told], *, ehr: str, part: float) -> _Cut | None:
    """Return how a goal lies in parts: what it says now, if less than before, and new goals of the same words."""
    before, now = one.before, one.now
    if now and (held_in(now, before) < part or held_in(before, now) >= 1):
        return None  # it is new itself, says something else, or says no less than before
    parts = [each for each in fresh if held_in(each.now, before) >= part]
    texts = sorted(filter(None, [now, *(each.now for each in parts)]))
    if len(texts) < 2 or held_in(before, " ".join(texts)) < part:
        return None
    return _Cut(
        finding=_asked("plan.goal-split", one, parts, ehr=ehr, words=([before], texts)),
        item=one.item,
        fresh=tuple(each.item for each in parts),
        lost=(one.item,) if one.gone else (),
    )


def _joint(one: _Told, lost: Sequence[_Told], *, ehr: str, part: float) -> _Cut | None:
    """Return which goals one holds now: what it was, if it still says all of it, and goals that are gone."""
    parts = [each for each in lost if held_in(each.before, one.now) >= part]
    own = [one.before] if held_in(one.before, one.now) >= part else []
    before = sorted([*own, *(each.before for each in parts)])
    if len(before) < 2 or held_in(one.now, " ".join(before)) < part:
        return None
    return _Cut(
        finding=_asked("plan.goal-merged", one, parts, ehr=ehr, words=(before, [one.now])),
        item=one.item,
        fresh=() if one.before else (one.item,),
        lost=tuple(each.item for each in parts),
    )


def _asked(code: str, one: _Told, parts: Sequence[_Told], *, ehr: str, words: tuple[list[str], list[str]]) -> Finding:
    facts: dict[str, Json] = {"ehr": ehr, "from": list[Json](words[0]), "into": list[Json](words[1])}
    refs = [one.ref, *(each.ref for each in parts)]
    return finding(code, f"{one.item.key}@{ehr}", facts=facts, evidence=refs).drawn_by("CP-07")
