"""What an EHR can do decides how each type is pulled and in which form each concept is written."""

import pytest

from coordinator.ehr.strategy import Pulling, Site, forms, ladder, strategy, vendor
from coordinator.outbox.model import Form
from tests.unit.ehr.stated import a_statement, a_type

ALL = "read search-type create update"


def a_way(type_="Goal", interactions="read search-type", *, site=None, software="An EHR", **more):
    statement = a_statement(a_type(type_, interactions, **more), software={"name": software})
    return strategy(statement, type_, site or Site())


NEEDS_PATIENT = {"extension": [{"extension": [{"url": "requiredAnySearchParams", "valueString": "patient"}]}]}
LEARNED = Site(profile={"needs_patient": ["Goal"]})

WAYS = {
    "nothing said": (a_way(), Pulling.ALL),
    "patient required": (a_way(**NEEDS_PATIENT), Pulling.PER_PATIENT),
    "learned by a probe": (a_way(site=LEARNED), Pulling.PER_PATIENT),
    "learned of another type": (a_way("Task", site=LEARNED), Pulling.ALL),
    "odd profile": (a_way(site=Site(profile={"needs_patient": "Goal"})), Pulling.ALL),
    "roster of a group": (a_way(site=Site(roster="group:g")), Pulling.PER_PATIENT),
    "known vendor": (a_way(software="Epic"), Pulling.PER_PATIENT),
    "patients, one by one": (a_way("Patient", site=Site(roster="file:f")), Pulling.PER_PATIENT),
    "no parameter for a patient": (
        a_way("Goal", site=Site(roster="group:g"), parameters="date status"),
        Pulling.REFERENCED,
    ),
    "read only": (a_way("Task", "read"), Pulling.REFERENCED),
    "create only": (a_way("Task", "create"), Pulling.NOT_SERVED),
    "not there": (strategy(a_statement(a_type("Goal", ALL)), "Task", Site()), Pulling.NOT_SERVED),
    "medications": (a_way("Medication"), Pulling.REFERENCED),
    "medications, not even read": (a_way("Medication", ""), Pulling.NOT_SERVED),
    "a type code is needed that nobody knows": (a_way("EpisodeOfCare", software="Epic"), Pulling.REFERENCED),
}


@pytest.mark.parametrize(("way", "pulling"), WAYS.values(), ids=WAYS.keys())
def test_how_a_type_is_pulled_and_why(way, pulling):
    assert way.pulling is pulling
    assert way.reason


def test_an_ehr_that_calls_the_patient_subject_is_asked_so():
    assert a_way(parameters="subject", **NEEDS_PATIENT).patient_param == "subject"


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ("", ("_count", "200")),
        ("_count patient", ("_count", "200")),
        ("_maxresults", ("_maxresults", "200")),
        ("page", None),
    ],
)
def test_larger_pages_are_asked_for_where_the_ehr_knows_how(parameters, size):
    assert a_way(parameters=parameters).page_size == size


def test_a_vendor_is_recognized_by_its_software():
    assert [vendor(a_statement(software={"name": one})) for one in ("Epic", "Epicure", "eCW FHIR Facade 1.6")] == [
        "epic",
        "",
        "eclinicalworks",
    ]


def test_what_a_vendors_search_needs_is_added_and_the_operators_word_counts_more():
    assert a_way("CarePlan", software="Epic").queries == ((("category", "38717003"),), (("category", "734163000"),))
    told = Site(options={"search": {"CarePlan": ["category=a&status=active", 7]}})
    assert a_way("CarePlan", software="Epic", site=told).queries == ((("category", "a"), ("status", "active")),)
    assert a_way("CarePlan", site=Site(options={"search": "x"})).queries == ((),)


LADDERS = {
    "all of it": ("CarePlan DocumentReference Communication", [Form.NATIVE, Form.DOCUMENT, Form.MESSAGE, Form.NONE]),
    "a document": ("DocumentReference", [Form.DOCUMENT, Form.NONE]),
    "a message": ("Communication", [Form.MESSAGE, Form.NONE]),
    "nothing": ("", [Form.NONE]),
}


@pytest.mark.parametrize(("types", "expected"), LADDERS.values(), ids=LADDERS.keys())
def test_a_concept_is_written_in_the_best_form_that_an_ehr_takes_and_none_is_always_last(types, expected):
    statement = a_statement(*(a_type(one, ALL) for one in types.split()))
    assert list(forms(statement, "care_plan")) == expected


def test_a_form_needs_an_interaction_that_writes():
    assert forms(a_statement(a_type("CarePlan", "read search-type")), "care_plan") == (Form.NONE,)


def test_each_form_has_one_carrier_the_first_that_fits():
    both = a_statement(a_type("Communication", ALL), a_type("Task", ALL))
    assert [rung.type for rung in ladder(both, "stay-proposal")] == ["Communication"]
    assert [rung.type for rung in ladder(a_statement(a_type("Task", ALL)), "stay-proposal")] == ["Task"]
    assert ladder(both, "no such concept") == ()
