"""A store keeps whose turn it is at an EHR, what wakes workers, what failed, and what is paused."""

from dataclasses import replace

import pytest

from coordinator.errors import Superseded
from coordinator.outbox.model import Form, Status
from coordinator.sync.records import EhrConnection
from coordinator.sync.work.records import Job, Pause, PauseKind, Urgency, Work
from tests.ports.rows import NOON, a_decision, a_link, a_patient, a_version, an_intent, later

LONG, OVER = 600.0, 0.0
PULL = Job(work=Work.PULL, key="north")
PUSH = Job(work=Work.PUSH, key="north")


@pytest.fixture
async def served(store):
    """Return a store whose tenant is served by workers."""
    async with store.transaction() as tx:
        await tx.jobs.enlist()
    return store


async def _waiting(store):
    async with store.transaction() as tx:
        return {one.job: one for one in await tx.jobs.waiting()}


async def _a_person(store, patient="p1"):
    """Return a person who is linked to a patient and has been reconciled since."""
    async with store.transaction() as tx:
        await tx.jobs.hush()
        person = await tx.people.create()
        await tx.evidence.receive([a_patient(patient)])
        await tx.people.link(a_link(person, patient))
        (due,) = await tx.wakes.due(NOON, limit=9, only=[person])
        await tx.wakes.reconciled(due, at=NOON, due_at=None)
    return person


def _ehr(name="north", url="https://north.example/fhir"):
    return EhrConnection(name=name, url=url, organization="north")


# ---- leases ----------------------------------------------------------------------------------------------------------


async def test_one_at_a_time_has_the_lease_of_an_ehr(stores):
    one, other = await stores.open(), await stores.open()
    async with one.transaction() as tx:
        lease = await tx.leases.take("north", Work.PULL, seconds=LONG)
        assert await tx.leases.take("north", Work.PULL, seconds=LONG) is None
        assert await tx.leases.take("north", Work.PUSH, seconds=LONG), "to write is another matter"
        assert await tx.leases.take("south", Work.PULL, seconds=LONG)
    async with other.transaction() as tx:
        assert await tx.leases.take("north", Work.PULL, seconds=LONG) is None
    async with one.transaction() as tx:
        await tx.leases.give_back(lease)
    async with other.transaction() as tx:
        assert (await tx.leases.take("north", Work.PULL, seconds=LONG)).fence > lease.fence


async def test_a_lease_of_a_program_that_ended_is_taken_over_before_its_time(stores):
    one, other = await stores.open(), await stores.open()
    async with one.transaction() as tx:
        await tx.leases.take("north", Work.PULL, seconds=LONG)
    await stores.end(one)
    async with other.transaction() as tx:
        assert await tx.leases.take("north", Work.PULL, seconds=LONG)


async def test_what_a_stale_lease_writes_is_refused_and_undone(stores):
    """A worker that was frozen wakes up after another has taken over: it must not write over what that one saw."""
    frozen, next_one = await stores.open(), await stores.open()
    async with frozen.transaction() as tx:
        stale = await tx.leases.take("north", Work.PULL, seconds=OVER)
    async with next_one.transaction() as tx:
        fresh = await tx.leases.take("north", Work.PULL, seconds=LONG)
    with pytest.raises(Superseded):
        await _receive_under(frozen, stale)
    async with next_one.transaction() as tx:
        await tx.leases.give_back(stale)
        await tx.leases.hold(fresh, seconds=LONG)
        assert await tx.leases.take("north", Work.PULL, seconds=LONG) is None, "giving back what is lost frees nothing"
        assert await tx.evidence.counts() == {}


async def _receive_under(store, lease):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        await tx.leases.hold(lease, seconds=LONG)


async def test_a_lease_that_is_held_on_to_lasts_longer(store):
    async with store.transaction() as tx:
        lease = await tx.leases.take("north", Work.PULL, seconds=OVER)
        await tx.leases.hold(lease, seconds=LONG)
        assert await tx.leases.take("north", Work.PULL, seconds=LONG) is None


# ---- wake-ups --------------------------------------------------------------------------------------------------------


