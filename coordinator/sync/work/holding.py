"""Pause and resume, and have another go at what failed: what a person says about the work, kept with who and why."""

from collections.abc import Sequence
from datetime import datetime

from coordinator.audit import Happening, audit_row
from coordinator.errors import InvalidInput, NotFound
from coordinator.sync.connections import find_ehr
from coordinator.sync.ports import Transaction
from coordinator.sync.work.records import Job, Pause, PauseKind, Trouble, Urgency, Work


async def pause(tx: Transaction, asked: Pause) -> bool:
    """Stop work at an EHR, about a person, or all of it; return whether that is news.

    Raises NotFound where there is no such EHR, InvalidInput without a reason. What is under way ends with its next
    step: no page is kept and no body leaves after this is committed.
    """
    if not asked.reason.strip():
        raise InvalidInput(
            "A pause needs a reason.", operation="pause", hint="Say it with --reason, for who finds it later."
        )
    if asked.kind is PauseKind.EHR:
        await find_ehr(tx, asked.name)
    await tx.audit.append([audit_row(_event("pause", asked.kind, asked.name, actor=asked.actor, now=asked.since))])
    return await tx.pauses.pause(asked)


async def resume(tx: Transaction, kind: PauseKind, name: str, *, actor: str, now: datetime) -> bool:
    """End a pause and ask for what it held up; return whether there was one."""
    if not await tx.pauses.resume(kind, name):
        return False
    await tx.audit.append([audit_row(_event("resume", kind, name, actor=actor, now=now))])
    works = (Work.PULL, Work.PUSH) if kind is PauseKind.EHR else (Work.PERSON,)
    await tx.troubles.recover([Job(work=work, key=name) for work in works])
    await tx.jobs.sweep(now)
    return True


async def retry(tx: Transaction, jobs: Sequence[Job]) -> list[Job]:
    """Ask anew for work that failed, at once; return what was asked for. Raises NotFound for what has not failed."""
    failed = {one.job for one in await tx.troubles.troubles()}
    unknown = [job for job in jobs if job not in failed]
    if unknown:
        raise NotFound(
            f"{unknown[0].work.value}/{unknown[0].key} has not failed.",
            operation="run retry",
            hint="`coordinator run list` shows what has.",
        )
    wanted = list(jobs) or sorted(failed, key=lambda job: (job.work.value, job.key))
    await tx.troubles.recover(wanted)
    await tx.jobs.put(wanted, urgency=Urgency.TRANSITION)
    return wanted


def read_job(text: str) -> Job:
    """Return the work that a key such as `pull/north` names. Raises InvalidInput."""
    work, _, key = text.partition("/")
    if work not in {one.value for one in Work} or not key:
        raise InvalidInput(
            f"{text!r} names no work.", operation="run retry", hint="Give a key that `coordinator run list` shows."
        )
    return Job(work=Work(work), key=key)


def is_dead(trouble: Trouble) -> bool:
    """Say whether work waits for a person."""
    return trouble.again is None


def _event(subject: str, kind: PauseKind, name: str, *, actor: str, now: datetime) -> Happening:
    return Happening(
        kind="configuration",
        at=now,
        actor=actor,
        subject=subject,
        ehr=name if kind is PauseKind.EHR else None,
        person=name if kind is PauseKind.PERSON else None,
    )
