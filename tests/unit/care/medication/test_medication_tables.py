"""The product table says what its sources say: the derived columns are worked out here a second time."""

import csv
import re
from decimal import Decimal
from importlib import resources

import pytest

from coordinator.care.csv_table import Row
from coordinator.care.medication.model import Proof
from coordinator.care.medication.tables import (
    dose_units,
    positive,
    product_row,
    product_table,
    status_worth,
    timing_codes,
    unit_row,
)
from coordinator.errors import ConfigurationError

NAME = re.compile(
    r"(?:(?P<volume>[\d.]+) ML )?(?:\d+ HR )?[a-z ]+ (?P<amount>[\d.]+) (?P<unit>MG/ML|MG/HR|MG)"
    r"(?: / [a-z]+ [\d.]+ MG)? [A-Z][A-Za-z -]*(?: \[\w+\])?"
)
STATUSES = {  # HL7 FHIR R4 required bindings
    Proof.ORDER: "active on-hold cancelled completed entered-in-error stopped draft unknown",
    Proof.SUPPLY: "preparation in-progress cancelled on-hold completed entered-in-error stopped declined unknown",
    Proof.DOSE: "in-progress not-done on-hold completed entered-in-error stopped unknown",
    Proof.STATEMENT: "active completed entered-in-error intended stopped on-hold unknown not-taken",
}
PRODUCT = {
    "code": "1",
    "name": "x 1 MG Oral Tablet",
    "term_type": "SCD",
    "ingredient": "x",
    "form": "tablet",
    "use": "OUD",
    "strength_value": "1",
    "strength_unit": "mg",
    "volume_ml": "",
    "interval_days": "",
    "least_days": "",
    "interval_most": "",
    "is_mat": "yes",
    "status": "verified",
}


def lines() -> list[dict[str, str]]:
    text = resources.files("coordinator.care.medication").joinpath("tables", "moud_rxnorm.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("line", [line for line in lines() if line["term_type"] != "IN"], ids=lambda line: line["code"])
def test_the_strength_follows_from_the_name(line: dict[str, str]):
    """8 MG film is 8 mg, 10 MG/ML solution 10 mg a mL, 0.5 ML of 200 MG/ML 100 mg; labels round to whole mg."""
    found = NAME.fullmatch(line["name"])
    assert found is not None
    product = product_table().by_code(line["code"])
    assert product is not None
    assert product.strength is not None
    amount, volume = Decimal(found["amount"]), found["volume"]

    if volume:
        assert product.strength_unit == "mg"
        assert product.volume_ml == Decimal(volume)
        assert abs(product.strength / (amount * Decimal(volume)) - 1) < Decimal("0.002")
        assert product.strength < 1 or product.strength == product.strength.to_integral_value()
    else:
        assert (product.strength, product.strength_unit) == (
            amount,
            found["unit"].replace("MG/ML", "mg/mL").replace("MG/HR", "mg/h").replace("MG", "mg"),
        )
        assert product.volume_ml is None


@pytest.mark.parametrize("line", lines(), ids=lambda line: line["code"])
def test_what_counts_as_mat_follows_from_use_and_form(line: dict[str, str]):
    product = product_table().by_code(line["code"])
    assert product is not None
    treats = line["use"] in {"OUD", "pain or OUD", "OUD and AUD", "AUD"}
    retail_methadone = (line["ingredient"], line["form"]) == ("methadone", "tablet")
    by_itself = treats and line["form"] not in {"ingredient", "veterinary", "injection"} and not retail_methadone

    assert product.is_mat == by_itself
    bare = line["form"] == "ingredient" and line["ingredient"] != "naloxone"
    assert product.is_mat_in_context == (line["use"] == "inpatient" or bare or retail_methadone)


@pytest.mark.parametrize("line", lines(), ids=lambda line: line["code"])
def test_only_long_acting_products_last_longer_than_a_day(line: dict[str, str]):
    product = product_table().by_code(line["code"])
    assert product is not None
    is_long = line["form"].startswith("ER injection") or line["form"] == "implant"

    assert (product.interval_days is not None) == is_long
    if is_long:
        assert line["typical_days_supply"].startswith(str(product.interval_days))


def test_monthly_buprenorphine_is_not_given_again_within_26_days():
    product = product_table().by_code("1996184")

    assert product is not None
    assert (product.interval_days, product.least_days, product.interval_most) == (28, 26, 31)


@pytest.mark.parametrize("proof", Proof)
def test_every_status_of_fhir_has_its_worth(proof: Proof):
    assert {status for kind, status in status_worth() if kind is proof} == set(STATUSES[proof].split())


def test_words_for_amounts_and_times_are_loaded():
    assert {"mg", "ml", "film", "tablet", "syringe"} <= dose_units().keys()
    assert timing_codes()["BID"] == (2, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"strength_unit": ""},
        {"strength_unit": "g"},
        {"is_mat": "maybe"},
        {"strength_value": "much"},
        {"code": ""},
        {"interval_days": "4.5"},
    ],
)
def test_a_bad_product_stops_the_start(changes: dict[str, str]):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        product_row(Row(file="t.csv", line=2, cells=PRODUCT | changes))


@pytest.mark.parametrize("changes", [{"factor": ""}, {"factor": "0"}, {"forms": "tablet|balloon"}, {"measure": "joy"}])
def test_a_bad_word_for_an_amount_stops_the_start(changes: dict[str, str]):
    cells = {"unit": "tablet", "measure": "count", "factor": "1", "forms": "tablet"}

    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        unit_row(Row(file="t.csv", line=2, cells=cells | changes))


@pytest.mark.parametrize("value", ["", "0", "-1", "often"])
def test_a_number_that_must_count_something_is_above_zero(value: str):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2: days"):
        positive(Row(file="t.csv", line=2, cells={"days": value}), "days")
