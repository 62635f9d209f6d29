"""Every mutant of the packages under trial, with a name that stays when lines move; and how one is put in force."""

import ast
import functools
import hashlib
import importlib
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.changes import Change, Function, changes, made

HOUSE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One changed function. `number` counts equal changes within it."""

    path: str
    function: str
    before: str
    after: str
    number: int
    line: int
    statement: int
    code: types.CodeType

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names it in the report."""
        return self.path, self.function, self.before, self.after, self.number

    @property
    def lot(self) -> int:
        """A number drawn from its name: those below a bound are a sample that stays the same."""
        text = "\n".join(map(str, self.key))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:2]) % 1000


def mutants(package: str) -> Iterator[Mutant]:
    """Tell each mutant of the functions of a package, file by file; constants and class bodies are not changed."""
    for file in sorted((HOUSE / package.replace(".", "/")).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        seen: Counter[tuple[str, str, str]] = Counter()
        for name, function in _functions(tree):
            for change in changes(function):
                place = (name, change.before, change.after)
                seen[place] += 1
                yield _mutant(file, tree, name, function, change, seen[place])


def _mutant(file: Path, tree: ast.Module, name: str, function: Function, change: Change, number: int) -> Mutant:
    with made(change):
        module = compile(tree, str(file), "exec")
    return Mutant(
        path=str(file.relative_to(HOUSE)),
        function=name,
        before=change.before,
        after=change.after,
        number=number,
        line=change.line,
        statement=change.statement,
        code=_code(module, name, function),
    )


def _functions(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[tuple[str, Function]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{within}{node.name}.")


def _code(module: types.CodeType, name: str, function: Function) -> types.CodeType:
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    waiting = [module]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == name and code.co_firstlineno == first:
            return code
        waiting += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    message = f"{name} has no code of its own"
    raise LookupError(message)


def put_in_force(mutant: Mutant) -> None:
    """Let the live function run the mutant's code, whoever holds it already."""
    live = importlib.import_module(mutant.path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    found: object = live
    for name in mutant.function.split("."):
        found = vars(found)[name]
    _plain(found).__code__ = mutant.code


def _plain(found: object) -> types.FunctionType:
    match found:
        case property():
            return _plain(found.fget)
        case staticmethod() | classmethod():
            return _plain(found.__func__)
        case functools.cached_property():
            return _plain(found.func)
        case _ if hasattr(found, "__wrapped__"):
            return _plain(found.__wrapped__)
        case types.FunctionType():
            return found
    message = f"{found!r} is not a function"
    raise LookupError(message)
