"""A search to its end, page by page, through what EHRs do on the way.

The last page may have no `total`, entries come twice, warnings stand among the entries, a next link leads to an empty
page, to itself, to another place or has expired, and a parameter may have been ignored without a word. The walk ends
in a verdict: complete, partial or restricted, and why. On the way it takes down the newest time that the EHR stamped.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import reduce
from typing import TypeAlias
from urllib.parse import parse_qsl, urljoin, urlsplit

from coordinator.ehr.exchange import AS_IT_IS_NOW, Answer, Asked, Base, Lost, Reply
from coordinator.ehr.protocols.outcomes import meanings, said_in
from coordinator.errors import InvalidInput
from coordinator.fhir import Head, NotABundle, Page, head, instant_of, split_page
from coordinator.reconcile.model import Grade

MOST_PAGES = 20_000
MOST_EMPTY = 20  # phantom pages in a row: a server was seen to hand out a next link for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: type, parameters, and those of them whose being ignored would widen it beyond what we may ask.

    With `since` it asks for what changed from then on; in a history where `in_history`, of all types if it names none.
    `by_post`: the parameters stand in the body, where an EHR takes them no other way.
    """

    type: str
    parameters: tuple[tuple[str, str], ...] = ()
    guarded: tuple[str, ...] = ()
    since: datetime | None = None
    in_history: bool = False
    by_post: bool = False


@dataclass(frozen=True, slots=True)
class Stamps:
    """The newest time that an EHR stamped; `coarse` where all stamps are at full hours: it may tell days alone."""

    newest: datetime | None = None
    coarse: bool = True

    def joined(self, other: "Stamps") -> "Stamps":
        """Return the stamps of both."""
        if self.newest is None or other.newest is None:
            return self if other.newest is None else other
        return Stamps(max(self.newest, other.newest), self.coarse and other.coarse)


NO_STAMPS = Stamps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How a search ended. `status` is that of a refused first request (0 otherwise), so that a probe can tell."""

    grade: Grade = Grade.COMPLETE
    problem: str = ""
    status: int = 0
    lost: bool = False
    ignored: bool = False  # a parameter was: what came is not what was asked for
    stamps: Stamps = NO_STAMPS
    stamps_of: Mapping[str, Stamps] = field(default_factory=dict)  # by type
    by_post: bool = False  # it was refused by GET and answered by POST


Paging: TypeAlias = Generator[Asked | Page, Reply | None, Walk]


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What a walk has met: links, and the newest of each record; marks only, as a walk may be long."""

    most_pages: int
    links: set[int] = field(default_factory=set)
    records: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    walk: Walk = field(default_factory=Walk)
    pages: int = 0
    empty: int = 0
    entries: int = 0
    stamps: dict[str, Stamps] = field(default_factory=dict)
    oldest: datetime | None = None


def search(base: Base, query: Query, *, most_pages: int = MOST_PAGES) -> Paging:
    """Yield requests and, in between, the pages they brought; return how it ended.

    An expired page starts the search again, once: records that came already are not given out twice.
    """
    seen = _Seen(most_pages=most_pages)
    walk = yield from _walk(base, query, seen)
    if walk.status in REFUSES_GET and not (query.by_post or query.in_history):
        query = replace(query, by_post=True)
        by_get, walk = walk, (yield from _walk(base, query, seen := _Seen(most_pages=most_pages)))
        walk = by_get if walk.status in REFUSES_GET else replace(walk, by_post=True)
    if walk.problem == _EXPIRED.problem:
        seen = _Seen(most_pages=most_pages, records=seen.records)
        walk = yield from _walk(base, query, seen)
    return replace(walk, stamps=reduce(Stamps.joined, seen.stamps.values(), NO_STAMPS), stamps_of=seen.stamps)


REFUSES_GET = frozenset({405, 414})  # method not allowed, and an address that is too long
_FORM = {**AS_IT_IS_NOW, "content-type": "application/x-www-form-urlencoded"}
_EXPIRED = Walk(grade=Grade.PARTIAL, problem="the search expired before its last page")


