"""Who may receive what: a row per reason, and what unknown means."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.access import Denied, Ground, HeldConsent, Inquiry, Party, Permitted, Segment, decide, next_change
from coordinator.care.consent.mapping import read_consent
from coordinator.fhir import Identifier
from tests.builders import ACT_CODE, DIRECTORY, FORMS, METHADONE, NOW, RXNORM, a_consent, document

BUPRENORPHINE = frozenset({"1010604", "1819"})


def known(key):
    return Party(organization=key, identifier=Identifier(system=DIRECTORY, value=key), treats=True)


def a_segment(**more):
    plain = {
        "organization": "iop",
        "source": Identifier(system=DIRECTORY, value="iop"),
        "part2": True,
        "type": "Goal",
        "labels": frozenset({"42CFRPart2"}),
    }
    return Segment(**plain | more)


def held(revoked_at=None, forms=FORMS, **more):
    record = read_consent(document(a_consent(**more)))
    fields = {name: getattr(record, name) for name in record.__slots__} | {"revoked_at": revoked_at}
    return HeldConsent(record=type(record)(**fields), forms=forms)


def ask(segment=None, *consents, recipient="pcp", purpose="TREAT", now=NOW):
    to = known(recipient) if isinstance(recipient, str) else recipient
    inquiry = Inquiry(actor="system:sync", recipient=to, purpose=purpose, at=now)
    return decide(segment or a_segment(), inquiry, consents)


# ---- without a consent -----------------------------------------------------------------------------------------------
PLAIN = {"part2": False, "labels": frozenset()}
WITHOUT = {
    "one's own record": (a_segment(), {"recipient": "iop"}, Permitted(ground=Ground.OWN)),
    "one's own record for any purpose": (
        a_segment(),
        {"recipient": "iop", "purpose": "HMARKT"},
        Permitted(ground=Ground.OWN),
    ),
    "a record not under Part 2, for treatment": (a_segment(**PLAIN), {}, Permitted(ground=Ground.TREATMENT)),
    "a record not under Part 2, for something else": (
        a_segment(**PLAIN),
        {"purpose": "HMARKT"},
        Denied(reason="purpose"),
    ),
    "a record not under Part 2 that carries the label": (a_segment(part2=False), {}, Denied(reason="no-consent")),
    "a record under Part 2": (a_segment(), {}, Denied(reason="no-consent")),
    "a recipient that nobody described": (
        a_segment(**PLAIN),
        {"recipient": Party(organization="pcp", identifier=None)},
        Denied(reason="recipient-unknown"),
    ),
    "a source that nobody described": (a_segment(source=None), {}, Denied(reason="source-unknown")),
    "nobody's record is not nobody's own": (
        a_segment(organization="", source=None),
        {"recipient": Party(organization="", identifier=None)},
        Denied(reason="recipient-unknown"),
    ),
}


@pytest.mark.parametrize(("segment", "asked", "verdict"), WITHOUT.values(), ids=WITHOUT)
def test_without_a_consent(segment, asked, verdict):
    assert ask(segment, **asked) == verdict


# ---- with one --------------------------------------------------------------------------------------------------------
def test_a_consent_that_is_whole_and_in_force_permits():
    assert ask(None, held(consent="C-1")) == Permitted(ground=Ground.CONSENT, consent="C-1")


DENIED = {
    "revoked": (held(revoked_at=NOW - timedelta(minutes=1)), {}, "consent-revoked"),
    "revoked at this very instant": (held(revoked_at=NOW), {}, "consent-revoked"),
    "expired": (held(end="2026-04-06"), {}, "consent-not-in-force"),
    "not yet signed": (held(signed="2026-05-01T09:00:00-04:00"), {}, "consent-not-in-force"),
    "not active": (held(status="inactive"), {}, "consent-not-in-force"),
    "defective: not verified": (held(performer=[]), {}, "consent-defective"),
    "defective: a form that is not known": (held(forms={}), {}, "consent-defective"),
    "of another discloser": (held(discloser="otp"), {}, "no-consent"),
    "for another recipient": (held(recipient="ced"), {}, "no-consent"),
    "for another purpose": (held(purposes=["TREAT"]), {"purpose": "HPAYMT"}, "no-consent"),
    "of another type of record": (held(types=["MedicationStatement"]), {}, "no-consent"),
}


@pytest.mark.parametrize(("consent", "asked", "reason"), DENIED.values(), ids=DENIED)
def test_a_consent_that_does_not_permit_just_this(consent, asked, reason):
    assert ask(None, consent, **asked) == Denied(reason=reason)


def test_a_revocation_taken_down_by_a_clock_ahead_of_ours_counts_at_once():
    assert ask(None, held(revoked_at=NOW + timedelta(hours=1))) == Denied(reason="consent-revoked")


def test_one_good_consent_is_enough_and_the_same_one_is_named_each_time():
    good, other = held(consent="C-2"), held(consent="C-1")
    bad = held(consent="C-0", end="2026-01-06")
    assert ask(None, good, bad, other) == ask(None, other, good, bad) == Permitted(ground=Ground.CONSENT, consent="C-1")


def test_a_separate_label_is_not_covered_by_a_general_consent():
    """Counseling notes need a consent of their own (42 CFR 2.31(b))."""
    segment = a_segment(labels=frozenset({"42CFRPart2", "PSYTHPN"}))
    assert ask(segment, held()) == Denied(reason="no-consent")


# ---- a denial wins ---------------------------------------------------------------------------------------------------
def denying(**provision):
    consent = a_consent()
    consent["provision"]["provision"] = [{"type": "deny", **provision}]
    return HeldConsent(record=read_consent(document(consent)), forms=FORMS)


DENIALS = {
    "everything": ({}, a_segment(), False),
    "this type": ({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Goal"}]}, a_segment(), False),
    "another type": (
        {"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}]},
        a_segment(),
        True,
    ),
    "this label": (
        {"securityLabel": [{"system": ACT_CODE, "code": "PSY"}]},
        a_segment(labels=frozenset({"42CFRPart2", "PSY"})),
        False,
    ),
    "another label": ({"securityLabel": [{"system": ACT_CODE, "code": "PSY"}]}, a_segment(), True),
}


@pytest.mark.parametrize(("provision", "segment", "permitted"), DENIALS.values(), ids=DENIALS)
def test_a_denial_wins_over_the_permit(provision, segment, permitted):
    assert isinstance(ask(segment, denying(**provision)), Permitted) is permitted


METHADONE_DENIED = {"code": [{"coding": [{"system": RXNORM, "code": METHADONE}]}]}


@pytest.mark.parametrize(
    ("type_", "codes", "permitted"),
    [
        ("MedicationRequest", frozenset({METHADONE, "6813"}), False),
        ("MedicationRequest", BUPRENORPHINE, True),
        ("MedicationRequest", frozenset(), False),
        ("Goal", frozenset(), True),
    ],
    ids=["that medicine", "another", "one that is not named may be it", "no medicine at all"],
)
def test_a_medicine_may_be_left_out(type_, codes, permitted):
    segment = a_segment(type=type_, codes=codes)
    assert isinstance(ask(segment, denying(**METHADONE_DENIED)), Permitted) is permitted


# ---- when it changes by itself ---------------------------------------------------------------------------------------
def test_the_next_change_is_the_first_date_to_come():
    assert next_change(
        [held(signed="2026-01-05T09:00:00-05:00", end="2026-09-01"), held(end="2026-06-01T12:00:00Z")], NOW
    ) == datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("end", [None, "2026-04-01", "someday"], ids=["never ends", "has ended", "can't be read"])
def test_what_does_not_change_any_more_has_no_next_change(end):
    assert next_change([held(end=end)], NOW) is None
