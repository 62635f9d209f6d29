"""What an EHR is owed: desired minus observed, in the best form it takes, and nothing that it says already."""

import base64
import json
from datetime import UTC, datetime

import pytest

from coordinator.fhir import read_document, validate
from coordinator.outbox import Form, Receiver, owed
from coordinator.outbox.held_already import held_already
from coordinator.outbox.receiver import is_ours
from coordinator.reconcile import Agreed, reconcile
from tests.builders import (
    FILM_2,
    METHADONE,
    NOW,
    a_dispense,
    a_goal,
    a_plan,
    a_policy,
    a_statement,
    an_administration,
    an_encounter,
    an_episode,
    an_order,
    document,
    evidence,
)

CARRIERS = {Form.NATIVE: "MedicationStatement", Form.DOCUMENT: "DocumentReference", Form.MESSAGE: "Communication"}
TASKS = {Form.MESSAGE: "Task"}


def a_receiver(*forms, ehr="pcp", types=None, storable=None, echoes=(), keeps=lambda _path: True):
    """Return an EHR that takes these forms of everything, natively unless told otherwise."""

    def carrier(concept, form):
        if form is Form.NATIVE:
            return {"goal": "Goal", "care_plan": "CarePlan"}.get(concept, "MedicationStatement")
        return (types or CARRIERS).get(form)

    return Receiver(
        ehr=ehr,
        patient="p-9",
        forms=lambda concept: (*(forms or (Form.NATIVE,)), Form.NONE),
        types=carrier,
        can_store=lambda path, value: path not in (storable or {}) or value in storable[path],
        echoes=tuple(echoes),
        keeps=keeps,
    )


def account(*records, agreed=None, decisions=(), as_of=NOW):
    return reconcile(records, agreed or Agreed(), decisions, policy=a_policy(), as_of=as_of)


def intents(receiver, *records, **more):
    return owed("pe-1", account(*records, **more), receiver)


def the_intent(receiver, *records, **more):
    (intent,) = intents(receiver, *records, **more)
    return intent


def body(intent):
    return json.loads(intent.body)


# ---- medication ------------------------------------------------------------------------------------------------------
OTP = evidence(an_administration(), ehr="otp")


