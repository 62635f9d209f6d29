"""Pull: every record of some types that an EHR shows us, page by page, each type ending with its grade."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from coordinator.ehr.capability import Statement
from coordinator.ehr.exchange import Base, Reply, Wire
from coordinator.ehr.protocols.paging import Query, Walk, search
from coordinator.ehr.protocols.read import read
from coordinator.ehr.strategy import Pulling, Site, Strategy, strategy
from coordinator.ehr.wire import ask, drive
from coordinator.errors import EhrError, InvalidInput, PermanentEhrError
from coordinator.fhir import Page, Relative, head, parse_reference, read_document
from coordinator.reconcile.model import Grade
from coordinator.sync.ports import Found, Pulled

WAITING = 4  # pages that wait to be taken in: more would only fill memory
AT_ONCE = 6  # walks side by side, within the connections of the wire
WANTS_PATIENT = frozenset({400, 403, 422})  # how EHRs were seen to refuse a search without a patient
_ORDER = (Grade.COMPLETE, Grade.PARTIAL, Grade.STALE, Grade.RESTRICTED)

Items = asyncio.Queue[Pulled | EhrError | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One EHR to pull from: address, wire, what it can do, what is known of the site, and the roster's ids."""

    base: Base
    wire: Wire
    statement: Statement
    site: Site
    patients: tuple[str, ...] = ()
    learned: Callable[[str], None] = lambda _: None  # told of each type whose search was found to want a patient


@dataclass(slots=True, kw_only=True)
class _Pass:
    """One pull under way."""

    source: Source
    queue: Items = field(default_factory=lambda: asyncio.Queue(maxsize=WAITING))
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    roster: list[str] = field(default_factory=list)


async def pull(source: Source, types: Sequence[str], patients: Sequence[str] | None) -> AsyncIterator[Pulled]:
    """Yield pages of each type and then, once per type, its grade; types go side by side with bounded memory.

    Patients come first: whoever else is asked for, the EHR gave us their ids. Raises EhrError.
    """
    here = _Pass(source=source)
    here.roster = list(patients) if patients is not None else await _roster(source)
    first = [type_ for type_ in types if type_ == "Patient"]
    async for pulled in _together(here, first):
        if pulled.page is not None and not source.patients and patients is None:
            here.roster += [head(one).id for one in pulled.page.entries]
        yield pulled
    async for pulled in _together(here, [type_ for type_ in types if type_ != "Patient"]):
        yield pulled


async def _together(here: _Pass, types: Sequence[str]) -> AsyncIterator[Pulled]:
    tasks = [asyncio.create_task(_one_type(here, type_)) for type_ in types]
    left = len(tasks)
    try:
        while left:
            item = await here.queue.get()
            if item is None:
                left -= 1
            elif isinstance(item, EhrError):
                raise item
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one_type(here: _Pass, type_: str) -> None:
    try:
        walk = await _walked(here, strategy(here.source.statement, type_, here.source.site))
        await here.queue.put(Pulled(type=type_, problem=walk.problem, grade=walk.grade))
    except EhrError as problem:
        await here.queue.put(problem)
    await here.queue.put(None)


async def _walked(here: _Pass, way: Strategy) -> Walk:
    """Walk a type to its end; what can't be pulled is no proof of absence, so its grade is partial."""
    match way.pulling:
        case Pulling.NOT_SERVED | Pulling.REFERENCED:
            return Walk(grade=Grade.PARTIAL, problem=f"not pulled: {way.reason}")
        case Pulling.PER_PATIENT:
            return await _by_patient(here, way)
        case Pulling.ALL:
            walk = _worst(
                [await _search(here, Query(type=way.type, parameters=_sized(way, one))) for one in way.queries]
            )
    if walk.status in WANTS_PATIENT and way.type != "Patient":
        here.source.learned(way.type)
        return await _by_patient(here, way)
    return walk


async def _by_patient(here: _Pass, way: Strategy) -> Walk:
    if way.type == "Patient":
        return _worst(await asyncio.gather(*(_patient(here, one) for one in here.roster)))
    queries = [
        Query(
            type=way.type,
            parameters=_sized(way, ((way.patient_param, patient), *more)),
            guarded=(way.patient_param,),
        )
        for patient in here.roster
        for more in way.queries
    ]
    return _worst(await asyncio.gather(*(_search(here, one) for one in queries)))


def _sized(way: Strategy, parameters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (*parameters, way.page_size) if way.page_size else parameters


async def _search(here: _Pass, query: Query) -> Walk:
    async with here.gate:
        steps = search(here.source.base, query)
        reply: Reply | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                walk: Walk = end.value
                return walk
            if isinstance(step, Page):
                reply = None
                await here.queue.put(Pulled(type=query.type, page=step))
            else:
                reply = await ask(here.source.wire, step)


async def _patient(here: _Pass, id_: str) -> Walk:
    """Read one patient of the roster by id."""
    async with here.gate:
        found = await drive(read(here.source.base, "Patient", id_), here.source.wire)
    if not isinstance(found, Found):
        return Walk(grade=Grade.PARTIAL, problem=f"a patient of the roster is {found.kind}")
    await here.queue.put(Pulled(type="Patient", page=Page(entries=(found.body,))))
    return Walk()


async def _roster(source: Source) -> list[str]:
    """Return the ids that the roster names, none where it is everybody. Raises PermanentEhrError for a bad group."""
    if not source.site.roster.startswith("group:"):
        return list(source.patients)
    group = source.site.roster.partition(":")[2]
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
    return [one.id for one in told if isinstance(one, Relative) and one.type == "Patient"]


def _worst(walks: Sequence[Walk]) -> Walk:
    return max(walks, key=lambda one: _ORDER.index(one.grade), default=Walk())
