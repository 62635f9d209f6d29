"""What a recipient may receive: evidence, decisions that rest on nothing else, and why something may not go out."""

from dataclasses import replace

import pytest

from coordinator.access import HeldConsent, Label
from coordinator.care.consent.mapping import EXPIRY_EVENT, RECIPIENT_CLASS, read_consent
from coordinator.disclosure import Recipient, Ruling, segment_of, sight
from coordinator.reconcile import Presence
from tests.builders import (
    ACETAMINOPHEN,
    FILM_8,
    FORMS,
    METHADONE,
    NOW,
    RXNORM,
    a_consent,
    a_decision,
    a_goal,
    a_patient,
    a_policy,
    a_statement,
    an_administration,
    an_order,
    an_organization,
    document,
    evidence,
)

PCP = Recipient(organization="pcp")
IOP_GOAL, OTP_DOSE, OWN = (
    evidence(a_goal("G-1"), ehr="iop"),
    evidence(an_administration(), ehr="otp"),
    evidence(a_statement(), ehr="pcp"),
)
WORLD = [IOP_GOAL, OTP_DOSE, OWN]


def held(**more):
    return HeldConsent(record=read_consent(document(a_consent(**more))), forms=FORMS)


def ruling(*consents, **policy):
    return Ruling(actor="system:sync", consents=consents, policy=a_policy(**policy), now=NOW)


def seen(*consents, decisions=(), recipient=PCP, world=WORLD):
    return sight(world, decisions, recipient, ruling=ruling(*consents))


def test_without_a_consent_only_one_s_own_records_are_in_sight():
    assert seen().evidence == (OWN,)


def test_a_consent_brings_in_what_its_discloser_holds():
    assert seen(held(discloser="iop")).evidence == (IOP_GOAL, OWN)


def test_who_treats_the_person_receives_what_is_not_under_part_2_without_a_consent():
    order, known = evidence(an_order(), ehr="pcp"), evidence(a_patient(), ehr="iop")
    found = seen(recipient=Recipient(organization="iop"), world=[IOP_GOAL, order, known])
    assert found.evidence == (IOP_GOAL, order, known)


def test_who_does_not_treat_the_person_receives_nothing_without_a_consent():
    """A physician of the directory who asks about a neighbor."""
    order = evidence(an_order(), ehr="pcp")
    assert seen(recipient=Recipient(organization="iop"), world=[IOP_GOAL, order]).evidence == (IOP_GOAL,)


def test_a_decision_is_in_sight_only_if_all_that_it_rests_on_is():
    own = a_decision("a:1", {}, evidence=("pcp/MedicationStatement/P-9@0",))
    both = a_decision("a:2", {}, evidence=("pcp/MedicationStatement/P-9@1", "otp/MedicationAdministration/A-1@1"))
    assert seen(decisions=[own, both]).decisions == (own,)


def test_an_organization_that_nobody_described_counts_as_part_2():
    stranger = evidence(a_goal(), ehr="new", organization="stranger")
    segment = segment_of(stranger, a_policy(), {})
    assert (segment.part2, segment.source, "42CFRPart2" in segment.labels) == (True, None, True)
    assert seen(held(), world=[stranger]).reason([stranger.ref]) == "source-unknown"


def test_a_recipient_that_nobody_described_receives_nothing():
    assert seen(recipient=Recipient(organization="stranger")).evidence == ()


# ---- why not ---------------------------------------------------------------------------------------------------------
def test_what_rests_on_permitted_evidence_alone_may_go_out_on_its_consents():
    ours = seen(held(consent="C-1", discloser="iop"))
    citations = (IOP_GOAL.ref, OWN.ref)
    assert (ours.reason(citations), ours.consents(citations)) == (None, ("C-1",))


REASONS = {
    "one citation is denied": ((OWN.ref, OTP_DOSE.ref), "no-consent"),
    "one citation is not there any more": ((OWN.ref, "iop/Goal/G-9@1"), "evidence-gone"),
    "nothing is cited": ((), "no-evidence"),
}


@pytest.mark.parametrize(("citations", "reason"), REASONS.values(), ids=REASONS)
def test_why_something_may_not_go_out(citations, reason):
    assert seen().reason(citations) == reason


