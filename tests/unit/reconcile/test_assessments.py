"""A change of level without an assessment near it, where the sources tell of assessments at all."""

from datetime import UTC, datetime

import pytest

from coordinator.reconcile import Grade
from tests.builders import a_level, a_policy, an_encounter, an_episode, an_observation, evidence

LOINC = "http://loinc.org"
DIMENSIONS = "https://coordinator.example/fhir/CodeSystem/assessment"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
COMPLETE = {(ehr, type_): Grade.COMPLETE for ehr in ("iop", "res") for type_ in ("Observation", "Encounter")}
STEP_DOWN = (
    evidence(an_episode("R-1", level="3e 3.5", start="2026-01-05", end="2026-03-01"), ehr="res"),
    evidence(an_episode("I-1", level="4e 2.1", start="2026-03-02")),
)


def coded(system, code):
    return {"coding": [{"system": system, "code": code}]}


def an_audit(at="2025-06-01", **more):
    return an_observation(code=coded(LOINC, "75624-7"), at=at, **more)


def missing(account, *records, grades=COMPLETE, as_of=datetime(2026, 4, 7, 12, tzinfo=UTC)):
    made = account(*STEP_DOWN, *map(evidence, records), policy=a_policy(grades=grades), as_of=as_of)
    return [one for one in made.findings if one.code == "level.no-assessment"]


def test_a_change_without_an_assessment_near_it_is_a_finding(account):
    (one,) = missing(account, an_audit("2025-06-01"))
    assert one.evidence == (
        "iop/EpisodeOfCare/I-1@1",
        "iop/Observation/O-1@1",
        "res/EpisodeOfCare/R-1@1",
    )
    assert one.facts == {
        "change": ["2026-03-02", "2026-03-02"],
        "within_days": 30,
        "last_assessed": ["2025-06-01", "2025-06-01"],
    }
    assert one.rules == ("AS-01", "TR-05")


NEAR = {
    "thirty days before": (an_audit("2026-01-31"), True),
    "thirty-one days before": (an_audit("2026-01-30"), False),
    "thirty days after": (an_audit("2026-04-01"), True),
    "a month that may be near": (an_audit("2026-01"), True),
    "dimensional ratings": (an_observation(code=coded(DIMENSIONS, "asam-dim"), at="2026-03-01"), True),
    "a recommended level": (an_observation(result=a_level("4e 2.1"), at="2026-03-01"), True),
    "a session of assessment": (an_encounter(start="2026-03-01T09:00:00-05:00", kind=coded(HCPCS, "H0001")), True),
    "one that was missed": (
        an_encounter(start="2026-03-01T09:00:00-05:00", kind=coded(HCPCS, "H0001"), status="cancelled"),
        False,
    ),
    "one taken back": (an_audit("2026-03-01", status="entered-in-error"), False),
    "one about mood alone": (an_observation(code=coded(LOINC, "44261-6"), at="2026-03-01"), False),
    "one without a day": (an_audit(None), False),
}


@pytest.mark.parametrize(("record", "near"), NEAR.values(), ids=NEAR)
def test_what_shows_an_assessment_near_a_change(account, record, near):
    far = an_audit("2025-06-01") | {"id": "O-0"}
    assert (missing(account, far, record) == []) is near


def test_where_no_source_tells_of_assessments_none_is_missing(account):
    assert missing(account) == []


@pytest.mark.parametrize(
    "grades",
    [
        {},
        {**COMPLETE, ("iop", "Observation"): Grade.PARTIAL},
        {**COMPLETE, ("res", "Observation"): Grade.RESTRICTED},
        {**COMPLETE, ("iop", "Encounter"): Grade.STALE},
    ],
    ids=["nothing known", "not all observations", "some hidden", "old contacts"],
)
def test_only_complete_pulls_support_that_an_assessment_is_missing(account, grades):
    assert missing(account, an_audit(), grades=grades) == []


def test_the_program_has_some_days_to_write_it_down(account):
    assert missing(account, an_audit(), as_of=datetime(2026, 3, 9, 12, tzinfo=UTC)) == []
    assert len(missing(account, an_audit(), as_of=datetime(2026, 3, 10, 12, tzinfo=UTC))) == 1


@pytest.mark.parametrize(
    ("others", "last"),
    [
        (("2026-05-04",), "2026-05-04"),
        (("2025-06-01", "2026-05-04"), "2025-06-01"),
        (("2025-06-01", "2025-08-01"), "2025-08-01"),
    ],
    ids=["only one after", "one before", "two before"],
)
def test_the_last_assessment_before_is_named_or_the_first_after(account, others, last):
    records = [an_audit(day) | {"id": f"O-{day}"} for day in others]
    (one,) = missing(account, *records, as_of=datetime(2026, 6, 7, 12, tzinfo=UTC))
    assert one.facts["last_assessed"] == [last, last]


def test_an_admission_is_no_change_of_level(account):
    made = account(
        evidence(an_episode("I-1", start="2026-03-02")), evidence(an_audit()), policy=a_policy(grades=COMPLETE)
    )
    assert [one.code for one in made.findings] == []


# ---- asked item by item ----------------------------------------------------------------------------------------------
def a_questionnaire(day, asked="82666-9", number=1):
    made = {
        "resourceType": "QuestionnaireResponse",
        "id": f"Q-{number}",
        "questionnaire": f"http://loinc.org/q/{asked}",
        "status": "completed",
        **({"authored": day} if day else {}),
    }
    return evidence(made, ehr="res")


NEAR = {
    "near the change": ("2026-03-20", Grade.COMPLETE, []),
    "long before it": ("2026-01-02", Grade.COMPLETE, ["level.no-assessment"]),
    "long before it, and not all were seen": ("2026-01-02", Grade.PARTIAL, []),
}


@pytest.mark.parametrize(("day", "grade", "found"), NEAR.values(), ids=NEAR)
def test_a_questionnaire_about_substance_use_is_an_assessment(account, day, grade, found):
    stays = (
        evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02", end="2026-03-25"), ehr="res"),
        evidence(an_episode("I-1", level="4e 2.1", start="2026-03-26")),
    )
    policy = a_policy(grades={**COMPLETE, ("res", "QuestionnaireResponse"): grade})
    made = account(*stays, a_questionnaire(day), policy=policy)
    assert [one.code for one in made.findings] == found


@pytest.mark.parametrize(("day", "asked"), [("2026-03-01", "44249-1"), (None, "82666-9")], ids=["mood", "no day"])
def test_a_questionnaire_about_something_else_or_of_no_day_shows_no_assessment(account, day, asked):
    grades = {**COMPLETE, ("res", "QuestionnaireResponse"): Grade.COMPLETE}
    known = (evidence(an_audit()), a_questionnaire(day, asked))
    made = account(*STEP_DOWN, *known, policy=a_policy(grades=grades))
    assert [one.code for one in made.findings] == ["level.no-assessment"]


def test_a_change_that_no_row_of_the_table_speaks_of_is_a_change_all_the_same(account):
    stays = (
        evidence(an_episode("R-1", level="3e 3.7", start="2026-01-05", end="2026-03-01"), ehr="res"),
        evidence(an_episode("I-1", level="3e 3.1", start="2026-03-02")),
    )
    made = account(*stays, evidence(an_audit()), policy=a_policy(grades=COMPLETE))
    assert [one.rules for one in made.findings if one.code == "level.no-assessment"] == [("AS-01",)]
