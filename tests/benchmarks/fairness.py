"""How much an EHR in trouble delays the others: `python -m tests.benchmarks.fairness [PEOPLE] [ROUNDS]`.

Two EHRs share a crowd; one moves each person's goal and the other is to be told. A third EHR, with a crowd of its own,
is well (the baseline), silent, down, throttling, or brings ten times as many new people at that moment. Printed is the
time of one worker until the last of the first crowd is told, and the ratio to the baseline of the same round.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from coordinator.store import Embedded, open_store
from coordinator.store.embedded import using
from tests.builders import a_goal
from tests.faults.scene import LATER, TENANT, Scene, a_crowd, a_person
from tests.flow.story import Story, told

BACKLOG = 10
PULLED_EVERY = 2
SETTLED = 40  # requests after which a worker that has begun has looked at an EHR more than once
LOOK = 0.02
TROUBLES: dict[str, Callable[[Story], None]] = {
    "well": lambda story: None,
    "silent": lambda story: story.fault("bad", "silent"),
    "down": lambda story: story.fault("bad", "down"),
    "throttling": lambda story: story.fault("bad", "throttle", after=3, retry_after=3600),
    "backlog": lambda story: None,
}


def a_world(folder: Path, people: int, *, backlog: bool):
    """Return the shared crowd, and an EHR beside it that nobody shares."""
    world = a_crowd(folder, people)
    first = [a_person(10_000 + n) for n in range(people)]
    goals = [a_goal(f"g-{10_000 + n}", due="2026-06-30", patient=f"p-{10_000 + n}") for n in range(people)]
    more = range(20_000, 20_000 + BACKLOG * people if backlog else 20_000)
    new = [a_person(n) for n in more] + [a_goal(f"g-{n}", due="2026-06-30", patient=f"p-{n}") for n in more]
    world.ehr("bad", goals, patients=first, later={"2026-04-08T00-00Z": new})
    return world


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so in the world, which another process works at."""
    while not is_so():  # noqa: ASYNC110 - it is another process that works at it
        await asyncio.sleep(LOOK)


async def until_told(scene: Scene, people: int, trouble: str) -> float:
    """Return the seconds from the moment that something changes until the last of the shared crowd is told."""
    story = scene.story
    async with scene.worker(until_idle=False):
        seen = {ehr: story.requests(ehr) for ehr in ("iop", "bad")}
        await until(lambda: all(story.requests(ehr) >= before + SETTLED for ehr, before in seen.items()))
        TROUBLES[trouble](story)
        story.move(LATER)
        began = time.perf_counter()
        await until(lambda: len(story.writes("ced")) >= people)
        took = time.perf_counter() - began
    story.fault("bad", "release")
    return took


async def measured(trouble: str, people: int) -> float:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        world = a_world(Path(folder) / "world", people, backlog=trouble == "backlog")
        with using(Path(home), idle_seconds=1.0):
            async with open_store(Embedded(home=Path(home)), TENANT) as store, told(world, store) as story:
                scene = Scene(story, Path(home))
                for ehr in ("iop", "ced", "bad"):
                    await story.register(ehr, options={"every_seconds": PULLED_EVERY})
                assert await scene.finish() == 0
                return await until_told(scene, people, trouble)


async def main(people: int, rounds: int) -> None:
    print(f"{people} people in two EHRs, one worker; seconds until the last is told, beside a third EHR that is")
    ratios: dict[str, list[float]] = {one: [] for one in TROUBLES}
    for number in range(rounds):
        took = {one: await measured(one, people) for one in TROUBLES}
        for one, seconds in took.items():
            ratios[one].append(seconds / took["well"])
        print(
            f"  round {number + 1}: " + ", ".join(f"{one} {seconds:.2f}" for one, seconds in took.items()), flush=True
        )
    for one, found in ratios.items():
        print(f"{one:12} {statistics.median(found):5.2f} of the baseline (median of {rounds})")


if __name__ == "__main__":
    asyncio.run(main(*(int(one) for one in [*sys.argv[1:], "60", "3"][:2])))
