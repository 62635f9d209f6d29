"""The control address: time that passes, what was asked, trouble on demand."""

import pytest


async def test_what_clinicians_save_is_there_once_the_clock_gets_to_it(a_world, asking, goal):
    gone = {"resourceType": "Goal", "id": "g-2", "_deleted": True}
    changes = {
        "2026-04-01T00-00Z": [goal("g-0")],
        "2026-04-08T10-00Z": [goal("g-1", text="New"), gone],
        "2026-04-09T10-00Z": [goal("g-1", text="Newer")],
    }
    world = a_world(holds=[goal("g-1"), goal("g-2")], changes=changes)

    async with asking(world) as client:
        early = await client.get("/iop/fhir/Goal/g-0")
        before = await client.get("/iop/fhir/Goal/g-1")
        moved = await client.post("/_sandbox/clock", json={"now": "2026-04-08T12:00:00Z"})
        after = await client.get("/iop/fhir/Goal/g-1")
        deleted = await client.get("/iop/fhir/Goal/g-2")
        told = await client.get("/_sandbox/clock")

    assert early.status_code == 200
    assert before.headers["etag"] == 'W/"1"'
    assert after.json()["description"]["text"] == "New"
    assert after.json()["meta"] == {"versionId": "2", "lastUpdated": "2026-04-08T06:00:00-04:00"}
    assert deleted.status_code == 410
    assert moved.json() == told.json() == {"now": "2026-04-08T08:00:00-04:00"}
    assert after.headers["date"] == "Wed, 08 Apr 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"now": "2026-04-07T11:59:59Z"}, "can't go back"),
        ({"now": "tomorrow"}, "instant"),
        ({"now": "2026-04-08T12:00:00"}, "zone"),
        ({"when": "2026-04-08T12:00:00Z"}, "Unknown key 'when'"),
        ([], "JSON object"),
    ],
)
async def test_a_clock_that_can_not_be_moved_so_says_why(a_world, asking, body, told):
    async with asking(a_world()) as client:
        answer = await client.post("/_sandbox/clock", json=body)
        after = await client.get("/_sandbox/clock")

    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert after.json() == {"now": "2026-04-07T08:00:00-04:00"}


async def test_the_log_holds_each_request_of_its_ehr_as_it_came(a_world, asking, goal):
    async with asking(a_world()) as client:
        await client.get("/iop/fhir/metadata")
        await client.get("/iop/fhir/Goal?patient=p%7C1&_count=2")
        await client.put("/iop/fhir/Goal/none", content='{"é": 1}', headers={"If-Match": 'W/"3"'})
        await client.get("/_sandbox/clock")
        log = (await client.get("/_sandbox/log?ehr=iop")).json()

    assert log == [
        {"method": "GET", "path": "/iop/fhir/metadata", "status": 200, "if_match": None, "body": None},
        {
            "method": "GET",
            "path": "/iop/fhir/Goal?patient=p%7C1&_count=2",
            "status": 200,
            "if_match": None,
            "body": None,
        },
        {"method": "PUT", "path": "/iop/fhir/Goal/none", "status": 400, "if_match": 'W/"3"', "body": '{"é": 1}'},
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_sandbox/log?ehr=pcp", None, 404),
        ("GET", "/_sandbox/log", None, 404),
        ("POST", "/_sandbox/fault", {"ehr": "pcp", "kind": "down"}, 404),
        ("POST", "/_sandbox/fault", {"ehr": "iop", "kind": "meteor"}, 400),
        ("POST", "/_sandbox/fault", {"kind": "down"}, 400),
        ("POST", "/_sandbox/fault", {"ehr": "iop", "kind": "hold", "times": 1}, 400),
        ("POST", "/_sandbox/fault", {"ehr": "iop", "kind": "hold", "after_writes": "17"}, 400),
        ("POST", "/_sandbox/fault", {"ehr": "iop", "kind": "conflict", "type": 1}, 400),
        ("POST", "/_sandbox/fault", {"ehr": "iop", "kind": "down", "from": "noon"}, 400),
        ("GET", "/_sandbox/fault", None, 404),
        ("GET", "/_sandbox", None, 404),
        ("GET", "/pcp/fhir/metadata", None, 404),
        ("GET", "/", None, 404),
        ("GET", "/iop", None, 404),
        ("GET", "/iop/elsewhere", None, 404),
    ],
)
async def test_what_is_not_there_is_told_clearly(a_world, asking, method, path, body, status):
    async with asking(a_world()) as client:
        answer = await client.request(method, path, json=body)

    assert answer.status_code == status
    assert answer.json().get("error") or answer.json()["issue"][0]["diagnostics"]


async def test_a_fault_without_json_is_refused(a_world, asking):
    async with asking(a_world()) as client:
        answer = await client.post("/_sandbox/fault", content=b"{")

    assert (answer.status_code, "ends in the middle" in answer.text) == (400, True)


async def test_an_ehr_is_down_between_two_instants_of_the_worlds_clock(a_world, asking):
    fault = {"ehr": "iop", "kind": "down", "from": "2026-04-07T13:00:00Z", "to": "2026-04-07T14:00:00Z"}
    seen = []
    async with asking(a_world()) as client:
        await client.post("/_sandbox/fault", json=fault)
        for hour in ("12:30", "13:00", "14:00"):
            await client.post("/_sandbox/clock", json={"now": f"2026-04-07T{hour}:00Z"})
            seen.append((await client.get("/iop/fhir/metadata")).status_code)
        log = (await client.get("/_sandbox/log?ehr=iop")).json()

    assert seen == [200, 503, 200]
    assert [row["status"] for row in log] == seen


async def test_an_ehr_goes_down_after_so_many_writes_until_it_is_released(a_world, asking, goal):
    seen = []
    async with asking(a_world()) as client:
        await client.post("/iop/fhir/Goal", json=goal())
        await client.post("/_sandbox/fault", json={"ehr": "iop", "kind": "down", "after_writes": 2})
        for _ in range(3):
            seen.append((await client.get("/iop/fhir/Goal")).status_code)
            seen.append((await client.post("/iop/fhir/Goal", json=goal())).status_code)
        await client.post("/_sandbox/fault", json={"ehr": "iop", "kind": "release"})
        seen.append((await client.get("/iop/fhir/Goal?_summary=count")).json()["total"])

    assert seen == [200, 201, 200, 201, 503, 503, 3]


@pytest.mark.parametrize("status", [409, 412])
async def test_somebody_saves_first_and_the_write_meets_a_conflict(a_world, asking, goal, status):
    """The version moves on whatever If-Match says, and only as often as was asked for."""
    world = a_world(f"conflict_status = {status}\n", holds=[goal(), {**goal("t-1"), "resourceType": "Task"}])
    async with asking(world) as client:
        await client.post("/_sandbox/fault", json={"ehr": "iop", "kind": "conflict", "type": "Goal", "times": 1})
        other = await client.put("/iop/fhir/Task/t-1", json={**goal("t-1", text="x"), "resourceType": "Task"})
        create = await client.post("/iop/fhir/Goal", json=goal())
        missing = await client.put("/iop/fhir/Goal/none", json=goal("none"))
        contested = await client.put("/iop/fhir/Goal/g-1", json=goal(text="Ours"))
        read = await client.get("/iop/fhir/Goal/g-1")
        again = await client.put("/iop/fhir/Goal/g-1", json=goal(text="Ours"))

    assert [one.status_code for one in (other, create, missing)] == [200, 201, 404]
    assert contested.status_code == status
    assert (read.headers["etag"], read.json()["description"]["text"]) == ('W/"2"', "Sleep well")
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"3"')
