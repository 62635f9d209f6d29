"""One exchange with an EHR as values: what is asked, and what came of it."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urlsplit

FHIR_JSON = "application/fhir+json"
# Some servers answer a repeated search from a cache for a while (HAPI: 60 s): what was just created would be missing.
AS_IT_IS_NOW = {"accept": FHIR_JSON, "cache-control": "no-cache"}
BROKEN_OFF = "broken off"
UNASKED = "in an encoding that we did not ask for"
MISPACKED = "not in the encoding that it claims"
_PORTS = {"http": 80, "https": 443}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request. `place` names it in messages: a type and what is done with it, never an id or a query.

    `safe` overrides what the method says of asking twice: a search by POST may be, the start of a job by GET not.
    `may_leave` is asked where nothing lies any more between the answer and the network.
    """

    method: str
    url: str
    place: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    safe: bool | None = None
    may_leave: Callable[[], Awaitable[bool]] | None = None

    @property
    def is_safe(self) -> bool:
        """Say whether asking twice does no more than asking once."""
        return self.method == "GET" if self.safe is None else self.safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the EHR answered; header names in lower case.

    `fault` says why the body is not here although the status is: too large, broken off, an encoding we did not ask for.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str = ""

    @property
    def is_html(self) -> bool:
        """Say whether a web page came instead of FHIR, as gateways and portals answer."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.body[:64].lstrip().lower().startswith((b"<!doctype", b"<html"))

    @property
    def is_xml(self) -> bool:
        """Say whether the answer is in XML, which some EHRs give whatever was asked for."""
        kind = self.headers.get("content-type", "").lower()
        return not self.is_html and ("xml" in kind or self.body[:64].lstrip().startswith(b"<"))

    @property
    def is_packed_unsaid(self) -> bool:
        """Say whether the body is packed with gzip though no header says so (RFC 1952: 1f 8b)."""
        return self.body[:2] == b"\x1f\x8b"


class Again(Enum):
    """Whether asking once more is of use."""

    LATER = "later"
    """After a while it may go through."""
    AT_ONCE = "at once"
    """What was wrong is mended: a token had ended, and there is a new one."""
    NEVER = "never"
    """Not before somebody changes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """No answer came. `sent` says whether the request may have reached the EHR; `hint` what a person can do.

    `code` is a word by which a program tells why.
    """

    reason: str
    sent: bool
    again: Again = Again.LATER
    hint: str = ""
    code: str = ""


Reply: TypeAlias = Answer | Lost
Steps: TypeAlias = Generator[Asked, Reply, _T]


class Wire(Protocol):
    """Carries one request to an EHR and brings back what came of it; never raises for what the EHR or network does."""

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that none came."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The FHIR base address of an EHR."""

    url: str

    def record(self, type_: str, id_: str) -> str:
        """Return the address of one record."""
        return f"{self.url}/{quote(type_, safe='')}/{quote(id_, safe='')}"

    def search(self, type_: str, parameters: tuple[tuple[str, str], ...]) -> str:
        """Return the address of a search; everything is percent-encoded, so that `|` and `+` mean themselves."""
        query = urlencode(parameters, quote_via=quote, safe="")
        return f"{self.url}/{quote(type_, safe='')}" + (f"?{query}" if query else "")

    def posted(self, type_: str, parameters: tuple[tuple[str, str], ...]) -> tuple[str, bytes]:
        """Return the address and the body of a search by POST: all in the body, as some drop the query beside it."""
        return f"{self.url}/{quote(type_, safe='')}/_search", urlencode(parameters, quote_via=quote, safe="").encode()

    def history(self, type_: str, parameters: tuple[tuple[str, str], ...]) -> str:
        """Return the address of the history of a type, or of all types where none is named."""
        query = urlencode(parameters, quote_via=quote, safe="")
        place = f"{self.url}/{quote(type_, safe='')}" if type_ else self.url
        return f"{place}/_history" + (f"?{query}" if query else "")

    def holds(self, url: str) -> bool:
        """Say whether an address is of the same origin as this EHR; one with a user in it is none of ours."""
        return origin(url) == origin(self.url) and "@" not in url.partition("://")[2].partition("/")[0]


def base_of(url: str) -> Base:
    """Return the base, whatever slash or `/metadata` the operator left at its end."""
    return Base(url=url.strip().rstrip("/").removesuffix("/metadata").rstrip("/"))


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address."""
    try:
        parts = urlsplit(url)
        return (parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower()))
    except ValueError:
        return ("", "", None)
