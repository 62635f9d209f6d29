"""Pull: every record of some types that an EHR shows us, page by page, each type ending with its grade."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from coordinator.ehr.breaker import Breaker
from coordinator.ehr.capability import Statement
from coordinator.ehr.exchange import Base, Reply, Wire
from coordinator.ehr.lanes import HISTORY, SYSTEM_HISTORY, mark_of, offered, since_text, windows
from coordinator.ehr.protocols.paging import NO_STAMPS, Query, Stamps, Walk, search
from coordinator.ehr.protocols.read import read
from coordinator.ehr.strategy import Pulling, Site, Strategy, strategy
from coordinator.ehr.wire import ask, drive
from coordinator.errors import EhrError, InvalidInput, PermanentEhrError
from coordinator.fhir import Absolute, Head, Page, Relative, head, parse_reference, read_document
from coordinator.reconcile.model import Grade
from coordinator.sync.ports import Absent, Found, Pulled
from coordinator.tracing import span

EPISODE = "EpisodeOfCare"
WAITING = 4  # pages that wait to be taken in: more would only fill memory
AT_ONCE = 6  # walks side by side, within the connections of the wire
WANTS_PATIENT = frozenset({400, 403, 422})  # how EHRs were seen to refuse a search without a patient
NOT_HONORED = frozenset({400, 404, 405, 422, 501})  # refuses the way that was asked, not for now but for good
_ORDER = (Grade.COMPLETE, Grade.PARTIAL, Grade.STALE, Grade.RESTRICTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One EHR to pull from: address, wire, what it can do, what is known of the site, and the roster's ids."""

    base: Base
    wire: Wire
    statement: Statement
    site: Site
    ehr: str = ""
    patients: tuple[str, ...] = ()
    now: Callable[[], datetime] | None = None
    learned: Callable[[str], None] = lambda _: None  # told of each type whose search was found to want a patient


@dataclass(slots=True, kw_only=True)
class _Roster:
    """The patients we may ask for, and how far that list can be relied on to be whole."""

    ids: dict[str, None] = field(default_factory=dict)
    walk: Walk = field(default_factory=Walk)
    unreadable: bool = False


@dataclass(slots=True, kw_only=True)
class _Pass:
    """One pull under way. `room` bounds the pages that wait; whoever takes one out makes room again."""

    source: Source
    roster: _Roster
    since: Mapping[str, datetime] = field(default_factory=dict)
    stamps: dict[str, Stamps] = field(default_factory=dict)
    by_post: set[str] = field(default_factory=set)  # types that are searched by POST alone
    episodes: dict[str, None] = field(default_factory=dict)  # ids that encounters name, where no search finds them
    queue: asyncio.Queue[Pulled | None] = field(default_factory=asyncio.Queue)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WAITING))
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def put(self, pulled: Pulled) -> None:
        await self.room.acquire()
        self.queue.put_nowait(pulled)


async def changes(source: Source, since: Mapping[str, datetime]) -> AsyncGenerator[Pulled, None]:
    """Yield what changed of each type from its moment on, by its fast lane, and then how the walk of the lane ended.

    A walk that is complete has seen all that the lane shows; that nothing else changed is for a full compare to say.
    Raises EhrError where the roster can't be read.
    """
    source = replace(source, wire=Breaker(source.wire))
    here = _Pass(source=source, roster=await _roster(source), since=since)
    async with aclosing(_together(here, list(since))) as stream:
        async for pulled in stream:
            yield pulled


async def pull(source: Source, types: Sequence[str], patients: Sequence[str] | None) -> AsyncGenerator[Pulled, None]:
    """Yield pages of each type and then, once per type, its grade; types go side by side with bounded memory.

    Patients come first: whoever else is asked for, the EHR gave us their ids. With `patients` only theirs are pulled,
    and a grade speaks of them alone. An EHR that stops answering is given up, and what it still owed us is partial.
    Raises EhrError where the roster can't be read.
    """
    source = replace(source, wire=Breaker(source.wire))
    if patients is not None:
        source = replace(source, site=replace(source.site, roster="given"), patients=tuple(patients))
    here = _Pass(source=source, roster=await _roster(source))
    is_listing = source.site.roster == "all" and not source.patients
    async with aclosing(_together(here, [type_ for type_ in types if type_ == "Patient"])) as first:
        async for pulled in first:
            if is_listing:
                _enlist(here.roster, pulled)
            yield pulled
    others = [type_ for type_ in types if type_ not in ("Patient", EPISODE)]
    for some in (others, [type_ for type_ in types if type_ == EPISODE]):  # episodes last: encounters may name them
        async with aclosing(_together(here, some)) as rest:
            async for pulled in rest:
                yield pulled


