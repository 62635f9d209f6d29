"""Searching a simulated EHR: what it offers is evaluated, what it does not offer is ignored or refused."""

import pytest

from coordinator.fhir import split_page

ENCOUNTERS = '\n[capability]\nEncounter = ["search-type"]\nPatient = ["search-type"]\nOrganization = ["search-type"]\n'
ENCOUNTERS += 'Appointment = ["search-type"]\n'
STAMP = {"versionId": "1", "lastUpdated": "2026-04-02T12:00:00-04:00"}


def visit(visit_id, **more):
    base = {"resourceType": "Encounter", "id": visit_id, "status": "finished", "meta": STAMP}
    return {**base, "subject": {"reference": "Patient/p-1"}, **more}


HOLDS = [
    {
        "resourceType": "Patient",
        "id": "p-1",
        "active": True,
        "birthDate": "1991-04-12",
        "identifier": [{"system": "urn:mrn", "value": "A1"}],
        "name": [{"family": "Ruiz", "given": ["Ana", "Maria"]}],
        "telecom": [{"system": "phone", "value": "555-0100"}],
    },
    {"resourceType": "Patient", "id": "p-2", "identifier": [{"system": "urn:other", "value": "A1"}]},
    {"resourceType": "Organization", "id": "o-1", "name": "Riverbend"},
    visit("e-1", period={"start": "2026-04-02T23:30:00-04:00", "end": "2026-04-03T00:30:00-04:00"}),
    visit(
        "e-2",
        period={"start": "2026-04-05", "end": "2026-04-05"},
        type=[{"coding": [{"system": "urn:s", "code": "group"}]}],
    ),
    visit("e-3", status="planned", subject={"reference": "http://sandbox.test/iop/fhir/Patient/p-2"}),
    visit(
        "e-4",
        subject={"identifier": {"value": "A1"}},
        episodeOfCare=[{"reference": "EpisodeOfCare/x"}],
        identifier=[{"value": "bare"}],
        **{"class": {"system": "urn:act", "code": "IMP"}},
    ),
    {
        "resourceType": "Appointment",
        "id": "a-1",
        "participant": [{"actor": {"reference": "Practitioner/p-1"}}, {"actor": {"reference": "Patient/p-2"}}],
    },
]

FOUND = [
    ("Encounter", "", ["e-1", "e-2", "e-3", "e-4"]),
    ("Encounter", "patient=p-1", ["e-1", "e-2"]),
    ("Encounter", "patient=Patient/p-1", ["e-1", "e-2"]),
    ("Encounter", "subject=Patient/p-2", ["e-3"]),
    ("Encounter", "patient=http://sandbox.test/iop/fhir/Patient/p-2", ["e-3"]),
    ("Encounter", "subject=Group/p-1", []),
    ("Encounter", "patient=p-1,p-2", ["e-1", "e-2", "e-3"]),
    ("Encounter", "patient=p-1&status=planned", []),
    ("Encounter", "_id=e-2,e-4", ["e-2", "e-4"]),
    ("Encounter", "status=planned,finished&_id=e-3", ["e-3"]),
    ("Encounter", "type=group", ["e-2"]),
    ("Encounter", "type=urn:s|group", ["e-2"]),
    ("Encounter", "type=urn:t|group", []),
    ("Encounter", "type=urn:s|", ["e-2"]),
    ("Encounter", "class=urn:act|IMP", ["e-4"]),
    ("Encounter", "identifier=|bare", ["e-4"]),
    ("Encounter", "episode-of-care=x", ["e-4"]),
    ("Encounter", "date=2026-04-05", ["e-2"]),
    ("Encounter", "date=ge2026-04-03", ["e-1", "e-2"]),
    ("Encounter", "date=gt2026-04-03", ["e-2"]),
    ("Encounter", "date=lt2026-04-03", ["e-1"]),
    ("Encounter", "date=le2026-04-02T23:30:00-04:00", ["e-1"]),
    ("Encounter", "date=sa2026-04-03", ["e-2"]),
    ("Encounter", "date=eb2026-04-05", ["e-1"]),
    ("Encounter", "date=ne2026-04-05", ["e-1"]),
    ("Encounter", "date=ge2026-04-01&date=le2026-04-04", ["e-1"]),
    ("Encounter", "status=", ["e-1", "e-2", "e-3", "e-4"]),
    ("Patient", "identifier=urn:mrn|A1", ["p-1"]),
    ("Patient", "identifier=A1", ["p-1", "p-2"]),
    ("Patient", "family=rui&given=maria", ["p-1"]),
    ("Patient", "name=ana", ["p-1"]),
    ("Patient", "birthdate=1991-04-12", ["p-1"]),
    ("Patient", "birthdate=1991", ["p-1"]),
    ("Patient", "phone=555-0100", ["p-1"]),
    ("Patient", "active=true", ["p-1"]),
    ("Appointment", "patient=p-1", []),
    ("Appointment", "patient=p-2", ["a-1"]),
    ("Appointment", "actor=Practitioner/p-1", ["a-1"]),
]


