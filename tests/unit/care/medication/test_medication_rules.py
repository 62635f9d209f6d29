"""Which product, what dose, which days: told by codes, units and dates, and never by a guess."""

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coordinator.care.medication.model import Dose, MedicationRecord, Product, Proof
from coordinator.care.medication.rules import (
    RXNORM,
    amount_of,
    consent_codes,
    dose_of,
    is_current,
    is_live,
    is_mat,
    is_negated,
    product_of,
    seen_at,
    supplied_dose,
    supply_days,
    supply_interval,
    units_compatible,
)
from coordinator.care.medication.tables import product_table
from coordinator.fhir import CodeableConcept, Coding, Interval, Quantity

FILM, TABLET, SOLUTION, SYRINGE, MONTHLY = "1010604", "351265", "991147", "1996184", "637213"
NEW_YORK = ZoneInfo("America/New_York")


def product(code: str) -> Product:
    found = product_table().by_code(code)
    assert found is not None
    return found


def concept(*codes: str, system: str = RXNORM) -> CodeableConcept:
    return CodeableConcept(codings=tuple(Coding(system=system, code=code) for code in codes))


def quantity(value: str, unit: str | None = None, code: str | None = None) -> Quantity:
    return Quantity(value=Decimal(value), unit=unit, code=code)


def instruction(amount: Any, unit: str = "film", **more: Any) -> dict[str, Any]:
    daily = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
    return {"doseAndRate": [{"doseQuantity": {"value": amount, "unit": unit}}], **daily, **more}


def repeat(**values: Any) -> dict[str, Any]:
    return {"timing": {"repeat": values}}


def order(*instructions: Any, **more: Any) -> MedicationRecord:
    return MedicationRecord(proof=Proof.ORDER, status="active", dosage=list(instructions), **more)


def supply(value: str, days: str | None = "14", unit: str | None = "film", **more: Any) -> MedicationRecord:
    return MedicationRecord(
        proof=Proof.SUPPLY,
        quantity=quantity(value, unit),
        days_supply=None if days is None else quantity(days, "days", "d"),
        **{"status": "completed", "at": "2026-04-12T14:10:00-04:00", **more},
    )


def given(value: Any, unit: str = "mg", **more: Any) -> MedicationRecord:
    dosage = {"dose": {"value": value, "unit": unit}}
    return MedicationRecord(
        proof=Proof.DOSE, dosage=dosage, **{"status": "completed", "at": "2026-06-01T23:30:00-04:00", **more}
    )


# --- which product -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (concept(FILM), FILM),
        (concept(FILM, system="urn:oid:2.16.840.1.113883.6.88"), FILM),
        (concept("1819", FILM), FILM),
        (concept("1010606", FILM), "1010606"),
        (concept("6813"), "6813"),
        (concept(FILM, SOLUTION), None),
        (concept("596"), None),
        (concept(FILM, system="http://hl7.org/fhir/sid/ndc"), None),
        (CodeableConcept(text="buprenorphine 8 MG / naloxone 2 MG Sublingual Film"), None),
        (None, None),
    ],
    ids=[
        "code",
        "other address",
        "beside its ingredient",
        "brand",
        "ingredient",
        "two drugs",
        "unknown",
        "other system",
        "words",
        "none",
    ],
)
def test_a_product_is_told_by_its_code_alone(named: CodeableConcept | None, code: str | None):
    found = product_of(named)

    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("code", "always", "in_context"),
    [
        (FILM, True, True),
        (SOLUTION, True, True),
        (MONTHLY, True, True),
        ("835726", True, True),
        ("6813", False, True),
        ("864714", False, True),
        ("7242", False, False),
        ("1716079", False, False),
        ("1594655", False, False),
        ("1870935", False, False),
        ("238129", False, False),
    ],
    ids=[
        "film",
        "OTP methadone",
        "ER naltrexone",
        "acamprosate",
        "ingredient",
        "hospital injection",
        "naloxone",
        "pain film",
        "veterinary",
        "rescue",
        "analgesic injection",
    ],
)
def test_mat_is_told_by_product_and_use(code: str, always: bool, in_context: bool):
    """Value sets mix treatment with pain films, rescue kits and veterinary products."""
    assert is_mat(product(code)) is always
    assert is_mat(product(code), for_use_disorder=True) is in_context


