"""Goals that one EHR deleted, or dropped from its plan, while another keeps them: each is for a person.

An EHR that deletes and recreates all goals took none out: matching by likeness has found them again. What is only
hidden or could not be read is not gone, and only a complete pull of plans shows that a plan no longer names a goal
(design D3).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.care.care_plan.model import CarePlanRecord
from coordinator.fhir import Absolute, Json, Relative, parse_reference
from coordinator.reconcile.care_plan.model import FIELDS, goal_value
from coordinator.reconcile.care_plan.same_goal import MEMBER, Item
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.findings import finding
from coordinator.reconcile.merge import ACCOUNT, latest_of
from coordinator.reconcile.model import Decision, Evidence, Finding, Grade, Policy, Presence

PRESENCE = "presence"  # of each EHR: whether its plan named the goal, and since it is gone anywhere, who edited it
LISTED, EDITED = "listed", "edited"


@dataclass(slots=True, kw_only=True)
class Gone:
    """What is asked about goals taken out, what of it is to be remembered, and which goals a person gave up."""

    findings: list[Finding] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    presence: dict[str, dict[str, Json]] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)  # item -> the decision that gave it up


def gone_of(
    items: Mapping[str, Item],
    chart: Chart,
    decisions: Sequence[Decision],
    *,
    policy: Policy,
    explained: Collection[str] = (),
) -> Gone:
    """Return the goals that one EHR took out while another keeps them: silence removes nobody's goal.

    What is `explained` otherwise is not asked about.
    """
    deleted = {one.place: one for one in chart.vanished if one.presence is Presence.DELETED}
    listed = _listed(chart, policy)
    gone = Gone()
    for key, item in items.items():
        taken_out = dict(_taken_out(item, deleted, listed))
        kept = {ehr for ehr in item.members if ehr not in taken_out}
        gone.presence[key] = _presence(item, taken_out, kept, listed)
        if taken_out and kept and key not in explained:
            _ask(gone, item, taken_out, decisions=decisions)
    return gone


def _listed(chart: Chart, policy: Policy) -> dict[str, set[str]]:
    """Return by EHR which goals its live plans name; only of EHRs whose plans were pulled completely."""
    found: dict[str, set[str]] = {}
    for seen in chart.plans:
        if seen.record.status != "active" or not seen.record.goals:
            continue
        if policy.grades.get((seen.ehr, "CarePlan"), Grade.COMPLETE) is not Grade.COMPLETE:
            continue
        found.setdefault(seen.ehr, set()).update(goals_named(seen))
    return found


def goals_named(seen: Seen[CarePlanRecord]) -> set[str]:
    """Return the places, `ehr/Goal/id`, of the goals that a plan names."""
    references = [parse_reference(text) for text in seen.record.goals]
    return {f"{seen.ehr}/Goal/{one.id}" for one in references if isinstance(one, Relative | Absolute)}


def _taken_out(
    item: Item, deleted: Mapping[str, Evidence], listed: Mapping[str, set[str]]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield EHR, word and citation where an EHR had the goal and took it out."""
    for ehr, place in item.before.get(MEMBER, {}).items():
        member = item.members.get(ehr)
        if member is None and str(place) in deleted:
            yield ehr, ("deleted", deleted[str(place)].ref)
        elif member is not None and _was_dropped(item, ehr, listed):
            yield ehr, ("removed", member.ref)


def _was_dropped(item: Item, ehr: str, listed: Mapping[str, set[str]]) -> bool:
    """Tell whether a plan named this very record and, as far as a complete pull shows, names it no more.

    Of a goal that was recreated that can't be told: some plans go on naming the record that is gone.
    """
    if item.before.get(PRESENCE, {}).get(ehr) != LISTED or ehr not in listed:
        return False
    return _is_the_same_record(item, ehr) and item.members[ehr].evidence.place not in listed[ehr]


def _is_the_same_record(item: Item, ehr: str) -> bool:
    return item.before.get(MEMBER, {}).get(ehr) == item.members[ehr].evidence.place


def _presence(
    item: Item, taken_out: Mapping[str, tuple[str, str]], kept: set[str], listed: Mapping[str, set[str]]
) -> dict[str, Json]:
    """Return what to remember: an edit beside a removal stays known, whatever is agreed about the fields since."""
    before = item.before.get(PRESENCE, {})
    found: dict[str, Json] = {ehr: LISTED for ehr in taken_out if before.get(ehr) == LISTED}
    for ehr in kept:
        edited = bool(taken_out) and (before.get(ehr) == EDITED or _was_edited(item, ehr))
        named = item.members[ehr].evidence.place in listed.get(ehr, ())
        if edited:
            found[ehr] = EDITED
        elif named or (before.get(ehr) in {LISTED, EDITED} and _is_the_same_record(item, ehr)):
            found[ehr] = LISTED
    return found


def _was_edited(item: Item, ehr: str) -> bool:
    """Tell whether a record says something new: what was agreed and stands there, too, is our write or follows it."""
    record = item.members[ehr].record
    states = {name: item.before.get(name, {}) for name in FIELDS}
    return any(
        ehr in state and goal_value(record, name) not in (state[ehr], state.get(ACCOUNT))
        for name, state in states.items()
    )


def _ask(gone: Gone, item: Item, taken_out: Mapping[str, tuple[str, str]], *, decisions: Sequence[Decision]) -> None:
    """Add the finding, or follow the answer that was given to it."""
    remembered = gone.presence[item.key]
    values: dict[str, Json] = {ehr: word for ehr, (word, _) in taken_out.items()}
    kept = [ehr for ehr in item.members if ehr not in taken_out]
    values |= {ehr: "edited" if remembered.get(ehr) == EDITED else "present" for ehr in kept}
    about = f"{item.key}:{PRESENCE}"
    answer = keep_answer(decisions, f"plan.goal-differs:{about}", {"values": values})
    if answer is None:
        facts: dict[str, Json] = {"field": PRESENCE, "base": "present", "values": values}
        refs = [*(ref for _, ref in taken_out.values()), *(item.members[ehr].ref for ehr in kept)]
        gone.asked.add(item.key)
        gone.findings.append(finding("plan.goal-differs", about, facts=facts, evidence=refs).drawn_by("CP-06"))
    elif answer.value.get("keep") is False:
        gone.given_up[item.key] = answer.decided_at.isoformat()


def keep_answer(decisions: Sequence[Decision], key: str, facts: Mapping[str, Json]) -> Decision | None:
    """Return the latest answer to a finding if it says whether to keep a goal, and was given about just these facts."""
    made = [one for one in decisions if one.key == key and isinstance(one.value.get("keep"), bool)]
    latest = latest_of(made, facts)
    if latest is None or any(latest.facts.get(name) != value for name, value in facts.items()):
        return None
    return latest