def ids(answer):
    return [one["resource"]["id"] for one in answer.json().get("entry", []) if one["search"]["mode"] == "match"]


@pytest.mark.parametrize(("kind", "query", "found"), FOUND, ids=[f"{kind}?{query}" for kind, query, _ in FOUND])
async def test_a_search_finds_what_matches_in_the_order_in_which_it_came(a_world, asking, kind, query, found):
    async with asking(a_world(capability=ENCOUNTERS, holds=HOLDS)) as client:
        answer = await client.get(f"/iop/fhir/{kind}?{query}")

    assert ids(answer) == found
    assert answer.json()["total"] == len(found)


@pytest.mark.parametrize("query", ["date=yesterday", "date=ge2026-13", "_count=few"])
async def test_a_value_that_makes_no_sense_is_refused(a_world, asking, query):
    async with asking(a_world(capability=ENCOUNTERS, holds=HOLDS)) as client:
        answer = await client.get(f"/iop/fhir/Encounter?{query}")

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "value"


async def test_an_unknown_parameter_is_ignored_and_only_the_self_link_tells_it(a_world, asking):
    query = "status=planned&shoe-size=9&status:not=x&_lastUpdated=gt2026-01-01"
    async with asking(a_world(capability=ENCOUNTERS, holds=HOLDS)) as client:
        answer = await client.get(f"/iop/fhir/Encounter?{query}")

    assert ids(answer) == ["e-3"]
    assert answer.json()["link"] == [
        {"relation": "self", "url": "http://sandbox.test/iop/fhir/Encounter?status=planned"}
    ]


async def test_some_ehrs_refuse_an_unknown_parameter(a_world, asking):
    world = a_world('unknown_parameters = "refused"\n', capability=ENCOUNTERS, holds=HOLDS)
    async with asking(world) as client:
        answer = await client.get("/iop/fhir/Encounter?shoe-size=9")
        fine = await client.get("/iop/fhir/Encounter?status=planned&_count=5&_format=json")

    assert (answer.status_code, fine.status_code) == (400, 200)
    assert "shoe-size" in answer.text


async def test_last_updated_can_be_searched_only_where_it_is_offered(a_world, asking):
    world = a_world("last_updated_search = true\n", capability=ENCOUNTERS, holds=[*HOLDS, visit("e-9", meta={})])
    async with asking(world) as client:
        since = await client.get("/iop/fhir/Encounter?_lastUpdated=gt2026-04-02T16:00:00Z")
        statement = await client.get("/iop/fhir/metadata")

    assert ids(since) == ["e-9"]
    encounter = next(one for one in statement.json()["rest"][0]["resource"] if one["type"] == "Encounter")
    assert {"name": "_lastUpdated", "type": "date"} in encounter["searchParam"]


@pytest.mark.parametrize(
    ("kind", "query", "status"),
    [
        ("Encounter", "", 400),
        ("Encounter", "status=finished", 400),
        ("Encounter", "patient=", 400),
        ("Encounter", "patient=p-1", 200),
        ("Encounter", "subject=Patient/p-1", 200),
        ("Encounter", "_id=e-1", 200),
        ("Patient", "", 400),
        ("Patient", "_id=p-1", 200),
        ("Patient", "identifier=A1", 200),
        ("Organization", "", 200),
    ],
)
async def test_some_ehrs_answer_no_search_without_a_patient(a_world, asking, kind, query, status):
    async with asking(a_world("patient_required = true\n", capability=ENCOUNTERS, holds=HOLDS)) as client:
        answer = await client.get(f"/iop/fhir/{kind}?{query}")

    assert answer.status_code == status
    if status == 400:
        assert answer.json()["issue"][0]["code"] == "required"


