"""The models of fhir.resources (R4B, which serve for R4): a second judge, and the shapes the checker is made from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from coordinator.fhir.document import Document
from coordinator.fhir.json_text import place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something that is wrong with a document: where, of what kind, and what; never with what stands there."""

    path: str
    code: str
    text: str

    @property
    def blocks(self) -> bool:
        """Say whether the document can't be relied on; a reference to an unusual type harms nothing else."""
        return self.code != "reference-target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One member of a shape, as the models describe it.

    `type` is a primitive ("string", "code", ...), another shape, or "Resource" where any resource may stand.
    """

    name: str
    key: str
    type: str
    is_list: bool = False
    may_hold_null: bool = False
    is_required: bool = False
    codes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The members of a choice such as value[x], of which one may stand."""

    name: str
    members: tuple[str, ...]
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a resource, data type or part of one is made of.

    `needed` names the primitives that must stand, each with the member whose extension may tell why it does not.
    """

    name: str
    is_resource: bool
    is_part: bool
    slots: tuple[Slot, ...]
    choices: tuple[Choice, ...]
    needed: tuple[tuple[str, str | None], ...]


def validate(document: Document) -> tuple[Issue, ...]:
    """Return what fhir.resources finds wrong: slow, for what we author and what is clinically critical."""
    path = type_name(document)
    model = _model(document.type)
    if model is None or document.type in ABSTRACT or not model.has_resource_base():
        return (unsupported(path),)
    from pydantic import ValidationError  # noqa: PLC0415 - see _model

    try:
        model.model_validate_json(document.raw)
    except ValidationError as trouble:
        errors = trouble.errors(include_input=False, include_context=False, include_url=False)
        return tuple(_issue(error["type"], place_of(error["loc"], path)) for error in errors)
    except (AttributeError, KeyError, TypeError, ValueError):  # the models look up a resourceType before they check it
        return (Issue(path=path, code="structure", text="a resource inside is of no known type"),)
    return ()


def type_name(document: Document) -> str:
    """Return the type as root of paths; a text that no type could have is not repeated."""
    return document.type if _TYPE_NAME.fullmatch(document.type) else "$"


def unsupported(path: str) -> Issue:
    """Return the issue for a type that the R4B models lack, as R4B renamed or dropped some types of R4."""
    return Issue(path=path, code="structure", text="unsupported type")


@cache
def shape_of(name: str) -> Shape | None:
    """Return the shape of a resource, a data type or a part ("EncounterParticipant"), None where there is none."""
    model = _model(name)
    if model is None:
        return None
    blank = model.model_construct()
    fields = {key: field for key, field in model.model_fields.items() if key != COMMENTS}
    return Shape(
        name=name,
        is_resource=model.has_resource_base(),
        is_part=model.__module__.rpartition(".")[2] != name.lower(),
        slots=tuple(_slot(key, field) for key, field in fields.items()),
        choices=tuple(
            Choice(
                name=choice,
                members=tuple(members),
                is_required=bool(_extra(fields[members[0]]).get("one_of_many_required")),
            )
            for choice, members in blank.get_one_of_many_fields().items()
        ),
        needed=tuple((_field_of(fields, key), extension) for key, extension in blank.get_required_fields()),
    )


ABSTRACT = ("Resource", "DomainResource")
COMMENTS = "fhir_comments"  # of DSTU2; converters still write it and the models bear it

_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{1,63}", re.ASCII)


@cache
def _model(name: str) -> Any:  # noqa: ANN401 - the models are made at run time; their types say nothing
    """Return the model class; imported at the first use, as it takes a second."""
    if not _TYPE_NAME.fullmatch(name):
        return None
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415 - takes a second

    try:
        return get_fhir_model_class(name)
    except ValueError:
        return None


def _field_of(fields: dict[str, Any], key: str) -> str:
    return next(name for name, field in fields.items() if (field.alias or name) == key)


def _extra(field: Any) -> dict[str, Any]:  # noqa: ANN401 - see _model
    return field.json_schema_extra or {}


def _slot(name: str, field: Any) -> Slot:  # noqa: ANN401 - see _model
    annotation = _without_none(field.annotation)
    is_list = get_origin(annotation) is list
    item = get_args(annotation)[0] if is_list else annotation
    extra = _extra(field)
    return Slot(
        name=name,
        key=field.alias or name,
        type=_type_name(_without_none(item)),
        is_list=is_list,
        may_hold_null=is_list and type(None) in get_args(item),
        is_required=field.is_required(),
        codes=tuple(extra.get("enum_values") or ()),
        targets=tuple(extra.get("enum_reference_types") or ()),
    )


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 - see _model
    if get_origin(annotation) in _UNIONS:
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


_UNIONS = (Union, type(int | None))


def _type_name(annotation: Any) -> str:  # noqa: ANN401 - see _model
    if get_origin(annotation) is Annotated:
        named: Iterable[Any] = reversed(get_args(annotation)[1:])
        return next(_PRIMITIVES[type(mark).__name__] for mark in named if type(mark).__name__ in _PRIMITIVES)
    if hasattr(annotation, "get_model_klass"):
        return str(annotation.get_model_klass().__name__)
    return {"bool": "boolean", "str": "string"}[annotation.__name__]


_PRIMITIVES = {
    "Base64Binary": "base64Binary",
    "Canonical": "canonical",
    "Code": "code",
    "Date": "date",
    "DateTime": "dateTime",
    "Decimal": "decimal",
    "Id": "id",
    "Instant": "instant",
    "Integer": "integer",
    "Markdown": "markdown",
    "Oid": "oid",
    "PositiveInt": "positiveInt",
    "String": "string",
    "Time": "time",
    "UnsignedInt": "unsignedInt",
    "Uri": "uri",
    "Url": "url",
    "UuidVersion": "uuid",
    "Xhtml": "xhtml",
}

# What pydantic calls a trouble, and what we call it. Its own texts may repeat what stands there.
_KINDS = {
    "missing": ("required", "a required member is missing"),
    "model_field_validation.missing": ("required", "a required member is missing"),
    "extra_forbidden": ("structure", "a member that the specification does not know"),
    "string_pattern_mismatch": ("value", "not the form that the type demands"),
    "model_type": ("structure", "an object is expected"),
    "list_type": ("structure", "a list is expected"),
}


def _issue(kind: str, path: str) -> Issue:
    code, text = _KINDS.get(kind, ("value", "not a value of the type"))
    return Issue(path=path, code=code, text=text)
