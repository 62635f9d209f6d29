"""A record that can't be read: kept whole, told to the person's coordinator, over once its EHR mends it."""

import pytest

from coordinator.sync.unreadable import patient_told
from tests.builders import a_goal, an_administration
from tests.flow.story import READ_ONLY, WorldFolder, told

BROKEN = an_administration("A-2") | {"effectiveDateTime": "yesterday"}
GOAL = a_goal() | {"lifecycleStatus": 7}
CASES = {
    "that was never read": (BROKEN, an_administration("A-2", at="2026-04-07T07:00:00-04:00"), "not known"),
    "that was read before": (GOAL, a_goal(text="Learn skills"), "as it was before"),
}


@pytest.mark.parametrize(("broken", "mended", "stands"), CASES.values(), ids=CASES)
async def test_a_record_that_can_not_be_read_is_told_until_it_can(tmp_path, broken, mended, stands):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration(), a_goal()], takes=READ_ONLY)
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-08T12:00:00Z")
        story.save("otp", broken)
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.facts["type"], found.facts["stands"]) == (
            "source.incomplete",
            broken["resourceType"],
            stands,
        )
        assert "yesterday" not in repr(found)
        assert await story.is_quiet()
        story.move("2026-04-09T12:00:00Z")
        story.save("otp", mended)
        await story.sync()
        assert await story.open_findings() == []
        assert await story.is_quiet()


WHOSE = {
    "a subject": (b'{"subject": {"reference": "Patient/p-1"}, "status": }', "p-1"),
    "an absolute patient": (
        b'{"patient": {"display": "x", "reference": "https://ehr.example/fhir/Patient/p-1"}',
        "p-1",
    ),
    "the one a task is for": (b'{"for" : {"reference" : "Patient/p-1"}}', "p-1"),
    "somebody else": (b'{"performer": {"reference": "Patient/p-1"}}', None),
    "a group": (b'{"subject": {"reference": "Group/g-1"}}', None),
    "nobody": (b"{", None),
}


@pytest.mark.parametrize(("raw", "patient"), WHOSE.values(), ids=WHOSE)
def test_a_broken_record_still_tells_whose_it_is(raw, patient):
    assert patient_told(raw, "Goal", "g-1") == patient


def test_a_broken_patient_is_itself():
    assert (patient_told(b"{", "Patient", "p-1"), patient_told(b"{", "Patient", "")) == ("p-1", None)
