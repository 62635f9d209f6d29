"""Pages of search results, split without reading what is on them."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from coordinator.errors import InvalidInput
from coordinator.fhir.document import NotAResource
from coordinator.fhir.json_text import BadJson, parse


class NotABundle(InvalidInput):
    """The answer is no Bundle; what it says of itself, if it is an OperationOutcome, comes along."""

    def __init__(self, kind: str, outcomes: tuple["Outcome", ...] = ()) -> None:
        super().__init__(
            f"The answer is no Bundle but {kind}.",
            operation="split page",
            hint="Check that the address is the base of a FHIR server and that the client may search.",
        )
        self.outcomes = outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One issue of an OperationOutcome, as the server put it."""

    severity: str
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a search: its resources as they were sent, its warnings, and where it goes on."""

    entries: tuple[bytes, ...]
    outcomes: tuple[Outcome, ...] = ()
    next: str | None = None
    self: str | None = None
    total: int | None = None
    empty: int = 0  # entries without a resource, as in the history of something deleted
    gone: tuple[str, ...] = ()  # what a history says was deleted, as `Type/id`


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What names a resource and its version; made for each entry that comes, so a struct: half the price of others."""

    type: str
    id: str
    version_id: str | None = None
    last_updated: str | None = None


def split_page(raw: bytes) -> Page:
    """Return the page with each resource as the bytes that were sent.

    Raises BadJson, or NotABundle with the outcomes when the server answered with an OperationOutcome instead.
    """
    try:
        bundle = _decoded(_BUNDLE, raw)
    except NotAResource:
        raise NotABundle("something of another shape") from None
    if bundle.resource_type != "Bundle":
        raise NotABundle(bundle.resource_type or "something else", read_outcomes(raw))
    entries: list[bytes] = []
    outcomes: list[Outcome] = []
    gone: list[str] = []
    empty = 0
    may_warn = may_name(raw, _OUTCOME_NAME)
    for entry in bundle.entry or ():
        resource = b"null" if entry is None or isinstance(entry.resource, UnsetType) else bytes(entry.resource)
        if resource == b"null":
            empty += 1
            gone += [] if entry is None or (place := _deleted(entry)) is None else [place]
        elif may_warn and _is_outcome(resource):
            outcomes.extend(read_outcomes(resource))
        else:
            entries.append(resource)
    named = raw.count(_ENTRY)
    if named > 1 and named > 1 + sum(resource.count(_ENTRY) for resource in entries):
        parse(raw)  # refuses a second list of entries, which would hide the first one
    links = {link.relation: link.url for link in bundle.link or () if link.relation and link.url}
    return Page(
        entries=tuple(entries),
        outcomes=tuple(outcomes),
        next=links.get("next"),
        self=links.get("self"),
        total=bundle.total,
        empty=empty,
        gone=tuple(gone),
    )


def read_outcomes(raw: bytes) -> tuple[Outcome, ...]:
    """Return the issues of an OperationOutcome; none for anything else, so that any answer may be asked."""
    try:
        found = _OUTCOME.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    if found.resource_type != "OperationOutcome":
        return ()
    return tuple(_outcome(issue) for issue in found.issue or ())


def head(raw: bytes) -> Head:
    """Return what names the resource, reading no more of it. Raises BadJson or NotAResource."""
    found = _decoded(_HEAD, raw)
    if not found.resource_type:
        raise NotAResource("it has no resourceType")
    meta = found.meta or _NO_META
    return Head(
        type=found.resource_type,
        id=found.id or "",
        version_id=meta.version_id or None,
        last_updated=meta.last_updated or None,
    )


def id_of(raw: bytes) -> str:
    """Return the id of a resource, an empty text where it can't be read."""
    try:
        return head(raw).id
    except (BadJson, NotAResource):
        return ""


def may_name(raw: bytes, name: bytes) -> bool:
    """Say whether a name can stand in JSON text: where it does not as it is, it may still be spelled with escapes."""
    return name in raw or (b"\\" in raw and b"\\u" in raw)  # the first half of the test is many times as fast


_ENTRY = b'"entry"'
_OUTCOME_NAME = b"OperationOutcome"


# --- the few members that are read -------------------------------------------------------------------------------


class _Typed(msgspec.Struct, rename="camel"):
    resource_type: str = ""


class _Link(msgspec.Struct, rename="camel"):
    relation: str | None = None
    url: str | None = None


class _Request(msgspec.Struct, rename="camel"):
    method: str | None = None
    url: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    resource: Raw | UnsetType = UNSET
    request: _Request | None = None


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    entry: list[_Entry | None] | None = None
    link: list[_Link] | None = None
    total: int | None = None


class _Meta(msgspec.Struct, rename="camel"):
    version_id: str | None = None
    last_updated: str | None = None


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    id: str | None = None
    meta: _Meta | None = None


class _Details(msgspec.Struct, rename="camel"):
    text: str | None = None


class _Issue(msgspec.Struct, rename="camel"):
    severity: str | None = None
    code: str | None = None
    diagnostics: str | None = None
    details: _Details | None = None


class _OperationOutcome(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    issue: list[_Issue] | None = None


_NO_META = _Meta()
_TYPE = msgspec.json.Decoder(_Typed)
_BUNDLE = msgspec.json.Decoder(_Bundle)
_HEAD = msgspec.json.Decoder(_Head)
_OUTCOME = msgspec.json.Decoder(_OperationOutcome)


_T = TypeVar("_T")


def _decoded(decoder: msgspec.json.Decoder[_T], raw: bytes | Raw) -> _T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as trouble:
        raise NotAResource("a member that names it has the wrong type") from trouble
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
        parse(bytes(raw))  # tells the reason and the place better
        raise BadJson("it is not JSON", "byte 0") from trouble  # pragma: no cover - were the two readers ever to differ


def _deleted(entry: _Entry) -> str | None:
    """Return the place, `Type/id`, that an entry of a history says was deleted."""
    request = entry.request
    if request is None or request.method != "DELETE" or not request.url:
        return None
    parts = request.url.partition("/_history/")[0].rstrip("/").split("/")
    return "/".join(parts[-2:]) if len(parts) > 1 else None


def _is_outcome(resource: bytes) -> bool:
    try:
        return _TYPE.decode(resource).resource_type == "OperationOutcome"
    except msgspec.ValidationError:  # no resource at all; it goes on as it came, so that it is seen
        return False


def _outcome(issue: _Issue) -> Outcome:
    details = issue.details.text if issue.details else None
    return Outcome(severity=issue.severity or "", code=issue.code or "", text=issue.diagnostics or details or "")