def _walk(base: Base, query: Query, seen: _Seen) -> Paging:
    asked = _first(base, query)
    while True:
        seen.links.add(hash(asked.url))
        reply = yield asked
        assert reply is not None  # noqa: S101  # a request is always answered with a reply
        page = _read(reply, seen)
        if isinstance(page, Walk):
            return _worse(seen.walk, page)
        if seen.pages == 0 and (ignored := _ignored(query, page)):
            return Walk(grade=Grade.PARTIAL, problem=f"the EHR ignored the parameter {ignored}", ignored=True)
        seen.pages += 1
        assert isinstance(reply, Answer)  # noqa: S101  # only an answer can be a page
        seen.walk = _worse(seen.walk, _warned(reply.body, page))
        seen.entries += len(page.entries) + page.empty
        fresh = tuple(_fresh(page.entries, seen, query, now=_told_now(reply)))
        if _is_before(seen.oldest, query.since):
            return Walk(grade=Grade.PARTIAL, problem="the EHR ignored since when changes were asked for", ignored=True)
        seen.empty = 0 if fresh else seen.empty + 1
        if fresh or page.outcomes or page.gone:
            yield replace(page, entries=fresh)
        step = _next(base, page, seen)
        if isinstance(step, Walk) and query.in_history and seen.entries < (page.total or 0):
            # HAPI was seen to give the first page of a history without a link to the next.
            step = Walk(grade=Grade.PARTIAL, problem="the history breaks off without a link to its next page")
        if isinstance(step, Walk):
            return _worse(seen.walk, step)
        asked = Asked(method="GET", url=step, place=asked.place, headers=AS_IT_IS_NOW)


def _first(base: Base, query: Query) -> Asked:
    """Return the first request of a search."""
    place = f"{query.type} {'history' if query.in_history else 'search'}".lstrip()
    if query.by_post:
        url, body = base.posted(query.type, query.parameters)
        return Asked(method="POST", url=url, place=place, headers=_FORM, body=body, safe=True)
    url = (base.history if query.in_history else base.search)(query.type, query.parameters)
    return Asked(method="GET", url=url, place=place, headers=AS_IT_IS_NOW)


def _read(reply: Reply, seen: _Seen) -> Page | Walk:
    """Return the page in a reply, or how its absence ends the walk."""
    if isinstance(reply, Lost):
        return Walk(grade=Grade.PARTIAL, problem=f"interrupted: {reply.reason}", lost=True)
    if reply.status != 200:
        return _refused(reply, seen)
    if reply.fault:
        return Walk(grade=Grade.PARTIAL, problem=f"a page was {reply.fault}")
    if reply.is_html:
        return Walk(grade=Grade.PARTIAL, problem="a web page came instead of FHIR", status=reply.status)
    if reply.is_xml:
        return Walk(grade=Grade.PARTIAL, problem="an answer in XML came instead of JSON", status=reply.status)
    try:
        return split_page(reply.body)
    except NotABundle:
        said = meanings(reply.body)
        if "restricted" in said:
            return Walk(grade=Grade.RESTRICTED, problem="not authorized", status=403)
        status = 400 if "needs-parameter" in said and not seen.pages else reply.status
        return Walk(grade=Grade.PARTIAL, problem="the answer was no Bundle", status=status)
    except InvalidInput:
        return Walk(grade=Grade.PARTIAL, problem="a page could not be read")


def _refused(answer: Answer, seen: _Seen) -> Walk:
    said = meanings(answer.body)
    is_gone = answer.status in (404, 410) or "expired" in said
    if seen.pages and is_gone:
        return _EXPIRED
    status = 0 if seen.pages else answer.status
    if answer.status in (401, 403) or "restricted" in said:
        return Walk(grade=Grade.RESTRICTED, problem=f"not authorized (status {answer.status})", status=status)
    if "too-many" in said:
        return Walk(grade=Grade.PARTIAL, problem="more records than the EHR gives for one search", status=status)
    return Walk(grade=Grade.PARTIAL, problem=f"status {answer.status}", status=status)


def _ignored(query: Query, page: Page) -> str | None:
    """Return the guarded parameter that the server left out, as its self link tells (FHIR R4 search, 3.1.1.2)."""
    if page.self is None:
        return None
    try:
        pairs = parse_qsl(urlsplit(page.self).query)
    except ValueError:  # no address at all: it tells nothing
        return None
    if query.by_post and not pairs:
        return _unheeded(query, page)  # HAPI tells the address of such a search alone
    used, names = [value for _, value in pairs], {name for name, _ in pairs}
    for name, value in query.parameters:
        # A server may spell it anew (`Patient/1`, `subject`), so the value is looked for, not the pair.
        if name in query.guarded and not any(value in one for one in used):
            return name
        if name in _FROM_THEN_ON and name not in names:  # its value may be spelled in another zone
            return name
    return None


