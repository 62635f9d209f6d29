"""The law of the look: what it takes, the strict door and the checker take too, and read the same from it.

Held against real resources in compact form with one thing broken in each: in their bytes, and in what they say.
"""

import json
import random

import pytest

from coordinator.fhir import BadJson, DecimalText, NotAResource, check, dumps, look, parse, read_document
from coordinator.sync.versions import looked_at, received
from tests.builders import NOW
from tests.laws.test_checker_laws import SEED, mutants, resources

MUTANTS_OF_EACH = 30


def compact(raw):
    return dumps(parse(raw))


def judged(raw, type_):
    """Return the version to keep as the strict door and the checker read it, None where they refuse it."""
    try:
        document = read_document(raw)
    except (BadJson, NotAResource):
        return None
    if document.type != type_ or not document.id or any(one.blocks for one in check(document)):
        return None
    return received(document, raw, ehr="north", now=NOW)


def looked(raw, type_):
    seen = look(raw, type_)
    return None if seen is None else looked_at(seen, raw, ehr="north", now=NOW)


def broken(raw, chance):
    """Return the bytes with one thing broken that a parser of some kind may not see."""
    at = chance.randrange(len(raw))
    key = chance.choice([one for one in KEYS if one in raw])
    place = raw.index(key)
    return chance.choice(
        [
            raw[:at] + raw[at + 1 :],
            raw[:at] + chance.choice(BYTES) + raw[at:],
            raw[:at] + chance.choice(BYTES) + raw[at + 1 :],
            raw[:at] + raw[at : at + 9] + raw[at:],
            raw[:place] + key + b'"x",' + raw[place:],  # a key that stands twice, first with another value
            raw[:-1] + b"," + key + raw[place + len(key) :].split(b",")[0] + b"}",
            raw.replace(b" ", chance.choice(SPACES), 1),
            raw.replace(b"1", chance.choice(NUMBERS), 1),
        ]
    )


KEYS = [b'"id":', b'"status":', b'"resourceType":', b'"code":', b'"system":', b'"meta":']
BYTES = [bytes([number]) for number in (0, 1, 9, 10, 32, 34, 44, 47, 58, 92, 0x7F, 0x80, 0xC2, 0xED, 0xFF)] + [
    b"\\u0000",
    b"\\ud800",
    b"\\u0041",
    b"\\/",
    b"\\f",
    b"\\n",
    b"\xc2\xa0",
    b"\xe2\x80\x83",
    b"{",
    b"[",
    b"null",
]
SPACES = [b"", b"  ", b"\t", b"\\t", b"\\n", b"\\u0020", "\u00a0".encode(), "\u2003".encode(), "\u3000".encode()]
NUMBERS = [b"-0", b"1.0", b"1e3", b"01", b"1.", b"12345678901234567890", b"1.00", b"NaN", b"true", b"null"]


def test_broken_bytes_are_taken_only_where_strict_door_and_checker_take_them():
    chance = random.Random(SEED)
    taken = 0
    for whole in map(compact, resources()):
        type_ = json.loads(whole)["resourceType"]
        for _ in range(MUTANTS_OF_EACH):
            raw = broken(whole, chance)
            found = looked(raw, type_)
            taken += found is not None
            assert found is None or found == judged(raw, type_)
    assert taken > 500, "the look must be put to the test by what it takes"


def test_broken_content_is_taken_only_where_strict_door_and_checker_take_it():
    taken = 0
    for name, mutant in mutants():
        raw = compact(mutant.raw)
        found = looked(raw, mutant.type)
        taken += found is not None
        assert found is None or found == judged(raw, mutant.type), name
    assert taken > 100, "the look must be put to the test by what it takes"


def test_most_of_what_is_sent_compact_and_sound_is_taken_at_one_look():
    sound = [raw for raw in map(compact, resources()) if judged(raw, json.loads(raw)["resourceType"])]
    taken = [raw for raw in sound if look(raw, json.loads(raw)["resourceType"])]
    assert len(taken) > 0.8 * len(sound)


OBSERVATION = {"resourceType": "Observation", "id": "o-1", "status": "final", "code": {"text": "weight"}}


def observation(**more):
    return dumps(parse(json.dumps(OBSERVATION).encode()) | more)


LEFT = {
    "white space between tokens": json.dumps(OBSERVATION).encode(),
    "a key twice, of the same length as the space that it saves": observation().replace(b'"id"', b'"id":"o-2","id"'),
    "a key twice, hidden by a number that would grow": observation(
        valueQuantity={"value": DecimalText("1e99")}
    ).replace(b'"id"', b'"id":"o-2","id"'),
    "an escape": observation().replace(b"weight", rb"weigh\u0074"),
    "a NUL": observation().replace(b"weight", rb"weight\u0000"),
    "a text of one odd space": observation(code={"text": "\u00a0"}),
    "a number of too many digits": observation(valueQuantity={"value": DecimalText("0.1234567890123456789")}),
    "no id": observation().replace(b'"id":"o-1",', b""),
    "an extension in place of a value": observation().replace(
        b'"status":"final"', b'"_status":{"extension":[{"url":"u","valueCode":"unknown"}]}'
    ),
    "a resource inside": observation(contained=[{"resourceType": "Patient", "id": "p"}]),
    "a byte order mark": b"\xef\xbb\xbf" + observation(),
    "something behind": observation() + b"1",
    "another type": dumps({"resourceType": "Patient", "id": "p"}),
    "nothing": b"",
}


@pytest.mark.parametrize("raw", LEFT.values(), ids=LEFT)
def test_what_the_look_leaves_to_the_strict_door_and_the_checker(raw):
    assert look(raw, "Observation") is None


def test_nesting_is_taken_up_to_the_same_depth_as_at_the_strict_door():
    def nested(levels):
        extension = {"url": "u", "valueString": "]}"}
        for _ in range(levels):
            extension = {"extension": [extension], "url": 'a\\"{'}
        return observation(extension=[extension])

    for levels in range(24, 36):
        raw = nested(levels)
        found = looked(raw, "Observation")
        assert found is None or found == judged(raw, "Observation")
    assert looked(nested(24), "Observation") is not None
    assert judged(nested(35), "Observation") is None


@pytest.mark.parametrize("text", ["1.10", "1.1", "0", "-0.0", "12", "123456789012345678", "0.12345678901234567"])
def test_a_number_counts_as_it_was_written(text):
    raw = observation(valueQuantity={"value": parse(text.encode())})
    assert looked(raw, "Observation") == judged(raw, "Observation") is not None


def test_no_letter_grows_when_it_is_written_again():
    """The proof of the look rests on it; a change of the library would show here."""
    letters = [
        chr(number) for number in range(0x20, 0x11000) if not 0xD800 <= number < 0xE000 and chr(number) not in '"\\'
    ]
    assert all(len(dumps(letter)) == len(letter.encode()) + 2 for letter in letters)
