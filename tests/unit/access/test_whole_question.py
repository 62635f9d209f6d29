"""The whole question: tenants, actors, types of recipients, purposes by their rule, what is necessary, and marks."""

from dataclasses import replace
from datetime import date

import pytest

from coordinator.access import (
    NO_REDISCLOSURE,
    Agreement,
    Denied,
    Ground,
    HeldConsent,
    Inquiry,
    Party,
    Permitted,
    Segment,
    StateRule,
    Terms,
    decide,
    next_change,
)
from coordinator.access.tables import Rule, kinds_of, necessary, purposes, recipient_types
from coordinator.care.consent.mapping import EXPIRY_EVENT, RECIPIENT_CLASS, read_consent
from coordinator.fhir import Identifier
from tests.builders import ACT_CODE, DIRECTORY, FORM, NOW, ROLE_CODE, a_consent, document

FULL = {FORM: frozenset({"P2C-06", "P2C-09", "P2C-13"})}
NOTES = frozenset({"42CFRPart2", "PSYTHPN"})


def party(key="pcp", kind="provider", *, treats=True):
    return Party(organization=key, identifier=Identifier(system=DIRECTORY, value=key), kind=kind, treats=treats)


def inquiry(**more):
    return Inquiry(**{"actor": "system:sync", "recipient": party(), "purpose": "TREAT", "at": NOW} | more)


def segment(type_="Goal", **more):
    plain = {
        "organization": "iop",
        "source": Identifier(system=DIRECTORY, value="iop"),
        "part2": True,
        "type": type_,
        "labels": frozenset({"42CFRPart2"}),
    }
    return Segment(**plain | more)


def held(body=None, **more):
    return HeldConsent(record=read_consent(document(body or a_consent(**more))), forms=FULL)


def actor(role, system, value):
    return {
        "role": {"coding": [{"system": ROLE_CODE, "code": role}]},
        "reference": {"identifier": {"system": system, "value": value}},
    }


# ---- who asks --------------------------------------------------------------------------------------------------------
def test_no_tenant_sees_what_is_another_s_not_even_by_a_consent():
    assert decide(segment(tenant="a"), inquiry(tenant="b"), [held()]) == Denied(reason="other-tenant")
    assert isinstance(decide(segment(tenant="a"), inquiry(tenant="a"), [held()]), Permitted)


def test_nobody_asks_without_a_name():
    assert decide(segment(), inquiry(actor=""), [held()]) == Denied(reason="actor-unknown")


# ---- purposes and types of recipients --------------------------------------------------------------------------------
@pytest.mark.parametrize("purpose", ["HMARKT", "PUBHLTH", "", "treatment"])
def test_a_purpose_that_is_not_known_or_never_good_permits_nothing(purpose):
    assert decide(segment(), inquiry(purpose=purpose), [held(purposes=[purpose])]) == Denied(reason="purpose")


def test_a_type_of_recipient_that_is_not_known_receives_nothing():
    assert decide(segment(), inquiry(recipient=party(kind="friend")), [held()]) == Denied(reason="recipient-unknown")


TO_WHOM = {
    "proceedings, to a provider": ("HLEGAL", "provider"),
    "monitoring of prescriptions, to a provider": ("PDMP", "provider"),
    "enrollment in two programs, to a provider": ("MULTENROLL", "provider"),
    "the network of support, to a payer": ("SUPNWK", "payer"),
    "audit, to a provider": ("HCOMPL", "provider"),
    "research, to a payer": ("HRESCH", "payer"),
}


@pytest.mark.parametrize(("purpose", "kind"), TO_WHOM.values(), ids=TO_WHOM)
def test_a_purpose_has_its_own_recipients(purpose, kind):
    asked = inquiry(purpose=purpose, recipient=party(kind=kind))
    assert decide(segment(), asked, [held(purposes=[purpose])]) == Denied(reason="recipient-type")