def _unheeded(query: Query, page: Page) -> str | None:
    """Return a guarded parameter that a record on the page shows to have been ignored: it does not name the value."""
    for name, value in query.parameters:
        wanted = value.rpartition("/")[2].encode()
        if name in query.guarded and any(wanted not in raw for raw in page.entries):
            return name
    return None


def _warned(body: bytes, page: Page) -> Walk:
    """Return what the outcomes among the entries say about completeness."""
    if not page.outcomes:
        return Walk()
    said = said_in(body)
    for meaning, grade in (("restricted", Grade.RESTRICTED), ("partial", Grade.PARTIAL), ("too-many", Grade.PARTIAL)):
        found = next((one for one in said if one.meaning == meaning), None)
        if found is not None:
            return Walk(grade=grade, problem=f"the EHR warned of {meaning} results ({found.codes[-1]})")
    failures = [one for one in said if one.severity in {"error", "fatal"} and one.meaning != "none-found"]
    if not failures:
        return Walk()
    status = 400 if any(one.meaning == "needs-parameter" for one in failures) else 0
    return Walk(grade=Grade.PARTIAL, problem="the EHR reported an error among the results", status=status)


_FROM_THEN_ON = frozenset({"_lastUpdated", "_since"})
_LEEWAY = timedelta(days=1)  # a server may compare days where it was asked for seconds
_AHEAD = timedelta(minutes=5)


def _fresh(entries: tuple[bytes, ...], seen: _Seen, query: Query, *, now: datetime | None) -> Iterator[bytes]:
    """Yield entries that are new: some EHRs repeat ids over pages while data changes; an older state is dropped.

    In a history, which tells the newest first, each record counts once.
    """
    for raw in entries:
        try:
            named = head(raw)
        except InvalidInput:
            yield raw  # to be quarantined by whoever keeps it
            continue
        _note(named, seen, now)
        if not named.id:
            yield raw
            continue
        key, told = (named.type, named.id), named.last_updated or ""
        before = seen.records.get(key)
        if before is not None and (query.in_history or before[1] == hash(raw) or _is_older(told, before[0])):
            continue
        seen.records[key] = (told, hash(raw))
        yield raw


def _note(named: Head, seen: _Seen, now: datetime | None) -> None:
    """Take down when an EHR says that it last changed a record; not a time that its own clock has not reached yet."""
    if named.last_updated is None:
        return
    try:
        at = instant_of(named.last_updated)
    except InvalidInput:
        return
    if at is None or (now is not None and at > now + _AHEAD):
        return
    seen.oldest = at if seen.oldest is None or at < seen.oldest else seen.oldest
    before = seen.stamps.get(named.type, NO_STAMPS)
    is_coarse = before.coarse and not (at.minute or at.second or at.microsecond)
    newest = before.newest
    if newest is None or at > newest or is_coarse is not before.coarse:
        seen.stamps[named.type] = Stamps(at if newest is None else max(at, newest), is_coarse)


def _told_now(answer: Answer) -> datetime | None:
    """Return what time the EHR says that it is."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None


def _is_before(oldest: datetime | None, since: datetime | None) -> bool:
    return oldest is not None and since is not None and oldest < since - _LEEWAY


def _is_older(told: str, before: str) -> bool:
    """Say whether one meta.lastUpdated is before another; they may be told in different zones."""
    try:
        one, other = instant_of(told), instant_of(before)
    except InvalidInput:
        return False
    return one is not None and other is not None and one < other


def _next(base: Base, page: Page, seen: _Seen) -> str | Walk:
    """Return the next address, or the walk's end."""
    if page.next is None:
        return Walk()
    try:
        url = urljoin(f"{base.url}/", page.next)
    except ValueError:
        return Walk(grade=Grade.PARTIAL, problem="the next link can't be read")
    if not base.holds(url):
        return Walk(grade=Grade.PARTIAL, problem="the next page is at another place than the EHR")
    is_all = bool(seen.empty) or (page.total is not None and len(seen.records) >= page.total)
    if hash(url) in seen.links:
        return Walk() if is_all else Walk(grade=Grade.PARTIAL, problem="the next link leads back")
    if seen.empty >= MOST_EMPTY or seen.pages >= seen.most_pages:
        return Walk(grade=Grade.PARTIAL, problem="the pages have no end")
    return url


def _worse(one: Walk, other: Walk) -> Walk:
    """Return the verdict that allows less."""
    order = (Grade.COMPLETE, Grade.PARTIAL, Grade.RESTRICTED)
    return max((one, other), key=lambda walk: (order.index(walk.grade), walk.status, walk.lost))
