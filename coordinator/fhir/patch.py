"""Change a document at named places; every other byte stays as it was received."""

from collections.abc import Sequence
from dataclasses import dataclass
from json import JSONDecoder
from typing import TypeAlias, assert_never

from coordinator.errors import InvalidInput
from coordinator.fhir.document import Document, read_document
from coordinator.fhir.json_text import Json, JsonPath, dumps, parse, place_of, same


@dataclass(frozen=True, slots=True)
class Set:
    """Put a value at a path; parents that are missing are made."""

    path: JsonPath
    value: Json


@dataclass(frozen=True, slots=True)
class Remove:
    """Take away what is at a path; what becomes empty by that goes too, as FHIR knows no empty objects or lists.

    One exception: an element that becomes empty in the middle of a list stays, as the places behind it would shift.
    """

    path: JsonPath


@dataclass(frozen=True, slots=True)
class Append:
    """Add an element to the list at a path; the list is made where it is missing."""

    path: JsonPath
    value: Json


Edit: TypeAlias = Set | Remove | Append


class BadEdit(InvalidInput):
    """The edit does not fit the shape of the document."""

    def __init__(self, path: JsonPath) -> None:
        place = place_of(path)
        super().__init__(f"The document has no place {place} that could be changed.", operation="patch", subject=place)


def patched(document: Document, edits: Sequence[Edit]) -> Document:
    """Return the document with the edits applied in order; the same document when none changes anything.

    Raises BadEdit where a path runs through a value that is neither object nor list, or beyond the end of a list, and
    BadJson or NotAResource when the result is no resource any more.
    """
    if not edits:
        return document
    text = document.raw.decode("utf-8")
    for edit in edits:
        text = _edited(_Text(text), edit)
    raw = text.encode("utf-8")
    return document if raw == document.raw else read_document(raw)


def difference(old: Json, new: Json, *, at: JsonPath = ()) -> tuple[Edit, ...]:
    """Return the edits that turn the old value at a path into the new one, as deep in as can be; None is absence."""
    if same(old, new):
        return ()
    if new is None:
        return (Remove(at),)
    if isinstance(old, dict) and isinstance(new, dict) and new:
        changed = [edit for key, value in new.items() for edit in difference(old.get(key), value, at=(*at, key))]
        return (*changed, *(Remove((*at, key)) for key in old if key not in new))
    if isinstance(old, list) and isinstance(new, list) and new:
        return _list_difference(old, new, at=at)
    return (Set(at, new),)


def _list_difference(old: list[Json], new: list[Json], *, at: JsonPath) -> tuple[Edit, ...]:
    gone = _left_out(old, new)
    if gone is not None:
        return tuple(Remove((*at, index)) for index in reversed(gone))
    edits: list[Edit] = []
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        place = (*at, index)
        hides = after is None and before is not None  # a null in a list is a place without a value, not absence
        edits.extend([Set(place, None)] if hides else difference(before, after, at=place))
    edits.extend(Append(at, value) for value in new[len(old) :])
    edits.extend(Remove((*at, index)) for index in range(len(old) - 1, len(new) - 1, -1))
    return tuple(edits)


def _left_out(old: list[Json], new: list[Json]) -> list[int] | None:
    """Return the places whose elements were left out, None where more than that was done."""
    gone: list[int] = []
    kept = 0
    for index, value in enumerate(old):
        if kept < len(new) and same(value, new[kept]):
            kept += 1
        else:
            gone.append(index)
    return gone if kept == len(new) else None


def _edited(text: "_Text", edit: Edit) -> str:
    match edit:
        case Set(path, value):
            return text.with_value(path, value)
        case Append(path, value):
            return text.with_element(path, value)
        case Remove(path):
            return text.without(path)
        case _:
            assert_never(edit)


_read_at = JSONDecoder().raw_decode
_SPACE = " \t\n\r"


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Member:
    """One member of an object or element of a list: where it begins (with its key) and where its value is."""

    key: str | int
    start: int
    value: _Span


