"""The table of search parameters: what can be asked of which type, and which elements that reads."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import cast

from coordinator.care.csv_table import Row, packaged_rows
from coordinator.fhir import Parameter, ParameterKind, Parameters

KINDS = frozenset({"token", "reference", "date", "string"})


@cache
def search_parameters() -> Parameters:
    """Return the parameters by type and name. Raises ConfigurationError with file and line of a bad row."""
    columns = ("type", "parameter", "kind", "elements", "targets", "source")
    return parameters_in(packaged_rows("coordinator.access", "search_parameters.csv", columns))


def parameters_in(rows: Iterable[Row]) -> Parameters:
    """Return the parameters that rows tell of. Raises ConfigurationError for a bad one."""
    found: dict[str, dict[str, Parameter]] = {}
    for row in rows:
        type_, name = row.text("type"), row.text("parameter")
        if row.text("kind") not in KINDS:
            raise row.bad("kind", f"is none of: {', '.join(sorted(KINDS))}")
        if name in found.get(type_, {}):
            raise row.bad("parameter", "stands twice")
        row.text("source")
        found.setdefault(type_, {})[name] = Parameter(
            type=type_,
            name=name,
            kind=cast("ParameterKind", row.text("kind")),
            elements=tuple(tuple(path.split(".")) for path in row.words("elements")),
            targets=frozenset(row.words("targets")),
        )
    return found


def served_types() -> tuple[str, ...]:
    """Return the types that can be read and searched."""
    return tuple(sorted(search_parameters()))


def elements_of(parameters: Mapping[str, Parameter]) -> frozenset[str]:
    """Return the top elements that any of some parameters reads."""
    return frozenset(path[0] for one in parameters.values() for path in one.elements)
