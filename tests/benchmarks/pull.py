"""CPU per resource of pull, check, store and audit, beside a floor that does the least: `make bench`.

Floor and product take turns on one core, the page server has the other; PostgreSQL is a process of its own and is
told apart. See docs/explanation/speed.md for how to read what this prints.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from coordinator.bootstrap import SystemClock
from coordinator.ehr import EhrRoom
from coordinator.fhir import check, look, read_document
from coordinator.store import Embedded, PostgresStore, open_store, row_counts
from coordinator.store.embedded import using
from coordinator.sync.normalize import sort_entries
from coordinator.sync.pull import Extent, pull
from coordinator.sync.records import EhrConnection
from tests.benchmarks.corpus import TYPES, lines_of
from tests.benchmarks.floor import Floor

HOUSE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one pull cost: microseconds a resource of our CPU, of the database's, of the wall; and rows written."""

    cpu: float
    database: float
    wall: float
    server_busy: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where pages come from and go to."""

    url: str
    resources: int
    home: Path
    postmaster: int
    own_server: bool

    async def cost(self, work: Callable[[], Awaitable[int]]) -> Cost:
        """Run a pull and return what it cost; `work` returns how many rows it wrote."""
        server, database, cpu, wall = self._server(), self._database(), time.process_time(), time.perf_counter()
        rows = await work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        each = 1e6 / self.resources
        return Cost(
            cpu=cpu * each,
            database=(self._database() - database) * each,
            wall=wall * each,
            server_busy=(self._server() - server) / wall,
            rows=rows,
        )

    def _server(self) -> float:
        if not self.own_server:
            return 0.0
        with urllib.request.urlopen(f"{self.url}/cpu") as answer:  # noqa: S310 - our own page server
            return float(answer.read())

    def _database(self) -> float:
        """Return the CPU seconds of PostgreSQL so far: its first process, those that live, those that ended."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we looked
            is_first = stat.parent.name == str(self.postmaster)
            if is_first or fields[1] == str(self.postmaster):
                ticks += sum(map(int, fields[11:15] if is_first else fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


async def measured(bench: Bench, rounds: int) -> dict[str, list[Cost]]:
    """Return the costs of each round, floor and product in turns: both see the same noise of the machine."""
    found: dict[str, list[Cost]] = {}
    with using(bench.home) as at:
        floor = Floor(make_conninfo(host=at.host, user=at.user, dbname=at.dbname, password=at.password))
    for number in range(rounds):
        floor.empty()
        async with open_store(Embedded(home=bench.home), f"round-{number}") as store:
            for phase in ("cold", "unchanged"):
                for name, work in (
                    ("floor", lambda: floor.pull(bench.url, TYPES)),
                    ("product", lambda store=store: product_pull(store, bench)),
                ):
                    found.setdefault(f"{name} {phase}", []).append(await bench.cost(work))
    floor.close()
    return found


async def product_pull(store: PostgresStore, bench: Bench) -> int:
    """Pull as a run does; return how many rows were written where a quiet run must write none."""
    before = await row_counts(store)
    clock = SystemClock()
    room = EhrRoom(clock=clock, keys=bench.home / "keys")
    connection = EhrConnection(name="pages", url=bench.url, organization="pages")
    async with room.open(connection) as ehr:
        report = await pull(store, ehr, clock, normalize=sort_entries, extent=Extent(types=TYPES))
    after = await row_counts(store)
    if report.seen != bench.resources:
        raise SystemExit(f"the product saw {report.seen} of {bench.resources} resources")
    moved = [name for name in after if after[name].last_change != before[name].last_change]
    return sum(max(1, after[name].rows - before[name].rows) for name in moved)


def summary(bench: Bench, found: dict[str, list[Cost]], *, people: int, first_use: float) -> dict[str, Any]:
    """Return the figures of all rounds: medians, the spread of our CPU, and the ratios the goal is told in."""
    figures = {name: _typical(costs) for name, costs in found.items()}
    ratios = {
        phase: median(
            ours.cpu and base.cpu / ours.cpu
            for base, ours in zip(found[f"floor {phase}"], found[f"product {phase}"], strict=True)
        )
        for phase in ("cold", "unchanged")
    }
    return {
        "people": people,
        "resources": bench.resources,
        "rounds": len(found["floor cold"]),
        "of_floor": {phase: round(ratio, 3) for phase, ratio in ratios.items()},
        "rows_unchanged": max(one.rows for one in found["product unchanged"]),
        "first_use_cpu_s": round(first_use, 2),
        "us_per_resource": figures,
    }


def _typical(costs: list[Cost]) -> dict[str, Any]:
    figures = {name: round(median(asdict(one)[name] for one in costs), 2) for name in Cost.__slots__}
    return {**figures, "cpu_spread": [round(min(one.cpu for one in costs), 1), round(max(one.cpu for one in costs), 1)]}


def show(figures: dict[str, Any]) -> None:
    """Print the table."""
    console = Console(width=110)
    console.print(
        f"{figures['resources']:,} resources of {figures['people']} people, {figures['rounds']} rounds, "
        f"microseconds per resource (medians)"
    )
    table = Table("", *(("CPU", "least to most", "of floor", "PostgreSQL", "wall", "pages busy", "rows")), box=None)
    for name, one in figures["us_per_resource"].items():
        subject, phase = name.split()
        least, most = one["cpu_spread"]
        ratio = f"{figures['of_floor'][phase]:.2f}" if subject == "product" else ""
        cells = (
            f"{one['cpu']:.1f}",
            f"{least:.1f} to {most:.1f}",
            ratio,
            f"{one['database']:.1f}",
            f"{one['wall']:.1f}",
        )
        table.add_row(name, *cells, f"{one['server_busy']:.0%}", f"{one['rows']:,}")
    console.print(table)
    console.print(f"first use of the checker (once per process): {figures['first_use_cpu_s']} s CPU")


@contextmanager
def page_server(people: int) -> Iterator[dict[str, Any]]:
    """Serve a corpus in a process of its own; yield where it is and what it holds."""
    command = [sys.executable, "-m", "tests.benchmarks.page_server", str(people)]
    with subprocess.Popen(command, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def first_use() -> float:
    """Compile the checker of each type; return the CPU seconds that this costs a process once."""
    began = time.process_time()
    for type_ in TYPES:
        line = lines_of(type_)[0]
        look(line, type_)
        check(read_document(line))
    return time.process_time() - began


def bench(people: int, rounds: int) -> dict[str, Any]:
    """Measure; return all figures."""
    with tempfile.TemporaryDirectory() as folder, page_server(people) as served:
        home = Path(folder) / "home"
        with using(home, idle_seconds=1.0):
            postmaster = int(next(home.rglob("postmaster.pid")).read_text().split()[0])
            if hasattr(os, "sched_setaffinity"):  # PostgreSQL, started before, keeps all cores
                os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            here = Bench(
                url=served["url"], resources=served["resources"], home=home, postmaster=postmaster, own_server=True
            )
            once = first_use()
            found = asyncio.run(measured(here, rounds))
    return summary(here, found, people=people, first_use=once)


def main() -> None:
    """Measure and print: a table for people, then one line of JSON."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--people", type=int, default=150, help="size of the corpus (about 70 resources each)")
    wanted.add_argument("--rounds", type=int, default=5)
    wanted.add_argument("--json", action="store_true", help="the line of JSON only")
    asked = wanted.parse_args()
    figures = bench(asked.people, asked.rounds)
    if not asked.json:
        show(figures)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
