"""An EHR named by its real CapabilityStatement offers what that one offers and refuses the rest, as that EHR does."""

import pytest

from coordinator.fhir import check, read_document
from coordinator.sandbox.capability import INTERACTIONS, offers_of, personalities
from coordinator.sandbox.personality import quirks_of

NAMED = sorted(personalities())
OLD = ("cerner-dstu2", "epic-dstu2")


def named(name, **keys):
    told = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'capability = "{name}"\n{told}'


def test_each_captured_statement_can_be_acted_those_that_are_refused_too():
    assert NAMED == [
        "aidbox-r4",
        "athenahealth-r4",
        "azure-api-for-fhir-r4",
        "cerner-dstu2",
        "eclinicalworks-r4",
        "epic-dstu2",
        "epic-r4",
        "meditech-r4",
        "nextgen-enterprise-r4",
        "oracle-millennium-open-r4",
        "oracle-millennium-r4",
    ]


@pytest.mark.parametrize("name", NAMED)
async def test_the_statement_of_a_named_ehr_tells_what_its_table_holds_and_is_valid(a_world, asking, name):
    async with asking(a_world(named(name), capability="")) as client:
        answer = await client.get("/iop/fhir/metadata")

    told = {one["type"]: one for one in answer.json()["rest"][0]["resource"]}
    document = read_document(answer.content)
    assert document.type == ("Conformance" if name in OLD else "CapabilityStatement")
    assert name in OLD or check(document) == ()
    assert told.keys() == offers_of(name).keys()
    for kind, offer in offers_of(name).items():
        assert tuple(one["code"] for one in told[kind]["interaction"]) == offer.interactions
        assert tuple(one["name"] for one in told[kind].get("searchParam", [])) == offer.parameters
        assert set(offer.interactions) <= set(INTERACTIONS)


WRITABLE = {
    "epic-r4": {"Condition": "C", "ServiceRequest": "CU", "Task": "U", "QuestionnaireResponse": "C"},
    "oracle-millennium-r4": {"Condition": "CU", "QuestionnaireResponse": "U"},
    "athenahealth-r4": {"QuestionnaireResponse": "C"},
    "meditech-r4": {"QuestionnaireResponse": "CU"},
    "eclinicalworks-r4": {"QuestionnaireResponse": "C"},
    "nextgen-enterprise-r4": {},
}
WANTED = [
    "EpisodeOfCare",
    "CarePlan",
    "Goal",
    "CareTeam",
    "ServiceRequest",
    "Task",
    "MedicationStatement",
    "Consent",
    "QuestionnaireResponse",
    "Condition",
]


@pytest.mark.parametrize("name", WRITABLE.keys())
def test_of_what_we_want_to_write_each_ehr_takes_as_little_as_its_statement_says(name):
    offers = offers_of(name)
    writes = {
        kind: "".join(word[0].upper() for word in ("create", "update") if word in offers[kind].interactions)
        for kind in WANTED
        if kind in offers
    }

    assert {kind: letters for kind, letters in writes.items() if letters} == WRITABLE[name]


REFUSED = [
    ("epic-r4", "GET", "MedicationStatement?patient=1", 404),
    ("epic-r4", "GET", "CarePlan?patient=1", 400),
    ("epic-r4", "GET", "CarePlan?patient=1&category=assess-plan", 200),
    ("epic-r4", "GET", "EpisodeOfCare?patient=1", 400),
    ("epic-r4", "GET", "Goal", 400),
    ("epic-r4", "GET", "Goal?subject=1", 200),
    ("epic-r4", "POST", "CarePlan", 405),
    ("epic-r4", "PUT", "Goal/1", 405),
    ("epic-r4", "GET", "Goal/1/_history/1", 405),
    ("athenahealth-r4", "GET", "MedicationRequest?patient=1", 400),
    ("athenahealth-r4", "GET", "MedicationRequest?patient=1&intent=order", 200),
    ("athenahealth-r4", "GET", "Patient?family=x", 400),
    ("oracle-millennium-r4", "GET", "EpisodeOfCare?patient=1", 404),
    ("oracle-millennium-r4", "GET", "Goal", 400),
    ("oracle-millennium-r4", "GET", "Goal?patient=1", 200),
    ("oracle-millennium-r4", "GET", "Patient", 400),
    ("oracle-millennium-r4", "GET", "CarePlan?patient=1", 400),
    ("eclinicalworks-r4", "POST", "Goal", 405),
    ("nextgen-enterprise-r4", "GET", "MedicationStatement?patient=1", 200),
]


