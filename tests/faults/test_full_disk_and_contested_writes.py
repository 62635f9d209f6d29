"""A disk that is full for real, and somebody who saves on each of our writes, under workers that are processes."""

import asyncio
import errno
import os
import subprocess
from contextlib import contextmanager

import pytest

from coordinator.outbox import Status
from tests.faults.scene import LATER, a_scene, undisturbed

pytestmark = pytest.mark.slow

PEOPLE = 4
ROOM = 400  # MiB: a fresh database with its log takes some 60


@contextmanager
def a_small_disk(folder):
    """Mount a disk of its own that is soon full; where this user may not, the test is left out."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=0711", "tmpfs", str(folder)],
        check=False, capture_output=True,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip("a disk of its own can't be mounted by this user; CI's container may lack the right, too")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(place):
    """Write until there is no room left; return whether that is why it ended."""
    with place.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(64 * 1024))
        except OSError as trouble:
            return trouble.errno == errno.ENOSPC


def all_told_once(scene):
    paths = [path for _, path, _ in scene.story.writes("ced")]
    return sorted(paths) == sorted({f"Goal/g-{number}" for number in range(PEOPLE)})


async def test_a_disk_that_fills_up_while_workers_work_costs_time_and_nothing_else(tmp_path, open_folder):
    with a_small_disk(open_folder / "disk") as disk:
        async with a_scene(tmp_path, disk, PEOPLE) as scene:
            assert await scene.finish() == 0
            scene.story.move(LATER)
            async with scene.worker() as process:
                await scene.reached(process, scene.requests() + 8)
                assert await asyncio.to_thread(fill, disk / "ballast")
                await asyncio.wait([asyncio.create_task(process.wait())], timeout=5)
            await asyncio.to_thread(os.unlink, disk / "ballast")
            for _ in range(2):
                assert await scene.finish() in {0, 3}
            assert await scene.finish() == 0
            assert all_told_once(scene)
            assert await scene.state() == await undisturbed(tmp_path / "undisturbed", PEOPLE)


async def test_where_somebody_saves_on_each_of_our_writes_a_person_is_asked_and_the_worker_ends(tmp_path, open_folder):
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert await scene.finish() == 0
        scene.story.move(LATER)
        scene.story.fault("ced", "conflict", type="Goal", times=1000)
        for _ in range(5):
            assert await scene.finish() in {0, 3}
        tried = scene.story.writes("ced")
        assert {status for _, _, status in tried} == {412}
        assert len(tried) == 5 * PEOPLE, "five times each, and then no more"
        assert [one.code for one in await scene.story.open_findings()] == ["write.contested"] * PEOPLE
        assert {one.status for one in await scene.story.entries()} <= {Status.CONFLICT, Status.VERIFIED}
        assert await scene.finish() == 0
        assert len(scene.story.writes("ced")) == 5 * PEOPLE
