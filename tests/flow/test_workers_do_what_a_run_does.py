"""Workers end where a run by hand ends, one or several of them, and an EHR that fails does not keep others waiting."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from coordinator.ehr import EhrRoom, ExportPatience
from coordinator.errors import TemporaryEhrError
from coordinator.store.queue import Slots
from coordinator.sync.work.holding import retry
from coordinator.sync.work.records import Job, Pause, PauseKind, RunOutcome, Work
from tests.builders import a_consent, a_goal, an_administration, an_order
from tests.flow.crew import Crew, another_program, eventually
from tests.flow.story import READ_ONLY, WorldFolder, told

pytestmark = pytest.mark.slow


def a_world(folder):
    """Two programs with a goal that one moves, an OTP, and a physician whose list lacks the methadone."""
    world = WorldFolder(folder)
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31"), an_order()]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")])
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    world.ehr("pcp", part2=False)
    for number, (discloser, recipient) in enumerate([("iop", "ced"), ("otp", "pcp")]):
        world.consent(a_consent(f"C-{number}", discloser=discloser, recipient=recipient))
    return world


class Except:
    """EHRs of which some can't be opened: at once, or only when they are let."""

    def __init__(self, inner, *, refuse=(), hang=()):
        self.inner, self.refuse, self.hang = inner, set(refuse), set(hang)
        self.released = asyncio.Event()

    @asynccontextmanager
    async def open(self, connection):
        if connection.name in self.refuse:
            raise TemporaryEhrError("It does not answer.", operation="connect", subject=connection.name)
        if connection.name in self.hang:
            await self.released.wait()
        async with self.inner.open(connection) as ehr:
            yield ehr


async def by_hand(tmp_path):
    """Return the end of the same world after runs by hand."""
    async with told(a_world(tmp_path / "by-hand")) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        return await story.state()


async def test_workers_end_where_a_run_by_hand_ends_and_then_write_nothing(tmp_path, postgres_store):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        await Crew(story, postgres_store).until_idle()
        story.move("2026-04-09T12:00:00Z")
        crew = Crew(story, postgres_store)
        tally = await crew.until_idle()
        state = await story.state()
        assert state == await by_hand(tmp_path)
        assert not tally.failed
        await Crew(story, postgres_store).until_idle()
        assert (await story.sync()).applied == 0
        assert (await story.state())[2] == state[2]


async def test_two_workers_end_there_too(tmp_path, postgres_store, database, tenant):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        async with another_program(database, tenant) as store:
            await asyncio.gather(Crew(story, postgres_store).until_idle(), Crew(story, store).until_idle())
            story.move("2026-04-09T12:00:00Z")
            await asyncio.gather(Crew(story, postgres_store).until_idle(), Crew(story, store).until_idle())
        await Crew(story, postgres_store).until_idle()
        assert await story.state() == await by_hand(tmp_path)


async def test_jobs_that_come_twice_late_and_out_of_order_do_no_harm(tmp_path, postgres_store):
    """Every job is asked for many times over, also where nothing is owed, for an EHR and a person who are not there."""
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        await Crew(story, postgres_store).until_idle()
        story.move("2026-04-09T12:00:00Z")
        crew = Crew(story, postgres_store)
        names = ["pcp", "otp", "ced", "iop", "gone"]
        async with postgres_store.transaction() as tx:
            persons = [link.person for link in await tx.people.links()] + ["nobody"]
        jobs = [Job(work=Work.PUSH, key=name) for name in names]
        jobs += [Job(work=Work.PERSON, key=person) for person in persons] + [Job(work=Work.PULL, key=n) for n in names]
        for job in jobs * 2:
            await crew.worker.do(job, 0)
        await crew.until_idle()
        assert await story.state() == await by_hand(tmp_path)
        assert not crew.worker.tally.failed