def test_an_older_version_of_a_permitted_record_may_be_cited():
    assert seen().reason(["pcp/MedicationStatement/P-9@0"]) is None


# ---- medicines in consents -------------------------------------------------------------------------------------------
MEDICINE = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": RXNORM, "code": FILM_8}]}}
CODES = {
    "a product, with its ingredients": (an_order(), {FILM_8, "1819", "7242"}),
    "a medicine that is no MAT": (an_order(code=ACETAMINOPHEN), {ACETAMINOPHEN}),
    "by reference": (an_order(reference="Medication/m/_history/2"), {FILM_8, "1819", "7242"}),
    "by a reference to nothing": (an_order(reference="Medication/none"), set()),
    "by a reference that can't be read": (an_order(reference="#x"), set()),
    "the Medication itself": (MEDICINE, {FILM_8, "1819", "7242"}),
    "no medicine": (a_goal(), set()),
}


@pytest.mark.parametrize(("tree", "codes"), CODES.values(), ids=CODES)
def test_a_segment_tells_which_medicine_it_is(tree, codes):
    medicines = {("iop", "m"): document(MEDICINE)}
    assert segment_of(evidence(tree), a_policy(), medicines).codes == codes


def test_a_consent_may_leave_out_one_medicine():
    consent = a_consent(discloser="otp")
    consent["provision"]["provision"] = [
        {"type": "deny", "code": [{"coding": [{"system": RXNORM, "code": METHADONE}]}]}
    ]
    film = evidence(an_order(), ehr="otp")
    ours = seen(HeldConsent(record=read_consent(document(consent)), forms=FORMS), world=[OTP_DOSE, film])
    assert ours.evidence == (film,)


# ---- what is under Part 2 --------------------------------------------------------------------------------------------
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def a_condition(code="F11.20", system=ICD, **more):
    return {"resourceType": "Condition", "id": "c", "code": {"coding": [{"system": system, "code": code}]}, **more}


def by(source):
    return an_order() | {"resourceType": "MedicationStatement", "informationSource": {"reference": source}}


SEGMENTS = {
    "a practice's own order of buprenorphine": (an_order(), False, {"OPIOIDUD"}),
    "an order that it only reports": (an_order() | {"reportedBoolean": True}, True, {"OPIOIDUD", "42CFRPart2"}),
    "a statement of whom nobody named": (a_statement(), True, {"OPIOIDUD", "42CFRPart2"}),
    "a statement of its own practitioner": (by("Practitioner/1"), False, {"OPIOIDUD"}),
    "a statement of the person": (by("Patient/1"), True, {"OPIOIDUD", "42CFRPart2"}),
    "another medicine": (an_order(code=ACETAMINOPHEN), False, set()),
    "a condition that a program may have told": (a_condition(), True, {"OPIOIDUD", "42CFRPart2"}),
    "alcohol": (a_condition("f10.21"), True, {"ETHUD", "42CFRPart2"}),
    "nicotine is not under Part 2": (a_condition("F17.210"), False, set()),
    "the code of another system": (a_condition(system="https://other.example"), False, set()),
    "a visit for it": (
        {"resourceType": "Encounter", "id": "e", "reasonCode": [{"coding": [{"system": ICD, "code": "F11.20"}]}]},
        False,
        {"OPIOIDUD"},
    ),
    "a service that only a program gives": (
        {"resourceType": "Encounter", "id": "e", "type": [{"coding": [{"system": HCPCS, "code": "H0020"}]}]},
        True,
        {"SUD", "42CFRPart2"},
    ),
    "a label of sensitivity": (an_order(code=ACETAMINOPHEN) | {"meta": {"security": [{"code": "ETH"}]}}, True, None),
    "a label of another kind": (an_order(code=ACETAMINOPHEN) | {"meta": {"security": [{"code": "MH"}]}}, False, None),
}


@pytest.mark.parametrize(("tree", "part2", "labels"), SEGMENTS.values(), ids=SEGMENTS)
def test_part_2_shows_by_source_by_label_and_by_content_and_doubt_counts(tree, part2, labels):
    segment = segment_of(evidence(tree, ehr="pcp"), a_policy(), {})
    assert segment.part2 is part2
    assert ("42CFRPart2" in segment.labels) is part2
    assert labels is None or segment.labels == labels