async def _together(here: _Pass, types: Sequence[str]) -> AsyncGenerator[Pulled, None]:
    """Yield what the types bring; whoever stops listening stops all that is under way."""
    if not types:
        return
    task = asyncio.create_task(_all_types(here, types))
    task.add_done_callback(lambda _: here.queue.put_nowait(None))
    try:
        while (item := await here.queue.get()) is not None:
            here.room.release()
            yield item
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _all_types(here: _Pass, types: Sequence[str]) -> None:
    source = here.source
    joint = [one for one in types if one in here.since and _lane(source, one) == SYSTEM_HISTORY]
    async with asyncio.TaskGroup() as group:
        if joint:
            group.create_task(_all_history(here, joint))
        for type_ in types:
            if type_ not in joint:
                group.create_task(_one_type(here, type_))


def _lane(source: Source, type_: str) -> str:
    return offered(source.statement, type_, source.site).way


async def _all_history(here: _Pass, types: Sequence[str]) -> None:
    """Walk the history of all types once, from the earliest mark on, for those that have none of their own."""
    mark = min(here.since[one] for one in types)
    parameters = (("_since", since_text(mark)), ("_count", "200"))
    with span("pull type", ehr=here.source.ehr, type="history") as here_now:
        walk = await _search(here, Query(type="", parameters=parameters, since=mark, in_history=True), types)
        here_now.tell(grade=walk.grade.value)
    for type_ in types:
        await _end(here, type_, walk)


async def _one_type(here: _Pass, type_: str) -> None:
    source = here.source
    way = strategy(source.statement, type_, source.site)
    with span("pull type", ehr=source.ehr, type=type_) as here_now:
        if (mark := here.since.get(type_)) is not None:
            walk = await _changed(here, way, mark, in_history=_lane(source, type_) == HISTORY)
        else:
            walk = await _walked(here, way)
        here_now.tell(grade=walk.grade.value)
    await _end(here, type_, walk)


async def _end(here: _Pass, type_: str, walk: Walk) -> None:
    """Give out how the walk of a type ended."""
    source = here.source
    offer = offered(source.statement, type_, source.site)
    if source.statement.of(type_).narrowed:
        walk = _worst([walk, Walk(grade=Grade.RESTRICTED, problem="the granted scope covers only a part of this type")])
    stamps = here.stamps.get(type_, NO_STAMPS)
    newest = stamps.newest
    mark = None if newest is None else mark_of(newest, offer.overlap, days_alone=stamps.coarse)
    is_turned_away = type_ in here.since and (walk.ignored or walk.status in NOT_HONORED)
    not_honored = walk.problem if is_turned_away else ""
    await here.put(
        Pulled(type=type_, problem=walk.problem, grade=walk.grade, newest=newest, mark=mark, not_honored=not_honored)
    )


async def _changed(here: _Pass, way: Strategy, mark: datetime, *, in_history: bool) -> Walk:
    """Walk what changed of a type since a mark; a history is walked once, whatever further parameters searches need."""
    told = since_text(mark)
    if in_history:
        parameters = _sized(way, (("_since", told),))
        return await _search(here, Query(type=way.type, parameters=parameters, since=mark, in_history=True))
    since = ("_lastUpdated", f"ge{told}")
    if way.pulling is Pulling.PER_PATIENT:
        queries = (replace(one, parameters=(*one.parameters, since), since=mark) for one in _queries(here, way))
        return _worst([await _each(_search(here, one) for one in queries), here.roster.walk])
    now = here.source.now() if here.source.now is not None else mark
    overlap = offered(here.source.statement, way.type, here.source.site).overlap
    parts = [
        Query(type=way.type, parameters=_sized(way, (*one, *_between(begin, end))), since=begin)
        for one in way.queries
        for begin, end in windows(mark, now, overlap)
    ]
    return _worst(await asyncio.gather(*(_search(here, one) for one in parts)))


def _between(begin: datetime, end: datetime | None) -> tuple[tuple[str, str], ...]:
    since = ("_lastUpdated", f"ge{since_text(begin)}")
    return (since,) if end is None else (since, ("_lastUpdated", f"lt{since_text(end)}"))


