"""Small changes to a function, each of which some test should notice: what a slip of the hand could make of it.

A change is made in the tree of a module and taken back after. Left alone are annotations, decorators, docstrings,
defaults of parameters (they are no part of a function's code), what is said in sentences, and `assert_never`.
"""

import ast
import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}
_WORD = re.compile(r"[\w.:/#|-]*")
_CLOSED_BY_TYPES = {"assert_never"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: where it is in the tree and the text, and what stands there before and after."""

    holder: ast.AST
    field: str
    index: int | None
    old: ast.AST
    new: ast.AST
    line: int
    statement: int

    @property
    def before(self) -> str:
        """What stands there, on one line."""
        return _on_one_line(self.old)

    @property
    def after(self) -> str:
        """What stands there instead, on one line."""
        return _on_one_line(self.new)


@contextmanager
def made(change: Change) -> Iterator[None]:
    """Have the change in the tree while the block runs."""
    _put(change, change.new)
    try:
        yield
    finally:
        _put(change, change.old)


def changes(function: Function) -> Iterator[Change]:
    """Tell each change that can be made inside a function, in the order of the text."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    for number, statement in enumerate(function.body):
        if statement in body:
            yield from _in_place(function, "body", number, statement, within=statement.lineno)


def _in_place(holder: ast.AST, field: str, index: int | None, node: ast.AST, *, within: int) -> Iterator[Change]:
    within = node.lineno if isinstance(node, ast.stmt) else within
    line = getattr(node, "lineno", getattr(holder, "lineno", within))
    for new in _instead(node):
        placed = ast.fix_missing_locations(ast.copy_location(new, node))
        yield Change(holder=holder, field=field, index=index, old=node, new=placed, line=line, statement=within)
    for name, value in _parts(node):
        if isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield from _in_place(node, name, number, one, within=within)
        elif isinstance(value, ast.AST):
            yield from _in_place(node, name, None, value, within=within)


def _parts(node: ast.AST) -> Iterator[tuple[str, object]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield "body", node.body
        case ast.Lambda():
            yield "body", node.body
        case ast.AnnAssign():
            yield "value", node.value
        case ast.JoinedStr():
            yield "values", [one for one in node.values if isinstance(one, ast.FormattedValue)]
        case ast.FormattedValue():
            yield "value", node.value
        case ast.Raise():
            return
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in _CLOSED_BY_TYPES:
            return
        case _:
            yield from ast.iter_fields(node)


def _instead(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.stmt():
            yield from _statement(node)
        case ast.comprehension(ifs=[_, *_]):
            for number in range(len(node.ifs)):
                yield _but(node, ifs=[*node.ifs[:number], *node.ifs[number + 1 :]])
        case ast.match_case(guard=ast.expr()):
            yield _but(node, guard=None)
        case ast.expr():
            yield from _expression(node)


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test) | ast.While(test=test) if not _turned_elsewhere(test):
            yield _but(node, test=ast.UnaryOp(op=ast.Not(), operand=test))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(value=ast.Constant(value=None))
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in _CLOSED_BY_TYPES:
            return
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.Raise():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.AugAssign(op=op) if type(op) in _COUNTED:
            yield _but(node, op=_COUNTED[type(op)]())
            yield ast.Assign(targets=[node.target], value=node.value)


def _turned_elsewhere(test: ast.expr) -> bool:
    """Tell whether turning the comparison, or leaving out its `not`, turns the whole condition."""
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn() | ast.Is() | ast.IsNot()]):
            return True
    return False


def _expression(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for number, op in enumerate(node.ops):
                yield _but(node, ops=[*node.ops[:number], _COMPARED[type(op)](), *node.ops[number + 1 :]])
        case ast.BoolOp(values=values):
            for number in range(len(values)):
                rest = [*values[:number], *values[number + 1 :]]
                yield rest[0] if len(rest) == 1 else _but(node, values=rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp(op=op) if type(op) in _COUNTED:
            yield _but(node, op=_COUNTED[type(op)]())
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.Constant():
            yield from _constant(node)
        case ast.Call():
            yield from _call(node)
        case ast.Slice():
            yield from (_but(node, **{name: None}) for name in ("lower", "upper", "step") if getattr(node, name))


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool() as value:
            yield ast.Constant(value=not value)
        case int() | float() as value:
            yield ast.Constant(value=value + 1)
        case str() as value if _WORD.fullmatch(value):
            yield ast.Constant(value=f"{value}~")


def _call(node: ast.Call) -> Iterator[ast.AST]:
    match node.func:
        case ast.Name(id=name) if name in _CALLED:
            keywords = [one for one in node.keywords if _CALLED[name] != "list" or one.arg not in {"key", "reverse"}]
            yield _but(node, func=ast.Name(id=_CALLED[name], ctx=ast.Load()), keywords=keywords)
        case ast.Attribute(attr="get") if len(node.args) == 2:
            yield _but(node, args=node.args[:1])
    for number, keyword in enumerate(node.keywords):
        if keyword.arg:
            yield _but(node, keywords=[*node.keywords[:number], *node.keywords[number + 1 :]])


def _but(node: ast.AST, **changed: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def _put(change: Change, node: ast.AST) -> None:
    if change.index is None:
        setattr(change.holder, change.field, node)
    else:
        getattr(change.holder, change.field)[change.index] = node


def _on_one_line(node: ast.AST) -> str:
    if isinstance(node, ast.comprehension):
        return " ".join(ast.unparse(node).split())
    if isinstance(node, ast.match_case):
        return " ".join(ast.unparse(_but(node, body=[ast.Pass()])).split())
    if isinstance(node, ast.If | ast.While):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    if isinstance(node, ast.Slice):
        return f"[{ast.unparse(node)}]"
    return " ".join(ast.unparse(node).split())