def test_a_denial_of_a_code_heeds_it_wherever_it_stands_and_a_permit_only_what_a_record_is_of():
    visit = evidence({"resourceType": "Encounter", "id": "e", "reasonCode": [a_condition()["code"]]})
    body = a_consent(types=["Encounter"])
    body["provision"]["provision"] = [{"type": "deny", "code": [a_condition()["code"]]}]
    assert seen(HeldConsent(record=read_consent(document(body)), forms=FORMS), world=[visit]).evidence == ()
    only = a_consent(types=["Encounter"])
    only["provision"]["code"] = [a_condition()["code"]]
    assert seen(HeldConsent(record=read_consent(document(only)), forms=FORMS), world=[visit]).evidence == ()


# ---- the label of a whole, and what is cut ---------------------------------------------------------------------------
def test_the_label_of_what_goes_out_is_the_high_water_mark_of_what_it_rests_on():
    notes = evidence(a_goal("G-2") | {"meta": {"security": [{"code": "V"}]}}, ehr="iop")
    film = evidence(an_order(), ehr="iop")
    ours = seen(held(), world=[notes, film, OWN])
    marking = ours.marking([notes.ref, film.ref, OWN.ref])
    assert marking.label == Label(confidentiality="V", codes=frozenset({"42CFRPart2", "OPIOIDUD"}))
    assert marking.consents == ("C-1",)


def test_what_rests_on_the_recipient_s_own_records_is_not_labeled():
    assert seen(held()).marking([OWN.ref]).label == Label()


PAYER = an_organization("payer", part2=False, type="payer")


def test_what_is_not_necessary_is_cut_before_anything_is_concluded_and_cutting_twice_is_cutting_once():
    visit = evidence({"resourceType": "Encounter", "id": "e", "status": "finished", "reasonCode": [{"text": "why"}]})
    to = Recipient(organization="payer", purpose="HPAYMT")
    by_consent = HeldConsent(
        record=read_consent(document(a_consent(recipient="payer", types=["Encounter"]))), forms=FORMS
    )
    once = sight([visit], [], to, ruling=ruling(by_consent, organizations=[PAYER]))
    (left,) = once.evidence
    assert (dict(left.document.tree), left.place) == (
        {"resourceType": "Encounter", "id": "e", "status": "finished", "meta": {"versionId": "1"}},
        visit.place,
    )
    assert sight(once.evidence, [], to, ruling=ruling(by_consent, organizations=[PAYER])).evidence == once.evidence


def test_a_class_of_recipients_reaches_whom_the_person_is_a_patient_of():
    body = a_consent()
    body["provision"]["actor"][1]["reference"]["identifier"] = {
        "system": RECIPIENT_CLASS,
        "value": "treating-providers",
    }
    by_class = HeldConsent(record=read_consent(document(body)), forms=FORMS)
    patient = evidence(a_patient(), ehr="pcp")
    assert IOP_GOAL not in seen(by_class).evidence
    assert IOP_GOAL in seen(by_class, world=[*WORLD, patient]).evidence


@pytest.mark.parametrize(("status", "told"), [("active", True), ("finished", False)])
def test_a_consent_until_the_end_of_treatment_counts_while_an_episode_is_open(status, told):
    body = a_consent(purposes=["TREAT"], end=None)
    body["provision"]["period"]["extension"] = [{"url": EXPIRY_EVENT, "valueCode": "end-of-treatment"}]
    episode = evidence({"resourceType": "EpisodeOfCare", "id": "ep", "status": status}, ehr="iop")
    ours = seen(HeldConsent(record=read_consent(document(body)), forms=FORMS), world=[IOP_GOAL, episode])
    assert (IOP_GOAL in ours.evidence) is told


def test_where_birth_dates_differ_the_person_may_be_a_minor():
    young, old = evidence(a_patient() | {"birthDate": "2010-01-01"}, ehr="iop"), evidence(a_patient(), ehr="pcp")
    assert IOP_GOAL in seen(held(), world=[IOP_GOAL, old]).evidence
    assert IOP_GOAL not in seen(held(), world=[IOP_GOAL, old, young]).evidence


