"""Eligibility: what is recorded of it, by whom and when, and what is missing; never a word of our own on a level."""

from datetime import UTC, datetime

import pytest

from coordinator.care.level_of_care.model import MappingRow, Role
from coordinator.reconcile import Grade
from tests.builders import a_level, a_patient, a_policy, a_request, an_encounter, an_episode, an_observation, evidence

SYSTEM = "https://coordinator.example/fhir/CodeSystem/assessment"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LATER = datetime(2026, 4, 7, 16, tzinfo=UTC)


def code(word):
    return {"coding": [{"system": SYSTEM, "code": word}]}


def enrolled(*, level="4e 2.1", start="2026-02-05", **more):
    return evidence(an_episode("I-1", level=level, start=start, **more))


def recorded(word, number="O-1", **more):
    by = more.pop("by", ("Practitioner/d-1",))
    made = an_observation(number, code=code(word), **more)
    return made | ({"performer": [{"reference": one} for one in by]} if by else {})


def part(account, *given, **policy):
    (found,) = account(*given, policy=a_policy(**policy), as_of=LATER).content["eligibility"]
    return found


def test_an_assessment_is_told_with_day_assessor_level_and_ratings_as_they_came(account):
    assessed = recorded("asam-dim", result=a_level("4e 2.1"), ratings={"Dimension 1": "0", "Dimension 4": "2b"})
    found = part(account, enrolled(), evidence(assessed))
    assert found["recorded"] == [
        {
            "part": "assessment",
            "days": ["2026-01-28", "2026-01-28"],
            "by": ["Practitioner/d-1"],
            "levels": [{"edition": "4e", "code": "2.1"}],
            "ratings": [{"dimension": "Dimension 1", "value": "0"}, {"dimension": "Dimension 4", "value": "2b"}],
            "evidence": ["iop/Observation/O-1@1"],
        }
    ]
    assert (found["stay"], found["missing"], found["residential_first"]) == (
        "iop/EpisodeOfCare/I-1",
        ["clearance"],
        None,
    )


NAMES = {
    "in words": ({"text": "Dimension 1"}, "Dimension 1"),
    "by a code": ({"coding": [{"code": "d1"}]}, "d1"),
    "by the second of its codes": ({"coding": [{"display": "Dimension 1"}, {"code": "d1"}]}, "d1"),
    "not at all": (None, None),
}


@pytest.mark.parametrize(("dimension", "name"), NAMES.values(), ids=NAMES)
def test_a_dimension_is_named_as_the_record_names_it(account, dimension, name):
    rating = {"valueString": "2"} | ({"code": dimension} if dimension else {})
    found = part(account, enrolled(), evidence(recorded("asam-dim") | {"component": [rating]}))
    assert found["recorded"][0]["ratings"] == [{"dimension": name, "value": "2"}]


def test_a_dimension_that_was_not_rated_is_left_out(account):
    rated = recorded("asam-dim", ratings={"Dimension 1": "2"})
    rated["component"].append({"code": {"text": "Dimension 2"}, "dataAbsentReason": {"text": "not asked"}})
    found = part(account, enrolled(), evidence(rated))
    assert [one["dimension"] for one in found["recorded"][0]["ratings"]] == ["Dimension 1"]


def test_an_observation_of_something_else_hides_none_that_comes_after_it(account):
    other = an_observation("O-0", code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]})
    found = part(account, enrolled(), evidence(other), evidence(recorded("asam-dim")))
    assert [one["evidence"] for one in found["recorded"]] == [["iop/Observation/O-1@1"]]


