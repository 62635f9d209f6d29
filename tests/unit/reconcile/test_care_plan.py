"""One plan out of several: which goals are one, each field merged three ways, activities by their words."""

import pytest

from coordinator.reconcile import Presence
from tests.builders import a_decision, a_goal, a_plan, evidence

ABSTAIN, WORK, FRIENDS = (
    "Maintain abstinence from alcohol and other drugs",
    "Return to work and repair family relationships",
    "Build a sober support network",
)


def goals(account):
    return {
        one.values["description"]: sorted(seen.evidence.place for seen in one.members.values())
        for one in account.plan.goals
    }


def the_goal(account):
    (goal,) = account.plan.goals
    return goal


def iop(goal="G-1", *, presence=Presence.PRESENT, version="1", **more):
    return evidence(a_goal(goal, **{"text": ABSTAIN} | more), ehr="iop", presence=presence, version=version)


def ced(goal="cg-1", *, presence=Presence.PRESENT, version="1", **more):
    return evidence(a_goal(goal, **{"text": ABSTAIN} | more), ehr="ced", presence=presence, version=version)


# ---- which are one ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        ABSTAIN,
        ABSTAIN.upper(),
        "Maintain abstinence: alcohol, other drug",
        "From drugs and alcohol maintain abstinence",
    ],
)
def test_goals_of_two_ehrs_are_one_by_their_words(account, text):
    assert len(the_goal(account(iop(), ced(text=text))).members) == 2


def test_goals_about_other_things_are_other_goals(account):
    assert len(account(iop(text=WORK), ced(text=FRIENDS)).plan.goals) == 2


def test_two_goals_of_one_ehr_are_never_one(account):
    assert len(account(iop("G-1"), iop("G-2")).plan.goals) == 2


def test_goals_without_words_are_not_joined(account):
    assert len(account(iop(text=""), ced(text="")).plan.goals) == 2


def test_the_best_pairs_are_joined(account):
    """Two goals alike in part: each finds the one most alike."""
    made = account(
        iop("G-1", text="Attend three meetings weekly"),
        iop("G-2", text="Attend three meetings weekly with sponsor"),
        ced("c-1", text="Attend three meetings weekly with sponsor"),
        ced("c-2", text="Attend three meetings weekly"),
    )
    assert sorted(goals(made).values()) == [
        ["ced/Goal/c-1", "iop/Goal/G-2"],
        ["ced/Goal/c-2", "iop/Goal/G-1"],
    ]


def test_a_pair_that_can_not_be_one_goal_hides_no_pair_that_is_less_alike(account):
    made = account(
        iop("G-1"),
        iop("G-2", text=f"{ABSTAIN} now"),
        iop("G-3", text=WORK),
        ced("c-1"),
        ced("c-3", text=WORK.replace("work", "work part-time")),
    )
    assert sorted(goals(made).values()) == [
        ["ced/Goal/c-1", "iop/Goal/G-1"],
        ["ced/Goal/c-3", "iop/Goal/G-3"],
        ["iop/Goal/G-2"],
    ]


def test_goals_stay_one_by_id_whatever_their_words_become(account):
    before = account(iop(), ced()).agreed
    made = account(iop(text="Stay sober and go fishing", version="2"), ced(), agreed=before)
    assert len(made.plan.goals) == 1
    assert the_goal(made).values["description"] == "Stay sober and go fishing"


def test_goals_that_were_deleted_and_recreated_are_the_same_by_content(account):
    before = account(iop("G-1"), iop("G-2", text=WORK), ced("c-1"), ced("c-2", text=WORK)).agreed
    made = account(
        iop("G-1"),
        iop("G-2", text=WORK),
        ced("c-1", presence=Presence.DELETED),
        ced("c-2", presence=Presence.DELETED, text=WORK),
        ced("c-8", text="Return to work part-time and repair family relationships"),
        ced("c-9", due="2026-07-31"),
        agreed=before,
    )
    assert {text.split()[0]: places for text, places in goals(made).items()} == {
        "Maintain": ["ced/Goal/c-9", "iop/Goal/G-1"],
        "Return": ["ced/Goal/c-8", "iop/Goal/G-2"],
    }
    assert made.findings == ()
    assert sorted(one.values["dueDate"] or "" for one in made.plan.goals) == ["", "2026-07-31"]


def numbered(tree, value="7", system="https://plans.example"):
    return tree | {"identifier": [{"system": system, "value": value}]}


