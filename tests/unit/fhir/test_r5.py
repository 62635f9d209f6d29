"""FHIR R5 read as R4: what we use stands where R4 has it, and the bytes stay those that came."""

import json

import pytest

from coordinator.care.care_plan.mapping import read_care_plan, read_goal
from coordinator.care.care_team.mapping import read_care_team
from coordinator.care.consent.mapping import read_consent
from coordinator.care.enrollment.mapping import read_episode
from coordinator.care.medication.mapping import read_medication
from coordinator.care.referral.mapping import read_request
from coordinator.care.session.mapping import read_encounter
from coordinator.fhir import as_r4, check, check_r5, is_r5, read_document

BUPRENORPHINE = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "351266"}]}
PERIOD = {"start": "2026-03-01", "end": "2026-03-09"}
SUBJECT = {"reference": "Patient/p-1"}


def r5(type_, **members):
    raw = json.dumps({"resourceType": type_, "id": "x-1", **members}).encode()
    return read_document(raw)


def viewed(type_, **members):
    return as_r4(r5(type_, **members))


def adherence(code):
    return {
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/medication-statement-adherence", "code": code}]}
    }


# --- medication -----------------------------------------------------------------------------------------------------

STATEMENT = {"subject": SUBJECT, "medication": {"concept": BUPRENORPHINE}, "effectivePeriod": PERIOD}
TAKEN = {
    "taking": "active",
    "taking-as-directed": "active",
    "taking-not-as-directed": "active",
    "not-taking": "not-taken",
    "on-hold": "on-hold",
    "on-hold-as-directed": "on-hold",
    "on-hold-not-as-directed": "on-hold",
    "stopped": "stopped",
    "stopped-as-directed": "stopped",
    "stopped-not-as-directed": "stopped",
    "unknown": "unknown",
    "a-code-of-their-own": "unknown",
}


@pytest.mark.parametrize(("code", "status"), TAKEN.items(), ids=TAKEN.keys())
def test_whether_a_medicine_is_taken_is_read_from_adherence(code, status):
    record = read_medication(viewed("MedicationStatement", status="recorded", adherence=adherence(code), **STATEMENT))
    assert (record.status, record.effective_start) == (status, "2026-03-01")
    assert record.medication is not None
    assert record.medication.codings[0].code == "351266"


@pytest.mark.parametrize(("status", "read"), [("recorded", "unknown"), ("draft", "unknown"), ("entered-in-error",) * 2])
def test_a_statement_without_adherence_tells_nothing_about_taking(status, read):
    """Nothing is concluded from silence; a draft is no fact, and an error stays one."""
    told = {"adherence": adherence("taking")} if status == "draft" else {}
    assert read_medication(viewed("MedicationStatement", status=status, **told, **STATEMENT)).status == read


def test_of_the_sources_of_a_statement_the_first_is_read():
    sources = [{"reference": "Patient/p-1"}, {"reference": "Practitioner/d-1"}]
    assert (
        read_medication(viewed("MedicationStatement", informationSource=sources, **STATEMENT)).source == "Patient/p-1"
    )


@pytest.mark.parametrize(
    "type_", ["MedicationRequest", "MedicationDispense", "MedicationAdministration", "MedicationStatement"]
)
def test_a_medicine_may_be_named_by_reference(type_):
    document = viewed(type_, medication={"reference": {"reference": "Medication/m-1"}}, subject=SUBJECT)
    assert read_medication(document).medication_reference == "Medication/m-1"


def test_an_order_tells_that_it_is_reported_and_that_it_ended():
    asked = {"reported": True, "status": "ended", "intent": "order", "medication": {"concept": BUPRENORPHINE}}
    record = read_medication(viewed("MedicationRequest", subject=SUBJECT, **asked))
    assert (record.reported, record.status, record.intent) == (True, "completed", "order")


@pytest.mark.parametrize("spelled", ["occurence", "occurrence"])
def test_when_a_dose_was_given_is_read_however_the_element_is_spelled(spelled):
    told = {
        f"{spelled}DateTime": "2026-03-04T08:00:00Z",
        "medication": {"concept": BUPRENORPHINE},
        "status": "completed",
    }
    assert read_medication(viewed("MedicationAdministration", subject=SUBJECT, **told)).at == "2026-03-04T08:00:00Z"


