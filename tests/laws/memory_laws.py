"""The laws of what stays known: agreed states, writes that went out, decisions of people, records taken back.

A law raises AssertionError for a history that it does not hold for.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from coordinator.fhir import Interval, Json, canonical
from coordinator.reconcile import Account, Agreed, Decision, Evidence, Presence
from tests.builders import NOW, a_dosage, document
from tests.laws.account_laws import How, same
from tests.laws.lives import BEFORE, History
from tests.laws.sent_writes import intents_of, owed_anew, written


# ---- twice -----------------------------------------------------------------------------------------------------------
def doing_it_twice_changes_nothing(how: How, history: History) -> None:
    """Law: reconciling again with the agreed states that it returned gives the same account and the same states."""
    first = history.account(how)
    second = history.account(how, agreed=first.agreed)
    for name, part in first.content.items():
        assert canonical(part) == canonical(second.content[name]), name
    same(history.account(how, agreed=second.agreed), second)


def what_was_sent_is_not_sent_again(how: How, history: History) -> None:
    """Law: once each EHR has what it is owed, the account says the same and owes nothing more.

    A record that we wrote to is another version, and the dose that it told before is no step of the course any more.
    """
    first = history.account(how)
    intents = intents_of(history, first)
    evidence, cites = written(history, intents)
    second = history.account(how, evidence=evidence, agreed=first.agreed)
    assert owed_anew(history, intents, second) == []
    assert _gist(second, {}) == _gist(first, cites)
    same(history.account(how, evidence=evidence, agreed=second.agreed), second)


def _gist(account: Account, cites: dict[str, str]) -> bytes:
    """Return what an account says, citing records by the versions that they became."""
    content = dict(account.content)
    content["courses"] = [
        {name: one[name] for name in ("key", "dose", "status", "covered", "gaps")} for one in content["courses"]
    ]
    text = canonical(content)
    for old, new in cites.items():
        text = text.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    return text


# ---- decisions -------------------------------------------------------------------------------------------------------
def decisions_survive(how: How, history: History, unrelated: Sequence[Evidence]) -> None:
    """Law: what people decided holds, and is not asked again, when something unrelated is learned.

    Unrelated are other records that come, records that are saved anew with nothing changed that we read, and changes of
    goals that no decision is about.
    """
    first = history.account(how)
    about = {place for one in history.decisions for place in _cited(one)}
    goals = [{seen.evidence.place for seen in goal.members.values()} for goal in first.plan.goals]
    others = set().union(*(members for members in goals if not members & about))
    chance = history.chance
    saved = [_saved_anew(one, due=one.place in others and chance.random() < 0.5) for one in history.now]
    later = history.account(how, evidence=[*saved, *unrelated], agreed=first.agreed)
    assert decided_values(later, history.decisions) == decided_values(first, history.decisions)


def _cited(decision: Decision) -> set[str]:
    return {ref.partition("@")[0] for ref in decision.evidence}


def _saved_anew(one: Evidence, *, due: bool) -> Evidence:
    """Return another version of a record; with `due` of a goal that is due on another day."""
    tree = {**one.document.tree, "language": "en-US"}
    tree |= {"target": [{"dueDate": "2027-03-01"}]} if due else {}
    return replace(one, document=document(tree))


def decided_values(account: Account, decisions: Sequence[Decision]) -> dict[str, Json]:
    """Return what holds of each thing that people decided about."""
    held: dict[str, Json] = {}
    asked = {one.key for one in account.findings}
    by_key: dict[str, Json] = {one.key: [_days(one.start), _days(one.end)] for one in account.timeline.stays}
    by_key |= {f"mat.{one.key}": str(one.dose) for one in account.courses}
    by_key |= {one.key: dict(one.values) for one in account.plan.goals}
    by_key |= {one.key: one.status for one in account.plan.activities}
    for one in decisions:
        about = one.key.partition(":")[2]
        names = (about, f"mat.{about}", about.rpartition(":")[0])
        held[one.key] = [one.key in asked, *(by_key.get(name) for name in names)]
    return held


def _days(interval: Interval | None) -> Json:
    return None if interval is None else [str(interval.first), str(interval.last)]


def new_evidence_reopens(how: How, history: History) -> None:
    """Law: a decision that held is asked for again when a record that it rests on tells what nobody knew then."""
    first = history.account(how)
    asked = {one.key for one in first.findings}
    for decision in history.decisions:
        changed = None if decision.key in asked else _told_otherwise(decision, first, history)
        if changed is not None:
            evidence = [changed if one.place == changed.place else one for one in history.now]
            later = history.account(how, evidence=evidence, agreed=first.agreed)
            about = decision.key.partition(":")[2]
            assert any(one.key.partition(":")[2] == about for one in later.findings), decision.key


def _told_otherwise(decision: Decision, account: Account, history: History) -> Evidence | None:
    """Return a record that a decision rests on as it tells something new; None where the decision changed nothing."""
    about = decision.key.partition(":")[2]
    stay = next((one for one in account.timeline.stays if one.key == about and "ST-05" in one.rules), None)
    places = [stay.key] if stay else _disputing(decision, account)
    for one in history.now:
        if one.place in places and one.presence is Presence.PRESENT:
            return _changed(one, str(decision.facts.get("field", "")))
    return None


def _disputing(decision: Decision, account: Account) -> list[str]:
    """Return the records that were overruled, as long as they still say what they said.

    That whoever was believed moves on is an edit like any other, and followed.
    """
    values, accepted = decision.facts.get("values"), str(decision.value.get("accept")).partition("/")[0]
    if not isinstance(values, dict) or accepted not in values:
        return []
    about, field = decision.key.partition(":")[2], str(decision.facts.get("field"))
    goal = next((one for one in account.plan.goals if f"{one.key}:{field}" == about), None)
    course = next((one for one in account.courses if one.key == about), None)
    told: dict[str, tuple[Json, str]] = {}
    if goal is not None:
        told = {ehr: (goal.told(ehr, field), seen.evidence.place) for ehr, seen in goal.members.items()}
    if course is not None:
        told = {side.ehr: (side.value, side.ref.partition("@")[0]) for side in course.sides}
    if {ehr: value for ehr, (value, _) in told.items()} != values:
        return []
    return [place for ehr, (_, place) in told.items() if ehr != accepted]


def _changed(one: Evidence, field: str) -> Evidence | None:
    """Return a record that tells another end, dose, day or state than anybody has told."""
    tree = dict(one.document.tree)
    match tree["resourceType"]:
        case "EpisodeOfCare":
            tree |= {"status": "finished", "period": {**tree["period"], "end": "2027-05-01"}}
        case "MedicationRequest":
            tree |= {"dosageInstruction": a_dosage("13 mg")}
        case "MedicationStatement":
            tree |= {"dosage": a_dosage("13 mg")}
        case "Goal" if field == "dueDate":
            tree |= {"target": [{"dueDate": "2027-03-01"}]}
        case "Goal" if field == "lifecycleStatus":
            tree |= {"lifecycleStatus": "proposed"}
        case _:
            return None
    return replace(one, document=document(tree))


# ---- taken back ------------------------------------------------------------------------------------------------------
def what_is_withdrawn_was_never_there(how: How, history: History, *, deleted: bool) -> None:
    """Law: a record that was deleted or entered in error leaves an account as if it had never been.

    Where a person had decided on it, a finding tells them that it was taken back, and nothing else does.
    """
    place = history.chance.choice(sorted({one.place for one in history.now}))
    without = [one for one in history.now if one.place != place]
    gone = history.account(how, evidence=withdrawn(history.now, place, deleted=deleted), agreed=Agreed())
    same(_untold(gone, place), history.account(how, evidence=without, agreed=Agreed()))


def _untold(account: Account, place: str) -> Account:
    """Return an account without the finding that a record was taken back, and without the number of its version."""
    kept = {key: item for key, item in account.agreed.items.items() if key != f"version:{place}"}
    findings = tuple(one for one in account.findings if one.key != f"source.retracted:{place}")
    return replace(account, findings=findings, agreed=replace(account.agreed, items=kept))


def withdrawn(evidence: Sequence[Evidence], place: str, *, deleted: bool) -> list[Evidence]:
    """Return evidence in which the record at a place is gone: deleted, or entered in error as its EHR says."""
    presence = Presence.DELETED if deleted else Presence.ENTERED_IN_ERROR
    return [replace(one, presence=presence) if one.place == place else one for one in evidence]


def what_was_agreed_and_sent_of_an_error_leaves(how: How, history: History) -> None:
    """Law: a record leaves once its EHR says that it was an error, although it was agreed on and written elsewhere.

    All that is said is what would be said had it never been, and who got writes that rest on it is told. Of goals it
    is their values: no value stays that nobody in sight tells or had told. Which records are one goal stays as it was
    agreed, and a goal that a person gave up stays so: that an error showed them to be one is no reason to part them.
    """
    chance = history.chance
    place = chance.choice(sorted({one.place for one in history.now}))
    first = history.account(how)
    echoes = [one for one in written(history, intents_of(history, first))[0] if one.ours]
    agreed = replace(first.agreed, written={place: frozenset({"pcp"})})
    evidence = [*withdrawn(history.now, place, deleted=False), *echoes]
    gone = history.account(how, evidence=evidence, agreed=agreed)
    told = {one.key: one.facts for one in gone.findings}
    assert told.get(f"source.retracted:{place}", {}).get("written_to") == ["pcp"]
    assert _without_goals(_untold(gone, place)) == _without_goals(_never_was(how, history, place))
    for goal in gone.plan.goals:
        for name, value in goal.values.items():
            agreed_on = first.agreed.items.get(goal.key, {}).get(name, {})
            told_by = [(goal.told(ehr, name), agreed_on.get(ehr)) for ehr in goal.members]
            said = [each for pair in told_by for each in pair]
            assert value is None or value in said or (name, value) == ("lifecycleStatus", "cancelled"), (goal, name)


def _never_was(how: How, history: History, place: str) -> Account:
    """Return the account of a life in which a record never was, looked at as often."""
    before = [one for one in history.before if one.place != place]
    now = [one for one in history.now if one.place != place]
    at = history.telling.now - (NOW - BEFORE)
    first = history.account(how, evidence=before, agreed=Agreed(), decisions=(), as_of=at)
    second = history.account(how, evidence=now, agreed=first.agreed)
    return history.account(how, evidence=now, agreed=second.agreed)


def _without_goals(account: Account) -> dict[str, Any]:
    """Return what an account says beside its goals and what is asked about them.

    The value on which those who differ had agreed is left out, too: people agreed to it, whoever had told it first.
    """
    content = account.content
    found = [one for one in content["findings"] if not one["key"].startswith(("plan.goal", "plan.status"))]
    facts = [{name: value for name, value in one["facts"].items() if name != "base"} for one in found]
    findings = [{**one, "facts": each} for one, each in zip(found, facts, strict=True)]
    return {**content, "plan": content["plan"]["activities"], "findings": findings}