def test_a_goal_under_a_number_that_is_known_is_that_goal_in_any_words(account):
    own = evidence(numbered(a_goal("G-1", text=ABSTAIN)))
    before = account(own).agreed
    made = account(own, evidence(numbered(a_goal("c-1", text=FRIENDS)), ehr="ced"), agreed=before)
    assert dict(the_goal(made).matched) == {"ced": "identifier", "iop": "id"}


@pytest.mark.parametrize(
    "other",
    [
        numbered(a_goal("c-1", text=FRIENDS), value="8"),
        numbered(a_goal("c-1", text=FRIENDS), system="https://others.example"),
        numbered(a_goal("c-1", text=FRIENDS), system=None),
    ],
    ids=["another number", "of another list", "of no list"],
)
def test_a_goal_under_another_number_is_known_by_its_words_alone(account, other):
    own = evidence(numbered(a_goal("G-1", text=ABSTAIN)))
    before = account(own).agreed
    assert len(account(own, evidence(other, ehr="ced"), agreed=before).plan.goals) == 2


def test_of_two_goals_that_are_like_a_known_one_the_likelier_is_that_goal(account):
    before = account(iop()).agreed
    made = account(iop(), ced("c-1", text=f"{ABSTAIN} now"), ced("c-2"), agreed=before)
    assert sorted(goals(made).values()) == [["ced/Goal/c-1"], ["ced/Goal/c-2", "iop/Goal/G-1"]]


def test_a_new_goal_on_one_side_is_a_goal_of_the_plan(account):
    before = account(iop(), ced()).agreed
    made = account(iop(), ced(), ced("cg-2", text=FRIENDS), agreed=before)
    assert goals(made)[FRIENDS] == ["ced/Goal/cg-2"]
    assert made.findings == ()


def test_a_goal_that_one_ehr_deleted_stays_and_a_person_is_asked(account):
    before = account(iop(), ced()).agreed
    made = account(iop(), ced(presence=Presence.DELETED), agreed=before)
    assert goals(made) == {ABSTAIN: ["iop/Goal/G-1"]}
    (found,) = made.findings
    assert (found.code, found.facts) == (
        "plan.goal-differs",
        {"field": "presence", "base": "present", "values": {"ced": "deleted", "iop": "present"}},
    )


@pytest.mark.parametrize("presence", [Presence.HIDDEN, Presence.UNREADABLE, Presence.MERGED])
def test_a_goal_that_can_not_be_seen_is_not_deleted(account, presence):
    before = account(iop(), ced()).agreed
    assert account(iop(), ced(presence=presence), agreed=before).findings == ()


# ---- fields ----------------------------------------------------------------------------------------------------------
FIELDS = {
    "lifecycleStatus": ("status", "active", "completed", "on-hold"),
    "achievementStatus": ("achievement", "in-progress", "improving", "achieved"),
    "dueDate": ("due", "2026-06-30", "2026-07-31", "2026-08-31"),
    "description": ("text", ABSTAIN, f"{ABSTAIN} now", f"{ABSTAIN} daily"),
}


@pytest.mark.parametrize(("name", "told"), FIELDS.items(), ids=FIELDS)
def test_a_field_changed_on_one_side_is_followed(account, name, told):
    element, base, changed, _ = told
    before = account(iop(**{element: base}), ced(**{element: base})).agreed
    made = account(iop(**{element: base}), ced(**{element: changed}), agreed=before)
    assert (the_goal(made).values[name], made.findings) == (changed, ())


@pytest.mark.parametrize(("name", "told"), FIELDS.items(), ids=FIELDS)
def test_a_change_that_meets_another_before_it_is_delivered_is_shown_with_what_both_had_before(account, name, told):
    """The one who changed later never had the first change: what they both agreed on is the value before it."""
    element, base, first, later = told
    before = account(iop(**{element: base}), ced(**{element: base})).agreed
    moved = account(iop(**{element: base}), ced(**{element: first}), agreed=before).agreed
    made = account(iop(**{element: later}), ced(**{element: first}), agreed=moved)
    (found,) = made.findings
    told_of = {key: found.facts[key] for key in ("field", "base", "values")}
    assert told_of == {"field": name, "base": base, "values": {"iop": later, "ced": first}}
    assert the_goal(made).values[name] == first  # the account keeps what it holds until a person decides


@pytest.mark.parametrize(("name", "told"), FIELDS.items(), ids=FIELDS)
def test_a_field_changed_differently_on_both_sides_keeps_its_base_and_is_for_a_person(account, name, told):
    element, base, one, other = told
    before = account(iop(**{element: base}), ced(**{element: base})).agreed
    made = account(iop(**{element: one}), ced(**{element: other}), agreed=before)
    assert (the_goal(made).values[name], the_goal(made).disputed) == (base, {name})
    (found,) = made.findings
    assert {key: found.facts[key] for key in ("field", "base", "values")} == {
        "field": name,
        "base": base,
        "values": {"iop": one, "ced": other},
    }
    assert found.evidence == ("ced/Goal/cg-1@1", "iop/Goal/G-1@1")


