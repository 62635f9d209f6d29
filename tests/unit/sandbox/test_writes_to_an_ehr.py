"""What a simulated EHR does with a write: keeps it byte for byte, refuses it, or loses parts without a word."""

import pytest

JSON = {"Content-Type": "application/fhir+json"}


async def test_a_created_record_is_what_came_under_an_id_of_the_ehr(a_world, asking):
    came = '{ "resourceType":"Goal","id":"mine", "lifecycleStatus":"active","x":{"value":1.10} }'

    async with asking(a_world()) as client:
        first = await client.post("/iop/fhir/Goal", content=came, headers=JSON)
        second = await client.post("/iop/fhir/Goal", content=came, headers=JSON)
        read = await client.get(first.headers["location"].partition("/_history")[0])

    assert first.status_code == 201
    assert first.headers["location"] == "http://sandbox.test/iop/fhir/Goal/iop-goal-1/_history/1"
    assert second.headers["location"].endswith("/iop-goal-2/_history/1")
    assert read.text == first.text
    assert read.text.startswith(
        '{ "resourceType":"Goal","id":"iop-goal-1", "lifecycleStatus":"active","x":{"value":1.10}'
    )


async def test_some_ehrs_answer_a_create_without_a_body_and_name_the_place_without_a_version(a_world, asking, goal):
    async with asking(a_world('answer = "empty"\nlocation = "plain"\n')) as client:
        created = await client.post("/iop/fhir/Goal", json=goal())

    assert (created.status_code, created.content) == (201, b"")
    assert created.headers["location"] == "http://sandbox.test/iop/fhir/Goal/iop-goal-1"
    assert created.headers["etag"] == 'W/"1"'


WRONG_BODIES = [
    ("not JSON", "{"),
    ("not UTF-8", b'{"resourceType":"Goal","id":"g-1","x":"\xff"}'),
    ("a key twice", '{"resourceType":"Goal","id":"g-1","id":"g-1"}'),
    ("no resource", "[]"),
    ("another type", '{"resourceType":"Task","id":"g-1"}'),
    ("another id", '{"resourceType":"Goal","id":"g-2"}'),
    ("no id", '{"resourceType":"Goal"}'),
]


@pytest.mark.parametrize("body", [body for _, body in WRONG_BODIES], ids=[name for name, _ in WRONG_BODIES])
async def test_a_body_that_is_no_such_record_is_refused_and_nothing_changes(a_world, asking, goal, body):
    async with asking(a_world(holds=[goal()])) as client:
        answer = await client.put("/iop/fhir/Goal/g-1", content=body, headers=JSON)
        after = await client.get("/iop/fhir/Goal/g-1")

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert after.headers["etag"] == 'W/"1"'


async def test_a_value_that_the_ehr_has_no_place_for_is_refused_with_422(a_world, asking, goal):
    personality = '[storable]\n"Goal.lifecycleStatus" = ["active", "completed"]\n"Goal.category" = ["dietary"]\n'
    behavioral = [{"coding": [{"system": "urn:x", "code": "behavioral"}]}]

    async with asking(a_world(personality)) as client:
        stored = await client.post("/iop/fhir/Goal", json=goal())
        by_status = await client.post("/iop/fhir/Goal", json=goal(lifecycleStatus="on-hold"))
        by_concept = await client.post("/iop/fhir/Goal", json=goal(category=behavioral))

    assert (stored.status_code, by_status.status_code, by_concept.status_code) == (201, 422, 422)
    assert by_status.json()["issue"][0]["code"] == "business-rule"
    assert "Goal.lifecycleStatus" in by_status.text


async def test_fields_that_the_ehr_does_not_keep_are_lost_without_a_word(a_world, asking, goal):
    personality = 'drops = ["Goal.note", "Goal.target.detailString", "Goal.outcomeCode"]\n'
    target = [{"detailString": "a", "dueDate": "2026-05-01"}, {"detailString": "b"}]
    sent = goal(note=[{"text": "n"}], target=target)

    async with asking(a_world(personality)) as client:
        created = await client.post("/iop/fhir/Goal", json=sent)

    assert created.status_code == 201
    assert "note" not in created.json()
    assert created.json()["target"] == [{"dueDate": "2026-05-01"}]


async def test_some_ehrs_make_all_goals_anew_when_the_plan_is_saved(a_world, asking, goal):
    plan = {"resourceType": "CarePlan", "id": "c-1", "status": "active", "intent": "plan"}
    plan |= {"subject": {"reference": "Patient/p-1"}, "goal": [{"reference": "Goal/g-1"}, {"display": "told"}]}
    world = a_world("recreates_goals = true\n", holds=[goal(), plan])

    async with asking(world) as client:
        unchanged = await client.put("/iop/fhir/CarePlan/c-1", json=plan)
        saved = await client.put("/iop/fhir/CarePlan/c-1", json={**plan, "title": "Plan"})
        goals = await client.get("/iop/fhir/Goal")
        old = await client.get("/iop/fhir/Goal/g-1")

    assert unchanged.json()["goal"] == plan["goal"]
    assert saved.json()["goal"] == [{"reference": "Goal/iop-goal-1"}, {"display": "told"}]
    assert [one["resource"]["id"] for one in goals.json()["entry"]] == ["iop-goal-1"]
    assert goals.json()["entry"][0]["resource"]["description"] == {"text": "Sleep well"}
    assert old.status_code == 410


