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
