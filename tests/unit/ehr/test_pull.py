"""A pull brings every page of each type, and a grade that never says more than was seen."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from coordinator.ehr.breaker import MOST_IN_VAIN
from coordinator.ehr.capability import with_scopes
from coordinator.ehr.exchange import Again, Answer, Asked, Lost
from coordinator.ehr.pull import AT_ONCE, WAITING, Source, pull
from coordinator.ehr.strategy import Site
from coordinator.errors import PermanentEhrError
from coordinator.reconcile import Grade
from tests.unit.ehr.stated import a_statement, a_type
from tests.unit.ehr.talk import BASE, a_page, a_record, an_outcome, answer

READ = "read search-type"
OFFER = a_statement(a_type("Patient", READ), a_type("Goal", READ), a_type("Task", READ), a_type("Group", "read"))
FINAL = Lost(reason="gone", sent=False, again=Again.NEVER)


class Ehr:
    """A wire to an EHR of a few records; `says` may answer in its place."""

    def __init__(self, patients=("p-1", "p-2"), *, says: Callable[[str, dict[str, str]], Answer | Lost | None]):
        self.patients, self.says = patients, says
        self.asked: list[str] = []

    async def __call__(self, asked: Asked) -> Answer | Lost:
        await asyncio.sleep(0)
        parts = urlsplit(asked.url)
        path, query = parts.path.removeprefix("/fhir/"), dict(parse_qsl(parts.query))
        self.asked.append(path + "".join(f" {query[one]}" for one in ("patient", "page") if one in query))
        said = self.says(path, query)
        if said is not None:
            return said
        if path == "Patient":
            return a_page(*(a_record(one, "Patient") for one in self.patients))
        if path.startswith("Patient/"):
            return answer(a_record(path.removeprefix("Patient/"), "Patient"))
        mine = [query["patient"]] if "patient" in query else self.patients
        return a_page(*(a_record(f"{path}-{one}", path) for one in mine))


def an_ehr(says=lambda path, query: None, **more) -> Ehr:
    return Ehr(says=says, **more)


async def pulled(ehr, *types, patients=None, statement=OFFER, site=None, roster=(), learned=lambda _: None):
    source = Source(
        base=BASE, wire=ehr, statement=statement, site=site or Site(), patients=tuple(roster), learned=learned
    )
    ids, grades = [], {}
    async for one in pull(source, types, patients):
        if one.page is None:
            assert one.type not in grades, "a type has one grade"
            grades[one.type] = (one.grade, one.problem)
        else:
            assert one.type not in grades, "a grade comes last"
            ids += [json.loads(raw).get("id") for raw in one.page.entries]
    return sorted(filter(None, ids)), grades


COMPLETE = (Grade.COMPLETE, "")


async def test_all_is_pulled_at_once_where_nothing_needs_a_patient():
    ehr = an_ehr()
    ids, grades = await pulled(ehr, "Goal", "Patient")
    assert ids == ["Goal-p-1", "Goal-p-2", "p-1", "p-2"]
    assert grades == {"Patient": COMPLETE, "Goal": COMPLETE}
    assert ehr.asked == ["Patient", "Goal"]


async def test_nothing_is_asked_where_nothing_is_wanted():
    ehr = an_ehr()
    assert await pulled(ehr) == ([], {})
    assert ehr.asked == []


async def test_a_type_that_is_not_served_is_partial_and_not_asked_for():
    ehr = an_ehr()
    _, grades = await pulled(ehr, "CarePlan", "Group")
    assert grades["CarePlan"] == (Grade.PARTIAL, "not pulled: not offered (statement)")
    assert grades["Group"][0] is Grade.PARTIAL
    assert ehr.asked == []


# --- patient by patient ---------------------------------------------------------------------------------------------


def wants_patient(status=400):
    """Return what an EHR says that searches Goals for a patient only."""
    return lambda path, query: answer(b"", status) if path == "Goal" and "patient" not in query else None


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_a_search_refused_without_a_patient_goes_on_patient_by_patient_and_that_is_learned(status):
    learned = []
    ehr = an_ehr(wants_patient(status))
    ids, grades = await pulled(ehr, "Patient", "Goal", "Task", learned=learned.append)
    assert ids == ["Goal-p-1", "Goal-p-2", "Task-p-1", "Task-p-2", "p-1", "p-2"]
    assert set(grades.values()) == {COMPLETE}
    assert learned == ["Goal"]


async def test_what_was_learned_before_saves_the_question():
    ehr = an_ehr(wants_patient())
    await pulled(ehr, "Patient", "Goal", site=Site(profile={"needs_patient": ["Goal"]}))
    assert sorted(ehr.asked) == ["Goal p-1", "Goal p-2", "Patient"]


async def test_a_type_that_is_refused_with_a_patient_too_is_restricted_and_nothing_is_learned():
    learned = []
    ehr = an_ehr(lambda path, query: answer(b"", 403) if path == "Goal" else None)
    _, grades = await pulled(ehr, "Patient", "Goal", learned=learned.append)
    assert (grades["Goal"][0], learned) == (Grade.RESTRICTED, [])


async def test_a_type_restricted_for_some_patients_is_restricted_and_tells_for_how_many():
    """A psychiatric visit behind glass hides one person's records: the rest proves nothing about theirs."""
    glass = an_outcome("suppressed", severity="warning")

    def says(path, query):
        return a_page(glass) if path == "Goal" and query.get("patient") == "p-2" else None

    ids, grades = await pulled(an_ehr(says), "Patient", "Goal", site=Site(profile={"needs_patient": ["Goal"]}))
    assert ids == ["Goal-p-1", "p-1", "p-2"]
    assert grades["Goal"][0] is Grade.RESTRICTED
    assert "(1 of 2 searches fell short)" in grades["Goal"][1]