# ---- what the question is made of ------------------------------------------------------------------------------------
PAYS = HeldConsent(
    record=read_consent(
        document(a_consent(recipient="payer", types=["Encounter", "Medication", "MedicationDispense"]))
    ),
    forms=FORMS,
)
VISIT = evidence({"resourceType": "Encounter", "id": "e", "status": "finished"}, ehr="iop")


def test_what_goes_to_a_payer_tells_its_purpose_its_notice_and_its_mark():
    to = Recipient(organization="court", purpose="PATRQT")
    asked = HeldConsent(
        record=read_consent(document(a_consent(recipient="court", purposes=["PATRQT"], types=["Encounter"]))),
        forms=FORMS,
    )
    court = an_organization("court", part2=False, type="court")
    by = ruling(asked, organizations=[court], options={"notice": "Protected by 42 CFR part 2."})
    marking = sight([VISIT], [], to, ruling=by).marking([VISIT.ref])
    assert (marking.purpose, marking.notice, marking.consents) == ("PATRQT", "Protected by 42 CFR part 2.", ("C-1",))
    assert marking.label.codes == {"42CFRPart2", "NORDSCLCD"}
    assert sight([VISIT], [], to, ruling=ruling(asked, organizations=[court])).notice == ""


def test_consents_and_reasons_are_told_in_one_order():
    goals = [evidence(a_goal(f"G-{n}"), ehr=ehr) for n, ehr in enumerate(("iop", "res", "ced"))]
    consents = [held(consent=f"C-{n}", discloser=ehr) for n, ehr in ((3, "iop"), (1, "res"), (2, "ced"))]
    ours = seen(*consents, world=goals)
    assert ours.consents([one.ref for one in goals]) == ("C-1", "C-2", "C-3")
    ended = [held(discloser="iop", end="2026-01-06"), held(discloser="res", performer=[])]
    refs = [one.ref for one in goals]
    assert seen(*ended, world=goals).reason(refs) == "consent-defective"


def test_what_was_denied_or_is_gone_lends_no_label():
    ours = seen(held(), world=[IOP_GOAL, OTP_DOSE])
    marking = ours.marking([IOP_GOAL.ref, OTP_DOSE.ref, "iop/Goal/gone@1"])
    assert marking.label.codes == {"42CFRPart2"}
    assert ours.consents([OTP_DOSE.ref, IOP_GOAL.ref]) == ("C-1",)


def test_tenants_are_asked_about():
    by = replace(ruling(held()), tenant="a")
    assert sight([IOP_GOAL], [], Recipient(organization="pcp", tenant="a"), ruling=by).evidence == (IOP_GOAL,)
    verdicts = sight([IOP_GOAL], [], PCP, ruling=by).verdicts
    assert [one.reason for one in verdicts.values()] == ["other-tenant"]


def test_nobody_asks_without_a_name():
    verdicts = sight([IOP_GOAL], [], PCP, ruling=replace(ruling(held()), actor="")).verdicts
    assert [one.reason for one in verdicts.values()] == ["actor-unknown"]


@pytest.mark.parametrize(("emergency", "reason"), [(True, None), (False, "recipient-unknown")])
def test_only_in_an_emergency_may_somebody_whom_nobody_described_receive(emergency, reason):
    to = Recipient(organization="", purpose="ETREAT", emergency=emergency)
    ours = seen(recipient=to, world=[OTP_DOSE])
    assert ours.reason([OTP_DOSE.ref]) == reason


def test_an_emergency_at_a_known_organization_is_recorded_first_as_well():
    to = Recipient(organization="pcp", purpose="ETREAT")
    assert seen(recipient=to, world=[OTP_DOSE]).reason([OTP_DOSE.ref]) == "emergency-not-recorded"


def test_a_patient_record_that_is_gone_makes_nobody_a_treating_provider():
    body = a_consent()
    body["provision"]["actor"][1]["reference"]["identifier"] = {
        "system": RECIPIENT_CLASS,
        "value": "treating-providers",
    }
    by_class = HeldConsent(record=read_consent(document(body)), forms=FORMS)
    for presence, told in ((Presence.PRESENT, True), (Presence.MERGED, False)):
        patient = evidence(a_patient(), ehr="pcp", presence=presence)
        assert (IOP_GOAL in seen(by_class, world=[IOP_GOAL, patient]).evidence) is told