def test_coordination_of_care_is_a_kind_of_treatment():
    assert isinstance(decide(segment(), inquiry(purpose="COC"), [held(purposes=["TREAT"])]), Permitted)
    assert isinstance(decide(segment(), inquiry(purpose="TREAT"), [held(purposes=["COC"])]), Denied)


def test_a_consent_for_treatment_is_none_for_payment():
    asked = inquiry(purpose="HPAYMT", recipient=party(kind="payer"))
    assert decide(segment("Encounter"), asked, [held(purposes=["TREAT"])]) == Denied(reason="no-consent")


ENROLLED = {"MedicationDispense": True, "Patient": True, "Goal": False, "CarePlan": False, "Observation": False}


@pytest.mark.parametrize(("type_", "permitted"), ENROLLED.items())
def test_an_inquiry_about_two_enrollments_is_told_the_medicine_and_no_more(type_, permitted):
    """42 CFR 2.34(b): who it is, type and dosage of the medicine, and the dates."""
    asked = inquiry(purpose="MULTENROLL", recipient=party("registry", "registry", treats=False))
    consent = held(recipient="registry", purposes=["MULTENROLL"], types=list(ENROLLED))
    verdict = decide(segment(type_), asked, [consent])
    assert isinstance(verdict, Permitted) is permitted
    assert isinstance(decide(segment(type_), asked, []), Denied)


# ---- how much --------------------------------------------------------------------------------------------------------
def test_a_payer_is_not_told_goals_nor_why_somebody_came():
    asked = inquiry(purpose="HPAYMT", recipient=party(kind="payer"))
    assert decide(segment("Goal"), asked, [held()]) == Denied(reason="not-necessary")
    verdict = decide(segment("Encounter"), asked, [held()])
    assert verdict.cuts == {"text", "reasonCode", "reasonReference"}


def test_for_treatment_nothing_is_cut():
    assert decide(segment(), inquiry(), [held()]).cuts == frozenset()


# ---- marks -----------------------------------------------------------------------------------------------------------
MARKED = {
    "a covered entity under treatment, payment and operations": ("provider", ("TREAT", "HPAYMT", "HOPERAT"), False),
    "a covered entity under treatment alone": ("provider", ("TREAT",), False),
    "a covered entity under something more": ("provider", ("TREAT", "PATRQT"), True),
    "a program that is a covered entity": ("part2-program", ("TREAT", "HPAYMT", "HOPERAT"), False),
    "a program that is none": ("part2-program-not-covered", ("TREAT", "HPAYMT", "HOPERAT"), True),
    "another lawful holder": ("contractor", ("TREAT", "HPAYMT", "HOPERAT"), True),
}


@pytest.mark.parametrize(("kind", "of", "marked"), MARKED.values(), ids=MARKED)
def test_the_mark_against_redisclosure_goes_by_recipient_and_consent(kind, of, marked):
    """42 CFR 2.33(b): (1) redisclose as HIPAA permits, (2) and (3) do not."""
    verdict = decide(segment(), inquiry(recipient=party(kind=kind)), [held(purposes=of)])
    assert verdict.marks == (frozenset({NO_REDISCLOSURE}) if marked else frozenset())


# ---- ways beside consent ---------------------------------------------------------------------------------------------
ER = Party(organization="", identifier=None, kind="medical-personnel")


def test_an_emergency_needs_no_consent_and_its_record_first():
    asked = inquiry(purpose="ETREAT", recipient=ER)
    assert decide(segment(), asked, []) == Denied(reason="emergency-not-recorded")
    assert decide(segment(), replace(asked, emergency=True), []) == Permitted(ground=Ground.EMERGENCY)
    assert decide(segment(labels=NOTES), replace(asked, emergency=True), []) == Denied(reason="not-necessary")


def test_a_promise_to_keep_something_back_does_not_bind_in_an_emergency():
    asked = inquiry(purpose="BTG", recipient=ER, emergency=True)
    assert isinstance(decide(segment(), asked, [restriction()]), Permitted)