@dataclass(frozen=True, slots=True)
class _Text:
    """Sound JSON as text; what stands where is looked up only as far as a path needs."""

    text: str

    def with_value(self, path: JsonPath, value: Json) -> str:
        """Return the text with the value at the path."""
        here = self._root()
        for depth, part in enumerate(path):
            if self._is_null(here):
                return self._spliced(here, _nested(path[depth:], value))
            member = self._find(here, path[: depth + 1])
            if member is None:
                return self._with_member(here, part, value=_nested(path[depth + 1 :], value))
            here = member.value
        if same(parse(self.text[here.start : here.end].encode("utf-8")), value):
            return self.text
        return self._spliced(here, value)

    def with_element(self, path: JsonPath, value: Json) -> str:
        """Return the text with the value as last element of the list at the path."""
        here = self._root()
        for depth in range(len(path)):
            member = None if self._is_null(here) else self._find(here, path[: depth + 1])
            if member is None:
                return self.with_value((*path, 0), value)
            here = member.value
        if self._is_null(here):
            return self._spliced(here, [value])
        if self.text[here.start] != "[":
            raise BadEdit(path)
        return self._with_member(here, len(self._members(here)), value=value)

    def without(self, path: JsonPath) -> str:
        """Return the text without what stands at the path."""
        trail: list[tuple[_Span, _Member]] = []
        here = self._root()
        for part in path:
            member = next((member for member in self._members(here) if member.key == part), None)
            if member is None:
                return self.text
            trail.append((here, member))
            here = member.value
        while trail:
            holder, member = trail.pop()
            members = self._members(holder)
            if len(members) > 1 or not trail or self._holds_a_place(trail[-1]):
                return self._cut(members, member)
        raise BadEdit(path)

    def _after_space(self, at: int) -> int:
        while self.text[at] in _SPACE:
            at += 1
        return at

    def _root(self) -> _Span:
        return _Span(self._after_space(0), len(self.text.rstrip(_SPACE)))

    def _is_null(self, span: _Span) -> bool:
        return self.text.startswith("null", span.start)

    def _members(self, holder: _Span) -> list[_Member]:
        """Return the members of the object or list that stands there, in their order; a scalar has none."""
        is_object = self.text[holder.start] == "{"
        if not is_object and self.text[holder.start] != "[":
            return []
        found: list[_Member] = []
        at = self._after_space(holder.start + 1)
        while self.text[at] not in "}]":
            start = at
            key: str | int = len(found)
            if is_object:
                key, at = _read_at(self.text, at)
                at = self._after_space(self._after_space(at) + 1)
            _, end = _read_at(self.text, at)
            found.append(_Member(key, start, _Span(at, end)))
            at = self._after_space(end)
            if self.text[at] == ",":
                at = self._after_space(at + 1)
        return found

    def _find(self, holder: _Span, path: JsonPath) -> _Member | None:
        """Return the member that the last part of a path names, None where it could be added."""
        part = path[-1]
        if self.text[holder.start] != ("{" if isinstance(part, str) else "["):
            raise BadEdit(path)
        members = self._members(holder)
        if isinstance(part, int) and not 0 <= part <= len(members):
            raise BadEdit(path)
        return next((member for member in members if member.key == part), None)

    def _holds_a_place(self, place: tuple[_Span, _Member]) -> bool:
        """Say whether this is a list element with others behind it, which must not move."""
        holder, member = place
        return isinstance(member.key, int) and member.key + 1 < len(self._members(holder))

    def _spliced(self, span: _Span, value: Json) -> str:
        return self.text[: span.start] + dumps(value).decode("utf-8") + self.text[span.end :]

    def _with_member(self, holder: _Span, part: str | int, *, value: Json) -> str:
        members = self._members(holder)
        label = f"{dumps(part).decode('utf-8')}:" if isinstance(part, str) else ""
        addition = label + dumps(value).decode("utf-8")
        if not members:
            return self.text[: holder.start + 1] + addition + self.text[holder.start + 1 :]
        end = members[-1].value.end
        return self.text[:end] + "," + addition + self.text[end:]

    def _cut(self, members: list[_Member], member: _Member) -> str:
        index = members.index(member)
        if index > 0:
            return self.text[: members[index - 1].value.end] + self.text[member.value.end :]
        following = members[1].start if len(members) > 1 else member.value.end
        return self.text[: member.start] + self.text[following:]


def _nested(path: JsonPath, value: Json) -> Json:
    """Return the value wrapped in the parents that a path names."""
    for part in reversed(path):
        if isinstance(part, str):
            value = {part: value}
        elif part == 0:
            value = [value]
        else:
            raise BadEdit(path)
    return value
