"""What the content of a record says: which labels its codes call for, and whose it may be.

A record of an organization that is no Part 2 program may still hold what a program told it. Some codes only a program
makes (its services). Others a general practice uses as well: they are its own where the record is of what it did
itself, and in doubt where it reports what somebody said. Doubt counts as Part 2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from coordinator.care.csv_table import by_text, packaged_rows
from coordinator.fhir import normal_system

_PACKAGE = "coordinator.access"
INGREDIENT = "ingredient"  # a system of the table for what a medicine is made of


class Whose(Enum):
    """Who makes records with a code."""

    PROGRAM = "program"  # only a Part 2 program
    DOUBT = "doubt"  # a program, or a practice that is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A line of the table of content: the label that a code calls for, and who makes such records."""

    label: str
    whose: Whose


def contents(codings: Iterable[tuple[str, str]]) -> frozenset[Content]:
    """Return what the table says of codes, each (system, code)."""
    return frozenset(found for system, code in codings if (found := _content(normal_system(system), code)) is not None)


def _content(system: str, code: str) -> Content | None:
    exact, beginnings = _table()
    found = exact.get((system, code))
    if found is not None:
        return found
    return next((one for at, head, one in beginnings if at == system and code.upper().startswith(head)), None)


@cache
def _table() -> tuple[Mapping[tuple[str, str], Content], tuple[tuple[str, str, Content], ...]]:
    exact: dict[tuple[str, str], Content] = {}
    beginnings: list[tuple[str, str, Content]] = []
    for row in packaged_rows(_PACKAGE, "part2_content.csv", ("kind", "system", "code", "label", "whose", "source")):
        system, code = normal_system(row.text("system")), row.text("code")
        content = Content(label=row.text("label"), whose=row.member("whose", Whose))
        if code.endswith("*"):
            beginnings.append((system, code.removesuffix("*"), content))
        else:
            exact[system, code] = content
    return exact, tuple(beginnings)


@cache
def own_acts() -> frozenset[str]:
    """Return the types of records that are of what the organization did itself."""
    return frozenset(by_text(packaged_rows(_PACKAGE, "own_acts.csv", ("type", "source")), "type", lambda row: row))


def may_be_from_a_program(found: Iterable[Content], *, is_own_act: bool) -> bool:
    """Say whether content may have come from a Part 2 program although the record's organization is none."""
    return any(one.whose is Whose.PROGRAM or not is_own_act for one in found)
