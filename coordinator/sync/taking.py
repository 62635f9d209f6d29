"""Taking pages in: what is held as it came is only seen, the rest is read, checked and kept batch by batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from coordinator.clock import Clock
from coordinator.fhir import Page, id_of, read_document
from coordinator.sync.lanes import Check
from coordinator.sync.ports import Ehr, Found, Normalize, Store
from coordinator.sync.records import Cursor, Known, Received
from coordinator.sync.referred import Referred, referred_in
from coordinator.sync.restored import Guard, goes_back
from coordinator.sync.unreadable import set_aside
from coordinator.sync.versions import received

BATCH = 1000


@dataclass(slots=True)
class Walk:
    """The pull of one type under way. `waiting` are the entries that are not held as they came."""

    ehr: str
    type: str
    began: datetime
    held: Mapping[bytes, str]
    is_first: bool  # nothing of this type was received before
    check: Check | None = None  # what the fast lane should have shown
    seen: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)  # what a history says was deleted
    waiting: list[bytes] = field(default_factory=list)
    changed: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Takes pages of one EHR into the store."""

    store: Store
    ehr: Ehr
    clock: Clock
    normalize: Normalize
    anew: bool
    guard: Guard
    asked: set[Referred] = field(default_factory=set)  # what was asked for as records refer to it

    async def add(self, walk: Walk, page: Page) -> None:
        """Add a page; what is held as it came is seen and no more, the others wait until they are enough to be kept."""
        if walk.check is not None:
            walk.check.look(page.entries)
        places = (one.partition("/") for one in page.gone)
        walk.gone.update(id_ for type_, _, id_ in places if type_ == walk.type)
        if walk.held and not self.anew:
            for raw in page.entries:
                held = walk.held.get(sha256(raw).digest())
                if held is None:
                    walk.waiting.append(raw)
                else:
                    walk.seen.add(held)
        else:
            walk.waiting += page.entries
        if len(walk.waiting) >= BATCH:
            await self.take(walk)

    async def take(self, walk: Walk, cursor: Cursor | None = None) -> None:
        """Take in what waits: keep in one transaction versions, what can't be read, and the wake-ups that follow.

        With the last of it comes how far the lane has come: it is never ahead of what was kept.
        """
        if not walk.waiting and cursor is None:
            return
        known = {} if walk.is_first else await self._known(walk)
        found = self.normalize(walk.waiting, walk.type, ehr=walk.ehr, known=known, now=self.clock.now())
        self.guard.look(found.changed, known)
        changed = list({one.id: one for one in found.changed}.values())  # of a record that came twice, the later
        changed = await self._as_they_are(walk, changed, known)
        referred = await self._referred(changed)
        async with self.store.transaction() as tx:
            if changed:
                await tx.evidence.receive([*referred, *changed])
            if found.quarantined:
                walk.bad += await set_aside(tx, found.quarantined)
            if cursor is not None:
                await tx.pulls.put_cursor(cursor)
        if walk.check is not None:
            walk.check.news(changed)
        walk.changed += len(changed)
        walk.seen.update(found.seen)
        walk.waiting.clear()

    async def _known(self, walk: Walk) -> dict[str, Known]:
        """Return what we hold of the records that wait."""
        async with self.store.transaction() as tx:
            known = await tx.evidence.known(walk.ehr, walk.type, set(map(id_of, walk.waiting)))
        return {id_: replace(one, raw_hash=b"") for id_, one in known.items()} if self.anew else known

    async def _as_they_are(self, walk: Walk, changed: Sequence[Received], known: Mapping[str, Known]) -> list[Received]:
        """Read what seems to be again as it was before, or of an earlier version than we hold.

        An index may lag behind what we have seen by reading, also by a version that we never saw: our own write, which
        somebody has changed since. Taken for news it would undo at other EHRs what was saved. A read shows what is so.
        """
        contents = {one.id: one.canonical_hash for one in changed if one.id in known}
        if not contents:
            return list(changed)
        async with self.store.transaction() as tx:
            had = await tx.evidence.had(walk.ehr, walk.type, contents)
        if not self.guard.is_off:
            had |= {one.id for one in changed if one.id in known and goes_back(known[one.id].version, one.version)}
        return [one for one in [await self._read(one, known) if one.id in had else one for one in changed] if one]

    async def _read(self, found: Received, known: Mapping[str, Known]) -> Received | None:
        """Return a record as a read shows it, None where that is what we hold; as it was found where none is shown."""
        answer = await self.ehr.read(found.type, found.id)
        if not isinstance(answer, Found):
            return found
        document, held = read_document(answer.body), known[found.id]
        if (document.canonical_hash, document.version) == (held.canonical_hash, held.version):
            return None
        return received(document, answer.body, ehr=self.ehr.name, now=self.clock.now())

    async def _referred(self, changed: Sequence[Received]) -> list[Received]:
        """Read the medicines and places that records refer to: some EHRs name a medicine only by reference.

        They are kept together with the records that need them, so that a run cut off between the two reads both again.
        """
        wanted = {each for one in changed for each in referred_in(one)} - self.asked
        self.asked.update(wanted)
        found: list[Received] = []
        for type_, id_ in sorted(wanted - await self._held(wanted)):
            answer = await self.ehr.read(type_, id_)
            if isinstance(answer, Found):
                document = read_document(answer.body)
                found.append(received(document, answer.body, ehr=self.ehr.name, now=self.clock.now()))
        return found

    async def _held(self, wanted: set[Referred]) -> set[Referred]:
        """Return those that we hold already."""
        held: set[Referred] = set()
        for type_ in {type_ for type_, _ in wanted}:
            async with self.store.transaction() as tx:
                known = await tx.evidence.known(self.ehr.name, type_, {id_ for of, id_ in wanted if of == type_})
            held.update((type_, id_) for id_ in known)
        return held
