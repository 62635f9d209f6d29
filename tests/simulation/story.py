"""One seed from beginning to end: a time of trouble, then calm, then the question whether all came to rest."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from coordinator.errors import CoordinatorError
from coordinator.sync.run import run
from tests.simulation.crew import Crew
from tests.simulation.hints import Hints
from tests.simulation.invariants import Broken, Watch
from tests.simulation.options import HOUR, Options, drawn
from tests.simulation.people import Clinicians, Desk
from tests.simulation.process import Process, task_factory
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import run_virtually
from tests.simulation.world import FULL_EVERY_HOURS, PULLED_EVERY, SimulatedWorld

CYCLES = 6  # in calm, until all must have come to rest
BETWEEN = 600.0
BETWEEN_PULLS = 1.2 * PULLED_EVERY  # of workers, who ask an EHR no earlier
DURABLE = (
    *("pulls.put_cursor", "evidence.receive", "people.link", "outbox.put_intents", "outbox.set_status"),
    *("audit.append", "send", "answer"),
)
BUSY = ("outbox.take", "outbox.set_status", "audit.append", "send Goal", "answer Goal", "committed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a seed ended: what is broken (empty: nothing), and what happened."""

    options: Options
    trace: Trace
    broken: str = ""

    def report(self, last: int = 400) -> str:
        """Return all that one needs to see why."""
        return "\n".join(
            [f"seed {self.options.seed}: {self.broken}", *self.options.lines(), *self.trace.lines(last), self.broken]
        )


def tell(seed: int, *, keys: Path, focus: Callable[[Options], Options] = lambda options: options) -> Told:
    """Live through a seed; `focus` changes what was drawn for it, to look closer at one kind of trouble."""
    options = focus(drawn(seed))
    story: list[Story] = []
    broken: list[str] = []

    async def live() -> None:
        story.append(Story(options, keys=keys))
        await story[0].live()

    try:
        run_virtually(live())
    except* AssertionError as problems:
        broken.append(first_of(problems))
    return Told(options=options, trace=story[0].world.trace, broken=broken[0] if broken else "")


