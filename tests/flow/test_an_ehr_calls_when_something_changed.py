"""An EHR that takes subscriptions calls us: a hint from whoever has the secret. Pulls go on without it."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from coordinator.api import create_app, hook_routes, listening
from coordinator.bootstrap import Calls
from coordinator.errors import NotFound, PermanentEhrError
from coordinator.sync.subscriptions import LIFE, is_call, subscribe, subscribed, unsubscribe
from coordinator.sync.ways import Hook
from coordinator.sync.work.records import Job, Work
from tests.builders import a_goal
from tests.flow.story import READ_ONLY, WorldFolder, told

ENDPOINT = "https://us.test/hooks/tenant/iop"
CALLS = {**READ_ONLY, "Subscription": ["read", "create", "update", "delete"]}


def a_world(tmp_path, takes=CALLS):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal()], takes=takes)
    return world


async def begun(story):
    """Subscribe at the EHR."""
    async with story.store.transaction() as tx:
        (connection,) = await tx.registry.ehrs()
    async with story.ehrs.open(connection) as ehr:
        hook = Hook(endpoint=ENDPOINT, ends=story.clock.now() + LIFE)
        return await subscribe(story.store, ehr, hook)


def secrets(story):
    """Return the secrets that the EHR holds."""
    held = story.held("iop", "Subscription")
    return {one["channel"]["header"][0].partition(": ")[2] for one in held}


async def calls(story, secret):
    async with story.store.transaction() as tx:
        return await is_call(tx, "iop", secret, now=story.clock.now())


async def test_the_ehr_holds_a_subscription_for_each_type_and_who_has_its_secret_is_believed(tmp_path):
    async with told(a_world(tmp_path)) as story:
        held = await begun(story)
        assert {one["criteria"] for one in story.held("iop", "Subscription")} >= {"Goal?", "Encounter?", "Patient?"}
        (secret,) = secrets(story)
        assert secret not in repr(held), "we keep no secret, only its hash"
        assert [await calls(story, one) for one in (secret, "guessed", "")] == [True, False, False]
        async with story.store.transaction() as tx:
            assert (await subscribed(tx, "iop")).called_at == story.clock.now()


async def test_a_pull_renews_what_ends_soon_with_a_new_secret_and_leaves_the_rest(tmp_path):
    async with told(a_world(tmp_path)) as story:
        first = await begun(story)
        (before,) = secrets(story)
        await story.sync()
        assert secrets(story) == {before}
        story.move("2026-04-12T12:00:00Z")
        await story.sync()
        (after,) = secrets(story)
        async with story.store.transaction() as tx:
            now = await subscribed(tx, "iop")
        assert (now.ids, now.ends) == (first.ids, story.clock.now() + LIFE)
        assert [await calls(story, one) for one in (before, after)] == [False, True]


async def test_where_renewing_fails_the_ehr_is_pulled_as_before(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await begun(story)
        await story.register("iop", options={"capability": {"Subscription": {"create": False}}})
        story.move("2026-04-13T12:00:00Z")
        report = await story.sync()
        assert (report.problems, report.seen) == ({}, 2)


async def test_subscriptions_that_are_ended_are_gone_at_the_ehr_too(tmp_path):
    async with told(a_world(tmp_path)) as story:
        held = await begun(story)
        (secret,) = secrets(story)
        async with story.store.transaction() as tx:
            (connection,) = await tx.registry.ehrs()
        async with story.ehrs.open(connection) as ehr:
            assert await unsubscribe(story.store, ehr) == len(held.ids)
            assert (story.held("iop", "Subscription"), await calls(story, secret)) == ([], False)
            with pytest.raises(NotFound):
                await unsubscribe(story.store, ehr)


async def test_an_ehr_that_takes_none_says_so(tmp_path):
    async with told(a_world(tmp_path, takes=READ_ONLY)) as story:
        with pytest.raises(PermanentEhrError, match="does not declare"):
            await begun(story)


async def test_of_a_storm_of_calls_one_a_minute_is_written_down(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await begun(story)
        (secret,) = secrets(story)
        start = story.clock.now()
        noted = []
        for seconds in (0, 30, 90):
            async with story.store.transaction() as tx:
                assert await is_call(tx, "iop", secret, now=start + timedelta(seconds=seconds))
                noted.append(((await subscribed(tx, "iop")).called_at - start).seconds)
        assert noted == [0, 0, 90]


async def test_a_call_over_http_brings_in_what_was_saved(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await story.sync()
        await begun(story)
        (secret,) = secrets(story)
        story.save("iop", a_goal("G-2"))
        runs: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        calls = Calls(
            tenant="tenant",
            store=story.store,
            ehrs=story.ehrs,
            clock=story.clock,
            told=lambda ehr, report: runs.put_nowait((ehr, report.received)),
        )
        working = asyncio.create_task(calls.work())
        async with listening(create_app(hook_routes(calls)), "127.0.0.1:0") as here, httpx.AsyncClient() as client:
            place = f"http://{here.host}:{here.port}/hooks"
            statuses = [
                (await client.post(f"{place}/{path}", headers={"X-Coordinator-Hook": word})).status_code
                for path, word in (("tenant/iop", "guessed"), ("other/iop", secret), ("tenant/iop", secret))
            ]
            assert statuses == [404, 404, 204]
            async with asyncio.timeout(60):
                assert await runs.get() == ("iop", 1)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        async with story.store.transaction() as tx:
            assert await tx.evidence.one("iop", "Goal", "G-2") is not None


async def test_where_workers_serve_the_tenant_a_call_asks_them_for_a_pull(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await begun(story)
        (secret,) = secrets(story)
        calls = Calls(tenant="tenant", store=story.store, ehrs=story.ehrs, clock=story.clock)
        async with story.store.transaction() as tx:
            await tx.jobs.enlist()
        assert [await calls.wake("tenant", "iop", word) for word in (secret, secret, "guessed")] == [True, True, False]
        async with story.store.transaction() as tx:
            assert [one.job for one in await tx.jobs.waiting()] == [Job(work=Work.PULL, key="iop")]
        assert calls.waiting == set()