async def test_an_ehr_that_hangs_holds_its_own_slots_and_no_others(tmp_path, postgres_store):
    """It has one pull and one push under way at most; people who are known there are decided about meanwhile."""
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        ehrs = Except(story.ehrs, hang={"otp"})
        crew = Crew(story, postgres_store, ehrs=ehrs, slots=Slots(ehrs=2, people=1))
        await crew.ask_for_all()
        async with crew.working():
            await eventually(lambda: _done(crew, pulled={"iop", "ced", "pcp"}))
            ehrs.released.set()
            await eventually(lambda: _told(story, "pcp"))


async def _told(story, ehr):
    return (await story.stands()).get((ehr, "medication")) == "verified"


async def _done(crew, *, pulled):
    done = crew.told("J001")
    return {line.get("ehr") for line in done if line["work"] == "pull"} == pulled and any(
        line["work"] == "person" for line in done
    )


async def test_an_ehr_that_fails_is_tried_again_later_and_the_others_are_done(tmp_path, postgres_store):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        ehrs = Except(story.ehrs, refuse={"otp"})
        crew = Crew(story, postgres_store, ehrs=ehrs)
        tally = await crew.until_idle()
        assert tally.failed == {"pull": 1}
        (line,) = crew.told("J003")
        assert (line["ehr"], line["cause"], line["times"]) == ("otp", "It does not answer.", 1)
        assert 30 <= line["next_in"] <= 33
        async with postgres_store.transaction() as tx:
            (trouble,) = await tx.troubles.troubles()
            assert (trouble.job.key, trouble.cause) == ("otp", "It does not answer.")
            waiting = {one.job.key: one.after for one in await tx.jobs.waiting() if one.job.work is Work.PULL}
            assert 20 < waiting["otp"] <= 33
            assert min(waiting[name] for name in ("iop", "ced", "pcp")) > 250, "their next pull is a matter of schedule"
            failed = [run for run in await tx.runs.runs(limit=50) if run.outcome is RunOutcome.FAILED]
            assert [(run.work, run.ehr, run.cause) for run in failed] == [("pull", "otp", "It does not answer.")]
        ehrs.refuse.clear()
        async with postgres_store.transaction() as tx:
            assert await retry(tx, []) == [Job(work=Work.PULL, key="otp")]
        await Crew(story, postgres_store, ehrs=ehrs).until_idle()
        async with postgres_store.transaction() as tx:
            assert await tx.troubles.troubles() == []


async def test_an_outage_holds_writes_back_too_and_ends_with_the_first_answer(tmp_path, postgres_store):
    """Whoever finds an EHR silent says so to all workers: what is owed there since then does not try it again."""
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        await Crew(story, postgres_store).until_idle()
        story.move("2026-04-09T12:00:00Z")
        ehrs = Except(story.ehrs, refuse={"ced"})
        crew = Crew(story, postgres_store, ehrs=ehrs)
        await crew.until_idle()
        before = story.requests("ced")
        await crew.worker.do(Job(work=Work.PUSH, key="ced"), 0)
        assert crew.told("J002")[-1]["reason"] == "it is left alone since it failed"
        assert story.requests("ced") == before
        ehrs.refuse.clear()
        await story.sync()
        await Crew(story, postgres_store, ehrs=ehrs).until_idle()
        async with postgres_store.transaction() as tx:
            assert await tx.troubles.troubles() == []
        assert await story.state() == await by_hand(tmp_path)


async def test_a_body_does_not_leave_for_an_ehr_that_was_paused_at_the_last_moment(tmp_path, postgres_store):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        before = len(story.writes("ced"))
        await story.sync(ehrs=PausesBeforeWriting(story.ehrs, postgres_store))
        assert len(story.writes("ced")) == before
        async with postgres_store.transaction() as tx:
            await tx.pauses.resume(PauseKind.ALL, "")
        await story.sync()
        assert await story.state() == await by_hand(tmp_path)


class PausesBeforeWriting:
    """EHRs of which somebody pauses all when a write is about to leave."""

    def __init__(self, inner, store):
        self.inner, self.store = inner, store

    @asynccontextmanager
    async def open(self, connection):
        async with self.inner.open(connection) as ehr:
            yield _PausesBeforeWriting(ehr, self.store)