YEAR = Agreement(
    organization="state", purpose="HCOMPL", start=date(2026, 1, 1), end=date(2026, 4, 7), reference="agreement 7"
)
AUDITED = {
    "in force, on its last day": (YEAR, segment("Encounter"), None),
    "in force, on its first day": (replace(YEAR, start=date(2026, 4, 7)), segment("Encounter"), None),
    "run out": (replace(YEAR, end=date(2026, 4, 6)), segment("Encounter"), "no-agreement"),
    "not begun": (replace(YEAR, start=date(2026, 4, 8)), segment("Encounter"), "no-agreement"),
    "of another": (replace(YEAR, organization="other"), segment("Encounter"), "no-agreement"),
    "for something else": (replace(YEAR, purpose="HRESCH"), segment("Encounter"), "no-agreement"),
    "notes of counseling": (YEAR, segment("Encounter", labels=NOTES), "not-necessary"),
    "what an audit does not need": (YEAR, segment("Communication"), "not-necessary"),
    "a source that nobody described": (YEAR, segment("Encounter", source=None), "source-unknown"),
}


@pytest.mark.parametrize(("agreement", "asked_for", "reason"), AUDITED.values(), ids=AUDITED)
def test_an_audit_goes_by_its_agreement_and_not_by_consent(agreement, asked_for, reason):
    asked = inquiry(
        purpose="HCOMPL", recipient=party("state", "auditor", treats=False), terms=Terms(agreements=(agreement,))
    )
    verdict = decide(asked_for, asked, [held(recipient="state", purposes=["HCOMPL"])])
    if reason:
        assert verdict == Denied(reason=reason)
    else:
        assert (verdict.ground, verdict.marks) == (Ground.AGREEMENT, {NO_REDISCLOSURE})


def test_a_promise_binds_audits_too():
    asked = inquiry(purpose="HCOMPL", recipient=party("state", "auditor"), terms=Terms(agreements=(YEAR,)))
    assert decide(segment("Encounter"), asked, [restriction()]) == Denied(reason="restricted")


# ---- restrictions ----------------------------------------------------------------------------------------------------
def restriction(consent="R-1", status="active", revoked_at=None, **provision):
    body = {k: v for k, v in a_consent(consent, status=status).items() if k != "provision"}
    record = read_consent(document(body | {"provision": {"type": "deny", **provision}}))
    return HeldConsent(record=replace(record, revoked_at=revoked_at), forms=FULL)


TYPE = "http://hl7.org/fhir/resource-types"
RESTRICTED = {
    "everything": ({}, True),
    "this type": ({"class": [{"system": TYPE, "code": "Goal"}]}, True),
    "another type": ({"class": [{"system": TYPE, "code": "Encounter"}]}, False),
    "this recipient": ({"actor": [actor("IRCP", DIRECTORY, "pcp")]}, True),
    "another recipient": ({"actor": [actor("IRCP", DIRECTORY, "ced")]}, False),
    "this discloser": ({"actor": [actor("CST", DIRECTORY, "iop")]}, True),
    "another discloser": ({"actor": [actor("CST", DIRECTORY, "otp")]}, False),
    "somebody in a role that is not known": ({"actor": [actor("XYZ", DIRECTORY, "ced")]}, True),
    "a class of recipients": ({"actor": [actor("IRCP", RECIPIENT_CLASS, "health-plans")]}, True),
    "a label that can't be read": ({"securityLabel": [{"display": "secret"}]}, True),
    "not agreed to yet": ({"status": "proposed"}, False),
    "ended": ({"status": "inactive"}, False),
    "revoked": ({"revoked_at": NOW}, False),
    "with a status that is not known": ({"status": "on-file"}, True),
    "begun today, somewhere": ({"period": {"start": "2026-04-08"}}, True),
    "not begun anywhere": ({"period": {"start": "2026-04-09"}}, False),
    "ended today, somewhere": ({"period": {"end": "2026-04-07"}}, True),
    "ended everywhere": ({"period": {"end": "2026-04-05"}}, False),
}


