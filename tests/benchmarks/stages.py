"""Where the microseconds of a pull go, stage by stage: `python -m tests.benchmarks.stages`.

Each stage runs by itself over the same corpus, in turns with the others; what is told is the least of some rounds, as
other work on the machine only adds. See docs/explanation/speed.md.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from coordinator.ehr.exchange import Asked
from coordinator.ehr.wire import HttpWire, open_wire
from coordinator.fhir import canonical, check, head, look, parse, read_document, split_page
from coordinator.store import Embedded, PostgresStore, open_store
from coordinator.sync.records import Received
from coordinator.sync.versions import looked_at
from tests.benchmarks.corpus import TYPES
from tests.benchmarks.pull import page_server

Stage = Callable[[], Awaitable[None]]


async def pages(wire: HttpWire, base: str) -> dict[str, list[bytes]]:
    """Return all pages by type, as they come over the wire."""
    found: dict[str, list[bytes]] = {}
    for type_ in TYPES:
        url: str | None = f"{base}/{type_}?_count=200"
        while url is not None:
            answer = await wire(Asked(method="GET", url=url, place=type_))
            body = getattr(answer, "body", b"")
            found.setdefault(type_, []).append(body)
            url = split_page(body).next
    return found


def pure(work: Callable[[], object]) -> Stage:
    """Return a stage that needs no world."""

    async def stage() -> None:
        work()

    return stage


def stages_of(bodies: dict[str, list[bytes]]) -> tuple[dict[str, Stage], list[Received]]:
    """Return the stages that work on bytes alone, and the versions that come out."""
    entries = [(type_, raw) for type_, all_ in bodies.items() for one in all_ for raw in split_page(one).entries]
    looks = [(seen, raw) for type_, raw in entries if (seen := look(raw, type_)) is not None]
    now = datetime.now(UTC)
    versions = [looked_at(seen, raw, ehr="pages", now=now) for seen, raw in looks]
    documents = [read_document(raw) for _, raw in entries]
    stages = {
        "split pages": pure(lambda: [split_page(one) for all_ in bodies.values() for one in all_]),
        "read what names an entry": pure(lambda: [head(raw) for _, raw in entries]),
        "hash the bytes": pure(lambda: [sha256(raw).digest() for _, raw in entries]),
        "one look": pure(lambda: [look(raw, type_) for type_, raw in entries]),
        "make the version, its hash included": pure(
            lambda: [looked_at(seen, raw, ehr="pages", now=now) for seen, raw in looks]
        ),
        "(the long way: strict door)": pure(lambda: [parse(raw) for _, raw in entries]),
        "(the long way: checker)": pure(lambda: [check(one) for one in documents]),
        "(the long way: canonical form)": pure(lambda: [canonical(one.tree) for one in documents]),
    }
    return stages, versions


async def receive(store: PostgresStore, versions: list[Received]) -> None:
    """Keep all versions as a first pull does, and leave none of them behind."""
    for start in range(0, len(versions), 1000):
        with suppress(_TakenBack):
            async with store.transaction() as tx:
                await tx.evidence.receive(versions[start : start + 1000])
                raise _TakenBack


class _TakenBack(Exception):
    """Rolls a transaction back."""


async def measured(base: str, home: Path, rounds: int) -> tuple[dict[str, float], int]:
    """Return the least CPU microseconds per resource of each stage, and how many resources there are."""
    async with open_wire() as wire, open_store(Embedded(home=home), "stages") as store:
        bodies = await pages(wire, base)
        alone, versions = stages_of(bodies)

        async def fetch() -> None:
            await pages(wire, base)

        stages: dict[str, Stage] = {"fetch pages, splitting included": fetch, **alone}
        stages["hand to the store"] = lambda: receive(store, versions)
        least = dict.fromkeys(stages, float("inf"))
        for _ in range(rounds):
            for name, stage in stages.items():
                began = time.process_time()
                await stage()
                least[name] = min(least[name], time.process_time() - began)
    return {name: spent / len(versions) * 1e6 for name, spent in least.items()}, len(versions)


def main() -> None:
    """Measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--people", type=int, default=100)
    wanted.add_argument("--rounds", type=int, default=7)
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder, page_server(asked.people) as served:
        found, count = asyncio.run(measured(served["url"], Path(folder) / "home", asked.rounds))
    print(f"{count:,} resources, microseconds of our CPU per resource, the least of {asked.rounds} rounds")
    for name, spent in found.items():
        print(f"{spent:8.1f}  {name}")


if __name__ == "__main__":
    main()
