"""Structs that fit one resource type and nothing else, compiled from the shapes of the models and our own tables."""

import binascii
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from coordinator.fhir.dates import certainly_before
from coordinator.fhir.models import ABSTRACT, COMMENTS, Choice, Shape, Slot, shape_of
from coordinator.fhir.references import Absolute, Conditional, Relative, parse_reference, target_types

MARK = "issue "


def refuse(code: str, text: str) -> None:
    """Refuse a value from within a decoder, which adds the path."""
    raise ValueError(f"{MARK}{code}: {text}")


# --- primitives --------------------------------------------------------------------------------------------------

_DAY = (
    r"(?!0000)[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?|(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?!0000)(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_INSTANT = rf"(?=[0-9-]{{10}}T)(?:{_DAY})T{_CLOCK}{_ZONE}"


def form(pattern: str) -> Any:  # noqa: ANN401 - an annotation
    """Return the annotation of a text that a pattern fits from its beginning to its end."""
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


PRIMITIVES: Mapping[str, Any] = {
    "base64Binary": str,
    "boolean": bool,
    "canonical": form(r"\S+"),
    "code": form(r"\S+(?:\s\S+)*"),
    "date": form(_DAY),
    "dateTime": form(rf"{_DAY}|{_INSTANT}"),
    "decimal": float,
    # R4 says 64 characters; servers give 88 and more, and such an id can only be taken as it is.
    "id": form(r"[A-Za-z0-9.-]{1,255}"),
    "instant": form(_INSTANT),
    "integer": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    "markdown": Annotated[str, Meta(pattern=r"\S")],
    "oid": form(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "positiveInt": Annotated[int, Meta(ge=1, le=2**31 - 1)],
    "string": Annotated[str, Meta(pattern=r"[ \r\n\t\S]")],
    "time": form(_CLOCK),
    "unsignedInt": Annotated[int, Meta(ge=0, le=2**31 - 1)],
    "uri": form(r"\S+"),
    "url": form(r"\S+"),
    "uuid": form(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    "xhtml": Annotated[str, Meta(min_length=1)],
}


def _check_base64(value: str) -> None:
    try:
        binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except (binascii.Error, ValueError):
        refuse("value", "not base64")


# --- compiling ---------------------------------------------------------------------------------------------------

Rule = Callable[[Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How structs are made: what each primitive must be, what is made of a shape, and rules for single members."""

    primitives: Mapping[str, Any] = field(default_factory=lambda: PRIMITIVES)
    with_targets: bool = True
    shaped: Callable[[Shape], Shape] = lambda shape: shape
    rules: Callable[[Slot], Iterator[Rule]] = lambda _: iter(())


def resource_decoder(resource_type: str, style: Style) -> msgspec.json.Decoder[Any] | None:
    """Return a decoder that takes what fits the type, None where it is not the type of a resource that we know."""
    shape = shape_of(resource_type)
    if shape is None or not shape.is_resource or resource_type in ABSTRACT:
        return None
    return msgspec.json.Decoder(_Compiler(style).struct(shape, resource_type))


def part_decoder(name: str, style: Style) -> msgspec.json.Decoder[Any]:
    """Return a decoder that takes what fits a data type of the specification."""
    shape = shape_of(name)
    if shape is None:
        raise LookupError(f"the models know no {name}")
    return msgspec.json.Decoder(_Compiler(style).struct(shape, name))


class _Compiler:
    """Makes the structs of one resource type; they find each other by name, as FHIR types hold themselves."""

    def __init__(self, style: Style) -> None:
        self._made: dict[str, Any] = {}
        self._style = style

    def struct(self, shape: Shape, path: str, *, targets: frozenset[str] | None = None) -> Any:  # noqa: ANN401
        """Return the struct of a shape that stands at a path of the specification."""
        name = shape.name if targets is None else f"{shape.name} to {' '.join(sorted(targets))}"
        if name in self._made:
            return self._made[name]
        self._made[name] = None
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        shape = self._style.shaped(shape)
        for slot in sorted(shape.slots, key=lambda slot: not slot.is_required):
            kind = self._annotation(slot, path)
            fields.append((slot.name, kind) if slot.is_required else (slot.name, f"{kind} | UnsetType", UNSET))
        fields.append((COMMENTS, "str | list[str] | UnsetType", UNSET))
        namespace: dict[str, Any] = {"_made": self._made, "UnsetType": UnsetType}
        rules = _rules(shape, targets) + [rule for slot in shape.slots for rule in self._style.rules(slot)]
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
        if slot.type in self._style.primitives:
            self._made[slot.type] = self._style.primitives[slot.type]
            return slot.type
        shape = shape_of(slot.type)
        if shape is None or slot.type in ABSTRACT:
            self._made["Raw"] = Raw
            return "Raw"
        owner, _, below = place.partition(".")
        targets = target_types(owner, below) if self._style.with_targets and slot.type == "Reference" else None
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


def _rules(shape: Shape, targets: frozenset[str] | None) -> list[Rule]:
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


def _all_of(rules: list[Rule]) -> Rule:
    if len(rules) == 1:
        return rules[0]

    def every(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        for rule in rules:
            rule(value)

    return every


def _needed(shape: Shape, name: str, *, extension: str | None) -> Rule:
    key = next(slot.key for slot in shape.slots if slot.name == name)

    def rule(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        if getattr(value, name) is not UNSET:
            return
        reason = getattr(value, extension) if extension else UNSET
        if not getattr(reason, "extension", UNSET):
            refuse("required", f"{key} is missing")

    return rule


def _one_of(choice: Choice) -> Rule:
    members = attrgetter(*choice.members)
    most_absent = len(choice.members) - 1

    def rule(value: Any) -> None:  # noqa: ANN401 - a struct made at run time
        absent = members(value).count(UNSET)
        if absent < most_absent:
            refuse("structure", f"{choice.name}[x] stands more than once")
        if choice.is_required and absent > most_absent:
            refuse("required", f"{choice.name}[x] is missing")

    return rule


def _base64(name: str) -> Rule:
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
        refuse("invariant", "the period ends before it starts")


def _says_something(extended: Any) -> None:  # noqa: ANN401 - a struct made at run time
    if extended.id is UNSET and extended.extension is UNSET and extended.fhir_comments is UNSET:
        refuse("structure", "neither id nor extension")


_OWN_SERVER = re.compile("([A-Za-z]+)[/?]")


def _points_at(targets: frozenset[str]) -> Rule:
    def rule(reference: Any) -> None:  # noqa: ANN401 - a struct made at run time
        text = reference.reference
        plain = _OWN_SERVER.match(text) if text is not UNSET else None
        if plain and plain[1] in targets:
            return
        kind = _target_type(text) if text is not UNSET else None
        if kind is None and reference.type is not UNSET:
            kind = reference.type.removeprefix("http://hl7.org/fhir/StructureDefinition/")
        if kind is not None and kind not in targets:
            refuse("reference-target", "points at a type that is not allowed here")

    return rule


def _target_type(text: str) -> str | None:
    match parse_reference(text):
        case Relative(type=kind) | Absolute(type=kind) | Conditional(type=kind):
            return kind
        case _:
            return None