@pytest.mark.parametrize(("told", "binds"), RESTRICTED.values(), ids=RESTRICTED)
def test_a_restriction_that_was_agreed_to_beats_a_consent(told, binds):
    verdict = decide(segment(), inquiry(), [held(), restriction(**told)])
    assert (verdict == Denied(reason="restricted")) is binds
    assert isinstance(verdict, Permitted) is not binds


def test_a_restriction_binds_what_is_not_under_part_2_as_well():
    plain = segment(part2=False, labels=frozenset())
    assert decide(plain, inquiry(), [restriction()]) == Denied(reason="restricted")
    assert decide(plain, inquiry(), []) == Permitted(ground=Ground.TREATMENT)


# ---- contradictions --------------------------------------------------------------------------------------------------
def excepting(consent="C-2", *, deny=None, **more):
    body = a_consent(consent, **more)
    body["provision"]["provision"] = [{"type": "deny", **(deny or {})}]
    return held(body)


BOTH = frozenset({"C-1", "C-2"})


def test_two_consents_that_contradict_each_other_are_asked_of_a_person_and_until_then_no():
    verdict = decide(segment(), inquiry(), [held(consent="C-1"), excepting()])
    assert verdict == Denied(reason="consent-conflict", consents=BOTH)


@pytest.mark.parametrize(("answer", "permitted"), [("C-1", True), ("C-2", False), ("C-9", False)])
def test_the_answer_says_which_of_them_counts(answer, permitted):
    terms = Terms(answers={BOTH: answer})
    verdict = decide(segment(), inquiry(terms=terms), [held(consent="C-1"), excepting()])
    assert isinstance(verdict, Permitted) is permitted
    if not permitted:
        assert verdict.consents == (BOTH if answer == "C-9" else frozenset())


NO_CONTRADICTION = {
    "of another discloser": excepting(discloser="otp"),
    "to another recipient": excepting(recipient="ced"),
    "about another type": excepting(deny={"class": [{"system": TYPE, "code": "Encounter"}]}),
    "run out": excepting(end="2026-04-06"),
    "not about this content": excepting(types=["Encounter"]),
}


@pytest.mark.parametrize("other", NO_CONTRADICTION.values(), ids=NO_CONTRADICTION)
def test_consents_that_do_not_meet_do_not_contradict_each_other(other):
    assert isinstance(decide(segment(), inquiry(), [held(consent="C-1"), other]), Permitted)


def test_the_exception_for_counseling_notes_does_not_contradict_their_own_consent():
    """Each general form excepts them, as 42 CFR 2.31(b) asks for a consent of its own."""
    notes = a_consent("C-9")
    notes["provision"]["securityLabel"] = [{"system": ACT_CODE, "code": "PSYTHPN"}]
    general = excepting(deny={"securityLabel": [{"system": ACT_CODE, "code": "PSYTHPN"}]})
    assert decide(segment(labels=NOTES), inquiry(), [held(notes), general]).consent == "C-9"
    assert decide(segment(labels=NOTES), inquiry(), [general]) == Denied(reason="no-consent")


def test_notes_of_psychotherapy_need_an_authorization_even_where_part_2_does_not_hold():
    plain = segment(part2=False, labels=frozenset({"PSYTHPN"}))
    assert decide(plain, inquiry(), []) == Denied(reason="no-consent")


# ---- unverified ------------------------------------------------------------------------------------------------------
UNVERIFIED = held(verification=[{"verified": False}])


@pytest.mark.parametrize(
    ("checked", "verdict"),
    [
        ({}, Denied(reason="consent-unverified", consents=frozenset({"C-1"}))),
        ({"C-1": True}, Permitted(ground=Ground.CONSENT, consent="C-1")),
        ({"C-1": False}, Denied(reason="consent-defective")),
    ],
    ids=["not looked at", "it holds", "it does not hold"],
)
def test_a_signature_that_nobody_verified_is_asked_of_a_person(checked, verdict):
    assert decide(segment(), inquiry(terms=Terms(checked=checked)), [UNVERIFIED]) == verdict


