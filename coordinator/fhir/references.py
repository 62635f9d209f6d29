"""FHIR references in all their forms, and which types each may point at."""

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TypeAlias

from coordinator.fhir.document import Document
from coordinator.fhir.json_text import Json, JsonPath, place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """A resource on the same server: Patient/17, or one version of it: Patient/17/_history/3."""

    type: str
    id: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absolute:
    """A resource on a named server: https://ehr.example/fhir/Patient/17."""

    base: str
    type: str
    id: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Urn:
    """An entry of the same bundle, named by urn:uuid or urn:oid."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """A resource inside the same document; an empty fragment is the document itself."""

    fragment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """Whatever one resource a search finds: Practitioner?identifier=system|value."""

    type: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical:
    """Something known by its business identifier only."""

    type: str | None
    system: str | None
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A text that is none of these; empty where there is no text at all."""

    text: str


Reference: TypeAlias = Relative | Absolute | Urn | Contained | Conditional | Logical | Unreadable

# FHIR ids have at most 64 characters; real servers send 88 and more, and underscores, and mean them.
_RESTFUL = re.compile(
    r"(?:(?P<base>https?://[^?#\s]+?)/)?(?P<type>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9._-]{1,255})"
    r"(?:/_history/(?P<version>[A-Za-z0-9._-]{1,255}))?"
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]{1,63})\?(?P<query>\S+)")


def read_reference(element: Json) -> Reference:
    """Return the form and the parts of a FHIR Reference; the identifier counts where there is no reference text."""
    if not isinstance(element, dict):
        return Unreadable(text="")
    text = element.get("reference")
    if isinstance(text, str) and text:
        return parse_reference(text)
    return _logical(element)


def parse_reference(text: str) -> Reference:
    """Return the form and the parts of the text of a reference."""
    return _kept(text) if len(text) <= _MOST_KEPT else _parsed(text)


def _parsed(text: str) -> Reference:
    if text.startswith("#"):
        return Contained(fragment=text[1:])
    if text.startswith(("urn:uuid:", "urn:oid:")):
        return Urn(value=text)
    if found := _RESTFUL.fullmatch(text):
        if found["base"]:
            return Absolute(base=found["base"], type=found["type"], id=found["id"], version=found["version"])
        return Relative(type=found["type"], id=found["id"], version=found["version"])
    if found := _CONDITIONAL.fullmatch(text):
        return Conditional(type=found["type"], query=found["query"])
    return Unreadable(text=text)


_MOST_KEPT = 300
_kept = lru_cache(maxsize=4096)(_parsed)  # a patient's is met again in each of their records


def references_in(document: Document) -> tuple[tuple[str, Reference], ...]:
    """Return every reference of the document with its place, contained resources included."""
    found: list[tuple[str, Reference]] = []
    waiting: list[tuple[JsonPath, Json]] = [((), document.tree)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(((*path, index), below) for index, below in reversed(list(enumerate(value))))
        elif isinstance(value, dict):
            if _is_reference(value):
                found.append((place_of(path, document.type), read_reference(value)))
            waiting.extend(((*path, key), below) for key, below in reversed(list(value.items())))
    return tuple(found)


def target_types(resource_type: str, path: str) -> frozenset[str] | None:
    """Return the types that the reference at a path may point at, None where the table has no such reference.

    The path is that of the specification, without indices: "subject", "participant.individual". A data type may
    stand for the resource type: target_types("Identifier", "assigner"). An empty set means any type.
    """
    return _targets().get((resource_type, path.removeprefix(f"{resource_type}.")))


@cache
def _targets() -> dict[tuple[str, str], frozenset[str]]:
    with files("coordinator.fhir").joinpath("tables/reference_targets.csv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return {(row["type"], row["path"]): _any_or(row["targets"].split()) for row in rows}


def _any_or(targets: list[str]) -> frozenset[str]:
    return frozenset() if targets == ["Resource"] else frozenset(targets)


_LOGICAL_KEYS = frozenset({"identifier", "type", "display", "id", "extension"})


def _is_reference(element: dict[str, Json]) -> bool:
    if isinstance(element.get("reference"), str):
        return True
    return isinstance(element.get("identifier"), dict) and element.keys() <= _LOGICAL_KEYS


def _logical(element: dict[str, Json]) -> Reference:
    identifier, kind = element.get("identifier"), element.get("type")
    if not isinstance(identifier, dict):
        return Unreadable(text="")
    system, value = identifier.get("system"), identifier.get("value")
    return Logical(
        type=kind if isinstance(kind, str) else None,
        system=system if isinstance(system, str) else None,
        value=value if isinstance(value, str) else None,
    )