def first_of(problem: BaseException) -> str:
    """Return what the first of several problems says."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return str(problem) or repr(problem)


class Story:
    """A world under way."""

    def __init__(self, options: Options, *, keys: Path, world: SimulatedWorld | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(task_factory)
        self.options = options
        self.world = world or SimulatedWorld(options, loop=loop, keys=keys)
        self.watch = Watch(self.world)
        self._chance = Random(f"story {options.seed}")
        self._count = 0
        self._crashes = options.crashes
        self._freezes = options.freezes
        self._disk_is_full = False
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self.hints = Hints(
            self.world.database.rows("tenant"),
            loop=loop,
            chance=Random(f"hints {options.seed}"),
            rate=options.unusual_hints,
            trace=self.world.trace,
        )

    async def live(self) -> None:
        """Trouble, calm, and rest."""
        await self.world.connect()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.options.beside if self.options.fleets else self.options.workers):
                group.create_task(self._working())
            for _ in range(self.options.fleets):
                group.create_task(self._serving())
            for act, times in self._acts():
                for _ in range(times):
                    group.create_task(self._at(self._chance.uniform(0, self.options.hours * HOUR), act))
        await self._calm()
        await self._come_to_rest()
        await asyncio.sleep(FULL_EVERY_HOURS * HOUR)
        await self._come_to_rest()
        self.watch.at_rest()
        self.watch.missed_by_lanes()
        await self._one_more_changes_nothing()

    async def _come_to_rest(self, pause: float | None = None) -> None:
        """Run cycles until one changes nothing, or as many as that may take at most."""
        for _ in range(CYCLES):
            writes = self._writes()
            is_quiet = await (self._crew_cycle() if self.options.fleets else self._cycle(self._process()))
            await asyncio.sleep(pause or (BETWEEN_PULLS if self.options.fleets else BETWEEN))
            if is_quiet and self._writes() == writes:
                break

    def _acts(self) -> list[tuple[Callable[[], Any], int]]:
        clinicians, desk = Clinicians(self.world), Desk(self.world)
        options = self.options
        return [
            (clinicians.edit, options.edits - 1),
            (lambda: self._when_busy(clinicians.edit), 1),
            (lambda: self._when_busy(desk.revoke), options.revocations),
            (desk.answer, options.answers),
            (self._jump, options.clock_jumps),
            (self._restore, options.restores),
            (self._fill_disk, options.full_disks),
            (clinicians.merge, options.merges),
        ]

    async def _when_busy(self, act: Callable[[], Any], *, seconds: float = HOUR / 4) -> None:
        """Act just when a process is at a step of sending, or after a while."""
        asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._chance.choice(BUSY), asked))
        await asyncio.wait([asked], timeout=seconds)
        done = act()
        if done is not None:
            await done

    def _stepped(self, what: str) -> None:
        if what == "committed":
            self.hints.ring()
        if not self._waiting:
            return
        for one in [one for one in self._waiting if what.startswith(one[0])]:
            self._waiting.remove(one)
            if not one[1].done():
                one[1].set_result(None)

    async def _at(self, when: float, act: Callable[[], Any]) -> None:
        await asyncio.sleep(when)
        done = act()
        if done is not None:
            await done

    def _jump(self) -> None:
        self.world.clock.jump += self._chance.choice((-3600.0, -3600.0, -90.0, 3600.0))
        self.world.trace.tell(self.world.loop.time(), "clock", "jumps to", self.world.clock.jump)
        self.world.trace.reach("fault: clock jump")

    def _restore(self) -> None:
        ehr = self.world.ehrs[self._chance.choice(list(self.world.ehrs))]
        to = ehr.now() - timedelta(seconds=self._chance.choice((300.0, 1200.0)))
        self.world.trace.tell(self.world.loop.time(), ehr.name, "is restored to", to)
        self.world.trace.reach("fault: restored to a backup")
        ehr.records.restore(to)
        self.watch.is_restored = True
        self.world.lines[ehr.name].hides = True

    async def _fill_disk(self) -> None:
        self._disk_is_full = True
        await asyncio.sleep(self._chance.choice((5.0, 700.0)))
        self._disk_is_full = False

    def _process(self) -> Process:
        self._count += 1
        chance = Random(f"process {self.options.seed} {self._count}")
        process = Process(f"run-{self._count}", self.world.database, chance=chance, trace=self.world.trace)
        process.disk_is_full = lambda: self._disk_is_full
        process.on_step = self._stepped
        process.on_question = self.watch.is_asked_of_the_store
        return process

    async def _working(self) -> None:
        end = self.options.hours * HOUR
        while asyncio.get_running_loop().time() < end:
            process = self._process()
            self._endanger(process)
            await self._cycle(process)
            await asyncio.sleep(self._chance.choice((60.0, BETWEEN, 3 * BETWEEN)))

    def _endanger(self, process: Process) -> None:
        """Draw whether and where a process dies or freezes."""
        if self._crashes and self._chance.random() < 0.5:
            self._crashes -= 1
            if self._chance.random() < 0.5 and not self.options.crash_after:
                process.dies_at = int(10 ** self._chance.uniform(0.5, 3.2))
            else:
                process.dies_after = (
                    self.options.crash_after or self._chance.choice(DURABLE),
                    self._chance.randrange(8),
                )
        elif self._freezes and self._chance.random() < 0.5:
            self._freezes -= 1
            process.freezes_at = self._chance.choice(("answer", "answer", "answer Goal", "begin"))

    async def _serving(self) -> None:
        """Let one worker process follow the other."""
        loop, end = asyncio.get_running_loop(), self.options.hours * HOUR
        while loop.time() < end:
            process = self._process()
            self._endanger(process)
            crew = Crew(self.world, self.hints, process)
            lives = self._chance.choice((600.0, HOUR, HOUR))
            await crew.serve(min(lives, end - loop.time()))
            self._hold_against(crew)
            await asyncio.sleep(self._chance.choice((1.0, 60.0, BETWEEN)))

    async def _crew_cycle(self) -> bool:
        crew = Crew(self.world, self.hints, self._process())
        is_quiet = await crew.until_idle()
        self._hold_against(crew)
        return is_quiet

    def _hold_against(self, crew: Crew) -> None:
        for told in [*self.watch.broken, *crew.broken]:
            raise Broken(told)

    async def _cycle(self, process: Process) -> bool:
        """Run all stages once; tell whether that changed nothing."""
        trace, loop = self.world.trace, self.world.loop
        trace.tell(loop.time(), process.name, "begins")
        task = process.start(run(process.store, self.world.room, self.world.clock))
        await asyncio.wait([task])
        if process.is_dead:
            return False
        process.inner.close()
        for left in [one for one in process.tasks if not one.done()]:
            left.cancel()
        if self.watch.broken:
            raise Broken(self.watch.broken[0])
        problem = task.exception()
        if isinstance(problem, CoordinatorError):
            trace.tell(loop.time(), process.name, "failed:", str(problem))
            trace.reach(f"run failed: {problem.operation}")
            return False
        if problem is not None:
            raise Broken(f"{type(problem).__name__}: {problem}") from problem
        report = task.result()
        told = (report.changed, report.applied, report.verified, report.problems)
        trace.tell(loop.time(), process.name, "ends", *told)
        return not any(told)

    async def _calm(self) -> None:
        for line in self.world.lines.values():
            line.weather.kinds = ()
            line.weather.outages.clear()
        self.world.clock.jump = 0.0
        self._crashes = self._freezes = 0
        self.hints.rate = 0.0
        if self.options.fleets:
            await Desk(self.world).retry()  # a person has another go at what failed
        self.world.trace.tell(self.world.loop.time(), "world", "is calm from here on")

    async def _one_more_changes_nothing(self) -> None:
        before, writes = self.watch.state(), self._writes()
        await self._cycle(self._process())
        after = self.watch.state()
        if self._writes() != writes:
            raise Broken("one more cycle sent a write")
        for table in sorted(before.keys() | after.keys()):
            rows, now = before.get(table, {}), after.get(table, {})
            changed = sorted(str(key) for key in rows.keys() | now.keys() if rows.get(key) != now.get(key))
            if changed:
                raise Broken(f"one more cycle changed {len(changed)} rows of {table}: {changed[0]}")

    def _writes(self) -> int:
        return sum(line.writes for line in self.world.lines.values())
