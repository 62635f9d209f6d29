"""Progress of a run on a terminal: what each EHR is being asked, on standard error, gone when the run ends."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from coordinator.fhir import Json
from coordinator.outbox import Form
from coordinator.sync.ports import Absent, Ehr, Ehrs, Found, MayLeave, Pulled, WriteOutcome, WriteRequest
from coordinator.sync.records import EhrConnection
from coordinator.sync.ways import ExportJob, FastLane, Hook, Hooked


@contextmanager
def watching(ehrs: Ehrs) -> Iterator[Ehrs]:
    """Yield the EHRs, watched where standard error is a terminal, else as they are."""
    if not sys.stderr.isatty():
        yield ehrs
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _WatchedEhrs(ehrs, progress)


class _WatchedEhrs:
    """Opens EHRs that tell how far they are."""

    def __init__(self, ehrs: Ehrs, progress: Progress) -> None:
        self._ehrs = ehrs
        self._progress = progress

    def open(self, connection: EhrConnection) -> AbstractAsyncContextManager[Ehr]:
        """Return a connected EHR that is watched."""
        return self._opened(connection)

    @asynccontextmanager
    async def _opened(self, connection: EhrConnection) -> AsyncIterator[Ehr]:
        task = self._progress.add_task(connection.name, total=None, told="connecting")
        async with self._ehrs.open(connection) as ehr:
            yield _WatchedEhr(inner=ehr, progress=self._progress, task=task)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WatchedEhr:
    """One EHR that counts types pulled, records seen and writes sent on its way."""

    inner: Ehr
    progress: Progress
    task: TaskID

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def profile(self) -> Mapping[str, Json]:
        return self.inner.profile

    def forms(self, concept: str) -> tuple[Form, ...]:
        return self.inner.forms(concept)

    def carrier(self, concept: str, form: Form) -> str | None:
        return self.inner.carrier(concept, form)

    def can_store(self, path: str, value: str) -> bool:
        return self.inner.can_store(path, value)

    def keeps(self, path: str) -> bool:
        return self.inner.keeps(path)

    async def pull(self, types: Sequence[str], patients: Sequence[str] | None) -> AsyncGenerator[Pulled, None]:
        seen = 0
        self.progress.update(self.task, total=len(types), told="pulling")
        async for pulled in self.inner.pull(types, patients):
            if pulled.page is None:
                self.progress.advance(self.task)
            else:
                seen += len(pulled.page.entries)
            self.progress.update(self.task, told=f"{pulled.type}, {seen} records")
            yield pulled
        self.progress.update(self.task, told=f"{seen} records")

    def lane(self, type_: str) -> FastLane | None:
        return self.inner.lane(type_)

    async def changes(self, since: Mapping[str, datetime]) -> AsyncGenerator[Pulled, None]:
        self.progress.update(self.task, told="asking what changed")
        async for pulled in self.inner.changes(since):
            yield pulled

    async def export(self, types: Sequence[str], job: ExportJob) -> AsyncGenerator[Pulled | ExportJob, None]:
        self.progress.update(self.task, told="waiting for its export")
        async for item in self.inner.export(types, job):
            yield item

    async def subscribe(self, hook: Hook, ids: Sequence[str]) -> Hooked:
        return await self.inner.subscribe(hook, ids)

    async def unsubscribe(self, ids: Sequence[str]) -> None:
        await self.inner.unsubscribe(ids)

    async def read(self, type_: str, id_: str) -> Found | Absent:
        return await self.inner.read(type_, id_)

    async def write(self, request: WriteRequest, may_leave: MayLeave) -> WriteOutcome:
        self.progress.update(self.task, told=f"writing {request.type}")
        return await self.inner.write(request, may_leave)
