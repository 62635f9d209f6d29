"""What the trial changes in a function, what it leaves alone, and that a change is taken back."""

import ast

import pytest

from coordinator.matching.bonds import pair_of
from tests.mutation.changes import changes, made
from tests.mutation.mutants import mutants, put_in_force


def shown(text):
    (function,) = ast.parse(f"def f(self, x, y=1):\n    {text}").body
    return [f"{one.before} -> {one.after}" for one in changes(function)]


CHANGED = {
    "x = y < 1": ["y < 1 -> y <= 1", "1 -> 2"],
    "x = y != z": ["y != z -> y == z"],
    "x = 0 < y < z": ["0 < y < z -> 0 <= y < z", "0 < y < z -> 0 < y <= z", "0 -> 1"],
    "x = y in z": ["y in z -> y not in z"],
    "x = a and b and c": ["a and b and c -> b and c", "a and b and c -> a and c", "a and b and c -> a and b"],
    "x = y or z": ["y or z -> z", "y or z -> y"],
    "x = not y": ["not y -> y"],
    "x = a - b * c": ["a - b * c -> a + b * c", "b * c -> b + c"],
    "x += y": ["x += y -> x -= y", "x += y -> x = y"],
    "x = a if y else b": ["a if y else b -> a", "a if y else b -> b"],
    "if y: pass": ["if y -> if not y"],
    "if not y: pass": ["not y -> y"],
    "while y > z: break": ["while y > z -> while not y > z", "y > z -> y >= z", "break -> continue"],
    "return y": ["return y -> return None"],
    "return True": ["True -> False"],
    "x = 'word'": ["'word' -> 'word~'"],
    "x = [a for a in y if a if b]": [
        "for a in y if a if b -> for a in y if b",
        "for a in y if a if b -> for a in y if a",
    ],
    "x = min(y, key=z)": ["min(y, key=z) -> max(y, key=z)", "min(y, key=z) -> min(y)"],
    "x = sorted(y, key=z)": ["sorted(y, key=z) -> list(y)", "sorted(y, key=z) -> sorted(y)"],
    "x = y.get(a, b)": ["y.get(a, b) -> y.get(a)"],
    "x = y[1:]": ["[1:] -> [:]", "1 -> 2"],
    "y.append(z)": ["y.append(z) -> pass"],
    "yield y": ["yield y -> pass"],
    "raise ValueError('no such key')": ["raise ValueError('no such key') -> pass"],
    "match x:\n        case 1 if y: pass": ["case 1 if y: pass -> case 1: pass", "1 -> 2"],
    "x = f'{y - z} left'": ["y - z -> y + z"],
    "x = lambda a: a < b": ["a < b -> a <= b"],
}


@pytest.mark.parametrize(("text", "expected"), CHANGED.items(), ids=CHANGED)
def test_a_slip_of_the_hand_is_a_change(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '"""The docstring."""',
        "x = 'a sentence for people'",
        "x: Literal['a'] = y",
        "assert_never(x)",
        "return None",
        "def g(a: int = 1, b: Literal['b'] = c): pass",
    ],
)
def test_what_no_test_could_notice_is_left_alone(text):
    assert [one for one in shown(text) if one != "return None -> return None"] == []


def test_a_change_is_in_the_tree_only_while_it_is_made():
    tree = ast.parse("def f(x):\n    return x < 1 and not x")
    before = ast.dump(tree)
    (function,) = tree.body
    during = []
    for one in list(changes(function)):
        with made(one):
            during.append(ast.unparse(tree))
        assert ast.dump(tree) == before
    assert len(set(during)) == len(during)
    assert ast.unparse(tree) not in during


def test_every_mutant_has_a_name_of_its_own_and_code_of_its_own():
    known = list(mutants("coordinator.matching"))
    assert len({one.key for one in known}) == len(known) > 50
    assert {one.code.co_qualname for one in known} == {one.function for one in known}


def test_a_mutant_in_force_is_what_callers_meet():
    (turned,) = (
        one for one in mutants("coordinator.matching") if one.function == "pair_of" and one.after == "(other, one)"
    )
    held = pair_of.__code__
    assert pair_of("a", "b") == ("a", "b")
    try:
        put_in_force(turned)
        assert pair_of("a", "b") == ("b", "a")
    finally:
        pair_of.__code__ = held
