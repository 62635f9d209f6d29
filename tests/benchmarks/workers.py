"""What workers cost and how far they scale on one machine: `python -m tests.benchmarks.workers [PEOPLE]`.

A crowd of people in two EHRs is loaded, then one EHR moves each person's goal and the other is told. Printed are CPU
seconds of the workers for each person, wall time for one, two and four of them, and rows and bytes in the database. The
simulated EHRs run in this process, on the same cores.
"""

import asyncio
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from coordinator.store.embedded import using
from tests.faults.scene import LATER, a_scene

SIZES = """
select relname, n_live_tup, pg_total_relation_size(relid) from pg_stat_user_tables
 where n_live_tup > 0 order by 3 desc limit 8
"""


@dataclass(frozen=True)
class Took:
    """What a phase took, in seconds."""

    wall: float
    cpu: float


async def timed(scene, workers):
    """Run so many workers until nothing is left to do."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    codes = await asyncio.gather(*(scene.finish() for _ in range(workers)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert set(codes) == {0}, codes
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(wall=time.perf_counter() - began, cpu=cpu)


def sizes(home):
    """Return the largest tables: name, rows, bytes with their indexes."""
    with using(home) as found, psycopg.connect(found.conninfo, autocommit=True) as connection:
        connection.execute("analyze")
        return connection.execute(SIZES).fetchall()


async def measured(people, workers):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        async with a_scene(Path(folder), Path(home), people) as scene:
            first = await timed(scene, workers)
            scene.story.move(LATER)
            change = await timed(scene, workers)
            told = len(scene.story.writes("ced"))
            return first, change, told, sizes(scene.home)


def _shown(name, took, people):
    return f"{name} {took.wall:6.1f} s wall, {1000 * took.cpu / people:6.1f} ms CPU a person"


async def main(people):
    rows = []
    print(f"{people} people in two EHRs; each has one change that the other EHR is told of")
    for workers in (1, 2, 4):
        first, change, told, rows = await measured(people, workers)
        shown = (_shown("first load", first, people), _shown("change", change, people), f"{told} writes")
        print(f"{workers} workers: {'; '.join(shown)}")
    for name, count, size in rows:
        print(f"  {name:20} {count:8} rows {size / 1024:8.0f} KiB")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
