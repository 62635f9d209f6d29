"""Answer a search over documents that are at hand: what is not among them, or not in them, does not exist."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import assert_never

from coordinator.fhir.dates import BadDate, PartialDate, instant_of
from coordinator.fhir.document import Document
from coordinator.fhir.json_text import Json
from coordinator.fhir.search import Chain, Condition, Has, Include, Parameter, Query, Test, prefix_of

Span = tuple[datetime, datetime]
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_EVER: Span = (_FIRST, _LAST)


@dataclass(slots=True)
class Shelf:
    """The documents that a search may know of, by `Type/id`."""

    documents: Mapping[str, Document]
    _by_type: dict[str, list[Document]] = field(default_factory=dict)

    def of_type(self, type_: str) -> list[Document]:
        """Return the documents of a type, in order of their ids."""
        if type_ not in self._by_type:
            found = [one for one in self.documents.values() if one.type == type_]
            self._by_type[type_] = sorted(found, key=lambda one: one.id)
        return self._by_type[type_]

    def targets(self, document: Document, parameter: Parameter) -> Iterator[Document]:
        """Yield what a document refers to by a parameter."""
        for place in _places(document, parameter):
            found = self.documents.get(place)
            if found is not None and found.type in parameter.targets:
                yield found

    def sources(self, document: Document, parameter: Parameter) -> Iterator[Document]:
        """Yield what refers to a document by a parameter."""
        place = f"{document.type}/{document.id}"
        yield from (one for one in self.of_type(parameter.type) if place in _places(one, parameter))


def found_by(query: Query, shelf: Shelf) -> list[Document]:
    """Return all documents that a query matches, in its order."""
    matches = [one for one in shelf.of_type(query.type) if all(_meets(one, each, shelf) for each in query.conditions)]
    for parameter, is_descending in reversed(query.sort):
        matches = _in_order(matches, parameter, is_descending=is_descending)
    return matches


def included_by(includes: Iterable[Include], matches: Sequence[Document], shelf: Shelf) -> list[Document]:
    """Return what comes with matches, each once, in order of type and id, without the matches themselves."""
    own = {f"{one.type}/{one.id}" for one in matches}
    found = {f"{one.type}/{one.id}": one for include in includes for one in _beside(include, matches, shelf)}
    return [one for place, one in sorted(found.items()) if place not in own]


def _beside(include: Include, matches: Sequence[Document], shelf: Shelf) -> Iterator[Document]:
    step = shelf.sources if include.is_reversed else shelf.targets
    for match in matches:
        for one in step(match, include.parameter):
            if include.is_reversed or include.target in {"", one.type}:
                yield one


def _meets(document: Document, condition: Condition, shelf: Shelf) -> bool:
    match condition:
        case Test():
            return _passes(document, condition)
        case Chain(parameter=parameter, target=target, condition=inner):
            return any(one.type == target and _meets(one, inner, shelf) for one in shelf.targets(document, parameter))
        case Has(parameter=parameter, condition=inner):
            return any(_meets(one, inner, shelf) for one in shelf.sources(document, parameter))
        case _:
            assert_never(condition)


def _passes(document: Document, test: Test) -> bool:
    values = _values(document, test.parameter)
    if test.modifier == "missing":
        return (not values) is (test.values == ("true",))
    match test.parameter.kind:
        case "token":
            is_one = any(_is_token(held, asked) for held in values for asked in test.values)
            return is_one is not (test.modifier == "not")
        case "string":
            return any(_is_text(held, asked, test.modifier) for held in values for asked in test.values)
        case "date":
            return any(_is_when(held, asked) for held in values for asked in test.values)
        case "reference":
            places = _places(document, test.parameter)
            return any(_is_place(place, asked, test.parameter) for place in places for asked in test.values)
        case _:
            assert_never(test.parameter.kind)


def _values(document: Document, parameter: Parameter) -> list[Json]:
    return [value for path in parameter.elements for value in document.all(*path)]


def _places(document: Document, parameter: Parameter) -> set[str]:
    """Return the references by a parameter, as `Type/id`."""
    values = _values(document, parameter)
    return {str(one["reference"]) for one in values if isinstance(one, dict) and "reference" in one}


def _is_place(place: str, asked: str, parameter: Parameter) -> bool:
    return place == asked or any(place == f"{target}/{asked}" for target in parameter.targets)


# --- tokens -----------------------------------------------------------------------------------------------------------


def _is_token(held: Json, asked: str) -> bool:
    """Say whether a coded value is the one asked for: `code`, `system|code`, `|code` (no system) or `system|`."""
    system, bar, code = asked.rpartition("|")
    for has_system, has_code in _coded(held):
        is_system = not bar or has_system == system
        if is_system and (has_code == code or (bar and not code and system)):
            return True
    return False


def _coded(held: Json) -> Iterator[tuple[str, str]]:
    """Yield (system, code) of what can be told apart by a token."""
    if isinstance(held, bool):
        yield "", "true" if held else "false"
    elif isinstance(held, str):
        yield "", held
    elif isinstance(held, dict):
        codings = held.get("coding")
        for one in codings if isinstance(codings, list) else [held]:
            if isinstance(one, dict):
                yield _text(one.get("system")), _text(one.get("code") or one.get("value"))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


# --- texts ------------------------------------------------------------------------------------------------------------


def _is_text(held: Json, asked: str, modifier: str) -> bool:
    if not isinstance(held, str):
        return False
    if modifier == "exact":
        return held == asked
    mine, theirs = held.casefold(), asked.casefold()
    return theirs in mine if modifier == "contains" else mine.startswith(theirs)


# --- dates ------------------------------------------------------------------------------------------------------------


def _is_when(held: Json, asked: str) -> bool:
    """Compare as FHIR R4 (search, 3.1.1.4.5) says: by the ranges that both sides may mean."""
    prefix, text = prefix_of(asked)
    value, mine = _span(text), _span_of(held)
    if value is None or mine is None:
        return False
    (first, last), (begin, end) = value, mine
    match prefix:
        case "eq":
            return first <= begin and end <= last
        case "ne":
            return not (first <= begin and end <= last)
        case "gt":
            return end > last
        case "lt":
            return begin < first
        case "ge":
            return end > last or (first <= begin and end <= last)
        case "le":
            return begin < first or (first <= begin and end <= last)
        case "sa":
            return begin > last
        case _:
            return end < first


def _span_of(held: Json) -> Span | None:
    if isinstance(held, dict):  # a Period; an open end is open
        if "start" not in held and "end" not in held:
            return None
        start = _span(_text(held.get("start"))) if "start" in held else _EVER
        end = _span(_text(held.get("end"))) if "end" in held else _EVER
        return (start[0], end[1]) if start and end else None
    return _span(held) if isinstance(held, str) else None


def _span(text: str) -> Span | None:
    """Return the instants that a text may mean; a day is one of UTC, as no zone is told."""
    try:
        moment = instant_of(_whole(text))
        if moment is not None:
            return moment.astimezone(UTC), moment.astimezone(UTC) + _grain(text)
        day = PartialDate.parse(text)
    except (BadDate, OverflowError):
        return None
    return (
        datetime.combine(day.first, time.min, tzinfo=UTC),
        datetime.combine(day.last, time.max, tzinfo=UTC),
    )


def _whole(text: str) -> str:
    """Return an instant of a query with seconds and zone, which may be missing there."""
    day, at, rest = text.partition("T")
    if not at:
        return text
    hour = rest[:5] + (":00" + rest[5:] if rest[5:6] != ":" else rest[5:])
    return f"{day}T{hour}" if (hour[8:] and hour[-1:] == "Z") or "+" in hour or "-" in hour else f"{day}T{hour}Z"


def _grain(text: str) -> timedelta:
    rest = text.partition("T")[2]
    if rest[5:6] != ":":
        return timedelta(minutes=1) - timedelta(microseconds=1)
    return timedelta() if "." in rest else timedelta(seconds=1) - timedelta(microseconds=1)


# --- order ------------------------------------------------------------------------------------------------------------


def _in_order(matches: Sequence[Document], parameter: Parameter, *, is_descending: bool) -> list[Document]:
    """Return the matches by a parameter; those without a value come last, whichever way."""
    keyed = [(key, one) for one in matches if (key := _key(one, parameter)) is not None]
    rest = [one for one in matches if _key(one, parameter) is None]
    keyed.sort(key=lambda pair: pair[0], reverse=is_descending)
    return [one for _, one in keyed] + rest


def _key(document: Document, parameter: Parameter) -> tuple[str, ...] | None:
    """Return what a document is sorted by: the least of its values, as text that compares."""
    values = _values(document, parameter)
    if parameter.kind == "date":
        spans = [span for one in values if (span := _span_of(one)) is not None]
        return (min(spans)[0].isoformat(),) if spans else None
    if parameter.kind == "string":
        texts = [one.casefold() for one in values if isinstance(one, str)]
        return (min(texts),) if texts else None
    coded = [pair for one in values for pair in _coded(one)]
    return min(coded) if coded else None
