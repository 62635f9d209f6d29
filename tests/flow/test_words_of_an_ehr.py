"""EHRs that put what they take into their own words: nobody's edit, sent once, told where it says something else."""

import pytest

from coordinator.ehr import check_connection
from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told

WORDS = "Take part in the family program"
CASES = {
    "in capitals": ("upper", "verified", []),
    "in markup": ("markup", "verified", []),
    "cut off": ("cut", "owed", ["write.cannot-be-stored"]),
}


def two_programs(tmp_path, *, iop, ced):
    world = WorldFolder(tmp_path / "world")
    later = {
        "2026-04-08T00-00Z": [a_goal(text=WORDS)],
        "2026-04-12T00-00Z": [a_goal(text=WORDS, achievement="improving")],
    }
    world.ehr("iop", [a_goal()], later=later, personality=_rewriting(iop))
    world.ehr("ced", [a_goal("c-1")], personality=_rewriting(ced))
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    return world


def _rewriting(how):
    return f'rewrites = {{ "Goal.description.text" = "{how}" }}' if how else ""


def words(story, ehr):
    (goal,) = story.held(ehr, "Goal")
    return goal["description"]["text"]


@pytest.mark.parametrize(("how", "stands", "findings"), CASES.values(), ids=CASES)
async def test_words_that_an_ehr_makes_its_own_are_written_once_and_told_to_nobody(tmp_path, how, stands, findings):
    async with told(two_programs(tmp_path, iop="", ced=how)) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert (len(story.writes("ced")), await story.stands()) == (1, {("ced", "goal"): stands})
        assert [one.code for one in await story.open_findings()] == findings
        assert await story.is_quiet()
        account = await story.account()
        assert ([one["text"] for one in account["plan"]["goals"]], words(story, "iop")) == ([WORDS], WORDS)


async def test_two_ehrs_with_words_of_their_own_do_not_tell_each_other_news_for_ever(tmp_path):
    async with told(two_programs(tmp_path, iop="lower", ced="upper")) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert await story.is_quiet()
        story.move("2026-04-13T12:00:00Z")
        await story.sync()
        assert await story.is_quiet()
        (there,) = story.held("ced", "Goal")
        assert (there["description"]["text"], _achieved(there)) == (WORDS.upper(), "improving")
        assert (len(story.writes("iop")), len(story.writes("ced"))) == (0, 2)


async def test_an_edit_in_an_ehr_with_words_of_its_own_is_news(tmp_path):
    async with told(two_programs(tmp_path, iop="", ced="upper")) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        (there,) = story.held("ced", "Goal")
        story.save("ced", {**there, "description": {"text": "Bring the family along"}})
        await story.sync()
        assert words(story, "iop") == "Bring the family along"
        assert await story.is_quiet()


async def test_what_an_ehr_lost_twice_is_not_sent_there_again(tmp_path):
    """The third goal is not even tried: what an EHR does not keep is known at plan time."""
    world = WorldFolder(tmp_path / "world")
    goals = [
        a_goal(
            f"g-{n}",
            text=f"Learn skill {n}",
        )
        for n in range(3)
    ]
    later = {
        f"2026-04-0{8 + n}T00-00Z": [goals[n] | a_goal(f"g-{n}", text=f"Learn skill {n}", due="2026-07-31")]
        for n in range(2)
    }
    later["2026-04-10T00-00Z"] = [a_goal("g-2", text="Learn skill 2", due="2026-07-31")]
    world.ehr("iop", goals, later=later)
    own = [a_goal(f"c-{n}", text=f"Learn skill {n}") for n in range(3)]
    world.ehr("ced", own, personality='drops = ["Goal.target.dueDate"]')
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    async with told(world) as story:
        await story.sync()
        for day in ("08", "09", "10"):
            story.move(f"2026-04-{day}T12:00:00Z")
            await story.sync()
        assert len(story.writes("ced")) == 2
        assert len([one for one in await story.open_findings() if one.code == "write.cannot-be-stored"]) == 3
        assert await story.is_quiet()
        async with story.store.transaction() as tx:
            told_of = {one.name: one for one in await tx.registry.ehrs()}
        problems = {name: await check_connection(story.ehrs, one) for name, one in told_of.items()}
        assert [one.what for one in problems["ced"].problems if "does not keep" in one.what] == [
            "It takes writes and does not keep Goal.target.dueDate (2 writes), as reading back showed."
        ]
        assert not any("does not keep" in one.what for one in problems["iop"].problems)


def _achieved(goal):
    return goal["achievementStatus"]["coding"][0]["code"]
