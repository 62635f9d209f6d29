"""The bulk export of an EHR: its job is kept from when it is started until all that it brought is taken in.

After one that was whole the next bring what changed since, until a whole one is due again.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from coordinator.fhir import Json, instant_in
from coordinator.sync.ports import Ehr, Pulled, Store, Transaction
from coordinator.sync.records import EhrConnection
from coordinator.sync.ways import NONE_EXPORTED, ExportJob

WHOLE_EVERY: Final = timedelta(days=7)
_JOB: Final = "export-job/"
_DONE: Final = "export-done/"
_LAST: Final = "export-last/"
PENDING: Final = "export-pending"  # the code of an error that only says: not done yet


@dataclass(slots=True, kw_only=True)
class Export:
    """An export under way: its job, and whether all that it brought so far came whole."""

    store: Store
    ehr: Ehr
    began: datetime
    job: ExportJob
    whole_at: datetime | None = None
    is_sound: bool = True
    mark: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether it brings all there is."""
        return self.job.since is None

    async def shown(self, types: Sequence[str]) -> AsyncGenerator[Pulled, None]:
        """Yield what it brings. A run that was cut off goes on with the job that it had started.

        Raises EhrError where the EHR can't export, or is not done yet.
        """
        async with aclosing(self.ehr.export(types, self.job)) as stream:
            async for item in stream:
                if isinstance(item, ExportJob):
                    self.job = item
                    await _put(self.store, _JOB + self.ehr.name, _job_json(item))
                    continue
                self._note(item)
                yield item
        await self._done()

    def _note(self, item: Pulled) -> None:
        if item.page is None:
            self.is_sound = self.is_sound and item.problem in ("", NONE_EXPORTED)
            self.mark = item.mark or self.mark

    async def _done(self) -> None:
        """Forget the job; keep from when on the next is asked for changes, where this one came whole."""
        if self.is_sound and self.mark is not None:
            whole_at = self.began if self.is_whole else self.whole_at or self.began
            done = {"since": self.mark.isoformat(), "basis": self.job.basis, "whole_at": whole_at.isoformat()}
            await _put(self.store, _DONE + self.ehr.name, dict[str, Json](done))
        await _put(self.store, _JOB + self.ehr.name, None)
        await _put(self.store, _LAST + self.ehr.name, self.began.isoformat())


async def begun(store: Store, ehr: Ehr, now: datetime) -> Export:
    """Return the export that is to be gone on with or to be started."""
    async with store.transaction() as tx:
        job, done = await kept_job(tx, ehr.name), _object(await tx.registry.setting(_DONE + ehr.name))
    whole_at = instant_in(_text(done.get("whole_at")))
    is_due = whole_at is None or not whole_at <= now < whole_at + WHOLE_EVERY
    since = None if is_due else instant_in(_text(done.get("since")))
    wanted = ExportJob(since=since, basis=_text(done.get("basis")) or "")
    return Export(store=store, ehr=ehr, began=now, job=job or wanted, whole_at=whole_at)


async def is_due(tx: Transaction, connection: EhrConnection, now: datetime) -> bool | None:
    """Say whether an EHR that is exported on a schedule is to be exported now; None where it has no schedule.

    An export under way is gone on with, and one that failed is tried again: only one that ended counts.
    """
    every = export_every(connection)
    if every is None:
        return None
    last = instant_in(_text(await tx.registry.setting(_LAST + connection.name)))
    is_under_way = await kept_job(tx, connection.name) is not None
    return is_under_way or last is None or not last <= now < last + every


def export_every(connection: EhrConnection) -> timedelta | None:
    """Return how long after an export the next is due: `options["export_every_hours"]`, at least one."""
    told = connection.options.get("export_every_hours")
    try:
        return None if told is None else timedelta(hours=max(1.0, float(str(told))))
    except ValueError:
        return None


async def kept_job(tx: Transaction, ehr: str) -> ExportJob | None:
    """Return the job that an EHR is at work on for us."""
    told = _object(await tx.registry.setting(_JOB + ehr))
    url = _text(told.get("url"))
    found = ExportJob(url=url or "", since=instant_in(_text(told.get("since"))))
    return replace(found, basis=_text(told.get("basis")) or "") if url else None


def _job_json(job: ExportJob) -> dict[str, Json]:
    return {"url": job.url, "since": job.since.isoformat() if job.since else None, "basis": job.basis}


async def _put(store: Store, key: str, value: Json) -> None:
    async with store.transaction() as tx:
        await tx.registry.put_setting(key, value)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
