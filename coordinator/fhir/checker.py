"""A strict and fast checker: decoders compiled, type by type, from the shapes of the models and our own tables."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from coordinator.fhir.document import Document
from coordinator.fhir.json_text import place_of
from coordinator.fhir.models import Issue, type_name, unsupported
from coordinator.fhir.structs import MARK, Style, resource_decoder


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
    if said.startswith(MARK):
        code, _, rest = said.removeprefix(MARK).partition(": ")
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


@cache
def _decoder(resource_type: str, *, with_targets: bool) -> msgspec.json.Decoder[Any] | None:
    return resource_decoder(resource_type, Style(with_targets=with_targets))
