"""A search shows a record as it was before our write, which a read had shown us: that is no news and undoes nothing."""

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told

OTHER = "Return to work and to family"


def updates(story, ehr):
    return [path for method, path, _ in story.writes(ehr) if method == "PUT"]


async def test_what_a_search_shows_as_it_was_is_read_before_it_counts(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr(
        "ced",
        [a_goal("c-1", due="2026-06-30"), a_goal("c-2", text=OTHER)],
        personality="search_lag_seconds = 300",
        later={"2026-04-08T00-00Z": [a_goal("c-2", text=OTHER, status="on-hold")]},  # every other save is found late
    )
    for number, (discloser, recipient) in enumerate([("iop", "ced"), ("ced", "iop")]):
        world.consent(a_consent(f"C-{number}", discloser=discloser, recipient=recipient))
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert updates(story, "ced") == ["Goal/c-1"]
        await story.sync()
        assert updates(story, "iop") == []
        assert await story.is_quiet()
        story.move("2026-04-09T12:10:00Z")
        await story.sync()
        assert (updates(story, "iop"), updates(story, "ced")) == ([], ["Goal/c-1"])


async def test_what_somebody_has_set_back_counts(tmp_path):
    world = WorldFolder(tmp_path / "world")
    back = {"2026-04-08T00-00Z": [a_goal(due="2026-07-31")], "2026-04-10T00-00Z": [a_goal(due="2026-06-30")]}
    world.ehr("iop", [a_goal(due="2026-06-30")], later=back)
    async with told(world) as story:
        for now in ("2026-04-09T12:00:00Z", "2026-04-11T12:00:00Z"):
            await story.sync()
            story.move(now)
        await story.sync()
        assert (await story.account())["plan"]["goals"][0]["due"] == "2026-06-30"