def test_as_needed_is_a_flag_or_a_reason():
    dosage = [
        {"asNeeded": True},
        {"asNeededFor": [{"text": "craving"}], "maxDosePerPeriod": [{"numerator": {"value": 1}}]},
    ]
    found = viewed("MedicationRequest", dosageInstruction=dosage).get("dosageInstruction")
    assert found == [
        {"asNeededBoolean": True},
        {"asNeededCodeableConcept": {"text": "craving"}, "maxDosePerPeriod": {"numerator": {"value": 1}}},
    ]


# --- stays, sessions, plans -----------------------------------------------------------------------------------------

STATUSES = {"in-progress": "in-progress", "on-hold": "onleave", "discharged": "finished", "completed": "finished"}


@pytest.mark.parametrize(("told", "read"), STATUSES.items(), ids=STATUSES.keys())
def test_an_encounter_has_a_list_of_classes_and_other_statuses(told, read):
    document = viewed(
        "Encounter",
        status=told,
        subject=SUBJECT,
        **{"class": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}]}]},
        actualPeriod={"start": "2026-03-02T09:00:00Z"},
        serviceType=[{"concept": {"text": "Intensive outpatient"}}],
        reason=[{"value": [{"concept": {"text": "Opioid use"}}, {"reference": {"reference": "Condition/c-1"}}]}],
        diagnosis=[{"condition": [{"reference": {"reference": "Condition/c-1"}}]}],
        participant=[{"actor": {"reference": "Practitioner/d-1"}}],
        plannedStartDate="2026-03-02",
        admission={"dischargeDisposition": {"text": "home"}},
    )
    record = read_encounter(document)
    assert (record.status, record.start) == (read, "2026-03-02T09:00:00Z")
    assert document.get("class", "code") == "AMB"
    assert document.get("serviceType", "text") == "Intensive outpatient"
    assert document.get("reasonReference", 0, "reference") == "Condition/c-1"
    assert document.get("hospitalization", "dischargeDisposition", "text") == "home"
    assert check_r5(document) == ()


def test_a_stay_is_read_without_what_r4_has_no_place_for():
    document = viewed(
        "EpisodeOfCare",
        status="active",
        patient=SUBJECT,
        period={"start": "2026-03-01"},
        reason=[{"value": [{"concept": {"text": "x"}}]}],
        diagnosis=[
            {"condition": [{"concept": {"text": "x"}}]},
            {"condition": [{"reference": {"reference": "Condition/c"}}]},
        ],
    )
    assert (read_episode(document).status, read_episode(document).start) == ("active", "2026-03-01")
    assert document.get("diagnosis") == [{"condition": {"reference": "Condition/c"}}]
    assert check_r5(document) == ()


def test_a_plan_and_its_goals_keep_what_they_are_about():
    plan = viewed(
        "CarePlan",
        status="active",
        intent="plan",
        subject=SUBJECT,
        addresses=[{"reference": {"reference": "Condition/c-1"}}, {"concept": {"text": "x"}}],
        goal=[{"reference": "Goal/g-1"}],
        activity=[
            {
                "plannedActivityReference": {"reference": "ServiceRequest/s-1"},
                "performedActivity": [{"concept": {"text": "Group"}}, {"reference": {"reference": "Encounter/e-1"}}],
            }
        ],
    )
    goal = viewed(
        "Goal", source={"reference": "Patient/p-1"}, outcome=[{"concept": {"text": "met"}}], lifecycleStatus="active"
    )
    assert [one.reference for one in read_care_plan(plan).activities] == ["ServiceRequest/s-1"]
    assert plan.get("activity", 0, "outcomeReference", 0, "reference") == "Encounter/e-1"
    assert plan.get("addresses") == [{"reference": "Condition/c-1"}]
    assert (read_goal(goal).status, goal.get("outcomeCode", 0, "text")) == ("active", "met")
    assert check_r5(plan) == ()


