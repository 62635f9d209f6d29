"""A bulk export of an EHR: the job driven to its end, its files given out as pages, each type with its grade."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from coordinator.ehr.capability import Statement
from coordinator.ehr.downloads import Downloads, NotFetched
from coordinator.ehr.exchange import Asked, Base, Reply, Wire
from coordinator.ehr.lanes import offered, since_text
from coordinator.ehr.protocols.export import File, Gone, Manifest, Order, Patience, Pending, Wait, delete, start, wait
from coordinator.ehr.protocols.outcomes import is_refusal
from coordinator.ehr.strategy import Site
from coordinator.ehr.wire import ask, drive
from coordinator.errors import InvalidInput, PermanentEhrError, TemporaryEhrError
from coordinator.fhir import Page, split_page
from coordinator.reconcile.model import Grade
from coordinator.sync.export import PENDING
from coordinator.sync.ports import Pulled
from coordinator.sync.ways import NONE_EXPORTED, ExportJob

TRIES = 3  # of a file that breaks off; what came already is only seen again


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """What an export of one EHR works with."""

    base: Base
    wire: Wire
    statement: Statement
    site: Site
    downloads: Downloads
    patience: Patience = field(default_factory=Patience)

    @property
    def scope(self) -> str | None:
        """Return what is exported: the roster's group, all patients, the whole system; None where nothing can be."""
        kind, _, group = self.site.roster.partition(":")
        if kind == "group":
            return f"Group/{group}" if "Group" in self.statement.export else None
        if self.site.roster != "all":
            return None  # an export brings everybody, also those whom the roster does not name
        if "Patient" in self.statement.export:
            return "Patient"
        return "" if "system" in self.statement.export else None

    async def export(self, types: Sequence[str], job: ExportJob) -> AsyncGenerator[Pulled | ExportJob, None]:
        """Yield the job once it is started, to be kept at once, then pages and grades as a pull does; delete the job.

        Raises TemporaryEhrError where the job is not done yet, and EhrError where none can be started.
        """
        if not (job.url and self.base.holds(job.url)):
            job = await self._started(types, job)
            yield job
        manifest = await self._waited_for(job)
        if manifest is None:  # forgotten there: an export is kept for days at most
            job = await self._started(types, job)
            yield job
            manifest = await self._waited_for(job)
        if manifest is None:
            raise TemporaryEhrError("The EHR forgot its export at once.", operation="export", subject="status")
        reads = _Reading(downloads=self.downloads, manifest=manifest)
        await reads.look_around()
        for type_ in types:
            async with aclosing(reads.pages(type_)) as pages:
                async for page in pages:
                    yield Pulled(type=type_, page=page)
            yield self._ended(type_, reads, is_since=job.since is not None)
        await drive(delete(job.url), self.wire)

    def _ended(self, type_: str, reads: "_Reading", *, is_since: bool) -> Pulled:
        problem = reads.problem(type_)
        if is_since and problem == NONE_EXPORTED:
            problem = ""  # nothing of it has changed
        newest = reads.manifest.as_of
        return Pulled(
            type=type_,
            problem=problem,
            grade=Grade.PARTIAL if problem else Grade.COMPLETE,
            newest=newest,
            mark=None if newest is None else newest - offered(self.statement, type_, self.site).overlap - _LAG,
        )

    async def _started(self, types: Sequence[str], wanted: ExportJob) -> ExportJob:
        """Start a job; what changed is asked for only where it is of the same as before, and not of a group.

        Whether the old records of a new member come along is left open by the guide.
        """
        if self.scope is None:
            raise PermanentEhrError(
                "This EHR declares no $export for its roster.",
                operation="export",
                subject="start",
                hint="Pull it without --export; a group is exported where its operator made one (--roster group:ID).",
            )
        served = tuple(one for one in types if self.statement.of(one).read or self.statement.of(one).search)
        basis = f"{self.base.url} {self.scope}"
        since = wanted.since if wanted.basis == basis and not self.scope.startswith("Group/") else None
        order = Order(scope=self.scope, types=served, since=since_text(since) if since else "")
        return ExportJob(url=await drive(start(self.base, order), self.wire), since=since, basis=basis)

    async def _waited_for(self, job: ExportJob) -> Manifest | None:
        steps = wait(self.base, job.url, patience=self.patience)
        reply: Reply | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                return _done(end.value)
            if isinstance(step, Asked):
                reply = await ask(self.wire, step)
            else:
                assert isinstance(step, Wait)  # noqa: S101  # a step is a request or a wait
                reply = None
                await asyncio.sleep(step.seconds)


_LAG = timedelta(minutes=10)


def _done(value: Manifest | Pending | Gone) -> Manifest | None:
    match value:
        case Manifest():
            return value
        case Gone():
            return None
        case Pending():
            raise TemporaryEhrError(
                "The EHR is still at work on the export.",
                operation="export",
                subject="status",
                hint="`coordinator sync --export` goes on with the same one.",
            ).coded(PENDING)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """The files of a finished job under way: what was wrong with each, with all, and which records were deleted."""

    downloads: Downloads
    manifest: Manifest
    wrong: dict[File, str] = field(default_factory=dict)
    of_all: str = ""
    gone: tuple[str, ...] = ()

    def problem(self, type_: str) -> str:
        """Return why what came of a type is not all there is, empty where nothing says so."""
        if self.manifest.is_part:
            return "the export lists only a part of its files"
        if not any(one.type == type_ for one in self.manifest.files):
            return self.of_all or NONE_EXPORTED
        return next((why for file, why in self.wrong.items() if file.type == type_), self.of_all)

    async def look_around(self) -> None:
        """Read what the EHR says went wrong, and what was deleted.

        Where an error is more than information no type is complete. What is gone is found by the compare, too.
        """
        for file in self.manifest.errors:
            try:
                errors = [line for line in await self._all(file) if is_refusal(line)]
            except NotFetched as trouble:
                self.of_all = f"the list of its errors could not be fetched: {trouble}"
            else:
                self.of_all = "the EHR told of errors during the export" if errors else self.of_all
        for file in self.manifest.deleted:
            with suppress(NotFetched, InvalidInput):
                self.gone += tuple(place for line in await self._all(file) for place in split_page(line).gone)

    async def _all(self, file: File) -> list[bytes]:
        """Return the lines of a small file."""
        return [line async for lines in self._lines(file) for line in lines]

    async def pages(self, type_: str) -> AsyncGenerator[Page, None]:
        """Yield the records of a type, and the ids of those that were deleted."""
        for file in self.manifest.files:
            if file.type != type_:
                continue
            async for lines in self._tried(file):
                yield Page(entries=tuple(lines))
        gone = tuple(place for place in self.gone if place.partition("/")[0] == type_)
        if gone:
            yield Page(entries=(), gone=gone)

    async def _tried(self, file: File) -> AsyncGenerator[list[bytes], None]:
        """Yield the lines of a file; of one that breaks off or is cut off once more from its beginning."""
        for _ in range(TRIES):
            count = 0
            try:
                async for lines in self._lines(file):
                    count += len(lines)
                    yield lines
            except NotFetched as trouble:
                self.wrong[file] = f"a file of the export could not be fetched: {trouble}"
                if trouble.for_good:
                    return
                continue
            if file.count is None or count >= file.count:
                self.wrong.pop(file, None)
                return
            self.wrong[file] = f"a file of the export has {count} lines of {file.count}"

    def _lines(self, file: File) -> AsyncGenerator[list[bytes], None]:
        return self.downloads.lines(file.url, with_token=self.manifest.needs_token)
