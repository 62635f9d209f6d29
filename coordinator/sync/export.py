"""The bulk export of an EHR: its job is kept from when it is started until all that it brought is taken in."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from coordinator.fhir import Json
from coordinator.sync.ports import Ehr, Pulled, Store, Transaction
from coordinator.sync.ways import ExportJob

_SETTING = "export-job/"


async def exported(store: Store, ehr: Ehr, types: Sequence[str]) -> AsyncGenerator[Pulled, None]:
    """Yield what an export brings. A run that was cut off goes on with the job that it had started.

    Raises EhrError where the EHR can't export, or is not done yet.
    """
    async with store.transaction() as tx:
        job = await kept_job(tx, ehr.name)
    async with aclosing(ehr.export(types, job)) as stream:
        async for item in stream:
            if isinstance(item, Pulled):
                yield item
            else:
                await _keep(store, ehr.name, {"url": item.url})
    await _keep(store, ehr.name, None)


async def _keep(store: Store, ehr: str, job: Json) -> None:
    async with store.transaction() as tx:
        await tx.registry.put_setting(_SETTING + ehr, job)


async def kept_job(tx: Transaction, ehr: str) -> ExportJob | None:
    """Return the job that an EHR is at work on for us."""
    told = await tx.registry.setting(_SETTING + ehr)
    url = told.get("url") if isinstance(told, dict) else None
    return ExportJob(url=url) if isinstance(url, str) else None