async def test_an_update_of_an_unknown_id_creates_only_where_the_ehr_does_so(a_world, asking, goal):
    async with asking(a_world()) as client:
        refused = await client.put("/iop/fhir/Goal/new", json=goal("new"))
    async with asking(a_world("update_creates = true\n")) as client:
        created = await client.put("/iop/fhir/Goal/new", json=goal("new"))

    assert refused.status_code == 404
    assert (created.status_code, created.json()["id"]) == (201, "new")


async def test_if_none_exist_finds_what_is_there_only_where_it_is_honored(a_world, asking, goal):
    sent = goal(identifier=[{"system": "urn:own", "value": "1"}])
    once = {"If-None-Exist": "identifier=urn:own|1"}

    async with asking(a_world()) as client:
        ignored = [await client.post("/iop/fhir/Goal", json=sent, headers=once) for _ in range(2)]
        total = (await client.get("/iop/fhir/Goal")).json()["total"]
    async with asking(a_world("conditional_create = true\n")) as client:
        honored = [await client.post("/iop/fhir/Goal", json=sent, headers=once) for _ in range(2)]
        await client.post("/iop/fhir/Goal", json=sent)
        several = await client.post("/iop/fhir/Goal", json=sent, headers=once)

    assert ([one.status_code for one in ignored], total) == ([201, 201], 2)
    assert [one.status_code for one in honored] == [201, 200]
    assert honored[1].json()["id"] == honored[0].json()["id"]
    assert several.status_code == 412


A, B, C = {"text": "a"}, {"text": "b"}, {"text": "c"}
PATCHES = {
    "add": ({"op": "add", "path": "/note", "value": [C]}, {"note": [C]}),
    "add to a list": ({"op": "add", "path": "/category/-", "value": C}, {"category": [A, B, C]}),
    "insert": ({"op": "add", "path": "/category/0", "value": C}, {"category": [C, A, B]}),
    "remove": ({"op": "remove", "path": "/category/0"}, {"category": [B]}),
    "remove whole": ({"op": "remove", "path": "/category"}, {"category": None}),
    "replace": ({"op": "replace", "path": "/description/text", "value": "x"}, {"description": {"text": "x"}}),
    "move": ({"op": "move", "from": "/category/0", "path": "/category/1"}, {"category": [B, A]}),
    "copy": ({"op": "copy", "from": "/category/0/text", "path": "/category/1/text"}, {"category": [A, A]}),
    "test": ({"op": "test", "path": "/lifecycleStatus", "value": "active"}, {"lifecycleStatus": "active"}),
    "escaped": ({"op": "add", "path": "/a~1b~0c", "value": 1}, {"a/b~c": 1}),
}


@pytest.mark.parametrize(("operation", "after"), PATCHES.values(), ids=PATCHES.keys())
async def test_a_json_patch_changes_what_it_names(a_world, asking, goal, operation, after):
    async with asking(a_world(holds=[goal(category=[A, B])])) as client:
        answer = await client.patch("/iop/fhir/Goal/g-1", json=[operation])

    assert answer.status_code == 200
    assert {key: answer.json().get(key) for key in after} == after


BAD_PATCHES = [
    ({"op": "test", "path": "/lifecycleStatus", "value": "completed"}, 422),
    ({"op": "replace", "path": "/nowhere/x", "value": 1}, 422),
    ({"op": "remove", "path": "/category/9"}, 422),
    ({"op": "add", "path": "/category/x", "value": 1}, 422),
    ({"op": "add", "path": "/lifecycleStatus/x", "value": 1}, 422),
    ({"op": "add", "path": "/x"}, 422),
    ({"op": "wish", "path": "/x"}, 422),
    ({"op": "remove", "path": "x"}, 422),
    ({"op": "replace", "path": "/id", "value": "other"}, 422),
    ({"op": "replace", "path": "", "value": []}, 422),
    ("no operation", 422),
]


@pytest.mark.parametrize(("operation", "status"), BAD_PATCHES)
async def test_a_json_patch_that_does_not_fit_changes_nothing(a_world, asking, goal, operation, status):
    first = {"op": "replace", "path": "/lifecycleStatus", "value": "active"}
    world = a_world(holds=[goal(category=[{"text": "a"}])])

    async with asking(world) as client:
        answer = await client.patch("/iop/fhir/Goal/g-1", json=[first, operation])
        after = await client.get("/iop/fhir/Goal/g-1")

    assert answer.status_code == status
    assert after.headers["etag"] == 'W/"1"'


async def test_a_patch_that_is_no_list_or_no_json_is_refused(a_world, asking, goal):
    async with asking(a_world(holds=[goal()])) as client:
        no_list = await client.patch("/iop/fhir/Goal/g-1", json={"op": "remove"})
        no_json = await client.patch("/iop/fhir/Goal/g-1", content="{", headers=JSON)
        nothing_there = await client.patch("/iop/fhir/Goal/none", json=[])

    assert (no_list.status_code, no_json.status_code, nothing_there.status_code) == (422, 400, 404)