async def test_without_workers_a_wake_up_makes_no_job(store):
    person = await _a_person(store)
    async with store.transaction() as tx:
        await tx.wakes.wake([person])
        await tx.jobs.put([PULL])
        assert await tx.jobs.sweep(NOON) == 0
    assert await _waiting(store) == {}


async def test_evidence_a_decision_and_a_need_ask_for_work_with_what_made_them(served):
    person = await _a_person(served)
    async with served.transaction() as tx:
        await tx.evidence.receive([a_version(says="b")])
    assert set(await _waiting(served)) == {Job(work=Work.PERSON, key=person)}
    async with served.transaction() as tx:
        await tx.outbox.put_intents(person, "north", [an_intent(person=person)], at=NOON)
    assert set(await _waiting(served)) == {Job(work=Work.PERSON, key=person), PUSH}


async def test_what_was_rolled_back_asks_for_nothing(served):
    person = await _a_person(served)
    with pytest.raises(RuntimeError):
        await _ask_and_fail(served, person)
    assert await _waiting(served) == {}


async def _ask_and_fail(store, person):
    async with store.transaction() as tx:
        await tx.wakes.wake([person])
        await tx.outbox.put_intents(person, "north", [an_intent(person=person)], at=NOON)
        await tx.jobs.put([PULL])
        raise RuntimeError


async def test_a_wake_up_that_waits_already_is_one(served):
    person = await _a_person(served)
    for _ in range(3):
        async with served.transaction() as tx:
            await tx.wakes.wake([person])
    assert len(await _waiting(served)) == 1


async def test_what_is_hushed_asks_for_nothing_and_is_swept_up_later(served):
    person = await _a_person(served)
    async with served.transaction() as tx:
        await tx.jobs.hush()
        await tx.wakes.wake([person])
        await tx.outbox.put_intents(person, "north", [an_intent(person=person)], at=NOON)
    assert await _waiting(served) == {}
    async with served.transaction() as tx:
        await tx.registry.put_ehr(_ehr())
        assert await tx.jobs.sweep(NOON) == 3
    assert set(await _waiting(served)) == {Job(work=Work.PERSON, key=person), PULL, PUSH}


async def test_a_parked_job_is_pulled_forward_by_news(served):
    async with served.transaction() as tx:
        await tx.jobs.put([PULL], after=3600)
    assert 3500 < (await _waiting(served))[PULL].after <= 3600
    async with served.transaction() as tx:
        await tx.jobs.put([PULL], after=60)
    assert 0 < (await _waiting(served))[PULL].after <= 60
    async with served.transaction() as tx:
        await tx.jobs.put([PULL])
    async with served.transaction() as tx:
        await tx.jobs.put([PULL], after=60)
    assert (await _waiting(served))[PULL].after == 0


@pytest.mark.parametrize("status", list(Status))
async def test_sending_puts_nothing_on_the_queue_by_itself(served, status):
    """What an EHR refused to take now waits for its time; a job at once would ask it again without end."""
    person = await _a_person(served)
    async with served.transaction() as tx:
        await tx.jobs.hush()
        await tx.outbox.put_intents(person, "north", [an_intent(person=person)], at=NOON)
    async with served.transaction() as tx:
        (entry,) = await tx.outbox.entries()
        await tx.outbox.set_status(replace(entry, status=Status.IN_FLIGHT))
        await tx.outbox.set_status(replace(entry, status=status))
    assert await _waiting(served) == {}


async def test_what_only_a_person_can_deliver_asks_for_no_sending(served):
    async with served.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent(form=Form.NONE)], at=NOON)
    assert await _waiting(served) == {}


async def test_decisions_go_before_transitions_before_the_day_before_bulk(served):
    decided, woken = await _a_person(served), await _a_person(served, "p2")
    many = [await _a_person(served, f"m{number}") for number in range(21)]
    async with served.transaction() as tx:
        await tx.wakes.wake(many)
    async with served.transaction() as tx:
        await tx.wakes.wake([woken])
    async with served.transaction() as tx:
        await tx.outbox.put_intents(woken, "north", [replace(an_intent(person=woken), concept="enrollment")], at=NOON)
    async with served.transaction() as tx:
        await tx.accounts.add_decision(decided, a_decision())
    async with served.transaction() as tx:
        waiting = [(one.job.key, one.urgency) for one in await tx.jobs.waiting()]
    assert waiting[:3] == [(decided, Urgency.AT_ONCE), ("north", Urgency.TRANSITION), (woken, Urgency.USUAL)]
    assert {urgency for _, urgency in waiting[3:]} == {Urgency.BULK}