def test_fields_are_merged_one_by_one(account):
    before = account(iop(due="2026-06-30"), ced(due="2026-06-30")).agreed
    made = account(iop(due="2026-07-31"), ced(due="2026-06-30", achievement="improving"), agreed=before)
    assert (the_goal(made).values["dueDate"], the_goal(made).values["achievementStatus"]) == ("2026-07-31", "improving")


def test_an_ehr_that_never_told_a_field_takes_no_side_in_it(account):
    before = account(iop(achievement="in-progress"), ced()).agreed
    made = account(iop(achievement="improving"), ced(), agreed=before)
    assert (the_goal(made).values["achievementStatus"], made.findings) == ("improving", ())


def test_a_field_that_one_ehr_removed_is_removed_and_stays_so(account):
    before = account(iop(due="2026-06-30"), ced(due="2026-06-30")).agreed
    once = account(iop(), ced(due="2026-06-30"), agreed=before)
    again = account(iop(), ced(due="2026-06-30"), agreed=once.agreed)
    assert [the_goal(one).values["dueDate"] for one in (once, again)] == [None, None]


def test_what_only_a_vanished_goal_told_is_not_told_any_more(account):
    before = account(iop(due="2026-06-30"), ced()).agreed
    made = account(iop(presence=Presence.HIDDEN), ced(), agreed=before)
    assert the_goal(made).values["dueDate"] is None


def test_a_person_s_answer_settles_a_field(account):
    before = account(iop(status="active"), ced(status="active")).agreed
    records = (iop(status="completed"), ced(status="on-hold"))
    (found,) = account(*records, agreed=before).findings
    answer = a_decision(found.key, {"accept": "ced/Goal/cg-1"}, facts=found.facts)
    made = account(*records, agreed=before, decisions=[answer])
    assert (the_goal(made).values["lifecycleStatus"], made.findings) == ("on-hold", ())


def test_an_achievement_in_other_words_than_hl7_s_is_not_told(account):
    goal = a_goal() | {"achievementStatus": {"text": "doing well"}}
    assert the_goal(account(evidence(goal))).values["achievementStatus"] is None


def test_a_goal_entered_in_error_is_none(account):
    assert account(iop(status="entered-in-error")).plan.goals == ()


# ---- activities and plans --------------------------------------------------------------------------------------------
def test_activities_of_all_live_plans_are_one_list_by_their_words(account):
    made = account(
        evidence(a_plan(activities={"Group therapy": "in-progress", "Drug screens": "scheduled"})),
        evidence(a_plan("c-1", activities={"group  THERAPY": "in-progress"}), ehr="ced"),
    )
    assert [(one.text, one.status, len(one.evidence)) for one in made.plan.activities] == [
        ("Drug screens", "scheduled", 1),
        ("group  THERAPY", "in-progress", 2),
    ]
    assert made.findings == ()


def test_an_activity_with_two_states_is_for_a_person(account):
    made = account(
        evidence(a_plan(activities={"Group therapy": "in-progress"})),
        evidence(a_plan("c-1", activities={"Group therapy": "completed"}), ehr="ced"),
    )
    (found,) = made.findings
    assert (found.code, found.facts["values"]) == (
        "plan.activity-differs",
        {"iop": "in-progress", "ced": "completed"},
    )
    assert made.plan.activities[0].status is None


def test_an_ehr_that_lists_an_activity_in_two_states_tells_neither(account):
    made = account(
        evidence(a_plan("CP-1", activities={"Group therapy": "in-progress"})),
        evidence(a_plan("CP-2", activities={"Group therapy": "completed"})),
    )
    (activity,) = made.plan.activities
    assert (activity.status, activity.rules, len(activity.evidence)) == (None, ("CP-03",), 2)
    assert (made.findings, made.agreed.items.get(activity.key)) == ((), None)


@pytest.mark.parametrize("status", ["draft", "revoked", "completed"])
def test_a_plan_that_is_not_active_brings_no_activities(account, status):
    made = account(evidence(a_plan(activities={"Group therapy": "in-progress"}, status=status)))
    assert (made.plan.activities, made.plan.plans) == ((), ())


def test_an_activity_without_words_is_left_to_its_own_record(account):
    plan = a_plan() | {"activity": [{"reference": {"reference": "Appointment/1"}}]}
    assert account(evidence(plan)).plan.activities == ()
