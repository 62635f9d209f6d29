"""Laws of documents, patches and lenses over random trees in random spellings."""

import copy
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from coordinator.fhir import (
    Append,
    CodeableConcept,
    Coding,
    DecimalText,
    Field,
    Identifier,
    Lens,
    Quantity,
    Remove,
    Set,
    difference,
    dumps,
    kinds,
    parse,
    patched,
    read_document,
    same,
)

KEYS = st.sampled_from(["a", "b", "c", "id", "ä", 'q"\\', "with space", "\u2028"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NUMBERS = st.sampled_from(["1.10", "1.1", "0.0", "-2.50", "1E+2"]).map(DecimalText)
LEAVES = st.none() | st.booleans() | st.integers(-99, 99) | NUMBERS | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
TREES = st.dictionaries(KEYS, VALUES, max_size=4).map(lambda tree: {"resourceType": "Basic", **tree})
SPACES = st.sampled_from(["", "", " ", "\n  ", "\t", "\r\n"])


@st.composite
def spellings(draw, trees=TREES):
    """A tree in bytes with white space wherever JSON allows it, and some letters escaped."""

    def spelled(value):
        before, behind = draw(SPACES), draw(SPACES)
        if isinstance(value, dict):
            members = [f"{draw(SPACES)}{text(key)}{draw(SPACES)}:{spelled(item)}" for key, item in value.items()]
            return f"{before}{{{','.join(members) or draw(SPACES)}}}{behind}"
        if isinstance(value, list):
            return f"{before}[{','.join(map(spelled, value)) or draw(SPACES)}]{behind}"
        return before + (text(value) if isinstance(value, str) else dumps(value).decode()) + behind

    def text(value):
        if value and draw(st.booleans()):
            units = value.encode("utf-16-be")
            return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'
        return dumps(value).decode()

    tree = draw(trees)
    raw = spelled(tree).encode()
    return read_document(raw)


def places(value, path=()):
    """Return all paths of a tree but its root."""
    found = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        found.append((*path, key))
        found.extend(places(below, (*path, key)))
    return found


def put(tree, path, value):
    """The model of Set: change a copy of the tree."""
    tree = copy.deepcopy(tree)
    holder = tree
    for part in path[:-1]:
        holder = holder[part]
    if isinstance(path[-1], int) and path[-1] == len(holder):
        holder.append(value)
    else:
        holder[path[-1]] = value
    return tree


def changeable(document):
    return [path for path in places(document.tree) if path != ("resourceType",)]


@given(st.data(), spellings(), VALUES)
def test_a_value_set_is_the_value_found(data, document, value):
    """A patched document parses to the tree that the same edit gives on the tree."""
    path = data.draw(st.sampled_from([*changeable(document), ("new",)]))

    found = patched(document, [Set(path, value)])

    assert same(found.tree, put(document.tree, path, value))


@given(st.data(), spellings(), VALUES)
def test_bytes_beside_the_place_survive(data, document, value):
    """The new text is the old one with one stretch replaced by the new value: nothing else moved."""
    path = data.draw(st.sampled_from([*changeable(document), ("new",)]))

    found = patched(document, [Set(path, value)])

    before, behind = _common_ends(document.raw, found.raw)
    changed = found.raw[before : len(found.raw) - behind]
    assert len(changed) <= len(dumps(value)) + len(b',"new":')


@given(st.data(), spellings())
def test_setting_what_is_there_changes_no_byte(data, document):
    """Equal values in another spelling are no change."""
    paths = changeable(document)
    edits = [Set(path, parse(dumps(document.get(*path)))) for path in paths if document.get(*path) is not None]

    assert patched(document, edits) is document


@given(st.data(), spellings())
def test_what_is_removed_is_gone_and_its_siblings_stay(data, document):
    """Members of the same object keep their bytes; nothing empty is left behind that was not empty before."""
    paths = [path for path in changeable(document) if all(isinstance(part, str) for part in path)]
    path = data.draw(st.sampled_from(paths)) if paths else ("nobody",)

    found = patched(document, [Remove(path)])

    assert found.get(*path) is None
    for key, value in document.tree.items():
        assert key == path[0] or same(found.tree[key], value)


@given(st.data(), spellings(), VALUES)
def test_an_added_element_comes_last(data, document, value):
    """Append leaves all earlier elements and all other bytes."""
    lists = [path for path in changeable(document) if isinstance(document.get(*path), list)]
    path = data.draw(st.sampled_from([*lists, ("new",)]))
    before = document.get(*path) or []

    found = patched(document, [Append(path, value)])

    assert same(found.get(*path), [*before, value])


@given(spellings(), TREES)
def test_a_difference_leads_from_one_tree_to_the_other(document, tree):
    """Patching with the difference gives the other tree, wherever the two differ; null counts as absence."""
    one, other = _without_null(document.tree), _without_null(tree)
    bare = read_document(dumps(one))

    assert same(patched(bare, difference(one, other)).tree, other)


@given(spellings(), spellings())
def test_the_canonical_hash_tells_contents_apart_and_nothing_else(one, other):
    """Equal hashes exactly where the trees are the same."""
    assert (one.canonical_hash == other.canonical_hash) is same(one.tree, other.tree)


# --- lenses ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A record with a field of each kind."""

    status: str | None
    active: bool | None
    due: str | None
    detail: str | None
    amount: Decimal | None
    code: CodeableConcept | None
    categories: tuple[CodeableConcept, ...]
    kinds: tuple[Coding, ...]
    identifiers: tuple[Identifier, ...]
    subject: str | None
    goals: tuple[str, ...]
    quantity: Quantity | None
    start: str | None
    end: str | None


LENS = Lens(
    Sample,
    "Basic",
    [
        Field("status", ("status",), kinds.TEXT),
        Field("active", ("active",), kinds.BOOLEAN),
        Field("due", ("target", 0, "dueDate"), kinds.TEXT),
        Field("detail", ("target", 0, "detail"), kinds.TEXT),
        Field("amount", ("amount",), kinds.DECIMAL),
        Field("code", ("code",), kinds.CONCEPT),
        Field("categories", ("category",), kinds.CONCEPTS),
        Field("kinds", ("kind",), kinds.CODINGS),
        Field("identifiers", ("identifier",), kinds.IDENTIFIERS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("goals", ("goal",), kinds.REFERENCES),
        Field("quantity", ("quantity",), kinds.QUANTITY),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("end", ("period", "end"), kinds.TEXT),
    ],
)

WORDS = st.sampled_from(["a", "b", "c", "2026-03", ""])
MAYBE = st.none() | WORDS
AMOUNTS = st.sampled_from(["1.10", "1.1", "8", "8.0", "-0.5"])
CODINGS = st.builds(Coding, system=MAYBE, code=MAYBE, display=MAYBE)
CONCEPTS = st.builds(CodeableConcept, codings=st.lists(CODINGS, max_size=2).map(tuple), text=MAYBE)
IDENTIFIERS = st.builds(Identifier, system=MAYBE, value=MAYBE, type_code=MAYBE, use=MAYBE)
QUANTITIES = st.builds(
    Quantity, value=st.none() | AMOUNTS.map(Decimal), unit=MAYBE, system=MAYBE, code=MAYBE, comparator=MAYBE
)


def tuples(items):
    return st.lists(items, max_size=3).map(tuple)


RECORDS = st.builds(
    Sample,
    status=MAYBE,
    active=st.none() | st.booleans(),
    due=MAYBE,
    detail=MAYBE,
    amount=st.none() | AMOUNTS.map(Decimal),
    code=st.none() | CONCEPTS,
    categories=tuples(CONCEPTS),
    kinds=tuples(CODINGS),
    identifiers=tuples(IDENTIFIERS),
    subject=MAYBE,
    goals=tuples(WORDS),
    quantity=st.none() | QUANTITIES,
    start=MAYBE,
    end=MAYBE,
)


def members(**known):
    """Objects with the known members, or without, and with others that no record models."""
    extra = {"id": WORDS, "extension": st.just([{"url": "u"}]), "display": WORDS, "period": st.just({"start": "2020"})}
    return st.fixed_dictionaries({}, optional={**extra, **known})


JSON_CODINGS = members(system=WORDS, code=WORDS, version=WORDS)
JSON_CONCEPTS = members(coding=st.lists(JSON_CODINGS | st.none(), max_size=3), text=WORDS)
JSON_REFERENCES = members(reference=WORDS, type=WORDS)
FITTING = st.fixed_dictionaries(
    {"resourceType": st.just("Basic")},
    optional={
        "status": WORDS,
        "active": st.booleans() | WORDS,
        "target": st.lists(members(dueDate=WORDS, detail=WORDS), max_size=3),
        "amount": AMOUNTS.map(DecimalText) | st.integers(0, 9),
        "code": JSON_CONCEPTS,
        "category": st.lists(JSON_CONCEPTS | st.none(), max_size=3),
        "kind": st.lists(JSON_CODINGS, max_size=3),
        "identifier": st.lists(members(system=WORDS, value=WORDS, use=WORDS, type=JSON_CONCEPTS), max_size=3),
        "subject": JSON_REFERENCES,
        "goal": st.lists(JSON_REFERENCES | st.none(), max_size=3),
        "quantity": members(value=AMOUNTS.map(DecimalText) | st.integers(0, 9), unit=WORDS, code=WORDS),
        "period": members(start=WORDS, end=WORDS),
        "other": VALUES,
    },
)


@given(spellings(FITTING))
def test_writing_what_was_read_changes_no_byte(document):
    """First law of lenses."""
    assert LENS.write(LENS.read(document), document) is document


EMPTY = LENS.read(read_document(b'{"resourceType":"Basic"}'))


@given(RECORDS, spellings(FITTING))
@example(EMPTY, read_document(b'{"resourceType":"Basic","target":[{"dueDate":"a","detail":"b"},{"dueDate":"c"}]}'))
@example(EMPTY, read_document(b'{"resourceType":"Basic","category":[null,{"text":"a"}],"period":{"start":"a"}}'))
def test_reading_what_was_written_gives_it_back(record, document):
    """Second law of lenses, whatever stood in the document."""
    assert LENS.read(LENS.write(record, document)) == record


@given(RECORDS, RECORDS, spellings(FITTING))
def test_the_last_record_written_counts(first, second, document):
    """Writing twice is read as writing the second; what no record models is as it was."""
    twice = LENS.write(second, LENS.write(first, document))

    assert LENS.read(twice) == second
    assert same(twice.tree.get("other"), document.tree.get("other"))


def _common_ends(one: bytes, other: bytes) -> tuple[int, int]:
    shorter = min(len(one), len(other))
    before = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    behind = next((at for at in range(shorter - before) if one[-1 - at] != other[-1 - at]), shorter - before)
    return before, behind


def _without_null(value):
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value
