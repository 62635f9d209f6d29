"""The program says that Ana completed treatment, the hospital's copy that she left against advice."""

from tests.builders import an_episode
from tests.flow.story import READ_ONLY, WorldFolder, told

HERE = an_episode("I-1", start="2026-01-05", end="2026-03-20", ended="completed")
CORRECTED = an_episode("I-1", start="2026-01-05", end="2026-03-20", ended="administrative")
COPY = an_episode("X-1", start="2026-01-05", end="2026-03-20", ended="against-advice")
OWNER = "type,path,system,value,concept,edition,code,role,organization\n"
OF_THE_PROGRAM = (
    "EpisodeOfCare,type,https://coordinator.example/fhir/CodeSystem/asam-4e,2.1,level,4e,2.1,provided,iop\n"
)


def ana(tmp_path):
    world = WorldFolder(tmp_path / "world", now="2026-04-07T12:00:00Z")
    world.ehr("iop", [HERE], takes=READ_ONLY, later={"2026-04-10T00-00Z": [CORRECTED]})
    world.ehr("hos", [COPY], takes=READ_ONLY, part2=False)
    mapping = world.folder / "mappings" / "hos-levels.csv"
    mapping.parent.mkdir(parents=True)
    mapping.write_text(OWNER + OF_THE_PROGRAM, encoding="utf-8")
    return world


def kinds(account):
    return [(one["kind"], one["reason"]) for one in account["transitions"]]


async def test_how_a_stay_ended_is_asked_once_held_as_answered_and_asked_anew_on_news(tmp_path):
    async with told(ana(tmp_path)) as story:
        await story.sync()
        assert len((await story.account())["timeline"]) == 1
        assert kinds(await story.account()) == [("admission", None), ("discharge", None)]
        (found,) = await story.open_findings()
        assert (found.code, [(one["by"], one["reason"]) for one in found.facts["reasons"]]) == (
            "stay.source-differs",
            [("hos", "against-advice"), ("iop", "completed")],
        )
        assert await story.is_quiet()

        await story.resolve("stay.source-differs", {"accept": "iop/EpisodeOfCare/I-1"})
        await story.sync()
        assert kinds(await story.account()) == [("admission", None), ("discharge", "completed")]
        assert await story.open_findings() == []
        assert await story.is_quiet()

        story.move("2026-04-11T12:00:00Z")
        await story.sync()
        assert kinds(await story.account()) == [("admission", None), ("discharge", "administrative")]
        assert [one.code for one in await story.open_findings()] == ["stay.source-differs"]
        assert (story.writes("iop"), story.writes("hos")) == ([], [])
