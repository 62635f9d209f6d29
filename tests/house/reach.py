"""What a function of ours may come to call, read from the code: by names, through imports, over all rooms."""

import ast
from functools import cache

from tests.house.source import HOUSE, modules

Place = tuple[str, str]  # module, name of a function or a class


@cache
def _graph() -> dict[Place, set[Place]]:
    trees = {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in modules()}
    names = {module: _names(tree, module) for module, tree in trees.items()}
    return {
        (module, one.name): {found for used in _used(one) if (found := _origin(names, module, used))}
        for module, tree in trees.items()
        for one in tree.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def _name(path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")


def _names(tree: ast.Module, module: str) -> dict[str, Place]:
    """Return what the names of a module stand for."""
    found: dict[str, Place] = {}
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("coordinator"):
            found |= {alias.asname or alias.name: (one.module or "", alias.name) for alias in one.names}
    for one in tree.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[one.name] = (module, one.name)
    return found


def _used(tree: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}


def _origin(names: dict[str, dict[str, Place]], module: str, name: str) -> Place | None:
    """Return where a name is defined, through the rooms that pass it on."""
    place = names[module].get(name)
    while place is not None and place[0] in names and names[place[0]].get(place[1], place) != place:
        place = names[place[0]][place[1]]
    return place


@cache
def reached(module: str, name: str) -> frozenset[Place]:
    """Return all functions and classes that a function may come to use."""
    graph = _graph()
    seen: set[Place] = set()
    waiting = [(module, name)]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += graph.get(one, ())
    return frozenset(seen)