def test_an_ehr_that_knows_nothing_of_a_course_is_owed_a_statement():
    intent = the_intent(a_receiver(), OTP)
    made = body(intent)
    assert (intent.form, intent.type, intent.target, intent.evidence) == (
        Form.NATIVE,
        "MedicationStatement",
        None,
        ("otp/MedicationAdministration/A-1@1",),
    )
    assert (made["status"], made["dosage"][0]["text"]) == ("active", "85 mg per d")
    assert made["dosage"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 85
    assert made["derivedFrom"][0]["identifier"]["value"] == "otp/MedicationAdministration/A-1"
    assert made["subject"] == {"reference": "Patient/p-9"}
    assert is_ours(read_document(intent.body))


def test_what_is_owed_is_fit_to_be_sent():
    assert validate(read_document(the_intent(a_receiver(), OTP).body)) == ()


OWN = {
    "an order": an_order(),
    "a supply": a_dispense(),
    "a statement": a_statement(),
    "a statement without a dose": a_statement(dose=None),
    "a stopped order": an_order(status="stopped"),
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_an_ehr_with_records_of_its_own_is_owed_nothing_that_they_say(own):
    assert intents(a_receiver(), evidence(own, ehr="pcp"), evidence(an_order())) == ()


def pcp_says(dose="16 mg", **more):
    return evidence(a_statement(dose=dose, **more), ehr="pcp")


def before(dose="16 mg"):
    return account(evidence(an_order(dose=dose)), pcp_says(dose)).agreed


def test_its_own_statement_is_brought_to_the_agreed_dose_in_the_words_of_the_order():
    intent = the_intent(a_receiver(), evidence(an_order(dose="24 mg")), pcp_says(), agreed=before())
    assert (intent.target, intent.base, intent.paths) == (
        "P-9",
        "pcp/MedicationStatement/P-9@1",
        ("MedicationStatement.dosage",),
    )
    assert body(intent) == json.loads(pcp_says().document.raw) | {"dosage": an_order(dose="24 mg")["dosageInstruction"]}


def test_a_given_dose_is_written_as_an_instruction():
    """An administration holds one amount, a statement a list of instructions."""
    agreed = account(evidence(an_administration(dose="80 mg"), ehr="otp"), pcp_says("80 mg", code=METHADONE)).agreed
    intent = the_intent(a_receiver(), OTP, pcp_says("80 mg", code=METHADONE), agreed=agreed)
    assert body(intent)["dosage"][0]["text"] == "85 mg per d"
    assert validate(read_document(intent.body)) == ()


def test_orders_are_never_written():
    own = evidence(an_order("M-9", dose="16 mg"), ehr="pcp")
    agreed = account(evidence(an_order(dose="16 mg")), own).agreed
    assert intents(a_receiver(), evidence(an_order(dose="24 mg")), own, agreed=agreed) == ()


def test_a_disputed_dose_is_written_nowhere():
    receiver = a_receiver()
    records = (evidence(an_order(dose="24 mg")), pcp_says("8 mg"))
    (question,) = intents(receiver, *records, agreed=before())
    assert (question.concept, question.form) == ("question", Form.NONE)
    third = the_intent(a_receiver(ehr="ced"), *records, agreed=before())
    assert "dosage" not in body(third)
    assert "dose disputed" in third.summary


@pytest.mark.parametrize(
    ("form", "own"), [(Form.NATIVE, {"code": FILM_2}), (Form.DOCUMENT, {})], ids=["another product", "no native form"]
)
def test_a_statement_that_can_not_take_the_dose_as_it_is_stays(form, own):
    agreed = account(evidence(an_order(dose="16 mg")), pcp_says(**own)).agreed
    assert intents(a_receiver(form), evidence(an_order(dose="24 mg")), pcp_says(**own), agreed=agreed) == ()


def test_daily_doses_do_not_make_a_statement_a_new_one():
    first = the_intent(a_receiver(), OTP)
    more = [
        evidence(an_administration(f"A-{day}", at=f"2026-04-0{day}T07:00:00-04:00"), ehr="otp") for day in (4, 5, 6, 7)
    ]
    assert the_intent(a_receiver(), OTP, *more).material == first.material


NEWS = {
    "another dose": evidence(an_administration("A-2", dose="90 mg", at="2026-04-07T07:00:00-04:00"), ehr="otp"),
    "another word": evidence(an_order(code=METHADONE, dose="85 mg", status="stopped", at="2026-04-08"), ehr="ced"),
}


def test_another_dose_or_status_makes_it_a_new_one():
    first = the_intent(a_receiver(), OTP)
    other_dose = the_intent(a_receiver(), OTP, NEWS["another dose"])
    unknown = the_intent(a_receiver(), OTP, as_of=datetime(2026, 6, 1, tzinfo=UTC))
    assert len({first.material, other_dose.material, unknown.material}) == 3
    assert body(unknown)["status"] == "unknown"


def test_a_statement_cites_the_first_the_latest_and_each_change_of_dose():
    doses = ("80 mg", "80 mg", "85 mg", "85 mg", "85 mg")
    records = [
        evidence(an_administration(f"A-{day}", dose=dose, at=f"2026-04-0{day}T07:00:00-04:00"), ehr="otp")
        for day, dose in enumerate(doses, 1)
    ]
    assert [one.partition("/A-")[2] for one in the_intent(a_receiver(), *records).evidence] == ["1@1", "3@1", "5@1"]


def test_our_statement_found_there_is_updated_and_not_made_again():
    first = the_intent(a_receiver(), OTP)
    echo = evidence(body(first) | {"id": "s-77"}, ehr="pcp", ours=True)
    again = the_intent(a_receiver(echoes=[echo]), OTP)
    assert (again.target, again.base, again.material) == ("s-77", "pcp/MedicationStatement/s-77@1", first.material)


def test_a_status_that_an_ehr_can_not_hold_is_not_bent_but_takes_another_form():
    storable = {"MedicationStatement.status": ["active", "stopped"]}
    late = datetime(2026, 6, 1, tzinfo=UTC)
    receiver = a_receiver(Form.NATIVE, Form.DOCUMENT, storable=storable)
    assert the_intent(receiver, OTP).form is Form.NATIVE
    assert the_intent(receiver, OTP, as_of=late).form is Form.DOCUMENT
    assert the_intent(a_receiver(storable=storable), OTP, as_of=late).form is Form.NONE


LADDER = {Form.DOCUMENT: "DocumentReference", Form.MESSAGE: "Communication", Form.NONE: "MedicationStatement"}


@pytest.mark.parametrize(("form", "type_"), LADDER.items(), ids=str)
def test_the_same_content_goes_down_the_ladder(form, type_):
    intent = the_intent(a_receiver(form), OTP)
    assert (intent.form, intent.type, bool(intent.body), bool(intent.claim)) == (
        form,
        type_,
        form is not Form.NONE,
        form is not Form.NONE,
    )
    assert "85 mg per d" in intent.summary
    if intent.body:
        assert validate(read_document(intent.body)) == ()


def test_a_document_holds_the_content_for_people_and_for_machines():
    made = body(the_intent(a_receiver(Form.DOCUMENT), OTP))
    text, machine = (base64.b64decode(one["attachment"]["data"]) for one in made["content"])
    assert b"85 mg per d" in text
    assert json.loads(machine)["resourceType"] == "MedicationStatement"


def test_an_intent_tells_nothing_about_the_person_in_its_claim():
    intent = the_intent(a_receiver(), OTP)
    assert "pe-1" not in intent.claim[1]
    assert intent.claim == the_intent(a_receiver(), OTP).claim


# ---- goals -----------------------------------------------------------------------------------------------------------
def goals(iop, ced, agreed=True):
    base = {"due": "2026-06-30", "status": "active"}
    both = [evidence(a_goal(**base)), evidence(a_goal("c-1", **base), ehr="ced")]
    now = [evidence(a_goal(**base | iop)), evidence(a_goal("c-1", **base | ced), ehr="ced")]
    return account(*now, agreed=account(*both).agreed if agreed else None)


def of_goals(iop, ced, **receiver):
    return owed("pe-1", goals(iop, ced), a_receiver(ehr="ced", **receiver))


FIELDS = {
    "due date": ({"due": "2026-07-31"}, ("Goal.target.dueDate",)),
    "status": ({"status": "completed"}, ("Goal.lifecycleStatus",)),
    "achievement": ({"achievement": "improving"}, ("Goal.achievementStatus",)),
    "words": ({"text": "Maintain abstinence from alcohol now"}, ("Goal.description",)),
}


@pytest.mark.parametrize(("change", "paths"), FIELDS.values(), ids=FIELDS)
def test_a_goal_is_brought_to_what_the_other_changed(change, paths):
    (intent,) = of_goals(change, {})
    wanted = a_goal("c-1", **{"due": "2026-06-30"} | change)
    assert (intent.target, intent.paths, body(intent) | {"meta": 0}) == ("c-1", paths, wanted | {"meta": 0})
    assert intent.evidence == ("ced/Goal/c-1@1", "iop/Goal/G-1@1")
    assert validate(read_document(intent.body)) == ()


NOT_OWED = {
    "nothing changed": ({}, {}),
    "it changed itself": ({}, {"due": "2026-07-31"}),
    "both changed alike": ({"due": "2026-07-31"}, {"due": "2026-07-31"}),
    "both changed differently": ({"due": "2026-07-31"}, {"due": "2026-08-31"}),
}


@pytest.mark.parametrize(("iop", "ced"), NOT_OWED.values(), ids=NOT_OWED)
def test_a_goal_is_left_alone_where(iop, ced):
    assert of_goals(iop, ced) == ()


def test_a_value_that_an_ehr_can_not_hold_is_not_written_and_stays_owed_for_a_person():
    (intent,) = of_goals({"status": "completed"}, {}, storable={"Goal.lifecycleStatus": ["active"]})
    assert (intent.form, intent.body, intent.paths) == (Form.NONE, b"", ("Goal.lifecycleStatus",))
    assert "cannot store" in intent.summary


def test_beside_a_value_that_an_ehr_can_not_hold_the_others_are_written():
    told, owed_ = of_goals({"status": "completed", "due": "2026-07-31"}, {}, keeps=lambda path: "target" not in path)
    assert [(one.form, one.paths) for one in (told, owed_)] == [
        (Form.NATIVE, ("Goal.lifecycleStatus",)),
        (Form.NONE, ("Goal.target.dueDate",)),
    ]


def test_a_statement_whose_dose_an_ehr_would_lose_takes_another_form():
    receiver = a_receiver(Form.NATIVE, Form.DOCUMENT, keeps=lambda path: path != "MedicationStatement.dosage")
    assert the_intent(receiver, OTP).form is Form.DOCUMENT


# ---- the plan as a whole ---------------------------------------------------------------------------------------------
PLAN = (
    evidence(a_goal(due="2026-06-30", achievement="improving")),
    evidence(a_plan(activities={"Group therapy": "in-progress"})),
)


@pytest.mark.parametrize("form", [Form.NATIVE, Form.DOCUMENT, Form.MESSAGE, Form.NONE], ids=str)
def test_an_ehr_without_a_plan_is_owed_the_whole_one(form):
    intent = the_intent(a_receiver(form), *PLAN)
    assert (intent.concept, intent.form, intent.evidence) == (
        "care_plan",
        form,
        ("iop/CarePlan/CP-1@1", "iop/Goal/G-1@1"),
    )
    if intent.body:
        assert validate(read_document(intent.body)) == ()
    if form is Form.MESSAGE:
        text = body(intent)["payload"][0]["contentString"]
        assert "Maintain abstinence from alcohol (active, improving, due 2026-06-30)" in text
        assert "Group therapy (in-progress)" in text


@pytest.mark.parametrize(
    "own",
    [a_plan("P-1"), a_goal("P-1", text="Walk the dog")],
    ids=["a plan of its own", "goals of its own"],
)
def test_an_ehr_with_a_plan_or_goals_of_its_own_is_not_given_a_second_plan_as_data(own):
    """Two plans as data would be two plans for one person; in words the agreed one may stand beside its own."""
    found = intents(a_receiver(), *PLAN, evidence(own, ehr="pcp"))
    assert [one.form for one in found if one.concept == "care_plan"] == [Form.NONE]


def lacking(status):
    """Return what two EHRs hold that share a goal, when one of them has another one besides."""
    shared = (a_goal("G-1"), a_goal("P-1"))
    return (
        evidence(shared[0]),
        evidence(shared[1], ehr="pcp"),
        evidence(a_goal("G-2", text="Walk the dog", status=status)),
    )


@pytest.mark.parametrize(("status", "is_told"), [("active", True), ("on-hold", True), ("completed", False)])
def test_an_ehr_that_lacks_a_goal_which_goes_on_is_told_of_the_plan_in_words(status, is_told):
    found = intents(a_receiver(Form.DOCUMENT), *lacking(status))
    assert [one.form for one in found if one.concept == "care_plan"] == ([Form.DOCUMENT] if is_told else [])


# ---- stays -----------------------------------------------------------------------------------------------------------
STAYS = (
    evidence(an_episode("R-101", level="3e 3.5", start="2026-03-02"), ehr="res"),
    evidence(an_encounter("R-188", start="2026-03-29", class_="IMP"), ehr="res"),
    evidence(an_episode("I-55")),
)


@pytest.mark.parametrize(
    ("form", "types", "type_"),
    [
        (Form.MESSAGE, CARRIERS, "Communication"),
        (Form.MESSAGE, TASKS, "Task"),
        (Form.NONE, None, "EpisodeOfCare"),
    ],
)
def test_a_missing_end_is_proposed_to_the_staff_whose_record_it_is(form, types, type_):
    intent = the_intent(a_receiver(form, ehr="res", types=types), *STAYS)
    assert (intent.concept, intent.form, intent.type, bool(intent.body)) == (
        "stay-proposal",
        form,
        type_,
        form is Form.MESSAGE,
    )
    assert "between 2026-03-29 and 2026-04-02" in intent.summary
    assert "res/Encounter/R-188@1" in intent.evidence
    if intent.body:
        assert validate(read_document(intent.body)) == ()


def test_nobody_else_is_asked_to_end_that_stay():
    assert intents(a_receiver(Form.MESSAGE, ehr="iop"), *STAYS) == ()


def test_a_stay_with_an_end_of_its_own_needs_no_proposal():
    ended = evidence(an_episode("R-101", level="3e 3.5", start="2026-03-02", end="2026-03-31"), ehr="res")
    assert intents(a_receiver(Form.MESSAGE, ehr="res"), ended, STAYS[2]) == ()


# ---- what is ours ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tree", "ours"),
    [
        ({"identifier": [{"system": "https://coordinator.example/fhir/identifier/x", "value": "1"}]}, True),
        ({"masterIdentifier": {"system": "https://coordinator.example/fhir/identifier/x", "value": "1"}}, True),
        ({"identifier": [{"system": "https://coordinator.example/fhir/identifier-of-others", "value": "1"}]}, False),
        ({"identifier": [{"value": "1"}]}, False),
    ],
    ids=["by identifier", "by master identifier", "another system", "no system"],
)
def test_what_carries_our_identifier_is_an_echo(tree, ours):
    assert is_ours(document({"resourceType": "DocumentReference", **tree})) is ours


# ---- what is there already -------------------------------------------------------------------------------------------
def test_what_an_ehr_s_own_records_say_is_there_unless_more_is_wanted():
    made = account(OTP, evidence(an_order("o-1", code=METHADONE, dose="85 mg"), ehr="pcp"))
    (key,) = (course.key for course in made.courses)
    assert held_already(made, a_receiver(), ()) == {key: ("pcp/MedicationRequest/o-1@1",)}
    assert held_already(made, a_receiver(), {key}) == {}
    assert held_already(made, a_receiver(ehr="res"), ()) == {}


def test_a_plan_is_there_once_all_its_goals_are():
    both = [evidence(a_goal()), evidence(a_goal("c-1"), ehr="ced")]
    whole = held_already(account(*both), a_receiver(ehr="ced"), ())
    part = held_already(account(*both, evidence(a_goal("G-2", text="Learn skills"))), a_receiver(ehr="ced"), ())
    assert (whole["care-plan"], len(whole)) == (("ced/Goal/c-1@1",), 2)
    assert [key.partition(":")[0] for key in part] == ["goal"]
