"""The strict JSON door: what it refuses, where it says so, and what it keeps."""

from decimal import Decimal

import pytest

from coordinator.fhir import BadJson, DecimalText, Limits, canonical, dumps, parse, same

DEEP = b"[" * 65 + b"]" * 65

REFUSED = {
    "nothing at all": (b"", "it is empty", "byte 0"),
    "only white space": (b" \n ", "it is empty", "byte 3"),
    "a key twice": (b'{"a":1,"a":1}', "a key that stands twice", "$.a"),
    "a key twice, deep inside": (
        b'{"resourceType":"Patient","name":[{},{"given":["A"],"given":["B"]}]}',
        "a key that stands twice",
        "Patient.name[1].given",
    ),
    "a key twice in two spellings": (b'{"a":1,"\\u0061":1}', "a key that stands twice", "$.a"),
    "not a number": (b'{"a":NaN}', "NaN is not a number of JSON", "$.a"),
    "infinity": (b"[1,Infinity]", "Infinity is not a number of JSON", "$[1]"),
    "minus infinity": (b"[-Infinity]", "Infinity is not a number of JSON", "$[0]"),
    "a number too large": (b'{"a":[1e309]}', "a number out of range", "$.a[0]"),
    "a number too small": (b"1e-309", "a number out of range", "$"),
    "an exponent without end": (b'{"a":1e99999999999999999999}', "a number out of range", "$.a"),
    "more digits than FHIR has": (b"[1234567890123456789]", "a number out of range", "$[0]"),
    "more decimals than FHIR has": (b"[0.1000000000000000055]", "a number out of range", "$[0]"),
    "digits enough to stop a server": (b"9" * 5000, "a number out of range", "$"),
    "a lone high surrogate": (b'{"a":["\\ud83d"]}', "half of a surrogate pair", "$.a[0]"),
    "a lone low surrogate": (b'"\\uDE00"', "half of a surrogate pair", "$"),
    "a surrogate in a key": (b'{"a":{"\\ud83d":1}}', "half of a surrogate pair", "$.a"),
    "an escaped NUL": (b'{"a":"x\\u0000"}', "a NUL character", "$.a"),
    "a bare NUL": (b'{"a":"x\0"}', "a NUL character", "byte 7"),
    "a bare line end inside a text": (b'"a\nb"', "a control character inside a text", "byte 2"),
    "Latin-1": (b'{"a":"\xe9"}', "it is not UTF-8", "byte 6"),
    "a surrogate in UTF-8": (b'"\xed\xa0\xbd"', "it is not UTF-8", "byte 1"),
    "UTF-16": ("{}".encode("utf-16"), "it is not UTF-8", "byte 0"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "it starts with a byte order mark", "byte 0"),
    "too deep": (b'{"a":' + DEEP[1:-1] + b"}", "it is nested deeper than 64 levels", "$.a" + "[0]" * 63),
    "deep enough to break a parser": (b"[" * 200_000, "it is nested deeper than 64 levels", "its deepest part"),
    "a page of HTML": (b"<html>", "it is not JSON", "byte 0"),
    "cut off": (b'{"a":[1,', "it ends in the middle", "byte 8"),
    "cut off inside a text": (b'{"a":"x', "it ends in the middle", "byte 5"),
    "cut off behind what is refused": (b'[{"a":1,"a":2},', "it ends in the middle", "byte 15"),
    "a number refused before something worse": (b'[NaN,"\xc3\xa4",}', "it is not JSON", "byte 10"),
    "a comma too many": (b"[1,]", "it is not JSON", "byte 3"),
    "a comma for a value": (b"[,1]", "it is not JSON", "byte 2"),
    "a leading zero": (b"[01]", "it is not JSON", "byte 2"),
    "single quotes": (b"{'a':1}", "it is not JSON", "byte 1"),
    "something behind the end": ('{"ä":1} {}'.encode(), "something follows the end of the value", "byte 9"),
}


@pytest.mark.parametrize(("raw", "reason", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_unsafe_json_is_refused_with_reason_and_place(raw, reason, place):
    with pytest.raises(BadJson) as caught:
        parse(raw)

    assert (caught.value.reason, caught.value.place) == (reason, place)


KEPT = {
    "64 levels": (DEEP[1:-1], None),
    "18 digits": (b"123456789012345678", 123456789012345678),
    "18 decimals behind zeros": (b"0.000123456789012345678", DecimalText("0.000123456789012345678")),
    "a pair of surrogates": (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
    "a backslash before a u": (b'"\\\\ud83d \\\\u0000"', "\\ud83d \\u0000"),
    "white space around": (b" \r\n\t{} \n", {}),
    "a text at the top": (b'"a"', "a"),
}


@pytest.mark.parametrize(("raw", "value"), KEPT.values(), ids=KEPT.keys())
def test_unusual_but_sound_json_is_read(raw, value):
    found = parse(raw)

    assert value is None or same(found, value)


def test_a_decimal_keeps_its_written_form():
    """1.10 mg was measured to the hundredth; 1.1 mg was not."""
    found = parse(b'{"value":1.10,"small":1E-7,"minus":-0}')

    assert dumps(found) == b'{"value":1.10,"small":1E-7,"minus":-0}'
    assert found == {"value": Decimal("1.1"), "small": Decimal("0.0000001"), "minus": 0}


def test_a_whole_number_is_an_integer():
    assert type(parse(b"12")) is int


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1", "1", True),
        ("1", "true", False),
        ("1.10", "1.10", True),
        ("1.10", "1.1", False),
        ("1", "1.0", False),
        ('{"a":1,"b":[2]}', '{"b":[2],"a":1}', True),
        ("[1,2]", "[2,1]", False),
        ('{"a":null}', "{}", False),
    ],
)
def test_values_are_the_same_only_as_json(one, other, expected):
    assert same(parse(one.encode()), parse(other.encode())) is expected


def test_the_canonical_form_knows_no_key_order_and_no_white_space():
    one = canonical(parse(b'{ "b": [1.0, {"d": "\\u00e4", "c": null}], "a": true }'))
    other = canonical(parse('{"a":true,"b":[1.0,{"c":null,"d":"ä"}]}'.encode()))

    assert one == other == '{"a":true,"b":[1.0,{"c":null,"d":"ä"}]}'.encode()


def test_limits_are_set_by_the_caller():
    with pytest.raises(BadJson, match="larger than 4 bytes"):
        parse(b"[1,2]", limits=Limits(size=4))
    with pytest.raises(BadJson, match="deeper than 1 levels"):
        parse(b"[[]]", limits=Limits(depth=1))
    with pytest.raises(BadJson, match="number out of range"):
        parse(b"[1234]", limits=Limits(digits=3))
    with pytest.raises(BadJson, match="number out of range"):
        parse(b"[1e5]", limits=Limits(exponent=4))


def test_what_an_error_says_holds_no_content():
    """Unknown keys and values may be about a person; a message ends up in logs."""
    with pytest.raises(BadJson) as caught:
        parse(b'{"Jane Doe, born 1980":{"a":"Jane","a":"Doe"}}')

    assert caught.value.sentence.count("Jane") == 0
    assert caught.value.place == "$.(unnamed).a"


def test_a_plain_decimal_is_written_as_a_number():
    """Written as a text it would change the type of what an EHR holds."""
    assert dumps([Decimal("1.10")]) == canonical([Decimal("1.10")]) == b"[1.10]"


def test_what_is_not_json_is_not_written():
    with pytest.raises(TypeError, match="object is no type of JSON"):
        dumps(object())