def test_a_consent_may_name_a_product_or_its_ingredients():
    assert consent_codes(product(SOLUTION)) == {"991147", "6813"}
    assert consent_codes(product(FILM)) == {"1010604", "1819", "7242"}
    assert consent_codes(product("6813")) == {"6813"}


# --- how much ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "stated", "milligrams"),
    [
        (FILM, quantity("2", "film"), "16"),
        (FILM, quantity("2", "film", "FILM"), "16"),
        (FILM, quantity("2", " Film(s). "), "16"),
        (FILM, quantity("16", "mg"), "16"),
        (FILM, quantity("2", "film", "1"), "16"),
        (FILM, quantity("2", "each"), "16"),
        (FILM, quantity("0.016", "g"), "16"),
        (SOLUTION, quantity("8.5", "mL"), "85"),
        (SOLUTION, quantity("85", None, "mg"), "85"),
        (SYRINGE, quantity("1", "syringe"), "100"),
        (SYRINGE, quantity("0.5", "mL"), "100"),
        (FILM, quantity("2", "tablet"), None),
        (TABLET, quantity("2", "film"), None),
        (FILM, quantity("2", "film", "{tablet}"), None),
        (FILM, quantity("2", "mg", "film"), None),
        (FILM, quantity("2"), None),
        (FILM, quantity("2", "puff"), None),
        (FILM, quantity("1", "mL"), None),
        (SOLUTION, quantity("1", "each"), None),
        ("6813", quantity("1", "mL"), None),
        ("904880", quantity("1", "each"), None),
        (FILM, quantity("-2", "film"), None),
        (FILM, Quantity(value=Decimal(16), unit="mg", comparator="<"), None),
        (FILM, Quantity(unit="mg"), None),
        (FILM, None, None),
    ],
    ids=str,
)
def test_an_amount_becomes_milligrams_where_its_unit_fits_the_product(
    code: str, stated: Quantity | None, milligrams: str | None
):
    assert amount_of(stated, product(code)) == (None if milligrams is None else Decimal(milligrams))


@pytest.mark.parametrize(
    ("instructed", "value", "per"),
    [
        (instruction(2), "16", "d"),
        (instruction(1, **repeat(frequency=3, period=1, periodUnit="d")), "24", "d"),
        (instruction(1, **repeat(frequency=1, period=12, periodUnit="h")), "16", "d"),
        (instruction(1, **repeat(period=1, periodUnit="d")), "8", "d"),
        (instruction(2, **repeat(frequency=1, period=2, periodUnit="d")), "16", "2d"),
        (instruction(2, **repeat(frequency=1, period=1, periodUnit="wk")), "16", "7d"),
        (instruction(1, timing={"code": {"coding": [{"code": "BID"}]}}), "16", "d"),
        (instruction(1, timing={"code": {"text": " tid "}}), "24", "d"),
        (instruction("", timing={}), None, None),
        (instruction(2, asNeededBoolean=True), None, None),
        (instruction(2, asNeededCodeableConcept={"text": "craving"}), None, None),
        (instruction(2, asNeededBoolean=False), "16", "d"),
        (instruction(2, timing=None), None, None),
        (instruction(2, timing={"code": {"text": "as directed"}}), None, None),
        (instruction(2, **repeat(frequency=1, frequencyMax=2, period=1, periodUnit="d")), None, None),
        (instruction(2, **repeat(frequency=1, period=1, periodUnit="wk", dayOfWeek=["mon"])), None, None),
        (instruction(2, **repeat(frequency=1, period=1, periodUnit="mo")), None, None),
        (instruction(2, **repeat(frequency=1, period=5, periodUnit="h")), None, None),
        (instruction(2, **repeat(frequency=0, period=1, periodUnit="d")), None, None),
        (instruction(2, **repeat(frequency=1)), None, None),
        (instruction(2, **repeat(frequency=1, period=1)), None, None),
        (instruction(0), None, None),
        ({"text": "2 films once daily"}, None, None),
        ("2 films", None, None),
        ({**instruction(2), "doseAndRate": [{"doseRange": {"low": {"value": 1, "unit": "film"}}}]}, None, None),
        (
            {**instruction(2), "doseAndRate": [*instruction(2)["doseAndRate"], *instruction(16, "mg")["doseAndRate"]]},
            "16",
            "d",
        ),
        (
            {**instruction(2), "doseAndRate": [*instruction(2)["doseAndRate"], *instruction(3)["doseAndRate"]]},
            None,
            None,
        ),
        ({**instruction(2), "doseAndRate": [7]}, None, None),
    ],
)
def test_an_instruction_states_one_dose_or_none(instructed: Any, value: str | None, per: str | None):
    expected = None if value is None or per is None else Dose(value=Decimal(value), unit="mg", per=per)

    assert dose_of(order(instructed), product(FILM)) == expected


