"""Read levels of care out of documents: by canonical codes, and by the mapping table of a connection."""

from collections.abc import Iterator, Sequence

from coordinator.care.csv_table import Row, read_rows
from coordinator.care.level_of_care.model import Edition, Level, MappingRow, Role, StatedLevel
from coordinator.care.level_of_care.tables import level_places, level_systems
from coordinator.fhir import Document, Json, normal_system, once

_COLUMNS = ("type", "path", "system", "value", "concept", "edition", "code", "role", "organization")
_LEVEL = "level"


def read_mapping(text: str, name: str) -> tuple[MappingRow, ...]:
    """Return the rows of a connection's mapping table.

    Raises ConfigurationError with file and line of a row that can't be used.
    """
    return tuple(_mapping_row(row) for row in read_rows(text, file=name, columns=_COLUMNS))


def levels_in(document: Document, rows: Sequence[MappingRow]) -> tuple[StatedLevel, ...]:
    """Return every level that a document states, each once, in the order of its canonical codes, then of the rows.

    A row that also names the organization takes the place of the same level without one.
    """
    stated = (*_canonical_levels(document), *_mapped_levels(document, rows))
    if len(stated) < 2:
        return stated
    found: list[StatedLevel] = []
    for one in stated:
        known = [other for other in found if other.level == one.level]
        if any(other.organization == one.organization or one.organization is None for other in known):
            continue
        found = [other for other in found if other.level != one.level or other.organization is not None]
        found.append(one)
    return tuple(found)


def says(document: Document, rows: Sequence[MappingRow], concept: str) -> bool:
    """Say whether a row of the mapping table finds a concept in a document."""
    own = [row for row in rows if row.type == document.type and row.concept == concept]
    return any(_matches(row, value) for row in own for _, value in walk(document, row.path))


def _mapping_row(row: Row) -> MappingRow:
    edition, role = row.optional("edition"), row.optional("role")
    return MappingRow(
        type=row.text("type"),
        path=tuple(row.text("path").split(".")),
        system=row.optional("system"),
        value=row.text("value"),
        concept=row.text("concept"),
        edition=None if edition is None else row.member("edition", Edition),
        code=row.text("code"),
        role=Role.PROVIDED if role is None else row.member("role", Role),
        organization=row.optional("organization"),
    )


@once
def _canonical_levels(document: Document) -> tuple[StatedLevel, ...]:
    systems = level_systems()
    found: list[StatedLevel] = []
    for place in level_places():
        if place.type != document.type:
            continue
        for path, value in walk(document, place.path):
            known = [(systems.get(normal_system(system)), code) for system, code in codings_of(value)]
            levels = [Level(edition=edition, code=code, role=place.role) for edition, code in known if edition and code]
            found += [StatedLevel(level=level, organization=None, path=path) for level in levels]
    return tuple(found)


def _mapped_levels(document: Document, rows: Sequence[MappingRow]) -> Iterator[StatedLevel]:
    for row in rows:
        if row.type != document.type or row.concept != _LEVEL:
            continue
        for path, value in walk(document, row.path):
            if _matches(row, value):
                level = Level(edition=row.edition, code=row.code, role=row.role)
                yield StatedLevel(level=level, organization=row.organization, path=path)


def walk(document: Document, path: Sequence[str]) -> Iterator[tuple[str, Json]]:
    """Yield each value at a path with its place, walking into lists on the way."""
    found: list[tuple[str, Json]] = [(document.type, document.tree)]
    for part in path:
        found = [step for place, value in found for step in _steps(place, value, part)]
    yield from found


def _steps(place: str, value: Json, part: str) -> Iterator[tuple[str, Json]]:
    below = value.get(part) if isinstance(value, dict) else None
    if isinstance(below, list):
        yield from ((f"{place}.{part}[{index}]", element) for index, element in enumerate(below))
    elif below is not None:
        yield f"{place}.{part}", below


def codings_of(value: Json) -> Iterator[tuple[str, str]]:
    """Yield system and code of a CodeableConcept, a Coding or an Identifier-like pair."""
    if not isinstance(value, dict):
        return
    codings = value.get("coding")
    for coding in codings if isinstance(codings, list) else [value]:
        if isinstance(coding, dict):
            yield _text(coding.get("system")), _text(coding.get("code"))


def _texts(value: Json) -> Iterator[str]:
    """Yield the words that a person would read: a plain text, a concept's text, its displays."""
    if isinstance(value, str):
        yield _folded(value)
    elif isinstance(value, dict):
        yield _folded(_text(value.get("text")))
        codings = value.get("coding")
        for coding in codings if isinstance(codings, list) else [value]:
            if isinstance(coding, dict):
                yield _folded(_text(coding.get("display")))


def _matches(row: MappingRow, value: Json) -> bool:
    if row.system is not None:
        return (normal_system(row.system), row.value) in {
            (normal_system(system), code) for system, code in codings_of(value)
        }
    codes = {code for system, code in codings_of(value) if not system}
    return row.value in codes or _folded(row.value) in set(_texts(value))


def _text(value: Json) -> str:
    return value.strip() if isinstance(value, str) else ""


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
