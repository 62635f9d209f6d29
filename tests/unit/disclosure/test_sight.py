"""What a recipient may receive: evidence, decisions that rest on nothing else, and why something may not go out."""

import pytest

from coordinator.access import HeldConsent
from coordinator.care.consent.mapping import read_consent
from coordinator.disclosure import Recipient, Ruling, segment_of, sight
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
    a_policy,
    a_statement,
    an_administration,
    an_order,
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


def test_a_program_receives_what_is_not_under_part_2_without_a_consent():
    assert seen(recipient=Recipient(organization="iop")).evidence == (IOP_GOAL, OWN)


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
