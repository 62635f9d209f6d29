"""What a field of a lens can hold: how each kind is read from JSON and written back over what was there."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from coordinator.fhir.codes import CodeableConcept, Coding, Identifier, Quantity, coding_of
from coordinator.fhir.json_text import DecimalText, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a value is read from JSON and written.

    `read` gives None for JSON it can't show. `write` gets the value and the JSON that stands there (None: nothing) and
    keeps what the value does not model; reading its result must give the value again. None is
    written as absence without asking `write`; so is an empty list.
    """

    read: Callable[[Json], Any]
    write: Callable[[Any, Json], Json]


def many(element: Kind, *, key: Callable[[Any], object] | None = None) -> Kind:
    """Return the kind of a list of such elements, a tuple; elements that can't be read are not shown and stay.

    An element that is written unchanged keeps everything, a changed one that `key` recognizes what it does not model.
    """

    def read(value: Json) -> tuple[Any, ...]:
        items = value if isinstance(value, list) else []
        return tuple([found for item in items if (found := element.read(item)) is not None])

    def write(values: tuple[Any, ...], old: Json) -> Json:
        items = old if isinstance(old, list) else []
        hidden = [item for item in items if element.read(item) is None]
        shown = [item for item in items if element.read(item) is not None]
        return [*_written_over(values, shown, element=element, key=key), *hidden]

    return Kind(read=read, write=write)


def _written_over(
    values: tuple[Any, ...], old: list[Json], *, element: Kind, key: Callable[[Any], object] | None
) -> list[Json]:
    """Write each value over the old element that equals it, else over the one with the same key, else anew."""
    bases: list[Json] = [None] * len(values)
    left = [(element.read(item), item) for item in old]
    for name in (_itself, key) if key else (_itself,):
        for index, value in enumerate(values):
            place = next((at for at, pair in enumerate(left) if name(pair[0]) == name(value)), None)
            if bases[index] is None and place is not None:
                bases[index] = left.pop(place)[1]
    return [
        base if base is not None and element.read(base) == value else element.write(value, base)
        for value, base in zip(values, bases, strict=True)
    ]


def _itself(value: object) -> object:
    return value


def overlaid(old: Json, known: dict[str, Json]) -> Json:
    """Return the old object with the known members put in, or taken out where they are None; the others stay."""
    base: dict[str, Json] = old if isinstance(old, dict) else {}
    merged = {**base, **known}
    return {key: value for key, value in merged.items() if value is not None or key not in known}


# --- plain values ------------------------------------------------------------------------------------------------

_P = TypeVar("_P")


def _plain(kind: type[_P]) -> Kind:
    def read(value: Json) -> _P | None:
        return value if type(value) is kind else None

    def write(value: Json, _old: Json) -> Json:
        return value

    return Kind(read=read, write=write)


def _read_decimal(value: Json) -> DecimalText | None:
    if isinstance(value, DecimalText):
        return value
    return DecimalText(str(value)) if type(value) is int else None


def _write_decimal(value: Decimal, old: Json) -> Json:
    if _read_decimal(old) == value:
        return old
    if not value.is_finite():
        raise ValueError("a number of JSON is finite")
    return value if isinstance(value, DecimalText) else DecimalText(format(value, "f"))


def _read_json(value: Json) -> Json:
    return value


def _write_json(value: Json, _old: Json) -> Json:
    return value


TEXT = _plain(str)
BOOLEAN = _plain(bool)
INTEGER = _plain(int)
DECIMAL = Kind(read=_read_decimal, write=_write_decimal)
JSON = Kind(read=_read_json, write=_write_json)
TEXTS = many(TEXT)


# --- datatypes ---------------------------------------------------------------------------------------------------


def _text(holder: dict[str, Json], key: str) -> str | None:
    value = holder.get(key)
    return value if isinstance(value, str) else None


def _read_coding(value: Json) -> Coding | None:
    if not isinstance(value, dict):
        return None
    return coding_of(_text(value, "system"), _text(value, "code"), _text(value, "display"))


def _write_coding(value: Coding, old: Json) -> Json:
    was = _read_coding(old)
    # Version and userSelected speak of the old code; they must not be said of a new one.
    base = old if was and (was.system, was.code) == (value.system, value.code) else None
    return overlaid(base, {"system": value.system, "code": value.code, "display": value.display})


CODING = Kind(read=_read_coding, write=_write_coding)
CODINGS = many(CODING, key=lambda coding: (coding.system, coding.code))


def _read_concept(value: Json) -> CodeableConcept | None:
    if not isinstance(value, dict):
        return None
    return CodeableConcept(codings=CODINGS.read(value.get("coding")), text=_text(value, "text"))


def _write_concept(value: CodeableConcept, old: Json) -> Json:
    before = old.get("coding") if isinstance(old, dict) else None
    unchanged = CODINGS.read(before) == value.codings
    codings = before if unchanged else CODINGS.write(value.codings, before) or None
    return overlaid(old, {"coding": codings, "text": value.text})


CONCEPT = Kind(read=_read_concept, write=_write_concept)
CONCEPTS = many(CONCEPT, key=lambda concept: tuple(coding.key for coding in concept.codings))


def _read_reference(value: Json) -> str | None:
    return _text(value, "reference") if isinstance(value, dict) else None


def _write_reference(value: str, old: Json) -> Json:
    # Display, type and identifier described the old target.
    return overlaid(old, {"reference": value, "type": None, "identifier": None, "display": None})


REFERENCE = Kind(read=_read_reference, write=_write_reference)
REFERENCES = many(REFERENCE)


def _read_quantity(value: Json) -> Quantity | None:
    if not isinstance(value, dict):
        return None
    return Quantity(
        value=_read_decimal(value.get("value")),
        unit=_text(value, "unit"),
        system=_text(value, "system"),
        code=_text(value, "code"),
        comparator=_text(value, "comparator"),
    )


def _write_quantity(value: Quantity, old: Json) -> Json:
    before = old.get("value") if isinstance(old, dict) else None
    known: dict[str, Json] = {
        "value": None if value.value is None else _write_decimal(value.value, before),
        "comparator": value.comparator,
        "unit": value.unit,
        "system": value.system,
        "code": value.code,
    }
    return overlaid(old, known)


QUANTITY = Kind(read=_read_quantity, write=_write_quantity)

IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"


def _read_identifier(value: Json) -> Identifier | None:
    if not isinstance(value, dict):
        return None
    return Identifier(
        system=_text(value, "system"),
        value=_text(value, "value"),
        type_code=_type_code(value),
        use=_text(value, "use"),
    )


def _type_code(identifier: dict[str, Json]) -> str | None:
    concept = _read_concept(identifier.get("type"))
    return next((coding.code for coding in concept.codings if coding.code is not None), None) if concept else None


def _write_identifier(value: Identifier, old: Json) -> Json:
    was = _read_identifier(old)
    base = old if isinstance(old, dict) and was and (was.system, was.value) == (value.system, value.value) else {}
    kind = base.get("type")
    if _type_code(base) != value.type_code:
        kind = (
            {"coding": [{"system": IDENTIFIER_TYPES, "code": value.type_code}]} if value.type_code is not None else None
        )
    return overlaid(base, {"use": value.use, "type": kind, "system": value.system, "value": value.value})


IDENTIFIER = Kind(read=_read_identifier, write=_write_identifier)
IDENTIFIERS = many(IDENTIFIER, key=lambda identifier: (identifier.system, identifier.value))
