"""A strict and fast checker: decoders compiled, type by type, from the shapes of the models and our own tables."""

import binascii
import csv
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from coordinator.fhir.dates import certainly_before
from coordinator.fhir.document import Document
from coordinator.fhir.json_text import place_of
from coordinator.fhir.models import (
    ABSTRACT,
    COMMENTS,
    Choice,
    Issue,
    Shape,
    Slot,
    shape_of,
    type_name,
    unsupported,
)
from coordinator.fhir.references import Absolute, Conditional, Relative, parse_reference, target_types


def check(document: Document) -> tuple[Issue, ...]:
    """Return what is wrong with the document: nothing means that it is fit to be read and stored as FHIR R4.

    Of each resource, contained ones and entries of bundles included, the first trouble is told; where that does not
    block, the first that does is told beside it.
    """
    return tuple(_check(document.type, document.raw, path=type_name(document)))


def _check(resource_type: str, raw: bytes | Raw, *, path: str) -> Iterator[Issue]:
    resource, issues = _decoded(resource_type, raw, path=path, with_targets=True)
    if issues and not issues[0].blocks:
        resource, others = _decoded(resource_type, raw, path=path, with_targets=False)
        issues += others
    yield from issues
    if resource is not None:
        for place, inner in _inner(resource, path):
            yield from _check(_type_of(inner), inner, path=place)


def _decoded(resource_type: str, raw: bytes | Raw, *, path: str, with_targets: bool) -> tuple[Any, tuple[Issue, ...]]:
    """Return the struct that the bytes fit, or what keeps them from it."""
    decoder = _decoder(resource_type, with_targets=with_targets)
    if decoder is None:
        return None, (unsupported(path),)
    try:
        return decoder.decode(raw), ()
    except msgspec.ValidationError as trouble:
        return None, (_issue(str(trouble), path),)
    except (msgspec.DecodeError, RecursionError):
        return None, (Issue(path=path, code="structure", text="not JSON that can be read"),)


def _inner(resource: Any, path: str) -> Iterator[tuple[str, Raw]]:  # noqa: ANN401 - a struct made at run time
    """Yield the resources inside a resource: contained ones, and wherever bundles and parameters hold them."""
    contained = getattr(resource, "contained", UNSET)
    if contained is not UNSET:
        yield from ((f"{path}.contained[{index}]", raw) for index, raw in enumerate(contained))
    if type(resource).__name__ in ("Bundle", "Parameters"):
        yield from _raw_below(resource, path)


def _raw_below(value: Any, path: str) -> Iterator[tuple[str, Raw]]:  # noqa: ANN401 - a struct made at run time
    if isinstance(value, Raw):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _raw_below(item, f"{path}[{index}]")
    elif isinstance(value, msgspec.Struct):
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _raw_below(getattr(value, name), f"{path}.{key}")


class _Typed(msgspec.Struct, rename="camel"):
    resource_type: str = ""


def _type_of(raw: Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Typed).resource_type
    except msgspec.ValidationError:
        return ""


# --- what went wrong, in our words -------------------------------------------------------------------------------

_AT = re.compile(r" - at `(?:key in )?\$?(?P<path>.*)`$", re.DOTALL)
_FIELD = re.compile(r"field `(?P<name>[^`]*)`")


def _issue(message: str, path: str) -> Issue:
    """Return the issue for a message of the decoder, whose own words may repeat what stands there."""
    at = _AT.search(message)
    place = path + (at["path"] if at else "")
    said = message[: at.start()] if at else message
    if said.startswith(_MARK):
        code, _, rest = said.removeprefix(_MARK).partition(": ")
        return Issue(path=place, code=code, text=rest)
    named = _FIELD.search(said)
    if named and said.startswith("Object missing"):
        return Issue(path=place_of((named["name"],), place), code="required", text="a required member is missing")
    if named and said.startswith("Object contains unknown"):
        return Issue(path=place_of((named["name"],), place), code="structure", text=_UNKNOWN)
    if said.startswith("Invalid enum value"):
        return Issue(path=place, code="code-invalid", text="not a code of the required value set")
    if "of length >=" in said and "array" in said:
        return Issue(path=place, code="required", text="at least one element is required")
    if " matching " in said or " of length " in said or ">=" in said or "<=" in said:
        return Issue(path=place, code="value", text="not the form that the type demands")
    return Issue(path=place, code="structure", text="not the kind of JSON value that the type demands")