def test_a_consent_that_lacks_more_than_its_verification_is_defective():
    broken = held(verification=[{"verified": False}], performer=[])
    assert decide(segment(), inquiry(), [broken]) == Denied(reason="consent-defective")


# ---- recipients by class, intermediaries -----------------------------------------------------------------------------
def by_class(*classes, **more):
    body = a_consent(**more)
    body["provision"]["actor"] = [
        actor("CST", DIRECTORY, "iop"),
        *(actor("IRCP", RECIPIENT_CLASS, one) for one in classes),
    ]
    return held(body)


CLASSES = {
    "who treats": (party(), ("treating-providers",), True),
    "a provider that does not treat": (party(treats=False), ("treating-providers",), False),
    "a payer as a treating provider": (party(kind="payer", treats=True), ("treating-providers",), False),
    "a health plan": (party(kind="payer", treats=False), ("health-plans",), True),
    "another payer as a health plan": (party(kind="third-party-payer"), ("health-plans",), False),
    "another payer": (party(kind="third-party-payer"), ("third-party-payers", "health-plans"), True),
    "who helps to operate": (party(kind="contractor"), ("program-operators",), True),
    "a class that is not known": (party(), ("everybody", "treating-providers"), False),
}


@pytest.mark.parametrize(("to", "classes", "permitted"), CLASSES.values(), ids=CLASSES)
def test_recipients_by_class(to, classes, permitted):
    verdict = decide(segment(), inquiry(recipient=to), [by_class(*classes)])
    assert isinstance(verdict, Permitted) is permitted


def test_only_the_consent_for_treatment_payment_and_operations_names_a_class():
    assert isinstance(decide(segment(), inquiry(), [by_class("treating-providers", purposes=["TREAT"])]), Denied)


def through(*below, named="hie"):
    body = a_consent(recipient=named)
    body["provision"]["provision"] = [{"type": "permit", "actor": list(below)}] if below else []
    return held(body)


HIE = party("hie", "intermediary", treats=False)
MEMBERS = {
    "without members": (through(), False),
    "with a member by name": (through(actor("IRCP", DIRECTORY, "pcp")), True),
    "with treating providers": (through(actor("IRCP", RECIPIENT_CLASS, "treating-providers")), True),
    "with another class": (through(actor("IRCP", RECIPIENT_CLASS, "health-plans")), False),
    "another intermediary": (through(actor("IRCP", DIRECTORY, "pcp"), named="other"), False),
}


@pytest.mark.parametrize(("consent", "permitted"), MEMBERS.values(), ids=MEMBERS)
def test_an_intermediary_is_named_with_those_it_passes_on_to(consent, permitted):
    """42 CFR 2.31(a)(4)(ii): its name, and its members by name or the class of treating providers."""
    assert isinstance(decide(segment(), inquiry(recipient=HIE), [consent]), Permitted) is permitted


def test_a_member_of_an_intermediary_is_no_recipient_of_ours():
    assert isinstance(decide(segment(), inquiry(), [through(actor("IRCP", DIRECTORY, "pcp"))]), Denied)


# ---- an event that ends it -------------------------------------------------------------------------------------------
def until(event):
    body = a_consent(end=None, purposes=["TREAT"])
    body["provision"]["period"]["extension"] = [{"url": EXPIRY_EVENT, "valueCode": event}]
    return held(body)


EVENTS = {
    "in treatment": ("end-of-treatment", True, None),
    "treatment over, or not known": ("end-of-treatment", False, "consent-not-in-force"),
    "an event that is not known": ("end-of-probation", True, "consent-defective"),
}