def test_a_care_team_and_a_request_are_read():
    team = viewed(
        "CareTeam",
        status="active",
        subject=SUBJECT,
        participant=[
            {"role": {"text": "Counselor"}, "member": {"reference": "Practitioner/d"}, "coveragePeriod": PERIOD}
        ],
    )
    request = viewed(
        "ServiceRequest",
        status="active",
        intent="order",
        subject=SUBJECT,
        code={"concept": {"text": "IOP"}},
        reason=[{"concept": {"text": "why"}}],
        location=[{"concept": {"text": "where"}}],
    )
    assert [one.member for one in read_care_team(team).participants] == ["Practitioner/d"]
    assert read_request(request).status == "active"
    assert (request.get("code", "text"), request.get("reasonCode", 0, "text")) == ("IOP", "why")
    assert check_r5(team) == check_r5(request) == ()


@pytest.mark.parametrize("type_", ["Task", "Appointment", "Communication"])
def test_a_reason_is_read_by_concept_and_by_reference(type_):
    document = viewed(type_, reason=[{"concept": {"text": "why"}}, {"reference": {"reference": "Condition/c"}}])
    assert "why" in json.dumps(document.tree["reasonCode"])
    assert "Condition/c" in json.dumps(document.tree["reasonReference"])


# --- consent --------------------------------------------------------------------------------------------------------


def test_the_decision_of_a_consent_is_the_rule_and_its_provisions_are_exceptions():
    """What is not understood as a permission permits nothing."""
    labels = [{"securityLabel": [{"system": "s", "code": "ETH"}], "provision": [{"purpose": [{"code": "TREAT"}]}]}]
    permit = viewed("Consent", status="active", decision="permit", subject=SUBJECT, date="2026-03-01", provision=labels)
    deny = viewed("Consent", status="active", decision="deny", subject=SUBJECT, provision=labels)
    record = read_consent(permit)
    assert record.permits
    assert deny.get("provision", "type") == "permit", "denied, but for this"
    assert deny.get("provision", "provision", 0, "type") == "deny"
    assert [one.labels for one in record.exceptions] != []
    assert permit.get("provision", "provision", 0, "type") == "deny"
    assert permit.get("provision", "provision", 0, "provision", 0, "type") == "permit"
    assert (record.signed_at, record.patient_reference) == ("2026-03-01", "Patient/p-1")
    assert "type" not in json.dumps(viewed("Consent", provision=labels).tree["provision"])


# --- bytes, checks --------------------------------------------------------------------------------------------------


def test_a_view_has_the_bytes_that_came_and_leaves_the_document_alone():
    document = r5("MedicationStatement", status="recorded", adherence=adherence("taking"), **STATEMENT)
    before = json.dumps(document.tree)
    view = as_r4(document)
    assert (view.raw, view.id, json.dumps(document.tree)) == (document.raw, "x-1", before)


def test_a_type_that_is_the_same_in_both_is_not_touched():
    document = r5("Patient", active=True)
    assert as_r4(document) is document


def test_what_is_r4_already_stays_as_it_is():
    told = {
        "status": "active",
        "medicationCodeableConcept": BUPRENORPHINE,
        "subject": SUBJECT,
        "dosage": [{"text": "1"}],
    }
    document = r5("MedicationStatement", **told)
    assert as_r4(document).tree == document.tree


def test_members_that_only_r5_knows_are_nothing_wrong_and_wrong_values_are():
    fine = viewed("Encounter", status="planned", virtualService=[{"channelType": {"code": "x"}}], **{"class": []})
    wrong = viewed("Encounter", status="somewhere", participant=[{"actor": {"reference": "x/1"}, "ours": 1}])
    assert "Encounter.virtualService" in [one.path for one in check(fine)]
    assert all(one.path != "Encounter.virtualService" for one in check_r5(fine))
    assert [one.path for one in check_r5(wrong) if one.blocks] == ["Encounter.status"]


@pytest.mark.parametrize(
    ("version", "expected"), [("5.0.0", True), ("4.3.0", False), ("4.0.1", False), (None, False), (5, False)]
)
def test_a_version_of_r5_begins_with_five(version, expected):
    assert is_r5(version) is expected
