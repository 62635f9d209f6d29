"""The grammar of FHIR R4 searches: what a query string asks, in terms of a table of parameters."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from coordinator.errors import InvalidInput

ParameterKind = Literal["token", "reference", "date", "string"]
MOST_CONDITIONS = 20
MOST_VALUES = 50
LONGEST_VALUE = 300
DEEPEST = 3  # links of a chain, or levels of _has
MOST_ROWS = 200
DEFAULT_ROWS = 50
_MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"", "missing", "not"}),
    "reference": frozenset({"", "missing"}),
    "date": frozenset({"", "missing"}),
    "string": frozenset({"", "missing", "exact", "contains"}),
}
_PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A search parameter of a type: how it compares, which elements it reads, and which types it refers to."""

    type: str
    name: str
    kind: ParameterKind
    elements: tuple[tuple[str, ...], ...]
    targets: frozenset[str] = frozenset()


Parameters: TypeAlias = Mapping[str, Mapping[str, Parameter]]

# What every type has (FHIR R4 Resource). Labels and tags are left out: to search by them would tell what they hide.
COMMON: Mapping[str, tuple[ParameterKind, tuple[tuple[str, ...], ...]]] = {
    "_id": ("token", (("id",),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """An element of the resource itself equals one of some values."""

    __test__ = False  # it is no test of ours

    parameter: Parameter
    modifier: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a reference of the resource leads to meets a condition."""

    parameter: Parameter
    target: str
    condition: "Condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Has:
    """A resource that refers to this one meets a condition."""

    parameter: Parameter
    condition: "Condition"


Condition: TypeAlias = Test | Chain | Has


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """What comes with the matches: what they refer to by a parameter, or (reversed) what refers to them."""

    parameter: Parameter
    target: str
    is_reversed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search, read whole: nothing that was asked is left out."""

    type: str
    conditions: tuple[Condition, ...] = ()
    includes: tuple[Include, ...] = ()
    sort: tuple[tuple[Parameter, bool], ...] = ()  # (parameter, is descending)
    rows: int = DEFAULT_ROWS
    is_count: bool = False


class BadQuery(InvalidInput):
    """The search can't be read. Its values are not repeated: they may be a person's."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"This search can't be answered: {what}.",
            operation="search",
            hint="/fhir/metadata tells what can be asked.",
        )


def read_query(type_: str, pairs: Sequence[tuple[str, str]], known: Parameters) -> Query:
    """Return what the pairs of a query string ask of a type. Raises BadQuery for what is not in the table."""
    if len(pairs) > MOST_CONDITIONS:
        raise BadQuery(f"it has more than {MOST_CONDITIONS} parameters")
    conditions: list[Condition] = []
    includes: list[Include] = []
    sort: tuple[tuple[Parameter, bool], ...] = ()
    rows, is_count = DEFAULT_ROWS, False
    for name, value in pairs:
        if len(value) > LONGEST_VALUE:
            raise BadQuery("a value is too long")
        match name:
            case "_format" | "_pretty":
                continue  # the header of the answer says what it is
            case "_total":
                continue  # a total is exact whatever is asked: it counts what the caller may read
            case "_count":
                rows = _rows(value)
            case "_summary":
                is_count = _is_count(value)
            case "_sort":
                sort = tuple(_sorted_by(type_, one, known) for one in value.split(","))
            case "_include" | "_revinclude":
                includes.append(_include(type_, value, known, is_reversed=name == "_revinclude"))
            case _:
                conditions.append(_condition(type_, name, value, known=known, deep=0))
    return Query(
        type=type_,
        conditions=tuple(conditions),
        includes=tuple(includes),
        sort=sort,
        rows=rows,
        is_count=is_count or rows == 0,
    )


def parameter_of(type_: str, name: str, known: Parameters) -> Parameter:
    """Return a parameter of a type. Raises BadQuery."""
    if name in COMMON:
        kind, elements = COMMON[name]
        return Parameter(type=type_, name=name, kind=kind, elements=elements)
    found = known.get(type_, {}).get(name)
    if found is None:
        raise BadQuery("a parameter is unknown")
    return found


def _condition(type_: str, name: str, value: str, *, known: Parameters, deep: int) -> Condition:
    if deep > DEEPEST:
        raise BadQuery("it follows too many references")
    if name.startswith("_has:"):
        parts = name.split(":", 3)
        if len(parts) != 4:
            raise BadQuery("_has is written _has:Type:reference:parameter")
        parameter = _reference(parts[1], parts[2], known, to=type_)
        inner = _condition(parts[1], parts[3], value, known=known, deep=deep + 1)
        return Has(parameter=parameter, condition=inner)
    head, dot, rest = name.partition(".")
    word, _, modifier = head.partition(":")
    if dot:
        parameter = _reference(type_, word, known)
        target = _target(parameter, modifier)
        inner = _condition(target, rest, value, known=known, deep=deep + 1)
        return Chain(parameter=parameter, target=target, condition=inner)
    return _test(parameter_of(type_, word, known), modifier, value)


def _test(parameter: Parameter, modifier: str, value: str) -> Test:
    if parameter.kind == "reference" and modifier in parameter.targets:
        value, modifier = ",".join(f"{modifier}/{one}" for one in value.split(",")), ""
    if modifier not in _MODIFIERS[parameter.kind]:
        raise BadQuery("a modifier is unknown")
    values = tuple(_unescaped(one) for one in re.split(r"(?<!\\),", value))
    if len(values) > MOST_VALUES:
        raise BadQuery(f"it has more than {MOST_VALUES} values for one parameter")
    if modifier == "missing":
        if values not in {("true",), ("false",)}:
            raise BadQuery(":missing is true or false")
    elif "" in values:
        raise BadQuery("a value is empty")
    elif parameter.kind == "date" and not all(is_date(one) for one in values):
        raise BadQuery("a date can't be read")
    elif parameter.kind == "reference" and not all(_is_reference(one) for one in values):
        raise BadQuery("a reference can't be read")
    return Test(parameter=parameter, modifier=modifier, values=values)


def prefix_of(value: str) -> tuple[str, str]:
    """Return the prefix and the date of a value; no prefix is `eq`."""
    return (value[:2], value[2:]) if value[:2] in _PREFIXES else ("eq", value)


def is_date(value: str) -> bool:
    """Say whether a value is a date with or without a prefix, as far as its form tells."""
    return _DATE.fullmatch(prefix_of(value)[1]) is not None


def _is_reference(value: str) -> bool:
    type_, slash, id_ = value.rpartition("/")
    return _ID.fullmatch(id_) is not None and (not slash or (type_.isascii() and type_.isalpha()))


def _reference(type_: str, name: str, known: Parameters, *, to: str = "") -> Parameter:
    parameter = parameter_of(type_, name, known)
    if parameter.kind != "reference" or (to and to not in parameter.targets):
        raise BadQuery("a chain or _has needs a parameter that refers to that type")
    return parameter


def _target(parameter: Parameter, named: str) -> str:
    if named and named not in parameter.targets:
        raise BadQuery("a reference does not lead to that type")
    if not named and len(parameter.targets) != 1:
        raise BadQuery("a reference leads to several types: name one as parameter:Type.")
    return named or next(iter(parameter.targets))


def _include(type_: str, value: str, known: Parameters, *, is_reversed: bool) -> Include:
    parts = value.split(":")
    if len(parts) not in (2, 3):
        raise BadQuery("_include is written Type:parameter or Type:parameter:Target")
    source, name, named = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
    if not is_reversed and source != type_:
        raise BadQuery("_include begins at the type that is searched")
    parameter = _reference(source, name, known, to=type_ if is_reversed else "")
    if named and named not in parameter.targets:
        raise BadQuery("a reference does not lead to that type")
    return Include(parameter=parameter, target=named, is_reversed=is_reversed)


def _sorted_by(type_: str, value: str, known: Parameters) -> tuple[Parameter, bool]:
    parameter = parameter_of(type_, value.removeprefix("-"), known)
    if parameter.kind == "reference":
        raise BadQuery("it can't be sorted by a reference")
    return parameter, value.startswith("-")


def _rows(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise BadQuery("_count is a number of rows")
    return min(int(value), MOST_ROWS)


def _is_count(value: str) -> bool:
    if value not in {"count", "false"}:
        raise BadQuery("_summary is count or false")
    return value == "count"


def _unescaped(value: str) -> str:
    return re.sub(r"\\([,$|\\])", r"\1", value)


def names_of(conditions: Iterable[Condition]) -> frozenset[tuple[str, str]]:
    """Return each (type, parameter) that conditions look at, however deep."""
    found: set[tuple[str, str]] = set()
    for one in conditions:
        found.add((one.parameter.type, one.parameter.name))
        if isinstance(one, Chain | Has):
            found |= names_of([one.condition])
    return frozenset(found)
