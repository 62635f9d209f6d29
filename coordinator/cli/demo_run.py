"""The demonstration as it runs: a fresh tenant meets three EHRs, clinicians work on, it follows, then all is quiet."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from importlib.resources import files
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from coordinator.bootstrap import Product, connect_world, product
from coordinator.care.care_plan.mapping import read_goal
from coordinator.care.care_plan.model import GoalRecord
from coordinator.care.patient.mapping import read_patient
from coordinator.cli.looks import note_look
from coordinator.cli.session import Session
from coordinator.cli.world_beside import ServedBeside
from coordinator.errors import TemporaryEhrError
from coordinator.fhir import Json, parse, read_document
from coordinator.outbox import Entry, Form
from coordinator.reconcile import Finding
from coordinator.sandbox import World, read_world
from coordinator.settings import Settings
from coordinator.store import RowCount
from coordinator.store.embedded import stop
from coordinator.sync.ports import Transaction
from coordinator.sync.run import RunReport, run

CONCEPTS = ("medication", "care_plan", "goal", "stay-proposal")
_NOON = time_of_day(12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquaintance:
    """One person with the account and findings that the store holds, and the goals as first read, by their place."""

    person: str
    name: str
    ehrs: tuple[str, ...]
    account: dict[str, Json]
    findings: tuple[Finding, ...]
    goals_before: Mapping[str, GoalRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the store holds in the end, and in which form each EHR can be told of each concept."""

    people: tuple[Acquaintance, ...]
    entries: tuple[Entry, ...]
    records: int
    forms: Mapping[str, Mapping[str, Form]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The demonstration once it has run: the runs before and after clinicians worked on, and the quiet one."""

    world: World
    settings: Settings
    moments: tuple[datetime, datetime]
    first: RunReport
    main: RunReport
    last: RunReport
    before: Mapping[str, RowCount]
    after: Mapping[str, RowCount]
    writes_of_last: int
    picture: Picture
    seconds: float


def demo_world() -> World:
    """Return the world that ships with us."""
    return read_world(Path(str(files("coordinator.sandbox"))) / "worlds" / "demo")


@contextmanager
def settings_for_demo(session: Session) -> Iterator[Settings]:
    """Yield settings with a tenant of its own: in the home that was given, else in one that goes with the block."""
    given = session.settings
    if given.is_home_given or given.database_url:
        yield replace(given, tenant=asyncio.run(_fresh_tenant(given)))
        return
    with TemporaryDirectory(prefix="coordinator-demo-", ignore_cleanup_errors=True) as folder:
        try:
            yield replace(given, home=Path(folder), tenant="demo-1")
        finally:
            stop(Path(folder))


async def _fresh_tenant(given: Settings) -> str:
    """Return the first of demo-1, demo-2, … that has no EHRs yet."""
    for number in count(1):
        # in production no sandbox is asked for its clock: that of an earlier demonstration has gone
        settings = replace(given, tenant=f"demo-{number}", production=True)
        async with product(settings) as opened, opened.store.transaction() as tx:
            if not await tx.registry.ehrs():
                return settings.tenant
    raise AssertionError


def play(world: World, settings: Settings, served: ServedBeside, *, actor: str) -> Played:
    """Connect, run, let clinicians work on, run again, and run once more."""
    began = time.perf_counter()
    asyncio.run(_connected(world, settings, served, actor))
    first = asyncio.run(_run(settings))
    served.move_clock(day_after(world))
    main = asyncio.run(_run(settings))
    before, writes = asyncio.run(_row_counts(settings)), served.writes()
    last = asyncio.run(_run(settings))
    after = asyncio.run(_row_counts(settings))
    return Played(
        world=world,
        settings=settings,
        moments=(world.now, day_after(world)),
        first=first,
        main=main,
        last=last,
        before=before,
        after=after,
        writes_of_last=served.writes() - writes,
        picture=asyncio.run(_picture(settings, world.now, actor)),
        seconds=time.perf_counter() - began,
    )


def day_after(world: World) -> datetime:
    """Return noon of the day after the last that clinicians of a world save."""
    last = max((change.at for ehr in world.ehrs for change in ehr.changes), default=world.now)
    return datetime.combine(last.astimezone(UTC).date() + timedelta(days=1), _NOON)


async def _connected(world: World, settings: Settings, served: ServedBeside, actor: str) -> None:
    async with product(settings) as opened, opened.store.transaction() as tx:
        await connect_world(tx, world, served.addresses, actor=actor, now=world.now)


async def _run(settings: Settings) -> RunReport:
    async with product(settings) as opened:
        report = await run(opened.store, opened.ehrs, opened.clock)
    if report.problems:
        name, problem = next(iter(sorted(report.problems.items())))
        raise TemporaryEhrError(f"The demonstration's EHR {name} failed: {problem}", operation="demo", subject=name)
    return report


async def _row_counts(settings: Settings) -> dict[str, RowCount]:
    async with product(settings) as opened:
        return await opened.store.row_counts()


async def _picture(settings: Settings, begin: datetime, actor: str) -> Picture:
    async with product(settings) as opened:
        forms = await _forms(opened)
        async with opened.store.transaction() as tx:
            links = await tx.people.links()
            known: dict[str, list[tuple[str, str]]] = {}
            for link in links:
                known.setdefault(link.person, []).append((link.ehr, link.patient))
            await note_look(tx, opened, actor, subject="demo", persons=known)
            people = [
                await _acquaintance(tx, person, places, begin=begin, today=opened.clock.now().date())
                for person, places in known.items()
            ]
            entries = tuple(await tx.outbox.entries())
            held = sum((await tx.evidence.counts()).values())
    # what we wrote under an identifier of ours was read back: it is an echo, not something an EHR told us
    own = {(one.intent.ehr, one.intent.type, one.result_id) for one in entries if one.intent.claim and one.result_id}
    people.sort(key=lambda one: (one.name.rpartition(" ")[2], one.name, one.ehrs))
    return Picture(people=tuple(people), entries=entries, records=held - len(own), forms=forms)


async def _acquaintance(
    tx: Transaction, person: str, places: list[tuple[str, str]], *, begin: datetime, today: date
) -> Acquaintance:
    ehr, patient = places[0]
    version = await tx.evidence.one(ehr, "Patient", patient)
    stored = await tx.accounts.account(person)
    account = parse(stored.body) if stored else {}
    record = read_patient(read_document(version.body)) if version else None
    return Acquaintance(
        person=person,
        name=f"{' '.join(record.given)} {record.family}" if record else person,
        ehrs=tuple(sorted({name for name, _ in places})),
        account={"as_of": str(today), **(account if isinstance(account, dict) else {})},
        findings=tuple(one for _, one in await tx.accounts.findings(person)),
        goals_before={
            f"{one.ehr}/Goal/{one.id}": read_goal(read_document(one.body))
            for one in await tx.evidence.latest(places, known_at=begin)
            if one.type == "Goal"
        },
    )


async def _forms(opened: Product) -> dict[str, dict[str, Form]]:
    """Return the best form of each concept, as each EHR's own statement allows."""
    async with opened.store.transaction() as tx:
        connections = await tx.registry.ehrs()
    found: dict[str, dict[str, Form]] = {}
    for connection in connections:
        async with opened.ehrs.open(connection) as ehr:
            found[connection.name] = {concept: ehr.forms(concept)[0] for concept in CONCEPTS}
    return found
