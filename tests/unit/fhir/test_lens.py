"""Lenses: what the kinds of fields read and write, and what survives beside them."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from coordinator.fhir import (
    CodeableConcept,
    Coding,
    DecimalText,
    Field,
    Identifier,
    Json,
    Lens,
    Quantity,
    WrongType,
    kinds,
    parse,
    read_document,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Something with a field of each kind."""

    status: str | None = None
    due: str | None = None
    active: bool | None = None
    count: int | None = None
    amount: Decimal | None = None
    code: CodeableConcept | None = None
    kind: Coding | None = None
    categories: tuple[CodeableConcept, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    subject: str | None = None
    goals: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    quantity: Quantity | None = None
    start: str | None = None
    note: Json = None


LENS = Lens(
    Sample,
    "Basic",
    [
        Field("status", ("status",), kinds.TEXT),
        Field("due", ("target", 0, "dueDate"), kinds.TEXT),
        Field("active", ("active",), kinds.BOOLEAN),
        Field("count", ("count",), kinds.INTEGER),
        Field("amount", ("amount",), kinds.DECIMAL),
        Field("code", ("code",), kinds.CONCEPT),
        Field("kind", ("kind",), kinds.CODING),
        Field("categories", ("category",), kinds.CONCEPTS),
        Field("identifiers", ("identifier",), kinds.IDENTIFIERS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("goals", ("goal",), kinds.REFERENCES),
        Field("given", ("name", 0, "given"), kinds.TEXTS),
        Field("quantity", ("quantity",), kinds.QUANTITY),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("note", ("note",), kinds.JSON),
    ],
)

RAW = b"""{ "resourceType": "Basic", "status": "active", "active": true, "count": 3, "amount": 1.10,
 "target": [{"dueDate": "2026-05", "id": "t"}],
 "code": {"id": "c", "coding": [{"system": "s", "version": "1", "code": "a", "display": "A"}, {"code": "b"}],
  "text":"T"},
 "kind": {"system": "s", "code": "k", "userSelected": true},
 "category": [{"text": "one", "id": "1"}, null, {"text": "two"}],
 "identifier": [{"use": "usual", "type": {"coding": [{"system": "x", "code": "MR"}], "text": "MRN"}, "system": "s",
   "value": "1", "period": {"start": "2020"}}, {"system": "s", "value": "2", "assigner": {"display": "D"}}],
 "subject": {"reference": "Patient/1", "display": "someone"},
 "goal": [{"reference": "Goal/1", "display": "one"}, {"display": "two"}, {"reference": "Goal/3"}],
 "name": [{"given": ["A", "B"], "family": "F"}],
 "quantity": {"value": 8.0, "comparator": "<", "unit": "mg", "system": "u", "code": "mg", "id": "q"},
 "period": {"start": "2026-01-01", "end": "2026-02-01"}, "note": [{"text": "hello"}] }"""

DOCUMENT = read_document(RAW)


def test_each_kind_is_read():
    assert LENS.read(DOCUMENT) == Sample(
        status="active",
        due="2026-05",
        active=True,
        count=3,
        amount=Decimal("1.10"),
        code=CodeableConcept(codings=(Coding(system="s", code="a", display="A"), Coding(code="b")), text="T"),
        kind=Coding(system="s", code="k"),
        categories=(CodeableConcept(text="one"), CodeableConcept(text="two")),
        identifiers=(
            Identifier(system="s", value="1", type_code="MR", use="usual"),
            Identifier(system="s", value="2"),
        ),
        subject="Patient/1",
        goals=("Goal/1", "Goal/3"),
        given=("A", "B"),
        quantity=Quantity(value=Decimal(8), unit="mg", system="u", code="mg", comparator="<"),
        start="2026-01-01",
        note=[{"text": "hello"}],
    )


def test_an_empty_document_reads_as_absence():
    assert LENS.read(read_document(b'{"resourceType":"Basic"}')) == Sample()


def test_values_of_the_wrong_type_read_as_absence():
    """The checker says what is wrong with them; a reading must not break over them."""
    wrong = b'{"resourceType":"Basic","status":1,"active":"true","count":true,"amount":"1","code":[],"category":{}}'

    assert LENS.read(read_document(wrong)) == Sample()


CHANGES = {
    "a text": ({"status": "ended"}, b'"active",', b'"ended",'),
    "a text in the first element of a list": ({"due": "2026-06"}, b'"2026-05"', b'"2026-06"'),
    "a text taken out beside others": ({"due": None}, b'"dueDate": "2026-05", ', b""),
    "a boolean": ({"active": False}, b'"active": true', b'"active": false'),
    "an integer": ({"count": 4}, b'"count": 3', b'"count": 4'),
    "a decimal": ({"amount": Decimal("2.50")}, b"1.10", b"2.50"),
    "the words of a concept": (
        {"code": CodeableConcept(codings=(Coding(system="s", code="a", display="A"), Coding(code="b")), text="U")},
        b'"T"',
        b'"U"',
    ),
    "the display of one coding": (
        {"code": CodeableConcept(codings=(Coding(system="s", code="a", display="Z"), Coding(code="b")), text="T")},
        b'"display": "A"',
        b'"display": "Z"',
    ),
    "one coding replaced": (
        {"code": CodeableConcept(codings=(Coding(system="s", code="z"), Coding(code="b")), text="T")},
        b'"version": "1", "code": "a", "display": "A"',
        b'"code": "z"',
    ),
    "one concept taken out": (
        {"categories": (CodeableConcept(text="one"),)},
        b'"category": [{"text": "one", "id": "1"}, null, {"text": "two"}]',
        b'"category": [{"text": "one", "id": "1"}, null]',
    ),
    "one identifier added": (
        {
            "identifiers": (
                Identifier(system="s", value="1", type_code="MR", use="usual"),
                Identifier(system="s", value="2"),
                Identifier(system="n", value="3", type_code="PI"),
            )
        },
        b'{"display": "D"}}]',
        (
            b'{"display": "D"}},{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203",'
            b'"code":"PI"}]},"system":"n","value":"3"}]'
        ),
    ),
    "the use of one identifier": (
        {
            "identifiers": (
                Identifier(system="s", value="1", type_code="MR", use="old"),
                Identifier(system="s", value="2"),
            )
        },
        b'"usual"',
        b'"old"',
    ),
    "the first identifier taken out": (
        {"identifiers": (Identifier(system="s", value="2"),)},
        (
            b'{"use": "usual", "type": {"coding": [{"system": "x", "code": "MR"}], "text": "MRN"}, "system": "s",\n'
            b'   "value": "1", "period": {"start": "2020"}}, {"system"'
        ),
        b'{"system"',
    ),
    "a reference, and what described the old target": (
        {"subject": "Patient/2"},
        b'"Patient/1", "display": "someone"',
        b'"Patient/2"',
    ),
    "one text of a list": ({"given": ("A", "C")}, b'"B"', b'"C"'),
    "all texts of a list": ({"given": ()}, b'"given": ["A", "B"], ', b""),
    "a quantity": (
        {"quantity": Quantity(value=Decimal(16), unit="mg", system="u", code="mg")},
        b'"value": 8.0, "comparator": "<"',
        b'"value": 16',
    ),
    "the unit alone, the number as it was written": (
        {"quantity": Quantity(value=Decimal(8), unit="milligram", system="u", code="mg", comparator="<")},
        b'"unit": "mg"',
        b'"unit": "milligram"',
    ),
    "one end of a period": ({"start": None}, b'"start": "2026-01-01", ', b""),
    "JSON as it is": ({"note": [{"text": "bye"}]}, b"hello", b"bye"),
}


@pytest.mark.parametrize(("change", "before", "behind"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_moves_only_the_bytes_it_is_about(change, before, behind):
    record = replace(LENS.read(DOCUMENT), **change)

    written = LENS.write(record, DOCUMENT)

    assert RAW.count(before) == 1
    assert written.raw == RAW.replace(before, behind)
    assert LENS.read(written) == record


def test_a_reference_without_a_text_stays_when_the_others_change():
    """A goal that is named but not linked must not vanish from the plan."""
    record = replace(LENS.read(DOCUMENT), goals=("Goal/3", "Goal/9"))

    written = LENS.write(record, DOCUMENT)

    assert LENS.read(written) == record
    assert {"display": "two"} in written.get("goal")


def test_a_record_is_written_on_an_empty_document():
    empty = read_document(b'{"resourceType":"Basic"}')
    record = LENS.read(DOCUMENT)

    assert LENS.read(LENS.write(record, empty)) == record


def test_a_number_that_means_the_same_is_not_written():
    """8 mg against 8.0 mg is no difference to bring to an EHR."""
    record = replace(LENS.read(DOCUMENT), amount=Decimal("1.1"))

    assert LENS.write(record, DOCUMENT) is DOCUMENT


def test_the_precision_of_a_number_is_written():
    empty = read_document(b'{"resourceType":"Basic"}')

    assert LENS.write(Sample(amount=DecimalText("8.00")), empty).raw == b'{"resourceType":"Basic","amount":8.00}'
    assert LENS.write(Sample(amount=Decimal("1E+2")), empty).raw == b'{"resourceType":"Basic","amount":100}'


def test_an_infinite_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        LENS.write(Sample(amount=Decimal("Infinity")), DOCUMENT)


def test_another_type_of_resource_is_refused():
    with pytest.raises(WrongType):
        LENS.read(read_document(b'{"resourceType":"Patient"}'))
    with pytest.raises(WrongType):
        LENS.write(Sample(), read_document(b'{"resourceType":"Patient"}'))


@pytest.mark.parametrize("other", [("code",), ("code", "text"), ("code", "coding", 0, "code")])
def test_fields_that_share_a_place_are_refused(other):
    with pytest.raises(ValueError, match="share a place"):
        Lens(Sample, "Basic", [Field("status", other, kinds.TEXT), Field("code", ("code",), kinds.CONCEPT)])


def test_a_kind_of_ones_own_can_be_a_list():
    shout = kinds.Kind(
        read=lambda value: value.upper() if isinstance(value, str) else None, write=lambda value, _old: value.lower()
    )

    assert kinds.many(shout).read(parse(b'["a",1,"b"]')) == ("A", "B")
    assert kinds.many(shout).write(("B", "C"), ["a", 1, "b"]) == ["b", "c", 1]
