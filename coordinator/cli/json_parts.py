"""Reading parts of an account's JSON for printing: what is absent is empty, never an error."""

from collections.abc import Mapping
from datetime import date

from coordinator.fhir import Json


def objects(value: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """Return the objects of a member that is a list."""
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def member(value: Mapping[str, Json], name: str) -> dict[str, Json]:
    """Return a member that is an object."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def texts(value: Mapping[str, Json], name: str) -> list[str]:
    """Return the texts of a member that is a list."""
    found = value.get(name)
    return [printable(str(one)) for one in found] if isinstance(found, list) else []


def text(value: Mapping[str, Json], name: str) -> str:
    """Return a member as text that does nothing to the terminal."""
    found = value.get(name)
    return "" if found is None else printable(str(found))


def printable(words: str) -> str:
    """Return text without what could steer a terminal: what an EHR sent may hold anything."""
    return "".join(one for one in words if one.isprintable())


def days(value: Json) -> tuple[date, date] | None:
    """Return an interval `[first, last]` of days."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    return date.fromisoformat(str(value[0])), date.fromisoformat(str(value[1]))


def intervals(value: Mapping[str, Json], name: str) -> list[tuple[date, date]]:
    """Return the intervals of a member that is a list of them."""
    found = value.get(name)
    return [one for each in found if (one := days(each))] if isinstance(found, list) else []