async def test_a_large_wave_lets_a_smaller_one_pass_that_came_later(served):
    """So an EHR that brings thousands of people for the first time does not hold up what changes in the others."""
    large = [await _a_person(served, f"l{number}") for number in range(200)]
    small = [await _a_person(served, f"s{number}") for number in range(21)]
    for wave in (large, small):
        async with served.transaction() as tx:
            await tx.wakes.wake(wave)
    async with served.transaction() as tx:
        waiting = [(one.job.key, one.urgency) for one in await tx.jobs.waiting()]
    assert {key for key, _ in waiting[:21]} == set(small)
    assert [urgency for _, urgency in waiting] == [Urgency.BULK] * 21 + [Urgency.BULK - 1] * 200


async def test_the_sweep_asks_for_whom_time_itself_makes_due(served):
    person = await _a_person(served)
    async with served.transaction() as tx:
        await tx.jobs.hush()
        await tx.wakes.wake([person])
        (due,) = await tx.wakes.due(NOON, limit=1)
        await tx.wakes.reconciled(due, at=NOON, due_at=later(days=1))
    async with served.transaction() as tx:
        assert await tx.jobs.sweep(NOON) == 0
        assert await tx.jobs.sweep(later(days=1)) == 1
        assert await tx.jobs.sweep(later(days=1)) == 0, "it waits already"


async def test_an_ehr_that_gives_files_only_is_not_asked(served):
    async with served.transaction() as tx:
        await tx.registry.put_ehr(_ehr(url="file:"))
        assert await tx.jobs.sweep(NOON) == 0


async def test_the_jobs_of_a_tenant_are_its_own(stores, tenant):
    one, other = await stores.open(), await stores.open(f"{tenant}-other")
    for store in (one, other):
        async with store.transaction() as tx:
            await tx.jobs.enlist()
    async with one.transaction() as tx:
        await tx.jobs.put([PULL])
        await tx.troubles.stumble(PULL, "silent", after=_never)
    assert await _waiting(other) == {}
    async with other.transaction() as tx:
        assert await tx.troubles.troubles() == []


def _never(_times):
    return None


def _in_a_minute(_times):
    return 60.0


# ---- what failed -----------------------------------------------------------------------------------------------------


async def test_what_failed_is_counted_kept_with_its_cause_and_forgotten_when_it_succeeds(store):
    async with store.transaction() as tx:
        assert await tx.troubles.stumble(PULL, "no answer", after=_in_a_minute) == 1
        assert await tx.troubles.stumble(PULL, "no answer in time", after=_never) == 2
        assert await tx.troubles.stumble(Job(work=Work.PERSON, key="anyone"), "odd", after=_in_a_minute) == 1
        dead, parked = await tx.troubles.troubles()
        assert (dead.job, dead.times, dead.cause, dead.again) == (PULL, 2, "no answer in time", None)
        assert parked.again > parked.since
        assert await tx.troubles.recover([PULL, PUSH]) == 1
        assert [one.job.work for one in await tx.troubles.troubles()] == [Work.PERSON]


@pytest.mark.parametrize(("after", "asked"), [(None, 0), (600.0, 0), (0.0, 1)], ids=["dead", "parked", "time has come"])
async def test_the_sweep_leaves_what_failed_alone_until_its_time(served, after, asked):
    async with served.transaction() as tx:
        await tx.registry.put_ehr(_ehr())
        await tx.troubles.stumble(PULL, "no answer", after=lambda _: after)
    async with served.transaction() as tx:
        assert await tx.jobs.sweep(NOON) == asked


async def test_news_about_a_person_are_reason_to_look_again_whatever_failed_before(served):
    person = await _a_person(served)
    async with served.transaction() as tx:
        await tx.jobs.hush()
        await tx.wakes.wake([person])
        await tx.troubles.stumble(Job(work=Work.PERSON, key=person), "odd", after=_never)
        assert await tx.jobs.sweep(NOON) == 0
        await tx.wakes.wake([person])
        assert await tx.jobs.sweep(NOON) == 1