async def test_a_parameter_that_was_ignored_brings_nobody_elses_records():
    def says(path, query):
        others = a_page(a_record("theirs"), self_="https://ehr.test/fhir/Goal")
        return others if path == "Goal" else None

    ids, grades = await pulled(an_ehr(says), "Goal", patients=["p-1"])
    assert (ids, grades["Goal"][0]) == ([], Grade.PARTIAL)


async def test_with_patients_given_nobody_else_is_asked_for():
    ehr = an_ehr()
    ids, grades = await pulled(ehr, "Patient", "Goal", patients=["p-2", "p-2"])
    assert (ids, set(grades.values())) == (["Goal-p-2", "p-2"], {COMPLETE})
    assert sorted(ehr.asked) == ["Goal p-2", "Patient/p-2"]


async def test_further_queries_are_made_for_each_patient():
    site = Site(options={"search": {"Goal": ["page=a", "page=b"]}})
    ehr = an_ehr()
    await pulled(ehr, "Goal", patients=["p-1"], site=site)
    assert sorted(ehr.asked) == ["Goal p-1 a", "Goal p-1 b"]


async def test_a_granted_scope_that_covers_a_part_makes_the_view_restricted():
    narrowed = with_scopes(OFFER, ["system/Patient.rs", "system/Goal.rs?category=x"])
    _, grades = await pulled(an_ehr(), "Patient", "Goal", statement=narrowed)
    assert (grades["Patient"], grades["Goal"][0]) == (COMPLETE, Grade.RESTRICTED)


# --- the roster -----------------------------------------------------------------------------------------------------

FILE = Site(roster="file:f")
GROUP = Site(roster="group:g")


async def test_a_roster_of_ids_is_read_one_by_one():
    ehr = an_ehr()
    ids, grades = await pulled(ehr, "Patient", "Goal", site=FILE, roster=["p-1"])
    assert (ids, set(grades.values())) == (["Goal-p-1", "p-1"], {COMPLETE})


ABSENT = {
    "not shown": (answer(b"", 403), Grade.RESTRICTED),
    "not found": (answer(b"", 404), Grade.PARTIAL),
    "merged": (answer(b"", 301), Grade.PARTIAL),
    "no answer": (FINAL, Grade.PARTIAL),
}


@pytest.mark.parametrize(("reply", "grade"), ABSENT.values(), ids=ABSENT.keys())
async def test_a_patient_of_the_roster_who_is_not_there_leaves_the_others_and_the_grade_says_so(reply, grade):
    ehr = an_ehr(lambda path, query: reply if path == "Patient/p-1" else None)
    ids, grades = await pulled(ehr, "Patient", site=FILE, roster=["p-1", "p-2"])
    assert (ids, grades["Patient"][0]) == (["p-2"], grade)
    assert "p-1" not in grades["Patient"][1]


def a_group(*references):
    members = [{"entity": {"reference": one}} for one in references]
    return answer({"resourceType": "Group", "id": "g", "member": members})


