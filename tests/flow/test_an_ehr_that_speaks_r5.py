"""One EHR speaks FHIR R5, one R4B, one R4: all are read, the first is never written to."""

import json

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
TAKING = {"code": {"coding": [{"code": "taking"}]}}
STATEMENT = {
    "resourceType": "MedicationStatement",
    "id": "ms-1",
    "status": "recorded",
    "subject": {"reference": "Patient/p-1"},
    "medication": {"concept": {"coding": [{"system": RXNORM, "code": "351266"}], "text": "buprenorphine 8 mg film"}},
    "adherence": TAKING,
    "effectivePeriod": {"start": "2026-03-01"},
    "dateAsserted": "2026-03-02",
}


def a_world(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], personality='fhir_version = "4.3.0"')
    world.ehr("ced", [a_goal("c-1", due="2026-05-31"), STATEMENT], personality='fhir_version = "5.0.0"')
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    return world


async def test_what_an_r5_ehr_tells_is_part_of_the_account_and_nothing_is_written_there(tmp_path):
    async with told(a_world(tmp_path)) as story:
        report = await story.sync()
        (course,) = (await story.account())["courses"]
        stands = await story.stands()
        writes = {name: story.writes(name) for name in ("iop", "ced")}
        async with story.store.transaction() as tx:
            kept = {one.id: one.body for one in await tx.evidence.latest([("ced", "p-1")])}
            quarantined = await tx.pulls.quarantined()
    assert report.problems == {}
    assert (course["status"], course["form"]) == ("active", "SL tablet")
    assert course["evidence"] == ["ced/MedicationStatement/ms-1@1"]
    told_there = json.loads(kept["ms-1"])
    assert {name: told_there[name] for name in STATEMENT} == STATEMENT
    assert quarantined == []
    assert writes["ced"] == []
    assert [path for _, path, status in writes["iop"] if status in (200, 201)]
    assert "verified" not in {state for (ehr, _), state in stands.items() if ehr == "ced"}