def test_instructions_that_apply_together_make_one_dose():
    """A film in the morning and two at night is 24 mg; a taper in steps is no one dose."""
    morning, night = instruction(1), instruction(2)

    assert dose_of(order({**morning, "sequence": 1}, {**night, "sequence": 1}), product(FILM)) == Dose(
        value=Decimal(24), unit="mg", per="d"
    )
    assert dose_of(order({**morning, "sequence": 1}, {**night, "sequence": 2}), product(FILM)) is None
    assert dose_of(order(morning, night), product(FILM)) is None
    assert dose_of(order({**morning, "sequence": 1}, {"text": "x", "sequence": 1}), product(FILM)) is None
    weekly = instruction(1, sequence=1, **repeat(frequency=1, period=1, periodUnit="wk"))
    assert dose_of(order({**morning, "sequence": 1}, weekly), product(FILM)) is None
    assert dose_of(order(), product(FILM)) is None


def test_an_administration_states_the_dose_of_its_day():
    assert dose_of(given(85), product(SOLUTION)) == Dose(value=Decimal(85), unit="mg", per="d")
    assert dose_of(given(100), product(SYRINGE)) == Dose(value=Decimal(100), unit="mg", per="dose")
    assert dose_of(given(85, "puff"), product(SOLUTION)) is None
    assert dose_of(MedicationRecord(proof=Proof.DOSE, dosage=None), product(SOLUTION)) is None


def test_a_long_acting_product_is_told_per_dose_however_its_interval_is_written():
    monthly = instruction(1, "syringe", **repeat(frequency=1, period=1, periodUnit="mo"))

    assert dose_of(order(monthly), product(SYRINGE)) == Dose(value=Decimal(100), unit="mg", per="dose")


@pytest.mark.parametrize(
    ("record", "code", "dose"),
    [
        (supply("42"), FILM, ("24", "d")),
        (supply("42", "7"), FILM, ("48", "d")),
        (supply("10", "3"), FILM, ("26.67", "d")),
        (supply("1", "28", "syringe"), SYRINGE, ("100", "dose")),
        (supply("1", None, "syringe"), SYRINGE, ("100", "dose")),
        (supply("42", None), FILM, None),
        (supply("42", "0"), FILM, None),
        (supply("0"), FILM, None),
        (supply("42", "14", "tablet"), FILM, None),
        (supply("42", "14", None), FILM, None),
        (order(instruction(2), quantity=quantity("42", "film"), days_supply=quantity("14", "d")), FILM, None),
    ],
)
def test_a_supply_gives_a_dose_by_quantity_over_days(record: MedicationRecord, code: str, dose: tuple[str, str] | None):
    expected = None if dose is None else Dose(value=Decimal(dose[0]), unit="mg", per=dose[1])

    assert supplied_dose(record, product(code)) == expected


def test_doses_compare_only_within_one_unit_and_period():
    daily, weekly = (Dose(value=Decimal(8), unit="mg", per=per) for per in ("d", "7d"))

    assert units_compatible(daily, Dose(value=Decimal(16), unit="mg", per="d"))
    assert not units_compatible(daily, weekly)


# --- when --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "days"),
    [
        (quantity("14", "days", "d"), 14),
        (quantity("2", "weeks"), 14),
        (quantity("2", None, "wk"), 14),
        (quantity("14"), 14),
        (quantity("14", "day"), 14),
        (quantity("1", "month", "mo"), None),
        (quantity("1.5", "d"), None),
        (quantity("-1", "d"), None),
        (Quantity(value=Decimal(14), unit="d", comparator=">"), None),
        (None, None),
    ],
    ids=str,
)
def test_days_of_supply_are_whole_days(stated: Quantity | None, days: int | None):
    assert supply_days(MedicationRecord(proof=Proof.SUPPLY, days_supply=stated)) == days