class _PausesBeforeWriting:
    def __init__(self, ehr, store):
        self._ehr, self._store = ehr, store

    def __getattr__(self, name):
        return getattr(self._ehr, name)

    async def write(self, request, may_leave):
        now = datetime(2026, 4, 9, 12, tzinfo=UTC)
        async with self._store.transaction() as tx:
            await tx.pauses.pause(Pause(kind=PauseKind.ALL, name="", reason="stop", actor="casey", since=now))
        return await self._ehr.write(request, may_leave)


async def test_what_is_paused_is_left_alone_by_workers_and_by_hand_until_it_is_resumed(tmp_path, postgres_store):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        async with postgres_store.transaction() as tx:
            now = story.clock.now()
            await tx.pauses.pause(Pause(kind=PauseKind.EHR, name="otp", reason="restored", actor="casey", since=now))
        crew = Crew(story, postgres_store)
        await crew.until_idle()
        report = await story.sync()
        assert report.paused == {"otp"}
        assert not report.problems
        assert story.requests("otp") == 0
        async with postgres_store.transaction() as tx:
            await tx.pauses.resume(PauseKind.EHR, "otp")
        await Crew(story, postgres_store).until_idle()
        story.move("2026-04-09T12:00:00Z")
        await Crew(story, postgres_store).until_idle()
        assert (await story.state())[0] == (await by_hand(tmp_path))[0]


async def test_a_run_by_hand_leaves_an_ehr_to_the_worker_that_is_at_it(tmp_path, postgres_store, database, tenant):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        async with another_program(database, tenant) as other, other.transaction() as tx:
            await tx.leases.take("otp", Work.PULL, seconds=600)
        async with another_program(database, tenant) as other:
            async with other.transaction() as tx:
                await tx.leases.take("iop", Work.PULL, seconds=600)
            report = await story.sync()
        assert report.elsewhere == {"iop"}, "the one who had the other lease has ended"
        assert not report.problems
        assert (await story.sync()).elsewhere == set()


async def test_the_counts_of_a_run_add_up_and_lead_to_its_rows(tmp_path, postgres_store):
    async with told(a_world(tmp_path / "world"), postgres_store) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        report = await story.sync()
        async with postgres_store.transaction() as tx:
            run, first = await tx.runs.runs(limit=9)
            rows = await tx.runs.rows(run.number)
    assert run.number == report.run
    assert (run.counts.seen, run.counts.people) == (report.seen, len(report.persons))
    assert run.count("received") == report.received + report.verified, "what was written was read back"
    assert run.count("received") + run.unchanged + run.count("unreadable") == run.read == report.seen + report.verified
    assert run.unchanged > 0
    assert (first.unchanged, first.count("received")) == (0, first.read)
    assert run.count("verified") == report.verified > 0
    assert len(rows) == sum(count for _, count in run.rows)


async def test_an_export_that_is_not_done_is_no_failure_and_is_gone_on_with_by_a_later_turn(tmp_path, postgres_store):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal()], takes=READ_ONLY, personality='export = ["Patient"]')
    async with told(world, postgres_store) as story:
        await story.register("iop", options={"export_every_hours": 24})
        hurried = EhrRoom(clock=story.clock, keys=story.keys, patience=ExportPatience(shortest=0, longest=0, total=-1))
        crew = Crew(story, postgres_store, ehrs=hurried)
        await crew.until_idle()
        assert [line["next_in"] >= 120 for line in crew.told("J001") if line["work"] == "pull"] == [True]
        assert crew.told("J003", "J004") == []
        async with postgres_store.transaction() as tx:
            assert await tx.troubles.troubles() == []
        patient = EhrRoom(
            clock=story.clock, keys=story.keys, patience=ExportPatience(shortest=0, longest=0.01, total=9)
        )
        await Crew(story, postgres_store, ehrs=patient).until_idle()
        async with postgres_store.transaction() as tx:
            assert await tx.evidence.one("iop", "Goal", "G-1") is not None
        assert len([path for path in story.paths("iop") if "$export?" in path]) == 1