async def test_an_outage_holds_all_work_at_its_ehr_until_its_time_and_then_lets_one_go_first(store):
    async with store.transaction() as tx:
        assert await tx.troubles.admit("north", probe=60) == 0
        await tx.troubles.stumble(PULL, "no answer", after=_in_a_minute, is_outage=True)
        assert 55 < await tx.troubles.admit("north", probe=60) <= 60
        assert await tx.troubles.admit("south", probe=60) == 0
    async with store.transaction() as tx:
        await tx.troubles.stumble(PULL, "no answer", after=lambda _: 0.0, is_outage=True)
        assert await tx.troubles.admit("north", probe=60) == 0, "its time has come: one goes and sees"
        assert 55 < await tx.troubles.admit("north", probe=60) <= 60, "the others wait for what that one finds"
        assert await tx.troubles.answered("north") == [PULL]
        assert await tx.troubles.answered("north") == []
        assert await tx.troubles.admit("north", probe=60) == 0


async def test_what_is_no_outage_holds_nothing_else_at_its_ehr(store):
    async with store.transaction() as tx:
        await tx.troubles.stumble(PUSH, "refused", after=_never)
        assert await tx.troubles.admit("north", probe=60) == 0
        assert await tx.troubles.answered("north") == []
        assert [one.job for one in await tx.troubles.troubles()] == [PUSH]


# ---- pauses ----------------------------------------------------------------------------------------------------------


def _pause(kind, name=""):
    return Pause(kind=kind, name=name, reason="restored from a backup", actor="casey", since=NOON)


async def test_a_pause_is_kept_with_who_and_why_until_it_is_ended(store):
    async with store.transaction() as tx:
        assert await tx.pauses.pause(_pause(PauseKind.EHR, "north"))
        assert not await tx.pauses.pause(replace(_pause(PauseKind.EHR, "north"), reason="another"))
        assert await tx.pauses.pauses() == [_pause(PauseKind.EHR, "north")]
        assert await tx.pauses.resume(PauseKind.EHR, "north")
        assert not await tx.pauses.resume(PauseKind.EHR, "north")
        assert await tx.pauses.pauses() == []


@pytest.mark.parametrize(
    ("kind", "is_due", "can_send"),
    [(PauseKind.ALL, False, False), (PauseKind.EHR, True, False), (PauseKind.PERSON, False, False)],
)
async def test_what_is_paused_is_neither_decided_nor_sent_nor_swept_and_waits(served, kind, is_due, can_send):
    person = await _a_person(served)
    names = {PauseKind.ALL: "", PauseKind.EHR: "north", PauseKind.PERSON: person}
    async with served.transaction() as tx:
        await tx.jobs.hush()
        await tx.registry.put_ehr(_ehr())
        await tx.outbox.put_intents(person, "north", [an_intent(person=person)], at=NOON)
        await tx.wakes.wake([person])
        await tx.pauses.pause(_pause(kind, names[kind]))
    async with served.transaction() as tx:
        assert bool(await tx.wakes.due(NOON, limit=1)) is is_due
        assert bool(await tx.outbox.sendable("north", limit=1)) is can_send
    async with served.transaction() as tx:
        await tx.jobs.sweep(NOON)
    swept = {PauseKind.ALL: set(), PauseKind.EHR: {Work.PERSON}, PauseKind.PERSON: {Work.PULL}}
    assert {job.work for job in await _waiting(served)} == swept[kind]
    async with served.transaction() as tx:
        await tx.pauses.resume(kind, names[kind])
        await tx.jobs.sweep(NOON)
        assert await tx.wakes.due(NOON, limit=1)
        assert await tx.outbox.sendable("north", limit=1)
    assert {job.work for job in await _waiting(served)} == set(Work)


async def test_only_those_asked_for_are_due(store):
    one, other = await _a_person(store), await _a_person(store, "p2")
    async with store.transaction() as tx:
        await tx.wakes.wake([one, other])
        assert [due.person for due in await tx.wakes.due(NOON, limit=9, only=[other])] == [other]
        assert await tx.wakes.due(NOON, limit=9, only=[]) == []