def test_an_episode_that_is_gone_is_no_open_treatment():
    body = a_consent(purposes=["TREAT"], end=None)
    body["provision"]["period"]["extension"] = [{"url": EXPIRY_EVENT, "valueCode": "end-of-treatment"}]
    until = HeldConsent(record=read_consent(document(body)), forms=FORMS)
    tree = {"resourceType": "EpisodeOfCare", "id": "ep", "status": "active"}
    gone = evidence(tree, ehr="iop", presence=Presence.DELETED)
    assert IOP_GOAL not in seen(until, world=[IOP_GOAL, gone]).evidence
    assert IOP_GOAL in seen(until, world=[IOP_GOAL, evidence(tree, ehr="iop")]).evidence


def test_a_patient_without_a_birth_date_is_no_minor():
    nobody = {name: value for name, value in a_patient().items() if name != "birthDate"}
    assert IOP_GOAL in seen(held(), world=[IOP_GOAL, evidence(nobody, ehr="iop")]).evidence


def test_a_medicine_that_a_record_refers_to_is_found_at_its_own_ehr():
    order = an_order(reference="Medication/m")
    medicine = evidence(MEDICINE, ehr="otp")
    body = a_consent(discloser="otp", types=["MedicationRequest"])
    body["provision"]["code"] = [{"coding": [{"system": RXNORM, "code": FILM_8}]}]
    only = HeldConsent(record=read_consent(document(body)), forms=FORMS)
    here = evidence(order, ehr="otp")
    assert seen(only, world=[here, medicine]).evidence == (here,)
    assert seen(only, world=[here, evidence(MEDICINE, ehr="iop")]).evidence == ()


def test_a_record_is_of_its_code_and_mentions_what_else_stands_in_it_but_for_its_labels():
    tree = a_condition() | {
        "meta": {"security": [{"system": "s", "code": "R"}]},
        "stage": [{"summary": {"coding": [{"system": "s", "code": "late"}, {"code": "no-system"}, {"system": "s"}]}}],
    }
    segment = segment_of(evidence(tree, ehr="pcp"), a_policy(), {})
    assert (segment.codes, segment.mentions) == ({"F11.20"}, {"F11.20", "late"})


def test_a_medicine_told_by_words_alone_has_no_code():
    words = an_order() | {"medicationCodeableConcept": {"coding": [{"display": "film"}], "text": "film"}}
    assert segment_of(evidence(words), a_policy(), {}).codes == set()


@pytest.mark.parametrize(
    ("more", "part2"),
    [({"reportedReference": {"reference": "Patient/1"}}, True), ({"reportedBoolean": False}, False)],
    ids=["by somebody", "by nobody else"],
)
def test_an_order_that_somebody_reported_may_be_a_program_s(more, part2):
    assert segment_of(evidence(an_order() | more, ehr="pcp"), a_policy(), {}).part2 is part2


def test_a_statement_in_a_role_is_the_practice_s_own():
    assert segment_of(evidence(by("PractitionerRole/1"), ehr="pcp"), a_policy(), {}).part2 is False


def test_what_is_cut_leaves_the_rest_as_it_was():
    tree = {
        "resourceType": "Encounter",
        "id": "e",
        "text": {"div": "x"},
        "status": "finished",
        "reasonCode": [{"text": "y"}],
    }
    to = Recipient(organization="payer", purpose="HPAYMT")
    (left,) = sight([evidence(tree)], [], to, ruling=ruling(PAYS, organizations=[PAYER])).evidence
    assert left.document.get("status") == "finished"
    assert left.document.tree.keys() == {"resourceType", "id", "status", "meta"}


def test_the_tenant_s_terms_count():
    never = {"state_rules": [{"state": "XX", "purpose": "TREAT", "source": "law"}]}
    ours = sight([IOP_GOAL], [], PCP, ruling=ruling(held(), options=never))
    assert ours.reason([IOP_GOAL.ref]) == "state-law"