_UNKNOWN = "a member that the specification does not know"
_MARK = "issue "


def _refuse(code: str, text: str) -> None:
    """Refuse a value from within the decoder, which adds the path."""
    raise ValueError(f"{_MARK}{code}: {text}")


# --- primitives --------------------------------------------------------------------------------------------------

_DAY = (
    r"(?!0000)[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?|(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?!0000)(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_INSTANT = rf"(?=[0-9-]{{10}}T)(?:{_DAY})T{_CLOCK}{_ZONE}"


def _form(pattern: str) -> Any:  # noqa: ANN401 - an annotation
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


_PRIMITIVES: dict[str, Any] = {
    "base64Binary": str,
    "boolean": bool,
    "canonical": _form(r"\S+"),
    "code": _form(r"\S+(?:\s\S+)*"),
    "date": _form(_DAY),
    "dateTime": _form(rf"{_DAY}|{_INSTANT}"),
    "decimal": float,
    # R4 says 64 characters; servers give 88 and more, and such an id can only be taken as it is.
    "id": _form(r"[A-Za-z0-9.-]{1,255}"),
    "instant": _form(_INSTANT),
    "integer": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    "markdown": Annotated[str, Meta(pattern=r"\S")],
    "oid": _form(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "positiveInt": Annotated[int, Meta(ge=1, le=2**31 - 1)],
    "string": Annotated[str, Meta(pattern=r"[ \r\n\t\S]")],
    "time": _form(_CLOCK),
    "unsignedInt": Annotated[int, Meta(ge=0, le=2**31 - 1)],
    "uri": _form(r"\S+"),
    "url": _form(r"\S+"),
    "uuid": _form(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    "xhtml": Annotated[str, Meta(min_length=1)],
}


def _check_base64(value: str) -> None:
    try:
        binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except (binascii.Error, ValueError):
        _refuse("value", "not base64")


# --- compiling ---------------------------------------------------------------------------------------------------

_Rule = Callable[[Any], None]


@cache
def _decoder(resource_type: str, *, with_targets: bool) -> msgspec.json.Decoder[Any] | None:
    shape = shape_of(resource_type)
    if shape is None or not shape.is_resource or resource_type in ABSTRACT:
        return None
    return msgspec.json.Decoder(_Compiler(with_targets=with_targets).struct(shape, resource_type))


class _Compiler:
    """Makes the structs of one resource type; they find each other by name, as FHIR types hold themselves."""

    def __init__(self, *, with_targets: bool) -> None:
        self._made: dict[str, Any] = {}
        self._with_targets = with_targets

    def struct(self, shape: Shape, path: str, *, targets: frozenset[str] | None = None) -> Any:  # noqa: ANN401
        """Return the struct of a shape that stands at a path of the specification."""
        name = shape.name if targets is None else f"{shape.name} to {' '.join(sorted(targets))}"
        if name in self._made:
            return self._made[name]
        self._made[name] = None
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for slot in sorted(shape.slots, key=lambda slot: not slot.is_required):
            kind = self._annotation(slot, path)
            fields.append((slot.name, kind) if slot.is_required else (slot.name, f"{kind} | UnsetType", UNSET))
        fields.append((COMMENTS, "str | list[str] | UnsetType", UNSET))
        namespace: dict[str, Any] = {"_made": self._made, "UnsetType": UnsetType}
        rules = _rules(shape, targets)
        if rules:
            namespace["__post_init__"] = _all_of(rules)
        self._made[name] = msgspec.defstruct(
            shape.name,
            fields,
            namespace=namespace,
            rename={slot.name: slot.key for slot in shape.slots},
            forbid_unknown_fields=True,
            gc=False,
            eq=False,
            tag_field="resourceType" if shape.is_resource else None,
            tag=shape.name if shape.is_resource else None,
        )
        return self._made[name]

    def _annotation(self, slot: Slot, path: str) -> str:
        """Return the annotation of a member, as text that is read when all structs are made."""
        item = f"_made[{self._item(slot, f'{path}.{slot.key}')!r}]"
        if not slot.is_list:
            return item
        items = f"list[{item} | None]" if slot.may_hold_null else f"list[{item}]"
        if not slot.is_required:
            return items
        self._made["at least one"] = Meta(min_length=1)
        self._made["Annotated"] = Annotated
        return f"_made['Annotated'][{items}, _made['at least one']]"

    def _item(self, slot: Slot, place: str) -> str:
        """Make what a member holds and return its name."""
        codes = _required_codes(slot, place)
        if codes:
            name = f"codes {' '.join(codes)}"
            self._made[name] = Literal[codes]
            return name
        if slot.type in _PRIMITIVES:
            self._made[slot.type] = _PRIMITIVES[slot.type]
            return slot.type
        shape = shape_of(slot.type)
        if shape is None or slot.type in ABSTRACT:
            self._made["Raw"] = Raw
            return "Raw"
        owner, _, below = place.partition(".")
        targets = target_types(owner, below) if self._with_targets and slot.type == "Reference" else None
        self.struct(shape, place if shape.is_part else shape.name, targets=targets or None)
        return shape.name if not targets else f"{shape.name} to {' '.join(sorted(targets))}"


@cache
def _full_bindings() -> dict[str, tuple[str, ...]]:
    with files("coordinator.fhir").joinpath("tables/required_bindings.csv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return {f"{row['type']}.{row['path']}": tuple(row["codes"].split()) for row in rows}


def _required_codes(slot: Slot, place: str) -> tuple[str, ...]:
    return _full_bindings().get(place, slot.codes) if slot.type == "code" else ()


# --- rules beyond the structure ----------------------------------------------------------------------------------


def _rules(shape: Shape, targets: frozenset[str] | None) -> list[_Rule]:
    rules = [_needed(shape, name, extension=extension) for name, extension in shape.needed]
    rules += [_one_of(choice) for choice in shape.choices]
    rules += [_base64(slot.name) for slot in shape.slots if slot.type == "base64Binary"]
    if shape.name == "Period":
        rules.append(_ends_after_its_start)
    if shape.name == "FHIRPrimitiveExtension":
        rules.append(_says_something)
    if shape.name == "Reference" and targets:
        rules.append(_points_at(targets))
    return rules


def _all_of(rules: list[_Rule]) -> _Rule:
    if len(rules) == 1:
        return rules[0]

    def every(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        for rule in rules:
            rule(value)

    return every


def _needed(shape: Shape, name: str, *, extension: str | None) -> _Rule:
    key = next(slot.key for slot in shape.slots if slot.name == name)

    def rule(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        if getattr(value, name) is not UNSET:
            return
        reason = getattr(value, extension) if extension else UNSET
        if not getattr(reason, "extension", UNSET):
            _refuse("required", f"{key} is missing")

    return rule


def _one_of(choice: Choice) -> _Rule:
    members = attrgetter(*choice.members)
    most_absent = len(choice.members) - 1

    def rule(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        absent = members(value).count(UNSET)
        if absent < most_absent:
            _refuse("structure", f"{choice.name}[x] stands more than once")
        if choice.is_required and absent > most_absent:
            _refuse("required", f"{choice.name}[x] is missing")

    return rule


def _base64(name: str) -> _Rule:
    def rule(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        text = getattr(value, name)
        if text is not UNSET:
            _check_base64(text)

    return rule


def _ends_after_its_start(period: Any) -> None:  # noqa: ANN401 - a struct made at run time
    start, end = period.start, period.end
    if start is UNSET or end is UNSET or (start[19:] == end[19:] and len(start) == len(end) and start <= end):
        return
    if certainly_before(end, start):
        _refuse("invariant", "the period ends before it starts")


def _says_something(extended: Any) -> None:  # noqa: ANN401 - a struct made at run time
    if extended.id is UNSET and extended.extension is UNSET and extended.fhir_comments is UNSET:
        _refuse("structure", "neither id nor extension")


_OWN_SERVER = re.compile("([A-Za-z]+)[/?]")


def _points_at(targets: frozenset[str]) -> _Rule:
    def rule(reference: Any) -> None:  # noqa: ANN401 - a struct made at run time
        text = reference.reference
        plain = _OWN_SERVER.match(text) if text is not UNSET else None
        if plain and plain[1] in targets:
            return
        kind = _target_type(text) if text is not UNSET else None
        if kind is None and reference.type is not UNSET:
            kind = reference.type.removeprefix("http://hl7.org/fhir/StructureDefinition/")
        if kind is not None and kind not in targets:
            _refuse("reference-target", "points at a type that is not allowed here")

    return rule


def _target_type(text: str) -> str | None:
    match parse_reference(text):
        case Relative(type=kind) | Absolute(type=kind) | Conditional(type=kind):
            return kind
        case _:
            return None
