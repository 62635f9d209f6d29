"""What the table of bills says, and that a charge reads as a bill of one line."""

import pytest

from coordinator.care.bill.mapping import TYPES, read_bill
from coordinator.care.bill.model import BillLine, BillRecord, Span, Tells
from coordinator.care.bill.rules import days_of, tells
from coordinator.fhir import CodeableConcept, Coding
from tests.builders import document

WORDS = {
    ("Claim", "active", "claim"): Tells.CARE,
    ("Claim", "active", "preauthorization"): None,
    ("Claim", "draft", "claim"): None,
    ("ExplanationOfBenefit", "active", "claim"): Tells.CARE,
    ("ExplanationOfBenefit", "active", "preauthorization"): Tells.AUTHORIZATION,
    ("ExplanationOfBenefit", "active", "predetermination"): None,
    ("ChargeItem", "billed", None): Tells.CARE,
    ("ChargeItem", "aborted", None): None,
    ("Claim", None, None): None,
}


@pytest.mark.parametrize(("bill", "told"), WORDS.items(), ids=str)
def test_type_status_and_use_say_what_a_bill_tells(bill, told):
    type_, status, use = bill
    assert tells(type_, BillRecord(status=status, use=use)) is told


def test_a_charge_is_a_bill_of_one_line():
    charge = document(
        {
            "resourceType": "ChargeItem",
            "id": "X-1",
            "status": "billed",
            "code": {"coding": [{"code": "H0015"}]},
            "occurrencePeriod": {"start": "2026-03-02", "end": "2026-03-06"},
        }
    )
    line = BillLine(service=CodeableConcept(codings=(Coding(code="H0015"),)), start="2026-03-02", end="2026-03-06")
    assert read_bill(charge) == BillRecord(status="billed", lines=(line,))
    assert set(TYPES) == {"Claim", "ExplanationOfBenefit", "ChargeItem"}


def test_a_line_speaks_of_its_own_days_before_those_of_the_bill():
    whole = BillRecord(start="2026-03-01", end="2026-03-31")
    assert days_of(BillLine(at="2026-03-02", start="2026-03-09"), whole) == Span(start="2026-03-02", end="2026-03-02")
    assert days_of(BillLine(start="2026-03-09"), whole) == Span(start="2026-03-09")
    assert days_of(BillLine(), whole) == Span(start="2026-03-01", end="2026-03-31")
    assert days_of(BillLine(), BillRecord()) == Span()