async def test_the_members_of_a_group_are_the_roster():
    group = a_group("Patient/p-1", "https://ehr.test/fhir/Patient/p-2", "Practitioner/x", "#y")
    ehr = an_ehr(lambda path, query: group if path == "Group/g" else None)
    ids, _ = await pulled(ehr, "Patient", site=GROUP)
    assert ids == ["p-1", "p-2"]


@pytest.mark.parametrize(
    "reply", [answer(b"", 404), answer(b'{"resourceType":"Group","id":"g","member":1,"member":2}')]
)
async def test_a_group_that_can_not_be_read_stops_the_pull_with_a_sentence(reply):
    ehr = an_ehr(lambda path, query: reply if path == "Group/g" else None)
    with pytest.raises(PermanentEhrError, match="group of the roster"):
        await pulled(ehr, "Patient", site=GROUP)


EMPTY = {
    "an empty group": {"site": GROUP},
    "an empty file": {"site": FILE},
    "patients given, none": {"patients": []},
}


@pytest.mark.parametrize("more", EMPTY.values(), ids=EMPTY.keys())
async def test_where_nobody_is_on_the_roster_nothing_is_proven(more):
    """A complete view of nobody would say that everybody is gone."""
    ehr = an_ehr(lambda path, query: a_group() if path == "Group/g" else None)
    _, grades = await pulled(ehr, "Patient", "Goal", **more)
    assert [grade for grade, _ in grades.values()] == [Grade.PARTIAL, Grade.PARTIAL]


async def test_an_ehr_that_does_not_list_its_patients_needs_a_roster():
    epic = a_statement(a_type("Patient", READ), a_type("Goal", READ), software={"name": "Epic"})
    ehr = an_ehr()
    _, grades = await pulled(ehr, "Patient", "Goal", statement=epic)
    assert [grade for grade, _ in grades.values()] == [Grade.PARTIAL, Grade.PARTIAL]
    assert ehr.asked == []


NEEDY = Site(profile={"needs_patient": ["Goal"]})
BAD_LISTS = {
    "refused": answer(b"", 403),
    "not whole": a_page(a_record("p-1", "Patient"), an_outcome("incomplete", severity="warning")),
    "one without a readable id": a_page(a_record("p-1", "Patient"), {"resourceType": "Patient"}, {"no": "type"}),
}


@pytest.mark.parametrize("page", BAD_LISTS.values(), ids=BAD_LISTS.keys())
async def test_a_list_of_patients_that_is_not_whole_makes_nothing_that_rests_on_it_whole(page):
    ehr = an_ehr(lambda path, query: page if path == "Patient" else None)
    _, grades = await pulled(ehr, "Patient", "Goal", site=NEEDY)
    assert grades["Goal"][0] is not Grade.COMPLETE


async def test_an_ehr_that_lists_no_patient_has_none():
    _, grades = await pulled(an_ehr(patients=()), "Patient", "Goal", site=NEEDY)
    assert set(grades.values()) == {COMPLETE}


async def test_records_that_come_along_with_patients_are_nobody_on_the_roster():
    page = a_page(a_record("p-1", "Patient"), a_record("x", "Practitioner"))
    ehr = an_ehr(lambda path, query: page if path == "Patient" else None)
    await pulled(ehr, "Patient", "Goal", site=NEEDY)
    assert ehr.asked == ["Patient", "Goal p-1"]


# --- one beside the other -------------------------------------------------------------------------------------------


async def test_one_type_that_fails_does_not_keep_the_others():
    ehr = an_ehr(lambda path, query: FINAL if path == "Goal" else None)
    ids, grades = await pulled(ehr, "Patient", "Goal", "Task")
    assert ids == ["Task-p-1", "Task-p-2", "p-1", "p-2"]
    assert (grades["Goal"][0], grades["Task"]) == (Grade.PARTIAL, COMPLETE)


async def test_an_ehr_that_stops_answering_is_given_up_and_not_waited_for_patient_by_patient():
    """A thousand searches, each waiting its deadline out, would keep a run for days."""
    ehr = an_ehr(lambda path, query: FINAL if query.get("patient", "p-000") > "p-003" else None)
    ids, grades = await pulled(ehr, "Goal", "Task", patients=[f"p-{number:03}" for number in range(1_000)])
    assert len(ids) == 8
    assert len(ehr.asked) <= 8 + MOST_IN_VAIN + AT_ONCE
    assert {grade for grade, _ in grades.values()} == {Grade.PARTIAL}
    assert grades["Goal"][1].endswith("(996 of 1000 searches fell short)")


