"""The one strict JSON door: bytes in, values out, or a reason and a place."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn, Self, TypeAlias

import msgspec

from coordinator.errors import InvalidInput


class DecimalText(Decimal):
    """A JSON number with a fraction or an exponent that remembers how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Read the number and keep its text: 1.10 mg is a statement of precision, not 1.1."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[type["DecimalText"], tuple[str]]:
        """Survive copying and pickling with the text."""
        return (DecimalText, (self.text,))

    def __copy__(self) -> "DecimalText":
        """Return itself: it never changes."""
        return self

    def __deepcopy__(self, _memo: object) -> "DecimalText":
        """Return itself: it never changes."""
        return self


Json: TypeAlias = "bool | int | DecimalText | str | list[Json] | dict[str, Json] | None"
JsonPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a document we are ready to hold."""

    size: int = 32 * 1024 * 1024
    depth: int = 64
    digits: int = 18  # FHIR R4, datatypes, decimal: no more than 18 digits and a decimal point
    exponent: int = 308


LIMITS = Limits()


class BadJson(InvalidInput):
    """These bytes are not JSON that can be kept safely."""

    def __init__(self, reason: str, place: str) -> None:
        super().__init__(
            f"The document can't be read: {reason} at {place}.",
            operation="read JSON",
            subject=place,
            hint="Ask the sender to correct the document.",
        )
        self.reason = reason
        self.place = place


class _Refused(Exception):
    """A value that the scanner met and that must not pass; the place is looked for afterwards."""


def parse(raw: bytes, *, limits: Limits = LIMITS) -> Json:
    """Return the value that the bytes spell.

    Raises BadJson with the reason and the place: a path where there is one, else the offset of the byte.
    """
    if len(raw) > limits.size:
        raise BadJson(f"it is larger than {limits.size} bytes", f"byte {limits.size}")
    text = _decoded(raw)
    try:
        value, end = _scanned(text, _DECODER if limits == LIMITS else _decoder(limits), limits=limits)
    except _Refused:
        raise _refusal(text, limits) from None
    end = _after_space(text, end)
    if end != len(text):
        raise BadJson("something follows the end of the value", _byte_place(text, end))
    if text.count("{") + text.count("[") > limits.depth:
        _refuse_deep(value, limits)
    if "\\u" in text and _SUSPECT_ESCAPE.search(text):
        _refuse_unsafe_text(value)
    return value


def dumps(value: Json) -> bytes:
    """Return the value as compact JSON, keys in their order, decimals as they were written."""
    return _COMPACT.encode(value)


def canonical(value: Json) -> bytes:
    """Return the one spelling that equal values share: compact, keys sorted, decimals as they were written."""
    return _CANONICAL.encode(value)


def same(one: Json, other: Json) -> bool:
    """Say whether two values are the same JSON: 1 is not true, 1.10 is not 1.1, the order of keys is nothing."""
    if isinstance(one, DecimalText) and isinstance(other, DecimalText):
        return one.text == other.text
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def place_of(path: JsonPath, root: str = "$") -> str:
    """Return a path in the words of FHIRPath: Patient.name[0].given[1].

    A key that no FHIR element could have is not repeated: what stands there may be about a person.
    """
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{_known_name(part)}" for part in path)


def _known_name(key: str) -> str:
    return key if _NAME.fullmatch(key) else "(unnamed)"


# --- how text becomes values -------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\n\r]*")
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)


def _decoded(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise BadJson("it starts with a byte order mark", "byte 0")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as trouble:
        raise BadJson("it is not UTF-8", f"byte {trouble.start}") from None


def _after_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start


def _byte_place(text: str, position: int) -> str:
    return f"byte {len(text[:position].encode('utf-8'))}"


def _syntax_reason(text: str, trouble: json.JSONDecodeError) -> str:
    if trouble.pos >= len(text) or trouble.msg.startswith("Unterminated"):
        return "it ends in the middle" if text.strip() else "it is empty"
    if trouble.msg.startswith("Invalid control character"):
        return "a NUL character" if text[trouble.pos] == "\0" else "a control character inside a text"
    return "it is not JSON"


def _scanned(text: str, decoder: json.JSONDecoder, *, limits: Limits) -> tuple[Json, int]:
    try:
        return decoder.raw_decode(text, _after_space(text, 0))
    except json.JSONDecodeError as trouble:
        # Python 3.13 points at a comma too many, earlier ones behind it.
        at = _after_space(text, trouble.pos + 1) if text.startswith(",", trouble.pos) else trouble.pos
        raise BadJson(_syntax_reason(text, trouble), _byte_place(text, at)) from None
    except RecursionError:
        raise BadJson(f"it is nested deeper than {limits.depth} levels", "its deepest part") from None


def _number_is_fit(text: str, limits: Limits) -> bool:
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > 5 or (exponent and abs(int(exponent)) > limits.exponent):
        return False
    if len(mantissa) <= limits.digits:
        return True
    return len(mantissa.replace("-", "").replace(".", "").lstrip("0")) <= limits.digits


def _decoder(limits: Limits) -> json.JSONDecoder:
    def integer(text: str) -> int | DecimalText:
        if len(text) > limits.digits and not _number_is_fit(text, limits):
            raise _Refused
        return DecimalText(text) if text == "-0" else int(text)

    def fraction(text: str) -> DecimalText:
        if not _number_is_fit(text, limits):
            raise _Refused
        return DecimalText(text)

    def constant(_text: str) -> NoReturn:
        raise _Refused

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(members)
        if len(found) != len(members):
            raise _Refused
        return found

    return json.JSONDecoder(
        object_pairs_hook=pairs, parse_int=integer, parse_float=fraction, parse_constant=constant, strict=True
    )


_DECODER = _decoder(LIMITS)


# --- where a refused value stands --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Stands where a refused value stood, so that its path can be told."""

    reason: str
    below: JsonPath = ()


