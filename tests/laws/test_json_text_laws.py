"""Laws of the JSON door: what is written is read back, and bytes that are not sound never pass."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coordinator.fhir import BadJson, DecimalText, canonical, dumps, parse, same

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ue000"), max_size=12)
NUMBERS = st.from_regex(r"\A-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,8}(?:[eE][+-]?[0-9]{1,2})?\Z").map(DecimalText)
LEAVES = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | NUMBERS | TEXTS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@given(JSON)
def test_what_is_written_is_read_back(value):
    """No value changes on its way through bytes, decimals keep every written digit."""
    assert same(parse(dumps(value)), value)
    assert same(parse(canonical(value)), value)


@given(JSON)
def test_the_canonical_form_is_a_fixed_point(value):
    """Canonical bytes read and written again are the same bytes."""
    assert canonical(parse(canonical(value))) == canonical(value)


@given(st.data(), JSON)
def test_the_canonical_form_is_one_for_all_spellings(data, value):
    """Indentation, escapes and the order of keys are no content."""
    indent = data.draw(st.sampled_from([None, 0, 1, 4]))
    spelled = json.dumps(_shuffled(data, value), indent=indent, ensure_ascii=data.draw(st.booleans()))
    raw = _numbers_bare(spelled).encode()

    assert canonical(parse(raw)) == canonical(value)


def answer(raw):
    """The value that the door lets in, or what it says against it; any other error is a broken reader."""
    try:
        return parse(raw), None
    except BadJson as trouble:
        return None, trouble


@given(st.binary(max_size=40) | TEXTS.map(str.encode) | JSON.map(dumps) | JSON.map(lambda value: dumps(value)[:-1]))
def test_the_door_reads_what_python_reads_or_says_why_not(raw):
    """Any bytes give the value that they spell, or a reason and a place."""
    value, trouble = answer(raw)

    if trouble is None:
        assert json.loads(raw.decode(), parse_float=Decimal) == value
    else:
        assert trouble.reason
        assert trouble.place


@given(st.binary(max_size=12), JSON)
def test_noise_inside_sound_json_is_read_or_refused_with_a_reason(noise, value):
    """A line that was disturbed never breaks the reader."""
    raw = dumps(value)
    middle = len(raw) // 2

    _, trouble = answer(raw[:middle] + noise + raw[middle:])

    assert trouble is None or trouble.reason


_MARK = "\ue000"


def _shuffled(data, value):
    if isinstance(value, dict):
        keys = data.draw(st.permutations(list(value)))
        return {key: _shuffled(data, value[key]) for key in keys}
    if isinstance(value, list):
        return [_shuffled(data, item) for item in value]
    return f"{_MARK}{value.text}{_MARK}" if isinstance(value, DecimalText) else value


def _numbers_bare(text):
    for mark in (_MARK, json.dumps(_MARK)[1:-1]):
        text = text.replace(f'"{mark}', "").replace(f'{mark}"', "")
    return text