@pytest.mark.parametrize(("name", "method", "path", "status"), REFUSED)
async def test_what_a_real_ehr_does_not_offer_is_refused(a_world, asking, name, method, path, status):
    body = {"resourceType": path.partition("/")[0], "id": "1"}

    async with asking(a_world(named(name), capability="")) as client:
        answer = await client.request(method, f"/iop/fhir/{path}", json=body if method != "GET" else None)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == ("Bundle" if status == 200 else "OperationOutcome")


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_an_interaction_that_is_not_offered_is_refused_in_the_words_of_the_ehr(a_world, asking, goal, status):
    world = a_world(f"refusal_status = {status}\n", capability='[capability]\nGoal = ["read"]\n')
    async with asking(world) as client:
        answers = [
            await client.get("/iop/fhir/Goal"),
            await client.post("/iop/fhir/Goal", json=goal()),
            await client.put("/iop/fhir/Goal/g-1", json=goal()),
            await client.get("/iop/fhir/Goal/g-1/$everything"),
        ]

    assert [answer.status_code for answer in answers] == [status] * 4


async def test_oracle_answers_a_create_with_an_empty_body_and_a_stale_update_with_409(a_world, asking):
    condition = {"resourceType": "Condition", "id": "c-1", "subject": {"reference": "Patient/p-1"}}
    world = a_world(named("oracle-millennium-r4"), capability="", holds=[condition])

    async with asking(world) as client:
        created = await client.post("/iop/fhir/Condition", json=condition)
        without = await client.put("/iop/fhir/Condition/c-1", json=condition)
        stale = await client.put("/iop/fhir/Condition/c-1", json=condition, headers={"If-Match": 'W/"0"'})

    assert (created.status_code, created.content) == (201, b"")
    assert created.headers["location"] == "http://sandbox.test/iop/fhir/Condition/iop-condition-1"
    assert (without.status_code, stale.status_code) == (412, 409)


async def test_a_world_may_overrule_what_is_known_of_a_real_ehr(a_world, asking):
    condition = {"resourceType": "Condition", "id": "c-1", "subject": {"reference": "Patient/p-1"}}
    world = a_world(named("oracle-millennium-r4", answer='"body"', patient_required="false"), capability="")

    async with asking(world) as client:
        created = await client.post("/iop/fhir/Condition", json=condition)
        patients = await client.get("/iop/fhir/Patient")

    assert created.json()["id"] == "iop-condition-1"
    assert patients.status_code == 200


@pytest.mark.parametrize(
    ("personality", "told"),
    [
        ('if_match = "ignored"\n', "versioned"),
        ('if_match = "honored"\n', "versioned-update"),
        ('if_match = "required"\n', "versioned-update"),
        ("version_ids = false\n", "no-version"),
    ],
)
async def test_a_table_of_types_states_how_it_versions_and_what_it_does_at_a_create(a_world, asking, personality, told):
    world = a_world(personality + "conditional_create = true\nupdate_creates = false\n")
    async with asking(world) as client:
        statement = (await client.get("/iop/fhir/metadata")).json()

    for resource in statement["rest"][0]["resource"]:
        assert (resource["versioning"], resource["conditionalCreate"], resource["updateCreate"]) == (told, True, False)


def test_every_quirk_is_of_an_ehr_that_can_be_named():
    assert {name for name in NAMED if quirks_of(name)} == {
        "aidbox-r4",
        "athenahealth-r4",
        "cerner-dstu2",
        "epic-dstu2",
        "epic-r4",
        "nextgen-enterprise-r4",
        "oracle-millennium-open-r4",
        "oracle-millennium-r4",
    }