def _refusal(text: str, limits: Limits) -> BadJson:
    """Read once more, slowly, with a mark in place of each refused value, and return where the first one is."""

    def number(found: str) -> int | _Trouble:
        return 0 if _number_is_fit(found, limits) else _Trouble("a number out of range")

    def constant(found: str) -> _Trouble:
        return _Trouble(f"{found.lstrip('-')} is not a number of JSON")

    def pairs(members: list[tuple[str, object]]) -> object:
        found: dict[str, object] = {}
        for key, value in members:
            if key in found:
                return _Trouble("a key that stands twice", (key,))
            found[key] = value
        return found

    marked = json.JSONDecoder(object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=constant)
    value, _ = _scanned(text, marked, limits=limits)
    path, trouble = next((path, leaf) for path, leaf in _leaves(value, ()) if isinstance(leaf, _Trouble))
    return BadJson(trouble.reason, place_of(path + trouble.below, _root_name(value)))


def _root_name(value: object) -> str:
    name = value.get("resourceType") if isinstance(value, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "$"


def _leaves(value: object, path: JsonPath) -> Iterator[tuple[JsonPath, object]]:
    """Yield every key and every value that holds no other, with its path."""
    waiting = [(path, value)]
    while waiting:
        here, found = waiting.pop()
        if isinstance(found, dict):
            yield from ((here, key) for key in found)
            waiting.extend(((*here, key), below) for key, below in reversed(found.items()))
        elif isinstance(found, list):
            waiting.extend(((*here, index), below) for index, below in reversed(list(enumerate(found))))
        else:
            yield here, found


def _refuse_deep(value: object, limits: Limits) -> None:
    level: list[tuple[JsonPath, object]] = [((), value)]
    depth = 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise BadJson(f"it is nested deeper than {limits.depth} levels", place_of(level[0][0], _root_name(value)))
        level = [
            ((*path, key), below)
            for path, holder in level
            for key, below in _below(holder)
            if isinstance(below, dict | list)
        ]


def _below(holder: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(holder, dict):
        return holder.items()
    return enumerate(holder) if isinstance(holder, list) else ()


def _refuse_unsafe_text(value: object) -> None:
    for path, leaf in _leaves(value, ()):
        if not isinstance(leaf, str):
            continue
        if "\0" in leaf:
            raise BadJson("a NUL character", place_of(path, _root_name(value)))
        if any("\ud800" <= letter <= "\udfff" for letter in leaf):
            raise BadJson("half of a surrogate pair", place_of(path, _root_name(value)))


# --- how values become text --------------------------------------------------------------------------------------


def _as_written(value: object) -> object:
    if isinstance(value, DecimalText):
        return msgspec.Raw(value.text.encode("ascii"))
    raise TypeError(f"{type(value).__name__} is no type of JSON")


_COMPACT = msgspec.json.Encoder(enc_hook=_as_written, decimal_format="number")
_CANONICAL = msgspec.json.Encoder(enc_hook=_as_written, decimal_format="number", order="deterministic")
