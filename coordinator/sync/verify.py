"""Verify: read back what was written, keep it as evidence, and see whether the EHR holds what it took."""

from dataclasses import dataclass, replace

from coordinator.clock import Clock
from coordinator.fhir import Document, read_document
from coordinator.outbox import Entry, Status
from coordinator.outbox.kept import KeptAs, Made, differences, with_kept
from coordinator.sync.learned import learn
from coordinator.sync.ports import Ehr, Found, Store
from coordinator.sync.versions import received
from coordinator.tracing import span


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """How many writes of an EHR were found to hold, how many not, and how many needs of it are withheld."""

    ehr: str
    verified: int
    not_kept: int
    withheld: int


async def verify(store: Store, ehr: Ehr, clock: Clock) -> VerifyReport:
    """Read back each write that was applied; one that conflicted is read, too, so that deciding sees what moved."""
    with span("verify", ehr=ehr.name) as here:
        report = await _verified(store, ehr, clock)
        here.tell(verified=report.verified)
        return report


async def _verified(store: Store, ehr: Ehr, clock: Clock) -> VerifyReport:
    verified = not_kept = 0
    async with store.transaction() as tx:
        entries = await tx.outbox.entries(ehr=ehr.name)
    for entry in entries:
        if entry.status is Status.APPLIED:
            held = await _verify_one(store, ehr, entry, clock)
            verified += held
            not_kept += not held
        elif entry.status is Status.CONFLICT and entry.intent.target:
            await _refresh(store, ehr, entry, clock)
    withheld = sum(entry.status is Status.WITHHELD for entry in entries)
    return VerifyReport(ehr=ehr.name, verified=verified, not_kept=not_kept, withheld=withheld)


async def _verify_one(store: Store, ehr: Ehr, entry: Entry, clock: Clock) -> bool:
    id_ = entry.result_id or entry.intent.target or ""
    found = await ehr.read(entry.intent.type, id_)
    if not isinstance(found, Found):
        ended = replace(entry, status=Status.UNKNOWN, reason=f"not found when read back: {found.kind}")
        async with store.transaction() as tx:
            await tx.outbox.set_status(replace(ended, updated_at=clock.now()))
        return False
    document = read_document(found.body)
    async with store.transaction() as tx:
        held = await tx.evidence.one(ehr.name, document.type, document.id)
        version = received(document, found.body, ehr=ehr.name, now=clock.now())
        if held is None or (held.canonical_hash, held.version) != (version.canonical_hash, version.version):
            await tx.evidence.receive([version])
        made = _made(entry, document, before=read_document(held.body) if held is not None else None)
        await learn(tx, ehr.name, made)
        ended = _ended(entry, made)
        await tx.outbox.set_status(replace(ended, result_version=document.version, updated_at=clock.now()))
        await tx.wakes.wake([entry.intent.person])
    return ended.status is Status.VERIFIED


def _made(entry: Entry, document: Document, *, before: Document | None) -> list[KeptAs]:
    """Return what the EHR made of the write, where that is not what was sent.

    What somebody saved after our write is theirs: it is news for deciding, and tells nothing of what the EHR keeps.
    """
    sent = read_document(entry.intent.body)
    found = differences(sent, document, entry.intent.paths, before=before)
    was_saved_since = entry.result_version is not None and document.version_id not in (None, entry.result_version)
    return [one for one in found if one.made is Made.REWORDED] if was_saved_since else found


def _ended(entry: Entry, made: list[KeptAs]) -> Entry:
    lost = [one.path for one in made if one.made is not Made.REWORDED]
    return replace(
        entry,
        status=Status.REFUSED if lost else Status.VERIFIED,
        reason=f"cannot be stored: {', '.join(lost)}" if lost else "",
        facts=with_kept(entry, made),
    )


async def _refresh(store: Store, ehr: Ehr, entry: Entry, clock: Clock) -> None:
    """Bring in the record that moved under our write."""
    found = await ehr.read(entry.intent.type, entry.intent.target or "")
    if not isinstance(found, Found):
        return
    document = read_document(found.body)
    async with store.transaction() as tx:
        held = await tx.evidence.one(ehr.name, document.type, document.id)
        version = received(document, found.body, ehr=ehr.name, now=clock.now())
        if held is None or held.canonical_hash != version.canonical_hash:
            await tx.evidence.receive([version])
            await tx.wakes.wake([entry.intent.person])
