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

    Raises BadEdit where a path runs through a value that is neither object nor list, or beyond the end of a list.
    """
    text = document.raw.decode("utf-8")
    for edit in edits:
        text = _edited(text, edit)
    raw = text.encode("utf-8")
    return document if raw == document.raw else read_document(raw)


def difference(path: JsonPath, old: Json, new: Json) -> tuple[Edit, ...]:
    """Return the edits that turn the old value at a path into the new one, as deep in as can be; None is absence."""
    if same(old, new):
        return ()
    if new is None:
        return (Remove(path),)
    if isinstance(old, dict) and isinstance(new, dict) and new:
        changed = [edit for key, value in new.items() for edit in difference((*path, key), old.get(key), value)]
        return (*changed, *(Remove((*path, key)) for key in old if key not in new))
    if isinstance(old, list) and isinstance(new, list) and new:
        return _list_difference(path, old, new)
    return (Set(path, new),)


def _list_difference(path: JsonPath, old: list[Json], new: list[Json]) -> tuple[Edit, ...]:
    gone = _left_out(old, new)
    if gone is not None:
        return tuple(Remove((*path, index)) for index in reversed(gone))
    edits: list[Edit] = []
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        place = (*path, index)
        edits.extend([Set(place, None)] if after is None and before is not None else difference(place, before, after))
    edits.extend(Append(path, value) for value in new[len(old) :])
    edits.extend(Remove((*path, index)) for index in range(len(old) - 1, len(new) - 1, -1))
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


def _edited(text: str, edit: Edit) -> str:
    match edit:
        case Set(path, value):
            return _with_value(text, path, value)
        case Append(path, value):
            return _with_element(text, path, value)
        case Remove(path):
            return _without(text, path)
        case _:
            assert_never(edit)


# --- where things stand in the text ------------------------------------------------------------------------------

_SCAN = JSONDecoder().raw_decode
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


def _after_space(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _root(text: str) -> _Span:
    start = _after_space(text, 0)
    return _Span(start, len(text.rstrip(_SPACE)))


def _members(text: str, holder: _Span) -> list[_Member]:
    """Return the members of the object or list that stands there, in their order; a scalar has none."""
    is_object = text[holder.start] == "{"
    if not is_object and text[holder.start] != "[":
        return []
    found: list[_Member] = []
    at = _after_space(text, holder.start + 1)
    while text[at] not in "}]":
        start, key = at, len(found)
        name: str | int = key
        if is_object:
            name, at = _SCAN(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        _, end = _SCAN(text, at)
        found.append(_Member(name, start, _Span(at, end)))
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _find(text: str, holder: _Span, part: str | int) -> _Member | None:
    """Return the member at a part of a path, None where it could be added."""
    opening = text[holder.start]
    if opening != ("{" if isinstance(part, str) else "["):
        raise BadEdit((part,))
    members = _members(text, holder)
    if isinstance(part, int):
        if not 0 <= part <= len(members):
            raise BadEdit((part,))
        return members[part] if part < len(members) else None
    return next((member for member in members if member.key == part), None)


# --- the three edits ---------------------------------------------------------------------------------------------


def _with_value(text: str, path: JsonPath, value: Json) -> str:
    here = _root(text)
    for depth, part in enumerate(path):
        if text.startswith("null", here.start):
            return _spliced(text, here, _nested(path[depth:], value))
        try:
            member = _find(text, here, part)
        except BadEdit:
            raise BadEdit(path[: depth + 1]) from None
        if member is None:
            return _with_member(text, here, part, _nested(path[depth + 1 :], value))
        here = member.value
    if same(_value_at(text, here), value):
        return text
    return _spliced(text, here, value)


def _with_element(text: str, path: JsonPath, value: Json) -> str:
    here = _root(text)
    for part in path:
        member = None if text.startswith("null", here.start) else _find(text, here, part)
        if member is None:
            return _with_value(text, (*path, 0), value)
        here = member.value
    if text.startswith("null", here.start):
        return _spliced(text, here, [value])
    if text[here.start] != "[":
        raise BadEdit(path)
    return _with_member(text, here, len(_members(text, here)), value)


def _without(text: str, path: JsonPath) -> str:
    trail: list[tuple[_Span, _Member]] = []
    here = _root(text)
    for part in path:
        member = next((member for member in _members(text, here) if member.key == part), None)
        if member is None:
            return text
        trail.append((here, member))
        here = member.value
    while trail:
        holder, member = trail.pop()
        members = _members(text, holder)
        if len(members) > 1 or not trail or _holds_a_place(text, trail[-1]):
            return _cut(text, members, member)
    raise BadEdit(path)


def _holds_a_place(text: str, place: tuple[_Span, _Member]) -> bool:
    """Say whether this is a list element with others behind it, which must not move."""
    holder, member = place
    return isinstance(member.key, int) and member.key + 1 < len(_members(text, holder))


# --- splicing ----------------------------------------------------------------------------------------------------


def _value_at(text: str, span: _Span) -> Json:
    return parse(text[span.start : span.end].encode("utf-8"))


def _spliced(text: str, span: _Span, value: Json) -> str:
    return text[: span.start] + dumps(value).decode("utf-8") + text[span.end :]


def _with_member(text: str, holder: _Span, part: str | int, value: Json) -> str:
    members = _members(text, holder)
    label = f"{dumps(part).decode('utf-8')}:" if isinstance(part, str) else ""
    addition = label + dumps(value).decode("utf-8")
    if not members:
        return text[: holder.start + 1] + addition + text[holder.start + 1 :]
    end = members[-1].value.end
    return text[:end] + "," + addition + text[end:]


def _cut(text: str, members: list[_Member], member: _Member) -> str:
    index = members.index(member)
    if index > 0:
        return text[: members[index - 1].value.end] + text[member.value.end :]
    following = members[1].start if len(members) > 1 else member.value.end
    return text[: member.start] + text[following:]


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
