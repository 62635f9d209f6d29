"""Knows documents of the plain form at one look, most of what EHRs send: sound JSON that is fit, and its fingerprint.

All that a look takes the strict door and the checker take as well, and read the same from it. What it does not take may
be sound, too: those two judge it, and tell reason and place. Why one look is enough: a text that was decoded into
structs and encoded again is never longer than it was, as no token grows. White space, a key that stands twice or a
needless escape make it shorter. So where the length is the same, the bytes hold what the structs hold, once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw

from coordinator.fhir.document import version_of
from coordinator.fhir.json_text import LIMITS
from coordinator.fhir.models import Shape, Slot
from coordinator.fhir.structs import PRIMITIVES, Rule, Style, form, part_decoder, refuse, resource_decoder


class Look(msgspec.Struct, frozen=True):
    """What one look tells of a document: what names it, its fingerprint, and its members, for a glance at a few.

    A struct, as one is made for each document that comes.
    """

    type: str
    id: str
    version: str
    canonical_hash: bytes
    members: Any

    def reference(self, name: str) -> str | None:
        """Return the text of the reference that stands in a member, if there is one."""
        text = getattr(getattr(self.members, _FIELDS.get(name, name), None), "reference", None)
        return text if isinstance(text, str) else None


def look(raw: bytes, resource_type: str) -> Look | None:
    """Return what one look tells of a document of a type; None leaves it to the strict door and the checker."""
    decoder = _decoder(resource_type)
    if decoder is None or not _is_plain(raw):
        return None
    try:
        members = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    version_id, taken_out = _without_stamp(members)
    content = _SORTED.encode(members)
    if len(content) + taken_out != len(raw) or members.id is UNSET:
        return None
    canonical_hash = sha256(content).digest()
    return Look(resource_type, members.id, version_id or version_of(canonical_hash), canonical_hash, members)


def _without_stamp(members: Any) -> tuple[str | None, int]:  # noqa: ANN401 - a struct made at run time
    """Take out of meta what a server changes at each save; return the version, and how many bytes are gone."""
    meta = members.meta
    if meta is UNSET:
        return None, 0
    version_id, before = meta.versionId, len(_SORTED.encode(meta))
    meta.versionId = meta.lastUpdated = UNSET
    after = _SORTED.encode(meta)
    taken_out = before - len(after)
    if after == b"{}":
        members.meta = UNSET
        taken_out += len(b'"meta":{},')
    return (None if version_id is UNSET else version_id), taken_out


_FIELDS = {"for": "for_fhir"}  # names that Python keeps for itself
_SORTED = msgspec.json.Encoder(order="sorted")


# --- what the bytes alone tell -----------------------------------------------------------------------------------

_HALF_DEPTH = LIMITS.depth // 2
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# How white space beyond ASCII begins: a text of nothing else is no text. Dashes and curved quotes begin so, too.
_ODD_SPACE = (b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80")


def _is_plain(raw: bytes) -> bool:
    """Say whether the bytes are free of what only the strict door can judge: odd characters and deep nesting."""
    if b"\\" in raw and (b"\\u" in raw or b"\\f" in raw):
        return False
    if not raw.isascii() and any(space in raw for space in _ODD_SPACE):
        return False
    return len(raw) <= LIMITS.size and (raw.count(b"{") <= _HALF_DEPTH or not _may_be_deep(raw))


def _may_be_deep(raw: bytes) -> bool:
    """Take off pairs of brackets that hold none, level by level: a list and the object around it at a time."""
    outside = b"".join(raw.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]).translate(None, _NO_BRACKETS)
    for _ in range(_HALF_DEPTH):
        outside = outside.replace(b"[]", b"").replace(b"{}", b"")
        if not outside:
            return False
    return True


# --- structs of the plain form -----------------------------------------------------------------------------------

_DAY = r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_CLOCK = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def _shaped(shape: Shape) -> Shape:
    """Leave out what is rare, and costs room in each struct: resources inside resources, extensions of primitives.

    Who bears them goes the long way. So a primitive that must stand does stand.
    """
    needed = {name for name, _ in shape.needed}
    slots = (slot for slot in shape.slots if slot.type not in _RARE)
    return replace(
        shape,
        slots=tuple(replace(slot, is_required=slot.is_required or slot.name in needed) for slot in slots),
        needed=(),
    )


_RARE = ("FHIRPrimitiveExtension", "Resource")
_Sorter = Callable[[bytes], Raw]


def _rules(sorters: Mapping[str, _Sorter]) -> Callable[[Slot], Iterator[Rule]]:
    """Return the rules of members that were left as text: each is replaced by what it is in the sorted form."""

    def rules(slot: Slot) -> Iterator[Rule]:
        if slot.type in sorters:
            yield _sorting(slot.name, sorters[slot.type], is_list=slot.is_list)

    return rules


def _sorting(name: str, to_sorted: _Sorter, *, is_list: bool) -> Rule:
    def rule(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        found = getattr(value, name)
        if found is not UNSET:
            setattr(value, name, to_sorted(bytes(found)))

    def rule_of_each(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        found = getattr(value, name)
        if found is not UNSET:
            setattr(value, name, [to_sorted(bytes(one)) for one in found])

    return rule_of_each if is_list else rule


_MOST_KEPT = 2000  # bytes of a concept; what is refused is not kept, so that nobody fills the memory


def _number(text: bytes) -> Raw:
    """Return a number as it was written: 1.10 is not 1.1."""
    if len(text) > LIMITS.digits + (b"." in text) or not _NUMBER.fullmatch(text):
        refuse("value", "not a plain number")
    return Raw(text)


@lru_cache(maxsize=4096)
def _concept(text: bytes) -> Raw:
    """Return a concept in the sorted form; an EHR says the same few thousand over and over, so they are kept."""
    return _sorted(text, _part("CodeableConcept"))


@lru_cache(maxsize=4096)
def _coding(text: bytes) -> Raw:
    return _sorted(text, _part("Coding"))


def _sorted(text: bytes, decoder: msgspec.json.Decoder[Any]) -> Raw:
    found = _SORTED.encode(decoder.decode(text))
    if len(found) != len(text) or len(text) > _MOST_KEPT:
        refuse("structure", "not in the plain form")
    return Raw(found)


@cache
def _decoder(resource_type: str) -> msgspec.json.Decoder[Any] | None:
    left: dict[str, _Sorter] = {"decimal": _number, "CodeableConcept": _concept, "Coding": _coding}
    style = Style(primitives={**_PRIMITIVES, **dict.fromkeys(left, Raw)}, shaped=_shaped, rules=_rules(left))
    return resource_decoder(resource_type, style)


@cache
def _part(name: str) -> msgspec.json.Decoder[Any]:
    return part_decoder(name, Style(primitives=_PRIMITIVES, shaped=_shaped, rules=_rules({"decimal": _number})))


_PRIMITIVES = {
    **PRIMITIVES,
    "date": form(_DAY),
    "dateTime": form(f"{_DAY}(?:{_CLOCK})?"),
    "decimal": Raw,
    "instant": form(f"{_DAY}{_CLOCK}"),
    "string": Annotated[str, Meta(min_length=1)],  # with no odd space in the bytes, as the checker wants it
}