class Crowd(Ehr):
    """An EHR with pages without end; it counts who asks at once."""

    def __init__(self):
        super().__init__(says=lambda path, query: None)
        self.now = self.most = self.pages = 0

    async def __call__(self, asked):
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(3):
            await asyncio.sleep(0)
        self.now -= 1
        self.pages += 1
        return a_page(a_record(f"g-{self.pages}"), next_=f"https://ehr.test/fhir?page={self.pages}")


def endless(crowd):
    patients = [f"p-{number}" for number in range(50)]
    source = Source(base=BASE, wire=crowd, statement=OFFER, site=Site())
    return pull(source, ["Goal", "Task"], patients)


async def test_a_slow_reader_is_waited_for_and_few_ask_at_once():
    """Memory holds a few pages, whatever the EHR has."""
    crowd = Crowd()
    pages = endless(crowd)
    await anext(pages)
    for _ in range(200):
        await asyncio.sleep(0)
    assert crowd.pages <= 1 + WAITING + AT_ONCE
    assert crowd.most <= AT_ONCE
    await pages.aclose()


async def test_whoever_stops_listening_stops_all_that_is_under_way():
    crowd = Crowd()
    pages = endless(crowd)
    for _ in range(10):
        await anext(pages)
    await pages.aclose()
    asked, others = crowd.pages, asyncio.all_tasks() - {asyncio.current_task()}
    for _ in range(50):
        await asyncio.sleep(0)
    assert (crowd.pages, others) == (asked, set())


async def test_a_run_that_is_cancelled_leaves_nothing_behind():
    crowd = Crowd()

    async def work():
        async for _ in endless(crowd):
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    for _ in range(100):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(20):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_fault_of_ours_is_not_waited_for_for_ever():
    def broken(path, query):
        message = "a fault of ours"
        raise LookupError(message)

    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(pulled(an_ehr(broken), "Goal", "Task"), timeout=5)


# --- what no search finds -------------------------------------------------------------------------------------------

EPIC = a_statement(a_type("Patient", READ), a_type("Encounter", READ), a_type("EpisodeOfCare", "read"))


def naming(*episodes, answers=None):
    """Return what an EHR says whose encounters name episodes that only a read by id gives."""

    def says(path, query):
        if path == "Encounter":
            named = [{"reference": f"EpisodeOfCare/{one}"} for one in episodes]
            return a_page(a_record("e-1", "Encounter", episodeOfCare=named), a_record("e-2", "Encounter"))
        if path.startswith("EpisodeOfCare/"):
            id_ = path.removeprefix("EpisodeOfCare/")
            return (answers or {}).get(id_) or answer(a_record(id_, "EpisodeOfCare"))
        return None

    return says


async def test_episodes_that_no_search_finds_are_read_by_the_ids_that_encounters_name():
    """Epic wants a type that only the site knows; its encounters name the episode."""
    ehr = an_ehr(naming("s-1", "s-2", "s-1"))
    ids, grades = await pulled(ehr, "EpisodeOfCare", "Patient", "Encounter", statement=EPIC)
    assert ids == ["e-1", "e-2", "p-1", "p-2", "s-1", "s-2"]
    assert ehr.asked == ["Patient", "Encounter", "EpisodeOfCare/s-1", "EpisodeOfCare/s-2"]
    assert grades["EpisodeOfCare"] == (Grade.PARTIAL, "read where an encounter names one")


GRADES = {"forbidden": (403, Grade.RESTRICTED), "gone": (410, Grade.PARTIAL)}


@pytest.mark.parametrize(("status", "grade"), GRADES.values(), ids=GRADES)
async def test_an_episode_that_is_named_and_not_given_is_told_and_loses_no_other(status, grade):
    ehr = an_ehr(naming("s-1", "s-2", answers={"s-1": answer(b"", status)}))
    ids, grades = await pulled(ehr, "Encounter", "EpisodeOfCare", statement=EPIC)
    assert (ids, grades["EpisodeOfCare"][0]) == (["e-1", "e-2", "s-2"], grade)


async def test_where_no_encounter_names_an_episode_none_is_pulled():
    _, grades = await pulled(an_ehr(naming()), "Encounter", "EpisodeOfCare", statement=EPIC)
    assert grades["EpisodeOfCare"][1].startswith("not pulled")