async def test_some_ehrs_answer_no_search_of_some_types_without_a_patient(a_world, asking):
    world = a_world('patient_required_of = ["Encounter"]\n', capability=ENCOUNTERS, holds=HOLDS)
    async with asking(world) as client:
        places = ("Encounter", "Encounter?patient=p-1", "Patient")
        statuses = [(await client.get(f"/iop/fhir/{place}")).status_code for place in places]

    assert statuses == [400, 200, 200]


async def test_only_the_total_is_told_when_only_the_total_is_asked(a_world, asking):
    async with asking(a_world("total = false\n", capability=ENCOUNTERS, holds=HOLDS)) as client:
        counted = await client.get("/iop/fhir/Encounter?_summary=count")
        none_wanted = await client.get("/iop/fhir/Encounter?patient=p-1&_count=0")

    assert (counted.json()["total"], "entry" in counted.json()) == (4, False)
    assert (none_wanted.json()["total"], "entry" in none_wanted.json()) == (2, False)


async def walked(client, url):
    """Follow the next links; return the ids page by page."""
    pages = []
    while url:
        page = split_page((await client.get(url)).content)
        pages.append([raw.split(b'"id":')[1].split(b'"')[1].decode() for raw in page.entries])
        url = page.next
    return pages


@pytest.mark.parametrize("links", ["type", "base"])
async def test_pages_are_no_longer_than_the_cap_and_lead_on_to_the_end(a_world, asking, goal, links):
    goals = [goal(f"g-{number}") for number in range(7)]
    async with asking(a_world(f'page_cap = 3\npage_links = "{links}"\n', holds=goals)) as client:
        capped = await walked(client, "/iop/fhir/Goal?_count=100")
        shorter = await walked(client, "/iop/fhir/Goal?_count=2")

    assert [len(page) for page in capped] == [3, 3, 1]
    assert [len(page) for page in shorter] == [2, 2, 2, 1]
    assert [one for page in capped for one in page] == [one["id"] for one in goals]


async def test_a_search_that_was_begun_is_not_moved_by_what_is_saved_meanwhile(a_world, asking, goal):
    async with asking(a_world("page_cap = 2\n", holds=[goal(f"g-{number}") for number in range(4)])) as client:
        first = (await client.get("/iop/fhir/Goal")).json()
        await client.delete("/iop/fhir/Goal/g-0")
        await client.put("/iop/fhir/Goal/g-3", json=goal("g-3", text="Changed"))
        second = await client.get(first["link"][1]["url"])
        anew = await client.get("/iop/fhir/Goal")

    assert ids(second) == ["g-2", "g-3"]
    assert second.json()["entry"][1]["resource"]["description"]["text"] == "Sleep well"
    assert ids(anew) == ["g-1", "g-2"]


async def test_some_ehrs_repeat_an_entry_over_pages_and_put_outcomes_among_them(a_world, asking, goal):
    personality = 'page_cap = 2\nrepeats_entries = true\ntotal = false\noutcome_entries = "suppressed"\n'
    async with asking(a_world(personality, holds=[goal(f"g-{number}") for number in range(4)])) as client:
        pages = await walked(client, "/iop/fhir/Goal")
        first = (await client.get("/iop/fhir/Goal")).json()

    assert pages == [["g-0", "g-1"], ["g-1", "g-2", "g-3"]]
    assert "total" not in first
    outcome = first["entry"][-1]
    assert outcome["search"] == {"mode": "outcome"}
    assert outcome["resource"]["issue"][0]["severity"] == "warning"


async def test_a_page_link_that_was_never_given_has_expired(a_world, asking):
    async with asking(a_world()) as client:
        by_type = await client.get("/iop/fhir/Goal?_page=abc.2")
        by_base = await client.get("/iop/fhir?_page=abc")

    assert (by_type.status_code, by_base.status_code) == (410, 410)


async def test_a_search_by_post_is_answered_only_where_it_is_offered(a_world, asking):
    form = {"status": "planned"}
    async with asking(a_world(capability=ENCOUNTERS, holds=HOLDS)) as client:
        refused = await client.post("/iop/fhir/Encounter/_search", data=form)
    async with asking(a_world("post_search = true\n", capability=ENCOUNTERS, holds=HOLDS)) as client:
        answered = await client.post("/iop/fhir/Encounter/_search", data=form)

    assert refused.status_code == 405
    assert ids(answered) == ["e-3"]
