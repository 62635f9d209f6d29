"""What a tenant and its people decided beside the consents is read from its options, or refused with what to do."""

from datetime import date, timedelta

import pytest

from coordinator.access import Agreement, StateRule
from coordinator.disclosure import CONFLICT, UNVERIFIED, terms_of
from coordinator.errors import ConfigurationError
from coordinator.reconcile import Decision
from tests.builders import NOW

AGREEMENT = {
    "organization": "state",
    "purpose": "HCOMPL",
    "from": "2026-01-01",
    "until": "2026-12-31",
    "reference": "7",
}


def decided(code, value, consents, at=NOW):
    return Decision(
        key=f"{code}:x",
        code=code,
        value=value,
        reason="asked",
        actor="casey",
        decided_at=at,
        facts={"consents": consents},
        evidence=("iop/Patient/p-1@1",),
    )


def test_a_tenant_that_told_nothing_has_no_terms():
    terms = terms_of({})
    assert (terms.agreements, terms.stricter, terms.signs_alone_from) == ((), (), None)


def test_agreements_state_rules_and_the_age_of_signing_alone_are_read():
    rule = {"state": "XX", "label": "HIV", "needs": "specific", "source": "law"}
    terms = terms_of({"agreements": [AGREEMENT], "state_rules": [rule], "minor_signs_alone_from": 12})
    (agreement,) = terms.agreements
    assert agreement == Agreement(
        organization="state", purpose="HCOMPL", start=date(2026, 1, 1), end=date(2026, 12, 31), reference="7"
    )
    assert terms.stricter == (StateRule(state="XX", label="HIV", needs="specific", source="law"),)
    assert terms.signs_alone_from == 12


def test_a_rule_whose_need_is_not_understood_forbids():
    (rule,) = terms_of(
        {"state_rules": [{"state": "XX", "code": "6813", "needs": "sometimes", "source": "law"}]}
    ).stricter
    assert rule.needs == "never"


BAD = {
    "no list": {"agreements": "all"},
    "no tables": {"agreements": ["all"]},
    "an agreement that lacks its end": {"agreements": [AGREEMENT | {"until": None}]},
    "an agreement whose end is no day": {"agreements": [AGREEMENT | {"until": "soon"}]},
    "a state rule about nothing": {"state_rules": [{"state": "XX", "source": "law"}]},
    "a state rule without its source": {"state_rules": [{"state": "XX", "label": "HIV"}]},
    "an age that is none": {"minor_signs_alone_from": "twelve"},
    "an age below nothing": {"minor_signs_alone_from": -1},
    "an age that is a yes": {"minor_signs_alone_from": True},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_an_option_that_can_not_be_read_stops_with_what_to_do(options):
    """To go on without it would be to disclose without it."""
    with pytest.raises(ConfigurationError) as refused:
        terms_of(options)
    assert "consent.md" in (refused.value.hint or "")


def test_the_last_answer_counts():
    later = NOW + timedelta(days=1)
    terms = terms_of(
        {},
        [
            decided(CONFLICT, {"accept": "C-2"}, ["C-1", "C-2"], later),
            decided(CONFLICT, {"accept": "C-1"}, ["C-1", "C-2"]),
            decided(UNVERIFIED, {"verified": False}, ["C-3"], later),
            decided(UNVERIFIED, {"verified": True}, ["C-3", "C-4"]),
            decided("stay.overlap", {"accept": "C-9"}, ["C-9"]),
        ],
    )
    assert terms.answers == {frozenset({"C-1", "C-2"}): "C-2"}
    assert terms.checked == {"C-3": False, "C-4": True}


def test_an_answer_without_its_consents_is_none():
    assert terms_of({}, [decided(UNVERIFIED, {"verified": True}, None)]).checked == {}


TOLD = {
    "agreements that are none": ({"agreements": ["all"]}, "agreements is no list"),
    "some agreements that are none": ({"agreements": [AGREEMENT, "all"]}, "agreements is no list"),
    "an organization that is no word": (
        {"agreements": [AGREEMENT | {"organization": 7}]},
        "agreements has a row without",
    ),
    "a purpose that is empty": ({"agreements": [AGREEMENT | {"purpose": ""}]}, "agreements has a row without purpose"),
    "no reference": ({"agreements": [AGREEMENT | {"reference": None}]}, "agreements has a row without reference"),
    "no first day": ({"agreements": [AGREEMENT | {"from": None}]}, "agreements has a row without from"),
    "a last day that is none": ({"agreements": [AGREEMENT | {"until": "soon"}]}, "agreements has a row whose until"),
    "a rule of no state": ({"state_rules": [{"label": "HIV", "source": "law"}]}, "state_rules has a row without state"),
    "a rule without source": ({"state_rules": [{"state": "XX", "code": "1"}]}, "state_rules has a row without source"),
    "a rule about nothing": ({"state_rules": [{"state": "XX", "source": "law"}]}, "state_rules names no label"),
    "an age": ({"minor_signs_alone_from": -1}, "minor_signs_alone_from is no age"),
}


@pytest.mark.parametrize(("options", "words"), TOLD.values(), ids=TOLD)
def test_the_words_name_the_option_and_what_is_wrong(options, words):
    with pytest.raises(ConfigurationError, match=words) as refused:
        terms_of(options)
    assert (refused.value.operation, refused.value.subject) == ("read tenant's terms", next(iter(options)))


def test_a_rule_about_a_purpose_alone_is_one_and_an_age_of_nothing_too():
    terms = terms_of(
        {"state_rules": [{"state": "XX", "purpose": "HPAYMT", "source": "law"}], "minor_signs_alone_from": 0}
    )
    assert terms.stricter == (StateRule(state="XX", purpose="HPAYMT", source="law"),)
    assert terms.signs_alone_from == 0


def test_a_question_that_is_answered_again_is_the_last_answer():
    first, again = ["C-1", "C-2"], ["C-1", "C-2", "C-3"]
    days = [NOW + timedelta(days=n) for n in range(3)]
    answers = [
        decided(CONFLICT, {"accept": "C-1"}, first, days[0]),
        decided(CONFLICT, {"accept": "C-2"}, again, days[1]),
        decided(CONFLICT, {"accept": "C-1"}, first, days[2]),
    ]
    assert list(terms_of({}, answers).answers) == [frozenset(again), frozenset(first)]


def test_a_rule_about_a_code_alone_is_one():
    (rule,) = terms_of({"state_rules": [{"state": "XX", "code": "6813", "source": "law"}]}).stricter
    assert (rule.code, rule.label, rule.purpose) == ("6813", "", "")
