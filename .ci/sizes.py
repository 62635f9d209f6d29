"""Measure the size and shape of the code against the budgets of the house, print them, and fail above the most."""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
ROOTS = ("coordinator", "tools", ".ci")

MOST = {"file lines": 500, "function lines": 60, "nesting": 3, "parameters": 5, "positional": 3, "untyped returns": 0}
AIMS = {"file lines": (120, 350), "function lines": (8, 35)}

# A budget is a smoke alarm. What wants to be larger stands here: path prefix, measure, and why.
EXCEPTIONS: tuple[tuple[str, str, str], ...] = (
    ("coordinator/cli/", "parameters", "typer reads the options of a command from its parameters"),
    ("coordinator/cli/", "positional", "typer reads the options of a command from its parameters"),
)

PORTS = {"store", "tx"}  # what a stage works on comes first everywhere, and is not what a reader has to tell apart
Function = ast.FunctionDef | ast.AsyncFunctionDef
DEEPENING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number about one place."""

    measure: str
    value: int
    place: str


def deepest(body: list[ast.stmt], depth: int = 0) -> int:
    """Return how deep compound statements lie in each other; a function inside starts anew, `elif` is no step."""
    return max((_depth_of(node, depth) for node in body), default=depth)


def _depth_of(node: ast.stmt, depth: int) -> int:
    if not isinstance(node, DEEPENING):
        return depth
    if isinstance(node, ast.Match):
        return max(deepest(case.body, depth + 1) for case in node.cases)
    found = deepest(node.body, depth + 1)
    if isinstance(node, ast.Try | ast.TryStar):
        found = max([found, *(deepest(handler.body, depth + 1) for handler in node.handlers)])
        found = max(found, deepest(node.finalbody, depth + 1))
    orelse = getattr(node, "orelse", [])
    chained = isinstance(node, ast.If) and len(orelse) == 1 and isinstance(orelse[0], ast.If)
    return max(found, deepest(orelse, depth if chained else depth + 1)) if orelse else found


def _of_function(node: Function, place: str) -> Iterator[Measurement]:
    own = [*node.args.posonlyargs, *node.args.args]
    if own and own[0].arg in {"self", "cls", "mcs"}:
        own = own[1:]
    if own and own[0].arg in PORTS:
        own = own[1:]
    # Names of a room's own are called a few lines away from where they stand; the language says how `__x__` are called.
    imposed = node.name.startswith("_") and node.name != "__init__"
    numbers = {
        "function lines": (node.end_lineno or node.lineno) - node.lineno + 1,
        "nesting": deepest(node.body),
        "parameters": len(own) + len(node.args.kwonlyargs),
        "positional": 0 if imposed else len(own),
        "untyped returns": int(node.returns is None),
    }
    for measure, value in numbers.items():
        yield Measurement(measure=measure, value=value, place=f"{place}:{node.lineno} {node.name}")


def measurements(path: Path) -> Iterator[Measurement]:
    """Yield all that is measured in one file."""
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(HOUSE).as_posix()
    yield Measurement(measure="file lines", value=len(text.splitlines()), place=place)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield from _of_function(node, place)


def is_excused(found: Measurement) -> bool:
    """Tell whether the table of exceptions covers it."""
    return any(found.place.startswith(prefix) and found.measure == measure for prefix, measure, _ in EXCEPTIONS)


def row(measure: str, values: list[int]) -> str:
    """Return one line of the report: median, 95th and most, with the budget behind each."""
    ordered = sorted(values) or [0]
    figures = (round(statistics.median(ordered)), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1])
    budgets = (*AIMS.get(measure, ("", "")), MOST[measure])
    cells = "".join(f"{figure:>7}{f' / {budget}':<7}" for figure, budget in zip(figures, budgets, strict=True))
    return f"   {measure:<16}{cells.replace('/  ', '   ')}".rstrip()


def main() -> int:
    """Print the table and each place over its budget; return 1 when there is one."""
    found = [one for root in ROOTS for path in sorted((HOUSE / root).rglob("*.py")) for one in measurements(path)]
    print(f"   {'':<16}{'median':>8}{'95th':>14}{'most':>14}   (found / budget)")
    for measure in MOST:
        print(row(measure, [one.value for one in found if one.measure == measure and not is_excused(one)]))
    over = [one for one in found if one.value > MOST[one.measure] and not is_excused(one)]
    for one in over:
        print(f"   over: {one.measure} {one.value}, at most {MOST[one.measure]}: {one.place}")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
