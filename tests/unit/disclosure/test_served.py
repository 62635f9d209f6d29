"""The records that a recipient may read, under ids of our own, and no trace of those that it may not."""

import pytest

from coordinator.access import HeldConsent
from coordinator.care.consent.mapping import read_consent
from coordinator.disclosure import Recipient, Ruling, own_id, served, shelf_of, sight
from coordinator.reconcile import Presence
from tests.builders import FORMS, NOW, a_consent, a_goal, a_patient, a_plan, a_policy, an_encounter, document, evidence

KEY = b"k" * 32
PATIENT = evidence(a_patient("p-1"), ehr="pcp")


def read_by(world, *consents, organization="pcp"):
    held = [HeldConsent(record=read_consent(document(one)), forms=FORMS) for one in consents]
    ruling = Ruling(actor="system:app", consents=held, policy=a_policy(), now=NOW)
    return {
        one.document.type: one
        for one in served(sight(world, [], Recipient(organization=organization), ruling=ruling), KEY)
    }


def test_an_id_tells_neither_the_ehr_nor_the_record():
    ids = {own_id(f"{ehr}/Patient/{patient}", KEY) for ehr in ("otp", "pcp") for patient in ("p-1", "p-2")}
    assert len(ids) == 4
    assert {len(one) for one in ids} == {32}
    assert own_id("otp/Patient/p-1", b"other") not in ids


def test_a_record_has_our_id_and_version_and_no_source():
    found = read_by([evidence(a_patient("p-1", meta={"source": "https://otp.example"}), ehr="pcp")])["Patient"]
    assert found.document.id == own_id("pcp/Patient/p-1", KEY)
    assert found.document.version_id == own_id("pcp/Patient/p-1@1", KEY)[:16]
    assert b"otp" not in found.document.raw
    assert b"p-1" not in found.document.raw


def test_a_reference_leads_to_our_id():
    encounter = evidence(an_encounter(subject={"reference": "Patient/p-1"}), ehr="pcp")
    found = read_by([PATIENT, encounter])
    assert found["Encounter"].document.get("subject", "reference") == f"Patient/{found['Patient'].document.id}"


HIDDEN = {
    "what is not there": {"reference": "Goal/hidden", "display": "Stay away from heroin"},
    "another server": {"reference": "https://otp.example/fhir/Goal/hidden"},
    "an entry of a bundle": {"reference": "urn:uuid:0b7a2b0e-9f0c-4b8e-8a55-5a1c6f5f3d11"},
    "what a search finds": {"reference": "Goal?identifier=x|hidden"},
}


@pytest.mark.parametrize("reference", HIDDEN.values(), ids=HIDDEN)
def test_a_reference_to_what_may_not_be_read_was_never_there(reference):
    """And the plan is the one that it would be if there were no such goal."""
    goal = evidence(a_goal("g-1"), ehr="pcp")
    plans = [
        evidence(a_plan() | {"goal": goals}, ehr="pcp")
        for goals in ([{"reference": "Goal/g-1"}, reference], [{"reference": "Goal/g-1"}])
    ]
    with_it, without = (read_by([PATIENT, goal, plan])["CarePlan"].document.tree for plan in plans)
    assert with_it == without


def test_an_element_that_was_nothing_but_such_a_reference_goes_with_it():
    plan = evidence(a_plan() | {"activity": [{"reference": {"reference": "ServiceRequest/hidden"}}]}, ehr="pcp")
    assert "activity" not in read_by([PATIENT, plan])["CarePlan"].document.tree


def test_whom_we_do_not_serve_keeps_a_name_and_no_address():
    who = {"reference": "Practitioner/d-1", "identifier": {"value": "17"}, "display": "Dr. Okafor"}
    found = read_by([PATIENT, evidence(an_encounter(participant=[{"individual": who}]), ehr="pcp")])["Encounter"]
    assert found.document.get("participant", 0, "individual") == {"display": "Dr. Okafor"}


def test_a_reference_within_the_document_stays():
    plan = evidence(a_plan() | {"goal": [{"reference": "#g"}], "contained": [a_goal("g")]}, ehr="pcp")
    assert read_by([PATIENT, plan])["CarePlan"].document.get("goal", 0, "reference") == "#g"


def test_what_goes_on_a_consent_says_so():
    found = read_by([PATIENT, evidence(a_goal("g-1"), ehr="iop")], a_consent())["Goal"]
    assert found.consents == ("C-1",)
    assert found.citation == "iop/Goal/g-1@1"
    assert "42CFRPart2" in found.document.all("meta", "security", "code")
    assert b"42 CFR part 2 prohibits" in found.document.raw


@pytest.mark.parametrize("presence", [one for one in Presence if one is not Presence.PRESENT], ids=str)
def test_what_is_not_present_is_not_served(presence):
    assert "Goal" not in read_by([PATIENT, evidence(a_goal("g-1"), ehr="pcp", presence=presence)])


def test_types_that_are_not_in_the_table_are_not_served():
    location = evidence({"resourceType": "Location", "id": "L-1"}, ehr="pcp")
    assert set(read_by([PATIENT, location])) == {"Patient"}


def test_the_shelf_holds_what_is_served():
    found = read_by([PATIENT])
    assert list(shelf_of(found.values()).documents) == [f"Patient/{found['Patient'].document.id}"]