async def _walked(here: _Pass, way: Strategy) -> Walk:
    """Walk a type to its end; what can't be pulled is no proof of absence, so its grade is partial."""
    match way.pulling:
        case Pulling.REFERENCED if way.type == EPISODE and here.episodes:
            walk = await _each(_named(here, id_) for id_ in here.episodes)
            return _worst([walk, Walk(grade=Grade.PARTIAL, problem="read where an encounter names one")])
        case Pulling.NOT_SERVED | Pulling.REFERENCED:
            return Walk(grade=Grade.PARTIAL, problem=f"not pulled: {way.reason}")
        case Pulling.PER_PATIENT:
            return await _by_patient(here, way)
        case Pulling.ALL:
            walk = _worst(
                [await _search(here, Query(type=way.type, parameters=_sized(way, one))) for one in way.queries]
            )
    if walk.status in WANTS_PATIENT and way.type != "Patient":
        by_patient = await _by_patient(here, way)
        if here.roster.ids and by_patient.status not in WANTS_PATIENT:
            here.source.learned(way.type)
        return by_patient
    return walk


# --- patient by patient ---------------------------------------------------------------------------------------------


async def _by_patient(here: _Pass, way: Strategy) -> Walk:
    """Walk a type for each patient of the roster: never more complete than the roster itself is known to be."""
    if way.type == "Patient":
        walk = await _each(_patient(here, id_) for id_ in here.roster.ids)
    else:
        walk = await _each(_search(here, query) for query in _queries(here, way))
    return _worst([walk, here.roster.walk])


def _queries(here: _Pass, way: Strategy) -> Iterator[Query]:
    for patient in here.roster.ids:
        for more in way.queries:
            parameters = _sized(way, ((way.patient_param, patient), *more))
            yield Query(type=way.type, parameters=parameters, guarded=(way.patient_param,))


async def _each(walks: Iterator[Coroutine[None, None, Walk]]) -> Walk:
    """Return the worst of many walks, of which a few are under way at a time; it tells how many fell short."""
    worst, count, short = Walk(), 0, 0

    async def work() -> None:
        nonlocal worst, count, short
        for walk in walks:
            ended = await walk
            count += 1
            short += ended.grade is not Grade.COMPLETE
            worst = _worst([worst, ended])

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return replace(worst, problem=f"{worst.problem} ({short} of {count} searches fell short)") if short else worst