@pytest.mark.parametrize(("event", "treating", "reason"), EVENTS.values(), ids=EVENTS)
def test_a_consent_may_end_with_an_event(event, treating, reason):
    verdict = decide(segment(is_treating=treating), inquiry(), [until(event)])
    assert verdict == (Denied(reason=reason) if reason else Permitted(ground=Ground.CONSENT, consent="C-1"))


def test_another_extension_of_the_period_is_not_understood():
    body = a_consent()
    body["provision"]["period"]["extension"] = [{"url": "https://x.example/only-on-sundays", "valueBoolean": True}]
    assert isinstance(decide(segment(), inquiry(), [held(body)]), Denied)


# ---- minors and state law --------------------------------------------------------------------------------------------
PATIENT = {"identifier": {"system": "https://mrn.example", "value": "A1"}}
PARENT = {"type": "RelatedPerson", "display": "a parent"}
SIGNED = {
    "an adult": ("1980-01-01", None, [{"display": "the person"}], True),
    "18 on the day": ("2008-01-05", None, [{"display": "the person"}], True),
    "17, alone": ("2008-01-06", None, [PATIENT], False),
    "17, with a parent": ("2008-01-06", None, [PATIENT, PARENT], True),
    "17, the parent alone": ("2008-01-06", None, [PARENT], False),
    "17, alone, where the state lets them": ("2008-01-06", 12, [PATIENT], True),
    "12, alone, where the state lets them from 12 on": ("2014-01-05", 12, [PATIENT], True),
    "17, the parent alone, where the state lets the minor": ("2008-01-06", 12, [PARENT], False),
    "11, alone, where the state asks for 12": ("2014-06-01", 12, [PATIENT], False),
    "only the year is known": ("2008", 12, [PARENT], False),
    "a birth date that can't be read": ("someday", None, [{"display": "x"}], True),
    "no birth date": (None, None, [{"display": "x"}], True),
}


@pytest.mark.parametrize(("born", "alone", "performer", "permitted"), SIGNED.values(), ids=SIGNED)
def test_for_a_minor_those_sign_who_must(born, alone, performer, permitted):
    """42 CFR 2.14: where state law lets the minor seek treatment alone only the minor consents, else both."""
    extension = [{"url": "https://coordinator.example/fhir/StructureDefinition/representative-authority"}]
    consent = held(performer=performer, extension=extension)
    asked = inquiry(born=born, terms=Terms(signs_alone_from=alone))
    assert isinstance(decide(segment(), asked, [consent]), Permitted) is permitted


def test_a_consent_without_a_date_of_signature_is_defective_for_everybody():
    body = {k: v for k, v in a_consent().items() if k != "dateTime"}
    assert isinstance(decide(segment(), inquiry(born="2008-01-06"), [held(body)]), Denied)


def test_who_signs_for_another_shows_by_what_authority():
    assert decide(segment(), inquiry(), [held(performer=[PARENT])]) == Denied(reason="consent-defective")


NEVER = StateRule(state="XX", label="HIV", source="law of XX")
SPECIFIC = StateRule(state="XX", label="HIV", needs="specific", source="law of XX")
HIV = frozenset({"42CFRPart2", "HIV"})


def naming(*labels):
    body = a_consent()
    body["provision"]["securityLabel"] = [{"system": ACT_CODE, "code": one} for one in labels]
    return held(body)


