"""How a simulated EHR stamps, versions and guards its records, by its personality."""

import pytest

FINE = 'last_updated = "1ms"\n'


def stamped(goal, *, version="7", at="2026-04-01T09:00:00.000-04:00"):
    return goal("g-1", meta={"versionId": version, "lastUpdated": at})


async def test_a_record_of_the_start_keeps_every_byte_where_its_stamps_fit(a_world_folder, asking, a_world):
    line = '{ "resourceType":"Goal","id":"g-1",  "meta":{"versionId":"7","lastUpdated":"2026-04-01T09:00:00-04:00"},'
    line += '"target":[{"detailQuantity":{"value":1.10}}],"lifecycleStatus":"active","unknownThing":{"a":[1 ,2]}}'
    world = a_world(files={"iop/Goal.ndjson": line + "\n"})

    async with asking(world) as client:
        read = await client.get("/iop/fhir/Goal/g-1")
        found = await client.get("/iop/fhir/Goal")

    assert read.text == line
    assert read.headers["etag"] == 'W/"7"'
    assert line in found.text


async def test_a_record_of_the_start_without_stamps_gets_those_that_its_ehr_gives(a_world, asking, goal):
    async with asking(a_world(FINE, holds=[goal()])) as client:
        read = await client.get("/iop/fhir/Goal/g-1")

    assert read.json()["meta"] == {"versionId": "1", "lastUpdated": "2026-04-07T08:00:00.000-04:00"}


async def test_an_ehr_without_versions_gives_neither_version_nor_etag_nor_instant(a_world, asking, goal):
    personality = 'version_ids = false\nlast_updated = "none"\n'

    async with asking(a_world(personality, holds=[stamped(goal)])) as client:
        read = await client.get("/iop/fhir/Goal/g-1")
        created = await client.post("/iop/fhir/Goal", json=goal())

    assert "meta" not in read.json()
    assert "meta" not in created.json()
    assert "etag" not in read.headers
    assert created.headers["location"].endswith("/iop/fhir/Goal/iop-goal-1")


@pytest.mark.parametrize(
    ("precision", "told"),
    [
        ("1ms", "2026-04-07T08:00:00.000-04:00"),
        ("1s", "2026-04-07T08:00:00-04:00"),
        ("day", "2026-04-07T00:00:00-04:00"),
    ],
)
async def test_the_instant_of_a_save_is_as_fine_as_the_ehr_tells_it(a_world, asking, goal, precision, told):
    async with asking(a_world(f'last_updated = "{precision}"\n')) as client:
        created = await client.post("/iop/fhir/Goal", json=goal())

    assert created.json()["meta"]["lastUpdated"] == told


async def test_an_update_makes_the_next_version_and_one_that_changes_nothing_makes_none(a_world, asking, goal):
    async with asking(a_world(holds=[stamped(goal)])) as client:
        same = await client.put("/iop/fhir/Goal/g-1", json=goal("g-1"))
        changed = await client.put("/iop/fhir/Goal/g-1", json=goal("g-1", text="Sleep well every night"))
        old = await client.get("/iop/fhir/Goal/g-1/_history/7")

    assert same.headers["etag"] == 'W/"7"'
    assert changed.headers["etag"] == 'W/"8"'
    assert changed.json()["meta"]["versionId"] == "8"
    assert old.json()["description"]["text"] == "Sleep well"


IF_MATCH = [
    ("ignored", 412, None, 200),
    ("ignored", 412, 'W/"1"', 200),
    ("honored", 412, None, 200),
    ("honored", 412, 'W/"7"', 200),
    ("honored", 412, '"7"', 200),
    ("honored", 412, 'W/"6"', 412),
    ("honored", 409, 'W/"6"', 409),
    ("honored", 412, "", 412),
    ("required", 409, None, 412),
    ("required", 409, 'W/"6"', 409),
    ("required", 409, 'W/"7"', 200),
]


@pytest.mark.parametrize(("if_match", "conflict_status", "sent", "status"), IF_MATCH)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_an_update_meets_what_the_ehr_makes_of_if_match(
    a_world, asking, goal, if_match, conflict_status, sent, status, method
):
    personality = f'if_match = "{if_match}"\nconflict_status = {conflict_status}\n'
    body = [{"op": "replace", "path": "/lifecycleStatus", "value": "completed"}]
    content = {"PUT": goal("g-1", text="New"), "PATCH": body, "DELETE": None}[method]
    headers = {} if sent is None else {"If-Match": sent}

    async with asking(a_world(personality, holds=[stamped(goal)])) as client:
        answer = await client.request(method, "/iop/fhir/Goal/g-1", json=content, headers=headers)
        after = await client.get("/iop/fhir/Goal/g-1")

    assert answer.status_code == (204 if (method, status) == ("DELETE", 200) else status)
    if status != 200:
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert after.headers["etag"] == 'W/"7"'


@pytest.mark.parametrize("status", [410, 404])
async def test_what_was_deleted_is_found_no_more_and_read_as_the_ehr_tells_it(a_world, asking, goal, status):
    async with asking(a_world(f"deleted = {status}\n", holds=[goal()])) as client:
        gone = await client.delete("/iop/fhir/Goal/g-1")
        read = await client.get("/iop/fhir/Goal/g-1")
        found = await client.get("/iop/fhir/Goal")
        again = await client.put("/iop/fhir/Goal/g-1", json=goal("g-1"))

    assert gone.status_code == 204
    assert (read.status_code, again.status_code) == (status, status)
    assert found.json()["total"] == 0


async def test_a_version_id_that_is_no_number_gets_a_successor_of_its_own(a_world, asking, goal):
    async with asking(a_world(holds=[stamped(goal, version="MTY4")])) as client:
        changed = await client.put("/iop/fhir/Goal/g-1", json=goal("g-1", text="New"))

    assert changed.headers["etag"] not in ('W/"MTY4"', 'W/"1"')