def _sized(way: Strategy, parameters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (*parameters, way.page_size) if way.page_size else parameters


async def _search(here: _Pass, query: Query, among: Sequence[str] = ()) -> Walk:
    """Walk a search to its end; of a history of all types only what is among these is given out."""
    by_post = here.source.site.posts or query.type in here.by_post
    async with here.gate:
        steps = search(here.source.base, replace(query, by_post=by_post and not query.in_history))
        reply: Reply | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                walk: Walk = end.value
                here.by_post.update({query.type} if walk.by_post else ())
                found = {one: walk.stamps_of.get(one, NO_STAMPS) for one in among} or {query.type: walk.stamps}
                here.stamps |= {one: here.stamps.get(one, NO_STAMPS).joined(its) for one, its in found.items()}
                return walk
            if isinstance(step, Page):
                reply = None
                _note_episodes(here, query.type, step)
                await _give(here, query.type, step, among)
            else:
                reply = await ask(here.source.wire, step)


async def _give(here: _Pass, type_: str, page: Page, among: Sequence[str]) -> None:
    for kind, part in _parted(page, among) if among else [(type_, page)]:
        await here.put(Pulled(type=kind, page=part))


def _parted(page: Page, types: Sequence[str]) -> Iterator[tuple[str, Page]]:
    """Yield a page of several types as a page for each of these; what can't be read goes with the first of them."""
    entries: dict[str, list[bytes]] = {one: [] for one in types}
    for raw in page.entries:
        try:
            type_ = head(raw).type
        except InvalidInput:
            type_ = types[0]
        if type_ in entries:
            entries[type_].append(raw)
    for type_, mine in entries.items():
        gone = tuple(one for one in page.gone if one.partition("/")[0] == type_)
        if mine or gone:
            yield type_, replace(page, entries=tuple(mine), gone=gone)


def _note_episodes(here: _Pass, type_: str, page: Page) -> None:
    """Take down which episodes encounters name: Epic searches them by a type that only the site knows."""
    for raw in page.entries if type_ == "Encounter" else ():
        if EPISODE.encode() not in raw:
            continue
        try:
            references = read_document(raw).all("episodeOfCare", "reference")
        except InvalidInput:
            continue  # to be quarantined by whoever keeps it
        told = [parse_reference(one) for one in references if isinstance(one, str)]
        here.episodes.update({one.id: None for one in told if isinstance(one, Relative) and one.type == EPISODE})


async def _named(here: _Pass, id_: str) -> Walk:
    """Read one episode by the id that an encounter names."""
    async with here.gate:
        try:
            found = await drive(read(here.source.base, EPISODE, id_), here.source.wire)
        except EhrError as problem:
            return Walk(grade=Grade.PARTIAL, problem=f"interrupted: {problem}", lost=True)
    if isinstance(found, Found):
        await here.put(Pulled(type=EPISODE, page=Page(entries=(found.body,))))
        return Walk()
    grade = Grade.RESTRICTED if found.kind == "forbidden" else Grade.PARTIAL
    return Walk(grade=grade, problem=f"an episode that an encounter names is {found.kind}")


async def _patient(here: _Pass, id_: str) -> Walk:
    """Read one patient of the roster by id."""
    async with here.gate:
        try:
            found = await drive(read(here.source.base, "Patient", id_), here.source.wire)
        except EhrError as problem:
            return Walk(grade=Grade.PARTIAL, problem=f"interrupted: {problem}", lost=True)
    match found:
        case Found(body=body):
            await here.put(Pulled(type="Patient", page=Page(entries=(body,))))
            return Walk()
        case Absent(kind="forbidden"):
            return Walk(grade=Grade.RESTRICTED, problem="a patient of the roster is not shown to us")
        case Absent(kind=kind):
            return Walk(grade=Grade.PARTIAL, problem=f"a patient of the roster is {kind}")


# --- the roster -----------------------------------------------------------------------------------------------------


async def _roster(source: Source) -> _Roster:
    """Return the ids that the roster names, none yet where the EHR lists them itself. Raises EhrError."""
    if source.site.roster == "all" and not source.patients:
        return _Roster(walk=Walk(grade=Grade.PARTIAL, problem="the EHR did not list its patients"))
    ids = list(source.patients)
    if source.site.roster.startswith("group:") and not ids:
        ids = await _members(source, source.site.roster.partition(":")[2])
    if not ids:
        return _Roster(walk=Walk(grade=Grade.PARTIAL, problem="nobody is on the roster"))
    return _Roster(ids=dict.fromkeys(ids))


async def _members(source: Source, group: str) -> list[str]:
    """Return the patients of a group. Raises EhrError."""
    found = await drive(read(source.base, "Group", group), source.wire)
    if not isinstance(found, Found):
        raise PermanentEhrError(
            f"The group of the roster is {found.kind}.", operation="read roster", hint="Check --roster group:ID."
        )
    try:
        references = read_document(found.body).all("member", "entity", "reference")
    except InvalidInput as problem:
        raise PermanentEhrError("The group of the roster can't be read.", operation="read roster") from problem
    told = [parse_reference(one) for one in references if isinstance(one, str)]
    return [one.id for one in told if isinstance(one, Relative | Absolute) and one.type == "Patient"]


def _enlist(roster: _Roster, pulled: Pulled) -> None:
    """Put the patients of a page on the roster; at the end say how complete it is.

    A patient whose id can't be read leaves it incomplete.
    """
    if pulled.page is None:
        roster.walk = _listed(roster, pulled)
        return
    for raw in pulled.page.entries:
        try:
            named = head(raw)
        except InvalidInput:
            named = Head(type="", id="")
        if named.type == "Patient" and named.id:
            roster.ids[named.id] = None
        elif named.type in ("Patient", ""):
            roster.unreadable = True


def _listed(roster: _Roster, pulled: Pulled) -> Walk:
    """Return how complete the list of patients is after the walk that brought it."""
    if pulled.grade is not Grade.COMPLETE:
        return Walk(grade=pulled.grade, problem=f"the list of patients is not complete: {pulled.problem}")
    if roster.unreadable:
        return Walk(grade=Grade.PARTIAL, problem="a patient in the list could not be read")
    return Walk()


def _worst(walks: Iterable[Walk]) -> Walk:
    return max(walks, key=lambda one: _ORDER.index(one.grade), default=Walk())