STATE = {
    "forbidden outright": (NEVER, HIV, naming("42CFRPart2", "HIV"), "state-law"),
    "about something else": (NEVER, frozenset({"42CFRPart2"}), held(), None),
    "a consent that does not name it": (SPECIFIC, HIV, held(), "no-consent"),
    "a rule for a specific consent about something else": (SPECIFIC, frozenset({"42CFRPart2"}), held(), None),
    "about another purpose": (
        StateRule(state="XX", label="HIV", purpose="HPAYMT"),
        HIV,
        naming("42CFRPart2", "HIV"),
        None,
    ),
    "about another code": (StateRule(state="XX", label="HIV", code="9"), HIV, naming("42CFRPart2", "HIV"), None),
    "about this purpose and this label": (
        StateRule(state="XX", label="HIV", code="6813", purpose="TREAT"),
        HIV,
        naming("42CFRPart2", "HIV"),
        "state-law",
    ),
    "a consent that names it": (SPECIFIC, HIV, naming("42CFRPart2", "HIV"), None),
    "a purpose of its own, not alone": (
        StateRule(state="XX", purpose="TREAT", needs="specific"),
        HIV,
        held(),
        "no-consent",
    ),
    "a purpose of its own, alone": (
        StateRule(state="XX", purpose="TREAT", needs="specific"),
        HIV,
        held(purposes=["TREAT"]),
        None,
    ),
    "a code, not named": (StateRule(state="XX", code="6813", needs="specific"), HIV, held(), "no-consent"),
    "a code, forbidden": (StateRule(state="XX", code="6813"), HIV, held(), "state-law"),
}


@pytest.mark.parametrize(("rule", "labels", "consent", "reason"), STATE.values(), ids=STATE)
def test_stricter_state_law_by_the_tenant_s_table(rule, labels, consent, reason):
    asked = segment(labels=labels, codes=frozenset({"6813"}))
    verdict = decide(asked, inquiry(terms=Terms(stricter=(rule,))), [consent])
    assert verdict == (Denied(reason=reason) if reason else Permitted(ground=Ground.CONSENT, consent="C-1"))


def test_a_consent_that_names_the_code_meets_a_rule_about_it():
    body = a_consent()
    body["provision"]["code"] = [{"coding": [{"system": "s", "code": "6813"}]}]
    asked = segment(codes=frozenset({"6813"}))
    terms = Terms(stricter=(StateRule(state="XX", code="6813", needs="specific"),))
    assert isinstance(decide(asked, inquiry(terms=terms), [held(body)]), Permitted)


# ---- the tables ------------------------------------------------------------------------------------------------------
def test_each_purpose_names_types_of_recipients_that_are_known():
    assert {kind for one in purposes().values() for kind in one.recipients} <= recipient_types().keys()
    assert all(one.within is None or one.within in purposes() for one in purposes().values())


def test_each_purpose_that_can_be_permitted_tells_what_is_necessary():
    """A purpose without a line there would permit nothing at all, which nobody would understand."""
    told = {purpose for purpose, _ in necessary()}
    wanted = {one.code for one in purposes().values() if one.rule is not Rule.NEVER and one.within is None}
    assert wanted - told == set()


# ---- where tests of the above left something open -------------------------------------------------------------------
def revoked(one):
    return HeldConsent(record=replace(one.record, revoked_at=NOW), forms=one.forms)


def test_what_a_consent_kept_back_stays_in_question_when_it_is_revoked():
    """Revoking must not let more out: its exceptions are asked of a person."""
    verdict = decide(segment(), inquiry(), [held(consent="C-1"), revoked(excepting())])
    assert verdict == Denied(reason="consent-conflict", consents=BOTH)


@pytest.mark.parametrize(("treating", "permitted"), [(True, False), (False, True)])
def test_an_exception_ends_with_the_event_that_ends_its_consent(treating, permitted):
    body = a_consent("C-2", purposes=["TREAT"], end=None)
    body["provision"]["period"]["extension"] = [{"url": EXPIRY_EVENT, "valueCode": "end-of-treatment"}]
    body["provision"]["provision"] = [{"type": "deny"}]
    verdict = decide(segment(is_treating=treating), inquiry(), [held(consent="C-1"), held(body)])
    assert isinstance(verdict, Permitted) is permitted


