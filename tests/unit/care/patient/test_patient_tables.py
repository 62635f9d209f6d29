"""The tables of identity say what the code reads: each word is known, each weight follows from its figures."""

import math
from decimal import Decimal

import pytest

from coordinator.care.csv_table import packaged_rows
from coordinator.care.patient.comparison import Feature, Level, called, sound
from coordinator.care.patient.model import PatientRecord
from coordinator.care.patient.rules import Agreement, agreement, at_least, weigh
from coordinator.care.patient.tables import COMPARED, agreement_rules, nicknames, thresholds, weights
from coordinator.care.patient.traits import traits

PACKAGE = "coordinator.care.patient"
WEIGHTS = list(packaged_rows(PACKAGE, "weights.csv", ("feature", "level", "m", "u", "bits", "source", "status")))
ANA = PatientRecord(family="Ruiz", given=("Ana",), birth_date="1991-04-12", phones=("518-555-0141",))


@pytest.mark.parametrize("row", WEIGHTS, ids=lambda row: f"{row.text('feature')}: {row.text('level')}")
def test_a_weight_is_the_logarithm_of_how_much_more_often_one_person_shows_it(row):
    assert Feature(row.text("feature"))
    assert Level(row.text("level"))
    bits = math.log2(float(row.text("m")) / float(row.text("u")))
    assert abs(float(row.text("bits")) - bits) <= 0.05


def test_better_agreement_weighs_more_and_none_weighs_against():
    for feature in (Feature.FAMILY, Feature.GIVEN, Feature.BORN, Feature.PHONE, Feature.EMAIL, Feature.ADDRESS):
        own = {Level(level): bits for (name, level), bits in weights().items() if name == feature.value}
        assert max(own.values()) == own[Level.SAME]
        assert min(own.values()) == own[Level.DIFFERS] < 0


def test_each_word_of_the_rules_is_a_level_and_the_last_rule_fits_all():
    known = {level.value for level in Level}
    assert {word for rule in agreement_rules() for _, words in rule.fits.values() for word in words} <= known
    assert {column for rule in agreement_rules() for column in rule.fits} <= set(COMPARED)
    assert agreement_rules()[-1].fits == {}
    assert all(rule.at_least in {"no", rule.at_most} or rule.at_most == "certain" for rule in agreement_rules())


def test_nothing_but_a_shared_number_or_a_full_birth_date_with_the_full_name_can_be_certain():
    may = [rule for rule in agreement_rules() if rule.at_most == "certain"]
    assert [rule.rule_id for rule in may] == ["ID-05", "ID-09"]
    (full,) = [rule for rule in may if "identifier" not in rule.fits]
    assert {full.fits[one] for one in ("born", "family", "given", "reach")} == {(True, frozenset({"same"}))}
    assert full.fits["single"] == (False, frozenset({"differs"}))


def test_a_tenant_may_ask_for_more_bits_but_not_for_fewer():
    assert at_least(Decimal(99), Decimal(98)).certain == 99
    assert at_least(Decimal(1), Decimal(1)) == at_least()
    assert (at_least().certain, at_least().possible) == (thresholds()["certain"], thresholds()["possible"])
    both = traits(ANA), traits(ANA)
    assert weigh(*both, at_least()).agreement is Agreement.CERTAIN
    assert weigh(*both, at_least(Decimal(99))).agreement is Agreement.POSSIBLE
    assert weigh(*both, at_least(Decimal(99), Decimal(98))).agreement is Agreement.POSSIBLE, (
        "full agreement is asked about"
    )


def test_a_name_is_called_what_it_is_shortened_to_and_short_for():
    assert called("bob") >= {"bob", "robert"}
    assert called("robert") >= {"bob", "robert"}
    assert called("zoltan") == {"zoltan"}
    assert all(short != given for given, others in nicknames().items() for short in others)


@pytest.mark.parametrize(("name", "said"), [("smith", "SM0"), ("smythe", "SM0"), ("jo", None), ("анна", None)])
def test_a_sound_is_told_only_where_it_says_something(name, said):
    assert sound(name) == said


def test_what_speaks_is_told_feature_by_feature():
    found = weigh(
        traits(ANA), traits(PatientRecord(family="Ruiz", given=("Ane",), birth_date="1991-04-12")), at_least()
    )
    assert found.comparison[Feature.GIVEN] is Level.ONE_LETTER
    assert found.rule == "ID-13"
    assert set(found.weights) == {Feature.FAMILY, Feature.GIVEN, Feature.BORN}
    assert sum(found.weights.values()) == found.bits
    assert agreement(ANA, ANA) is Agreement.CERTAIN