@pytest.mark.parametrize(
    ("record", "code", "first", "last"),
    [
        (supply("42"), FILM, date(2026, 4, 12), date(2026, 4, 25)),
        (supply("42", at="2026-04-13T03:00:00Z"), FILM, date(2026, 4, 12), date(2026, 4, 25)),
        (supply("42", at="2026-04-12"), FILM, date(2026, 4, 12), date(2026, 4, 25)),
        (given(85), SOLUTION, date(2026, 6, 1), date(2026, 6, 1)),
        (given(85), None, date(2026, 6, 1), date(2026, 6, 1)),
        (given(85, at=None, effective_start="2026-06-02T07:00:00-04:00"), SOLUTION, date(2026, 6, 2), date(2026, 6, 2)),
        (given(100, at="2026-03-02"), SYRINGE, date(2026, 3, 2), date(2026, 3, 29)),
        (given(380, at="2026-03-02"), MONTHLY, date(2026, 3, 2), date(2026, 3, 29)),
    ],
)
def test_a_supply_or_dose_covers_its_days_in_the_zone(
    record: MedicationRecord, code: str | None, first: date, last: date
):
    found = supply_interval(record, product(code) if code else None, zone=NEW_YORK)

    assert found == Interval(first=first, last=last)


@pytest.mark.parametrize(
    "record",
    [
        supply("42", None),
        supply("42", at="2026-04"),
        supply("42", at=None),
        supply("42", status="declined"),
        supply("42", status="in-progress"),
        given(85, status="not-done"),
        given(85, status="entered-in-error"),
        order(instruction(2), at="2026-04-10"),
        MedicationRecord(proof=Proof.STATEMENT, status="active", at="2026-04-10", effective_start="2026-03-02"),
    ],
    ids=[
        "no days",
        "month only",
        "no date",
        "declined",
        "ready for pickup",
        "not given",
        "in error",
        "order",
        "statement",
    ],
)
def test_what_is_not_in_hand_or_not_known_to_the_day_covers_nothing(record: MedicationRecord):
    assert supply_interval(record, product(FILM), zone=NEW_YORK) is None


def test_a_tenant_may_choose_how_long_an_injection_counts_where_that_is_a_range():
    injection, weekly = given(100, at="2026-03-01"), given(16, at="2026-03-01")

    assert supply_interval(injection, product(SYRINGE), zone=NEW_YORK, injection_days=31) == Interval(
        first=date(2026, 3, 1), last=date(2026, 3, 31)
    )
    assert supply_interval(weekly, product("2639029"), zone=NEW_YORK, injection_days=31) == Interval(
        first=date(2026, 3, 1), last=date(2026, 3, 7)
    )


# --- whether it counts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proof", "status", "live", "current"),
    [
        (Proof.ORDER, "active", True, True),
        (Proof.ORDER, "stopped", True, False),
        (Proof.ORDER, "draft", False, False),
        (Proof.ORDER, "entered-in-error", False, False),
        (Proof.SUPPLY, "completed", True, True),
        (Proof.SUPPLY, "declined", False, False),
        (Proof.DOSE, "completed", True, True),
        (Proof.DOSE, "not-done", False, False),
        (Proof.STATEMENT, "active", True, True),
        (Proof.STATEMENT, "unknown", True, False),
        (Proof.STATEMENT, "not-taken", False, False),
        (Proof.STATEMENT, "recorded", False, False),
        (Proof.STATEMENT, None, False, False),
    ],
)
def test_a_status_says_whether_a_record_counts(proof: Proof, status: str | None, live: bool, current: bool):
    record = MedicationRecord(proof=proof, status=status)

    assert (is_live(record), is_current(record)) == (live, current)


def test_not_given_and_not_taken_are_said_out_loud():
    said = [("not-done", Proof.DOSE), ("not-taken", Proof.STATEMENT), ("active", Proof.STATEMENT), ("?", Proof.DOSE)]

    assert [is_negated(MedicationRecord(proof=proof, status=status)) for status, proof in said] == [
        True,
        True,
        False,
        False,
    ]


def test_a_dose_over_some_time_is_seen_at_its_start_and_a_statement_when_asserted():
    assert seen_at(given(85, at=None, effective_start="2026-06-02")) == "2026-06-02"
    assert seen_at(MedicationRecord(proof=Proof.STATEMENT, effective_start="2026-06-02")) is None