THREE = [held(consent="C-1"), held(consent="C-3"), excepting("C-2"), excepting("C-4")]
ALL = frozenset({"C-1", "C-2", "C-3", "C-4"})
ANSWERED = {
    "of four by one answer": ({ALL: "C-1"}, "C-1", frozenset()),
    "by pairs": ({frozenset({"C-3", "C-2"}): "C-3", frozenset({"C-3", "C-4"}): "C-3"}, "C-3", frozenset()),
    "against one of two exceptions only": ({frozenset({"C-3", "C-2"}): "C-3"}, None, ALL),
    "one permit lost, the other not asked about": ({frozenset({"C-1", "C-2"}): "C-2"}, None, ALL),
    "both permits lost, each to one": (
        {frozenset({"C-1", "C-2"}): "C-2", frozenset({"C-3", "C-4"}): "C-4"},
        None,
        frozenset(),
    ),
    "about others": ({frozenset({"C-8", "C-9"}): "C-1"}, None, ALL),
    "the last answer counts": ({frozenset({"C-1", "C-2", "C-4"}): "C-2", ALL: "C-1"}, "C-1", frozenset()),
}


@pytest.mark.parametrize(("answers", "consent", "asked"), ANSWERED.values(), ids=ANSWERED)
def test_answers_count_for_the_consents_that_they_are_about(answers, consent, asked):
    verdict = decide(segment(), inquiry(terms=Terms(answers=answers)), THREE)
    if consent:
        assert verdict.consent == consent
    else:
        assert verdict == Denied(reason="consent-conflict", consents=asked)


def test_state_law_does_not_stand_against_an_emergency():
    asked = inquiry(purpose="ETREAT", recipient=ER, emergency=True, terms=Terms(stricter=(NEVER,)))
    assert isinstance(decide(segment(labels=HIV), asked, []), Permitted)


def test_what_is_not_under_part_2_goes_without_consent_for_treatment_alone():
    plain = segment("Encounter", part2=False, labels=frozenset())
    assert decide(plain, inquiry(purpose="HPAYMT", recipient=party(kind="payer")), []) == Denied(reason="purpose")


def test_a_source_that_nobody_described_is_no_even_where_it_seems_not_under_part_2():
    """A restriction about it could not be asked."""
    plain = segment(part2=False, labels=frozenset(), source=None)
    assert decide(plain, inquiry(), []) == Denied(reason="source-unknown")


def test_what_is_under_part_2_needs_a_consent_without_any_label():
    assert decide(segment(labels=frozenset()), inquiry(), []) == Denied(reason="no-consent")


def test_one_consent_for_treatment_payment_and_operations_is_enough_to_leave_the_mark_off():
    both = [held(consent="C-1", purposes=["TREAT", "PATRQT"]), held(consent="C-2", purposes=["TREAT"])]
    assert decide(segment(), inquiry(), both).marks == frozenset()


def test_a_consent_that_ends_at_this_instant_has_no_next_change():
    assert next_change([held(end=NOW.isoformat())], NOW) is None


@pytest.mark.parametrize(("signed", "permitted"), [("2026-01-05", False), ("2026-01-08", True)])
def test_a_day_of_signature_is_enough_to_tell_the_age(signed, permitted):
    asked = inquiry(born="2008-01-07")
    assert isinstance(decide(segment(), asked, [held(signed=signed)]), Permitted) is permitted


KINDS = {"TREAT": {"TREAT"}, "COC": {"COC", "TREAT"}, "unheard-of": {"unheard-of"}}


@pytest.mark.parametrize(("purpose", "kinds"), KINDS.items())
def test_a_purpose_may_be_a_kind_of_another(purpose, kinds):
    assert kinds_of(purpose) == kinds


@pytest.mark.parametrize(
    "recipient", [party(treats=False), party(kind="payer")], ids=["who does not treat the person", "a health plan"]
)
def test_what_is_not_under_part_2_goes_without_a_consent_to_those_alone_who_treat(recipient):
    """45 CFR 164.506(c)(2): for the treatment activities of a health care provider."""
    told = Segment(organization="gp", source=Identifier(system=DIRECTORY, value="gp"), part2=False, type="Goal")
    assert decide(told, inquiry(recipient=recipient), []) == Denied(reason="no-consent")
