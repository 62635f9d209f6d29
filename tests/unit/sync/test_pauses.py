"""A pause stops what is under way with its next step."""

import pytest

from coordinator.errors import InvalidInput, NotFound, Superseded
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.records import EhrConnection
from coordinator.sync.work.holding import pause, resume
from coordinator.sync.work.leased import Working
from coordinator.sync.work.records import Job, Pause, PauseKind, Work
from coordinator.sync.work.stops import is_paused
from tests.ports.rows import NOON, a_version

NORTH = EhrConnection(name="north", url="https://north.example/fhir", organization="north")


def _pause(kind=PauseKind.EHR, name="north", reason="restored"):
    return Pause(kind=kind, name=name, reason=reason, actor="casey", since=NOON)


@pytest.fixture
async def store():
    store = MemoryStore()
    async with store.transaction() as tx:
        await tx.registry.put_ehr(NORTH)
    return store


async def _receive(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])


async def test_the_pull_of_an_ehr_that_is_paused_meanwhile_keeps_no_more_pages(store):
    async with store.transaction() as tx:
        lease = await tx.leases.take("north", Work.PULL, seconds=600)
        await pause(tx, _pause())
    with pytest.raises(Superseded, match="paused"):
        await _receive(Working(store=store, lease=lease))
    async with store.transaction() as tx:
        assert await tx.evidence.counts() == {}


async def test_what_became_of_a_write_is_kept_though_its_ehr_was_paused(store):
    async with store.transaction() as tx:
        lease = await tx.leases.take("north", Work.PUSH, seconds=600)
        await pause(tx, _pause())
    await _receive(Working(store=store, lease=lease))


async def test_a_resumed_ehr_is_worked_at_at_once_whatever_failed_before(store):
    async with store.transaction() as tx:
        await tx.jobs.enlist()
        await pause(tx, _pause())
        await tx.troubles.stumble(Job(work=Work.PULL, key="north"), "no answer", after=lambda _: None)
        assert await resume(tx, PauseKind.EHR, "north", actor="casey", now=NOON)
        assert [one.job for one in await tx.jobs.waiting()] == [Job(work=Work.PULL, key="north")]
        assert not await resume(tx, PauseKind.EHR, "north", actor="casey", now=NOON)


async def test_who_pauses_and_resumes_is_in_the_log(store):
    async with store.transaction() as tx:
        await pause(tx, _pause())
        await resume(tx, PauseKind.EHR, "north", actor="robin", now=NOON)
        events = await tx.audit.query("configuration")
    assert [(one.subject, one.actor, one.ehr) for one in events] == [
        ("pause", "casey", "north"),
        ("resume", "robin", "north"),
    ]


@pytest.mark.parametrize(("asked", "error"), [(_pause(reason="  "), InvalidInput), (_pause(name="south"), NotFound)])
async def test_a_pause_without_a_reason_or_of_nothing_is_refused(store, asked, error):
    with pytest.raises(error):
        async with store.transaction() as tx:
            await pause(tx, asked)


@pytest.mark.parametrize(
    ("paused", "is_so"),
    [
        (_pause(PauseKind.ALL, ""), True),
        (_pause(), True),
        (_pause(name="south"), False),
        (_pause(PauseKind.PERSON, "anyone"), True),
        (_pause(PauseKind.PERSON, "north"), False),
    ],
    ids=["all", "this EHR", "another EHR", "this person", "a person of that name"],
)
def test_what_is_paused(paused, is_so):
    assert is_paused([paused], "north", "anyone") is is_so
