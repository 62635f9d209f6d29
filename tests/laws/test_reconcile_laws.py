"""Laws of reconciling, over generated evidence of two to four EHRs that partly agree and partly do not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.disclosure import sight
from coordinator.fhir import Json, canonical
from coordinator.outbox.receiver import SYSTEM
from coordinator.reconcile import Account, Agreed, Decision, Evidence, Grade, Presence, reconcile
from tests.builders import (
    FILM_2,
    FILM_8,
    METHADONE,
    NOW,
    a_decision,
    a_dispense,
    a_goal,
    a_plan,
    a_policy,
    a_statement,
    an_administration,
    an_appointment,
    an_encounter,
    an_episode,
    an_order,
    document,
    evidence,
)
from tests.laws.recipient_laws import view

EHRS = ("iop", "res", "ced", "otp")
dates = st.sampled_from(
    ["2026-01-15", "2026-03", "2026-03-02", "2026-03-29", "2026-04-01T22:30:00-04:00", "2026-04-02"]
)
instants = st.sampled_from([f"2026-0{month}-0{day}T09:00:00-04:00" for month in (1, 3, 4) for day in (1, 4)])
numbers = st.integers(1, 3)


def built(make: Any, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(parts).map(lambda chosen: make(**chosen))


def named(letter: str) -> st.SearchStrategy[str]:
    return numbers.map(lambda number: f"{letter}-{number}")


resources = st.one_of(
    built(
        an_episode,
        episode=named("E"),
        level=st.sampled_from(["3e 3.5", "4e 2.1", "4e 2.5", "3e OTP", "4e RR", "4e 3.3"]),
        start=dates,
        end=st.none() | dates,
        status=st.sampled_from([None, "active", "finished"]),
    ),
    built(
        an_encounter,
        encounter=named("N"),
        start=instants,
        end=st.none() | instants,
        status=st.sampled_from(["finished", "in-progress", "cancelled"]),
        class_=st.sampled_from(["AMB", "VR", "IMP"]),
        level=st.sampled_from([None, "4e 2.1"]),
        disposition=st.sampled_from([None, "home"]),
    ),
    built(
        an_appointment,
        appointment=named("T"),
        start=instants,
        end=instants.map(lambda text: text.replace("T09", "T12")),
        status=st.sampled_from(["fulfilled", "noshow", "booked"]),
        answer=st.sampled_from(["accepted", "declined"]),
    ),
    built(
        an_order,
        order=named("M"),
        dose=st.sampled_from(["16 mg", "24 mg", None]),
        at=instants,
        status=st.sampled_from(["active", "stopped"]),
    ),
    built(a_dispense, dispense=named("D"), at=instants, days=st.sampled_from([7, 14, None])),
    built(an_administration, given=named("A"), at=instants, dose=st.sampled_from(["80 mg", "85 mg"])),
    built(
        a_statement,
        statement=named("P"),
        dose=st.sampled_from(["8 mg", "16 mg", None]),
        code=st.sampled_from([FILM_8, FILM_2, METHADONE]),
        at=instants,
    ),
    built(
        a_goal,
        goal=named("G"),
        text=st.sampled_from(["Stay away from alcohol", "Stay away from all alcohol", "Find work", "Find a home"]),
        status=st.sampled_from(["active", "completed", "on-hold"]),
        due=st.sampled_from([None, "2026-06-30", "2026-07-31"]),
        achievement=st.sampled_from([None, "improving", "achieved"]),
    ),
    built(
        a_plan,
        plan=named("C"),
        activities=st.dictionaries(
            st.sampled_from(["Group therapy", "Drug screens"]),
            st.sampled_from(["scheduled", "in-progress"]),
            max_size=2,
        ),
    ),
)
presences = st.sampled_from([*[Presence.PRESENT] * 5, Presence.DELETED, Presence.HIDDEN])


@st.composite
def worlds(draw: st.DrawFn, ehrs: tuple[str, ...] = EHRS) -> list[Evidence]:
    """Draw what two to four EHRs hold, one latest version of each record."""
    chosen = ehrs[: draw(st.integers(2, len(ehrs)))]
    found: dict[str, Evidence] = {}
    for ehr in chosen:
        for tree in draw(st.lists(resources, max_size=6)):
            one = evidence(tree, ehr=ehr, presence=draw(presences), version=draw(st.sampled_from(["1", None])))
            found.setdefault(one.place, one)
    return list(found.values())


def reconciled(world: list[Evidence], agreed: Agreed | None = None, decisions: list[Decision] | None = None) -> Account:
    return reconcile(world, agreed or Agreed(), decisions or [], policy=a_policy(), as_of=NOW)


def changed(draw: st.DrawFn, world: list[Evidence]) -> list[Evidence]:
    """Return the world after some of its records were saved anew, hidden or deleted."""
    later = []
    for one in world:
        tree = dict(one.document.tree)
        if tree["resourceType"] == "Goal" and draw(st.booleans()):
            tree |= {"lifecycleStatus": draw(st.sampled_from(["active", "completed", "on-hold"]))}
        if "dosageInstruction" in tree and draw(st.booleans()):
            tree |= {"dosageInstruction": an_order(dose="32 mg")["dosageInstruction"]}
        later.append(replace(one, document=document(tree), presence=draw(presences)))
    return later


def answers(draw: st.DrawFn, account: Account) -> list[Decision]:
    """Return answers of people to some of the findings."""
    made = []
    for number, one in enumerate(account.findings):
        place = draw(st.sampled_from([ref.partition("@")[0] for ref in one.evidence]))
        value: dict[str, Json] = {"end": "2026-04-01"} if one.code.startswith("stay.") else {"accept": place}
        at = NOW + timedelta(minutes=draw(st.integers(0, 2)))
        made.append(
            a_decision(one.key, value, facts=one.facts, evidence=one.evidence, decided_at=at, reason=f"reason {number}")
        )
    return [one for one in made if draw(st.booleans())]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Evidence], Agreed, list[Decision]]:
    """Draw a world with what was agreed before it changed, and what people decided."""
    world = draw(worlds())
    before = reconciled(world)
    now = changed(draw, world)
    return now, before.agreed, answers(draw, reconciled(now, before.agreed))


def cited(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from (str(one) for one in below) if key == "evidence" and isinstance(below, list) else cited(below)
    elif isinstance(value, list):
        for below in value:
            yield from cited(below)


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_evidence_and_decisions_came_does_not_matter(history, chance):
    """Law: reconcile(shuffled(evidence), shuffled(decisions)) = reconcile(evidence, decisions)."""
    world, agreed, decisions = history
    first = reconciled(world, agreed, decisions)
    chance.shuffle(world)
    chance.shuffle(decisions)
    second = reconciled(world, agreed, decisions)
    assert (second.hash, second.agreed) == (first.hash, first.agreed)


@given(histories())
@settings(max_examples=60, deadline=None)
def test_reconciling_again_changes_nothing(history):
    """Law: with the agreed states it returned, reconciling gives the same account and the same agreed states."""
    world, agreed, decisions = history
    first = reconciled(world, agreed, decisions)
    second = reconciled(world, first.agreed, decisions)
    third = reconciled(world, second.agreed, decisions)
    assert second.hash == first.hash
    assert (third.hash, third.agreed) == (second.hash, second.agreed)


@given(histories(), st.data())
@settings(max_examples=40, deadline=None)
def test_our_own_echoes_change_nothing(history, data):
    """Law: what we wrote and read back is no evidence."""
    world, agreed, decisions = history
    echoes = [
        evidence(tree | {"id": f"echo-{number}", "identifier": [{"system": f"{SYSTEM}/x", "value": "1"}]}, ours=True)
        for number, tree in enumerate(data.draw(st.lists(resources, max_size=4)))
    ]
    assert reconciled([*world, *echoes], agreed, decisions).hash == reconciled(world, agreed, decisions).hash


@given(histories())
@settings(max_examples=40, deadline=None)
def test_every_citation_is_in_the_evidence(history):
    """Law: no conclusion rests on what is not there."""
    world, agreed, decisions = history
    assert set(cited(reconciled(world, agreed, decisions).content)) <= {one.ref for one in world}


@given(histories(), st.sampled_from(EHRS))
@settings(max_examples=30, deadline=None)
def test_a_pull_that_was_not_complete_never_closes_a_stay(history, ehr):
    """Law: with less seen, no stay has an end that it has not with all seen."""
    world, agreed, decisions = history
    policy = a_policy(grades={(ehr, "Encounter"): Grade.PARTIAL})
    partial = reconcile(world, agreed, decisions, policy=policy, as_of=NOW)
    complete = {one.key: one.end for one in reconciled(world, agreed, decisions).timeline.stays}
    assert all(one.end is None or complete[one.key] == one.end for one in partial.timeline.stays)


# ---- what a recipient may not receive --------------------------------------------------------------------------------
secrets = worlds(("otp", "res"))
shown = worlds(("pcp", "iop"))


@given(shown, secrets, st.data())
@settings(max_examples=60, deadline=None)
def test_what_a_recipient_may_not_know_is_as_if_it_did_not_exist(open_world, secret, data):
    """Law: the view and every byte owed equal those of a world without the EHRs that the recipient may not see."""
    decisions = answers(data.draw, reconciled([*open_world, *secret]))
    known = {one.place for one in open_world}
    public = [one for one in decisions if {ref.partition("@")[0] for ref in one.evidence} <= known]
    with_secret = view(sight, [*open_world, *secret], decisions)
    without = view(sight, open_world, public)
    assert canonical(with_secret[0].content) == canonical(without[0].content)
    assert with_secret[1] == without[1]


@given(shown, secrets)
@settings(max_examples=60, deadline=None)
def test_what_a_recipient_was_allowed_to_know_ends_with_the_consent(open_world, secret):
    """Law: after a revocation the values owed are those of a world without that source, whatever had been agreed."""
    while_allowed = reconciled([*open_world, *secret]).agreed
    after = view(sight, [*open_world, *secret], [], while_allowed)[0]
    never = view(sight, open_world, [])[0]
    told = {
        (seen.evidence.place, name, goal.told(ehr, name))
        for goal in never.plan.goals
        for ehr, seen in goal.members.items()
        for name in goal.values
    }
    values = {value for _, _, value in told}
    assert all(value is None or value in values for goal in after.plan.goals for value in goal.values.values())
    doses = {side.value["value"] for course in never.courses for side in course.sides}
    assert all(
        course.dose is None or course.dose.value in {*map(type(course.dose.value), doses)} for course in after.courses
    )