MISSING = {
    "nothing": ((), ["assessment", "assessor", "clearance"]),
    "an assessment by nobody": ((recorded("asam-dim", by=()),), ["assessor", "clearance"]),
    "an assessment that the person filled in": (
        (recorded("asam-dim", by=("Patient/p-1",)),),
        ["assessor", "clearance"],
    ),
    "a level that somebody recommended": ((an_observation(result=a_level("4e 2.1")),), ["assessor", "clearance"]),
    "a clearance alone": ((recorded("medical-clearance"),), ["assessment", "assessor"]),
    "both": ((recorded("asam-dim"), recorded("medical-clearance", "O-2")), []),
    "a draft of both": (
        (recorded("asam-dim", status="preliminary"), recorded("medical-clearance", "O-2", status="registered")),
        ["assessment", "assessor", "clearance"],
    ),
    "an assessment of long ago": ((recorded("asam-dim", at="2025-11-01"),), ["assessment", "assessor", "clearance"]),
    "an assessment of some day in January": ((recorded("asam-dim", at="2026-01"),), ["clearance"]),
    "an assessment without a day": ((recorded("asam-dim", at=None),), ["clearance"]),
    "an assessment while the stay goes on": ((recorded("asam-dim", at="2026-03-20"),), ["clearance"]),
    "a session of assessment": (
        (
            an_encounter(start="2026-02-01", kind={"coding": [{"system": HCPCS, "code": "H0001"}]}),
            recorded("medical-clearance"),
        ),
        ["assessor"],
    ),
    "a session of assessment that was missed": (
        (an_encounter(start="2026-02-01", status="cancelled", kind={"coding": [{"system": HCPCS, "code": "H0001"}]}),),
        ["assessment", "assessor", "clearance"],
    ),
    "an instrument that does not look at substance use": (
        (an_observation(code={"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}),),
        ["assessment", "assessor", "clearance"],
    ),
    "other observations": (
        (an_observation(code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}),),
        ["assessment", "assessor", "clearance"],
    ),
}


@pytest.mark.parametrize(("trees", "missing"), MISSING.values(), ids=MISSING)
def test_what_no_record_shows_is_missing(account, trees, missing):
    found = part(account, enrolled(), *(evidence(tree) for tree in trees))
    assert (found["missing"], found["not_seen"]) == (missing, [])


PULLS = {
    "of the program": ("iop", "Observation"),
    "of the physician who referred": ("pcp", "Observation"),
}


@pytest.mark.parametrize("place", PULLS.values(), ids=PULLS)
def test_after_a_pull_that_was_not_complete_nothing_is_called_missing(account, place):
    people = (evidence(a_patient()), evidence(a_patient(), ehr="pcp"))
    found = part(account, *people, enrolled(), grades={place: Grade.PARTIAL})
    assert (found["missing"], found["not_seen"]) == ([], ["assessment", "assessor", "clearance"])


def mapped(concept, type_="Observation", path=("code",)):
    return MappingRow(
        type=type_,
        path=path,
        system=None,
        value="cleared by physician",
        concept=concept,
        edition=None,
        code="any",
        role=Role.INDICATED,
        organization=None,
    )


def test_a_site_may_name_its_own_records(account):
    observation = an_observation(code={"text": "Cleared by physician"})
    letter = {
        "resourceType": "DocumentReference",
        "id": "D-1",
        "status": "current",
        "type": {"text": "Cleared by physician"},
        "date": "2026-02-01T12:00:00-05:00",
        "author": [{"reference": "Practitioner/d-2"}],
    }
    rows = (mapped("clearance"), mapped("clearance", "DocumentReference", ("type",)))
    found = part(account, enrolled(), evidence(observation), evidence(letter), mappings={"iop": rows})
    assert [(one["part"], one["by"], one["evidence"]) for one in found["recorded"]] == [
        ("clearance", [], ["iop/Observation/O-1@1"]),
        ("clearance", ["Practitioner/d-2"], ["iop/DocumentReference/D-1@1"]),
    ]


def test_a_letter_without_a_day_is_told_and_an_order_of_a_clearance_is_none(account):
    named = {"text": "Cleared by physician"}
    letter = {"resourceType": "DocumentReference", "id": "D-1", "status": "current", "type": named}
    order = a_request(start="2026-02-01") | {"code": named}
    rows = (mapped("clearance", "DocumentReference", ("type",)), mapped("clearance", "ServiceRequest"))
    found = part(account, enrolled(), evidence(letter), evidence(order), mappings={"iop": rows})
    assert [(one["days"], one["evidence"]) for one in found["recorded"]] == [(None, ["iop/DocumentReference/D-1@1"])]


RESIDENTIAL = evidence(an_episode("R-1", level="3e 3.5", start="2026-01-02", end="2026-01-30"), ehr="res")

FIRST = {
    "residential care was recommended": recorded("asam-dim", result=a_level("3e 3.5")),
    "a severity was recorded": recorded("severity"),
    "a comorbidity was recorded": recorded("comorbidity"),
    "residential care was recommended, and a program by day after it": recorded(
        "asam-dim", result={"coding": [*a_level("3e 3.5")["coding"], *a_level("3e 2.1")["coding"]]}
    ),
}


@pytest.mark.parametrize("tree", FIRST.values(), ids=FIRST)
def test_what_spoke_for_residential_care_first_is_told_beside_the_stay_that_came_before(account, tree):
    found = part(account, enrolled(), RESIDENTIAL, evidence(tree, ehr="res"))
    assert found["residential_first"] == {"recorded": ["res/Observation/O-1@1"], "stay": "res/EpisodeOfCare/R-1"}
    assert found["evidence"] == ["iop/EpisodeOfCare/I-1@1", "res/EpisodeOfCare/R-1@1"]


@pytest.mark.parametrize("tree", [recorded("medical-clearance"), recorded("asam-dim")], ids=["clearance", "no level"])
def test_what_says_nothing_of_residential_care_is_not_told_as_if_it_did(account, tree):
    assert part(account, enrolled(), RESIDENTIAL, evidence(tree, ehr="res"))["residential_first"] is None


def test_where_no_residential_stay_came_before_none_is_told(account):
    found = part(account, enrolled(), evidence(recorded("severity")))
    assert found["residential_first"] == {"recorded": ["iop/Observation/O-1@1"], "stay": None}


@pytest.mark.parametrize("level", ["3e 3.5", "4e 1.5", "3e OTP"])
def test_of_other_levels_nothing_is_told(account, level):
    made = account(enrolled(level=level), evidence(recorded("asam-dim")), as_of=LATER)
    assert made.content["eligibility"] == []


def test_each_stay_has_its_own_time(account):
    again = evidence(an_episode("I-2", level="4e 2.1", start="2026-03-30"))
    late = evidence(recorded("medical-clearance", "O-2", at="2026-03-25"))
    stays = (enrolled(end="2026-02-20"), again)
    made = account(*stays, evidence(recorded("asam-dim")), late, as_of=LATER).content["eligibility"]
    assert [(one["stay"], one["missing"]) for one in made] == [
        ("iop/EpisodeOfCare/I-1", ["clearance"]),
        ("iop/EpisodeOfCare/I-2", ["assessment", "assessor"]),
    ]


# ---- asked item by item ----------------------------------------------------------------------------------------------
ASAM = "https://coordinator.example/fhir/Questionnaire/asam-dim|2"


def answered(*items, questionnaire=ASAM, status="completed", author="Practitioner/d-1", **more):
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "Q-1",
        "questionnaire": questionnaire,
        "status": status,
        "subject": {"reference": "Patient/p-1"},
        "authored": "2026-01-28T14:00:00-05:00",
        "author": {"reference": author},
        "item": list(items),
    } | more


def item(link, *answers, text=None, below=()):
    made = {"linkId": link, "text": text, "answer": list(answers), "item": list(below)}
    return {name: value for name, value in made.items() if value}


def test_a_questionnaire_is_told_with_its_ratings_as_they_came_and_without_prose(account):
    rated = item(
        "d1", {"valueInteger": 2}, text="Dimension 1", below=(item("d1-why", {"valueString": "said at length"}),)
    )
    level = item("level", {"valueCoding": a_level("4e 2.1")["coding"][0]})
    found = part(account, enrolled(), evidence(answered(item("group", below=(rated,)), level)))
    (told,) = found["recorded"]
    assert (told["part"], told["days"], told["by"], told["levels"], told["evidence"]) == (
        "assessment",
        ["2026-01-28", "2026-01-28"],
        ["Practitioner/d-1"],
        [{"edition": "4e", "code": "2.1"}],
        ["iop/QuestionnaireResponse/Q-1@1"],
    )
    assert [(one["dimension"], one["value"]) for one in told["ratings"]] == [
        ("Dimension 1", 2),
        ("level", a_level("4e 2.1")["coding"][0]),
    ]
    assert "at length" not in str(found)
    assert found["missing"] == ["clearance"]


QUESTIONNAIRES = {
    "one that the person filled in": (answered(author="Patient/p-1"), ["assessor", "clearance"]),
    "without an author": (answered() | {"author": {}}, ["assessor", "clearance"]),
    "one half answered": (answered(status="in-progress"), ["assessment", "assessor", "clearance"]),
    "an instrument by its LOINC address": (answered(questionnaire="http://loinc.org/q/82666-9"), ["clearance"]),
    "a mood questionnaire": (
        answered(questionnaire="http://loinc.org/q/44249-1"),
        ["assessment", "assessor", "clearance"],
    ),
    "one of another site": (
        answered(questionnaire="https://local.example/Questionnaire/asam-dim"),
        ["assessment", "assessor", "clearance"],
    ),
    "one that names no questionnaire": (answered(questionnaire=None), ["assessment", "assessor", "clearance"]),
}


@pytest.mark.parametrize(("tree", "missing"), QUESTIONNAIRES.values(), ids=QUESTIONNAIRES)
def test_a_questionnaire_counts_by_its_address_status_and_author(account, tree, missing):
    assert part(account, enrolled(), evidence(tree))["missing"] == missing


def test_what_recommends_a_level_is_an_assessment_whatever_it_is_called(account):
    level = item("level", {"valueCoding": a_level("4e 2.1")["coding"][0]})
    tree = answered(level, questionnaire="https://local.example/Questionnaire/intake")
    assert part(account, enrolled(), evidence(tree))["missing"] == ["clearance"]


def test_a_site_may_name_its_own_questionnaire(account):
    row = MappingRow(
        type="QuestionnaireResponse",
        path=("questionnaire",),
        system=None,
        value="https://local.example/Questionnaire/intake",
        concept="assessment",
        edition=None,
        code="any",
        role=Role.INDICATED,
        organization=None,
    )
    tree = answered(questionnaire="https://local.example/Questionnaire/intake")
    assert part(account, enrolled(), evidence(tree), mappings={"iop": (row,)})["missing"] == ["clearance"]


def test_where_assessments_are_questionnaires_only_a_whole_pull_of_these_supports_missing(account):
    grades = {("iop", "QuestionnaireResponse"): Grade.PARTIAL}
    found = part(account, enrolled(), evidence(answered()), grades=grades)
    assert (found["missing"], found["not_seen"]) == ([], ["clearance"])


# ---- residential first -----------------------------------------------------------------------------------------------
ASSESSED_FIRST = evidence(recorded("asam-dim", at="2025-10-20T10:00:00-04:00", result=a_level("3e 3.5")), ehr="res")
LONG_STAY = {"level": "3e 3.5", "start": "2025-11-03"}
BEFORE = {
    "a stay of months that ended as the program began": ({"end": "2026-02-04"}, "res/EpisodeOfCare/R-1"),
    "one that goes on": ({}, "res/EpisodeOfCare/R-1"),
    "one that ended long before": ({"end": "2025-12-20"}, None),
}


@pytest.mark.parametrize(("how", "before"), BEFORE.values(), ids=BEFORE)
def test_what_spoke_for_a_long_residential_stay_is_told_though_it_was_said_before_that_stay(account, how, before):
    """An assessment recommends residential care, weeks or months of it follow, and then the program by day."""
    found = part(account, enrolled(), evidence(an_episode("R-1", **LONG_STAY, **how), ehr="res"), ASSESSED_FIRST)
    first = {"recorded": ["res/Observation/O-1@1"], "stay": before} if before else None
    assert (found["residential_first"], [one["evidence"] for one in found["recorded"]]) == (
        first,
        [["res/Observation/O-1@1"]] if before else [],
    )
    assert found["missing"] == ["assessment", "assessor", "clearance"]
