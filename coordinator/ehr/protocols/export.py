"""Bulk export (FHIR Bulk Data Access 1.0 and 2.0): a job is started, waited for, and deleted; its manifest is read.

A job outlives us. Its address is given out before it is waited for, so that a run that was cut off goes on with the
same job: big EHRs allow one at a time, and take hours or days.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode, urljoin

from coordinator.ehr.exchange import FHIR_JSON, Answer, Asked, Base, Lost, Reply, Steps
from coordinator.ehr.protocols.retry import BUSY, retry_after
from coordinator.ehr.protocols.trouble import trouble
from coordinator.errors import InvalidInput, PermanentEhrError
from coordinator.fhir import Json, instant_in, parse

START: Final = "export start"
STATUS: Final = "export status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be exported: of everybody (`scope` is empty), of all patients, or of a group; these types.

    With `since`, the EHR's own time as an instant, what changed from then on.
    """

    scope: str = ""
    types: tuple[str, ...] = ()
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a job is waited for. What an EHR asks for is clamped: one asked for five hours."""

    shortest: float = 1.0
    longest: float = 120.0
    total: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """To be waited before the next request, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of an export; `count` is how many lines it has, where the EHR tells."""

    type: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a finished job brought. `as_of` is the EHR's own time up to which it holds every change."""

    files: tuple[File, ...]
    deleted: tuple[File, ...] = ()
    errors: tuple[File, ...] = ()
    as_of: datetime | None = None
    needs_token: bool = False
    is_part: bool = False  # it says that more files are listed elsewhere


@dataclass(frozen=True, slots=True)
class Pending:
    """The job is not done yet."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The EHR knows no such job any more."""


Waiting: TypeAlias = Generator[Asked | Wait, Reply | None, Manifest | Pending | Gone]


def start(base: Base, order: Order) -> Steps[str]:
    """Return the address where the job tells how far it is. Raises EhrError.

    Some EHRs refuse a list with a type that they don't export: then all is asked for.
    """
    reply = yield _kick_off(base, order)
    if isinstance(reply, Answer) and reply.status in (400, 422) and order.types:
        reply = yield _kick_off(base, replace(order, types=()))
    if isinstance(reply, Lost) or reply.status != 202:
        raise trouble(reply, operation="export", subject=START)
    url = urljoin(f"{base.url}/", reply.headers.get("content-location", ""))
    if not reply.headers.get("content-location") or not base.holds(url):
        raise PermanentEhrError(
            "The export was started, and its status is at no address of this EHR.",
            operation="export",
            subject=START,
            hint="Ask the EHR's operator where the Content-Location of $export leads.",
        )
    return url


def _kick_off(base: Base, order: Order) -> Asked:
    told = {"_type": ",".join(order.types), "_since": order.since}
    query = urlencode({name: value for name, value in told.items() if value}, quote_via=quote, safe=",")
    place = f"{base.url}/{order.scope}/$export" if order.scope else f"{base.url}/$export"
    headers = {"accept": FHIR_JSON, "prefer": "respond-async"}
    url = f"{place}?{query}" if query else place
    # Sent twice it starts two jobs, or the second is refused.
    return Asked(method="GET", url=url, place=START, headers=headers, safe=False)


def wait(base: Base, url: str, *, patience: Patience) -> Waiting:
    """Return the manifest, or that the job is not done within our patience, or unknown by now. Raises EhrError."""
    waited, pause = 0.0, patience.shortest
    while True:
        reply = yield Asked(method="GET", url=url, place=STATUS, headers={"accept": "application/json"})
        if isinstance(reply, Answer) and reply.status == 200:
            return read_manifest(reply, base)
        if isinstance(reply, Answer) and reply.status in (404, 410):
            return Gone()
        if not isinstance(reply, Answer) or (reply.status != 202 and reply.status not in BUSY):
            raise trouble(reply or Lost(reason="no answer", sent=True), operation="export", subject=STATUS)
        asked_for = retry_after(reply)
        wanted = pause if asked_for is None else asked_for
        pause = min(pause * 2, patience.longest)
        seconds = min(max(wanted, patience.shortest), patience.longest)
        if waited + seconds > patience.total:
            return Pending()
        waited += max(seconds, 0.001)
        yield Wait(seconds=seconds)


def delete(url: str) -> Steps[None]:
    """Ask the EHR to forget a job: one that is left blocks the next. That it is unknown already is as good."""
    yield Asked(method="DELETE", url=url, place=STATUS, safe=True)


def read_manifest(answer: Answer, base: Base) -> Manifest:
    """Return what a finished job tells. Raises PermanentEhrError."""
    try:
        tree = parse(answer.body)
    except InvalidInput:
        tree = None
    if not isinstance(tree, dict) or not isinstance(tree.get("output"), list):
        raise PermanentEhrError(
            "The export is done, and what it tells of its files can't be read.",
            operation="export",
            subject=STATUS,
            hint="Start it again with `coordinator sync --export`; ask the EHR's operator if it stays so.",
        )
    told = tree.get("transactionTime")
    links = tree.get("link")
    return Manifest(
        files=_files(tree.get("output"), base),
        deleted=_files(tree.get("deleted"), base),
        errors=_files(tree.get("error"), base),
        as_of=instant_in(told) if isinstance(told, str) else None,
        needs_token=tree.get("requiresAccessToken") is True,
        is_part=isinstance(links, list)
        and any(isinstance(one, dict) and one.get("relation") == "next" for one in links),
    )


def _files(value: Json, base: Base) -> tuple[File, ...]:
    found: list[File] = []
    for one in value if isinstance(value, list) else []:
        url = one.get("url") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(url, str) or not url:
            continue
        type_, count = one.get("type"), one.get("count")
        found.append(
            File(
                type=type_ if isinstance(type_, str) else "",
                url=urljoin(f"{base.url}/", url),
                count=count if isinstance(count, int) and not isinstance(count, bool) else None,
            )
        )
    return tuple(found)
