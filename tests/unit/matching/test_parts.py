"""Which records are one person's: the same answer whatever order they came in, and never what can't be one."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from coordinator.care.patient.rules import at_least
from coordinator.matching import Bond, Tie, bonds_between, known_patient, pair_of, partition, verdicts
from tests.builders import NOW, a_decision, a_patient, document

LIMITS = at_least()
SSN, NUMBERS = "http://hl7.org/fhir/sid/us-ssn", "http://terminology.hl7.org/CodeSystem/v2-0203"


def an_ssn(value):
    return {"system": SSN, "value": value, "type": {"coding": [{"system": NUMBERS, "code": "SS"}]}}


def known(place, *, mrn=None, ssn=None, **more):
    """Return Ana's record at `ehr/id` with her phone and a record number of its own, unless told otherwise."""
    ehr, _, patient = place.partition("/")
    identifiers = [{"system": f"https://{ehr}.example/mrn", "value": mrn or f"{ehr}-{patient}"}]
    identifiers += [an_ssn(ssn)] if ssn else []
    return known_patient(ehr, document(a_patient(patient) | {"identifier": identifiers} | more))


def said(one, other, *, same, hours=0, levels=()):
    places = sorted(f"{ehr}/Patient/{patient}" for ehr, _, patient in (each.partition("/") for each in (one, other)))
    features = [{"feature": feature, "agreement": level, "bits": "1"} for feature, level in levels]
    facts = {"records": places, "features": features}
    return a_decision(
        f"identity.possible:{'+'.join(places)}", {"same": same}, facts=facts, decided_at=NOW + timedelta(hours=hours)
    )


def persons(records, answers=(), stayed=()):
    """Return the records of each person by short places, and the bonds that could not hold."""
    told = verdicts(answers)
    bonds = list(stayed)
    for at, one in enumerate(records):
        for other in records[at + 1 :]:
            bonds += bonds_between(one, other, verdicts=told, limits=LIMITS)[0]
    found = partition({one.place: one.traits for one in records}, bonds, told)
    return [sorted(place.replace("/Patient/", "/") for place in group) for group in found.groups], found.refused


A, B, C = known("iop/a"), known("ced/b"), known("otp/c")
BEN = known("iop/n", name=[{"family": "Okafor", "given": ["Ben"]}], birthDate="1985-11-30", telecom=[])
ONE_SSN, OTHER_SSN = known("iop/a", ssn="078-05-1120"), known("otp/c", ssn="219-09-9998")
MOVED = known("ced/b", telecom=[{"system": "phone", "value": "518-555-0199"}])
INTO = known("ced/new", name=[{"family": "Diaz", "given": ["Luz"]}], birthDate="1970-01-02", telecom=[])
GONE = known(
    "ced/old",
    name=[{"family": "Roe", "given": ["Eve"]}],
    birthDate="1971-01-02",
    telecom=[],
    link=[{"other": {"reference": "Patient/new"}, "type": "replaced-by"}],
)
BOTH_WAYS = [{"system": "phone", "value": "+1-518-555-0127"}, {"system": "email", "value": "ana@mail.example"}]
ABOUT = {
    "one record": ([A], (), [["iop/a"]]),
    "strangers": ([A, BEN], (), [["iop/a"], ["iop/n"]]),
    "full agreement": ([A, B], (), [["ced/b", "iop/a"]]),
    "a chain of certain agreements": ([A, B, C], (), [["ced/b", "iop/a", "otp/c"]]),
    "agreement in part": ([A, MOVED], (), [["ced/b"], ["iop/a"]]),
    "agreement in part that a person confirmed": (
        [A, MOVED],
        [said("iop/a", "ced/b", same=True)],
        [["ced/b", "iop/a"]],
    ),
    "full agreement that a person denied": ([A, B], [said("iop/a", "ced/b", same=False)], [["ced/b"], ["iop/a"]]),
    "denied, then confirmed": (
        [A, MOVED],
        [said("iop/a", "ced/b", same=False), said("iop/a", "ced/b", same=True, hours=1)],
        [["ced/b", "iop/a"]],
    ),
    "confirmed, then denied": (
        [A, MOVED],
        [said("iop/a", "ced/b", same=True), said("iop/a", "ced/b", same=False, hours=1)],
        [["ced/b"], ["iop/a"]],
    ),
    "two numbers that a person has once": ([ONE_SSN, OTHER_SSN], (), [["iop/a"], ["otp/c"]]),
    "two such numbers, and a person who knows": (
        [ONE_SSN, OTHER_SSN],
        [said("iop/a", "otp/c", same=True)],
        [["iop/a", "otp/c"]],
    ),
    "one between two that can't be one": ([ONE_SSN, B, OTHER_SSN], (), [["ced/b"], ["iop/a"], ["otp/c"]]),
    "one between two that can't be one, and a person who knows whose": (
        [ONE_SSN, B, OTHER_SSN],
        [said("iop/a", "ced/b", same=True)],
        [["ced/b", "iop/a"], ["otp/c"]],
    ),
    "one between two, nearer to one by a shared number": (
        [ONE_SSN, known("ced/b", ssn="078-05-1120"), OTHER_SSN],
        (),
        [["ced/b", "iop/a"], ["otp/c"]],
    ),
    "one between two that a person said are two": (
        [A, B, C],
        [said("iop/a", "otp/c", same=False)],
        [["ced/b"], ["iop/a"], ["otp/c"]],
    ),
    "one between two, nearer to one by what agrees": (
        [known("iop/a", ssn="078-05-1120", telecom=BOTH_WAYS), known("ced/b", telecom=BOTH_WAYS), OTHER_SSN],
        (),
        [["ced/b", "iop/a"], ["otp/c"]],
    ),
    "two confirmed, and a person said that not all three are one": (
        [A, MOVED, BEN],
        [
            said("iop/a", "iop/n", same=False),
            said("iop/a", "ced/b", same=True),
            said("ced/b", "iop/n", same=True, hours=1),
        ],
        [["ced/b", "iop/n"], ["iop/a"]],
    ),
    "merged by their EHR though nothing agrees": ([INTO, GONE], (), [["ced/new", "ced/old"]]),
    "merged by their EHR, and a person said they are two": (
        [INTO, GONE],
        [said("ced/new", "ced/old", same=False)],
        [["ced/new"], ["ced/old"]],
    ),
}


@pytest.mark.parametrize(("records", "answers", "expected"), ABOUT.values(), ids=ABOUT)
def test_which_records_are_one_persons(records, answers, expected):
    assert persons(records, answers)[0] == expected


@pytest.mark.parametrize(("records", "answers", "expected"), ABOUT.values(), ids=ABOUT)
def test_the_order_of_records_and_answers_does_not_matter(records, answers, expected):
    for order in permutations(records):
        assert persons(list(order), list(reversed(answers)))[0] == expected


def test_what_could_not_hold_is_told():
    _, refused = persons([ONE_SSN, B, OTHER_SSN])
    assert {one.pair for one in refused} == {("ced/Patient/b", "iop/Patient/a"), ("ced/Patient/b", "otp/Patient/c")}


def test_what_holds_is_told_with_its_rule_and_who_decided():
    told = verdicts([said("iop/a", "ced/b", same=True), said("ced/b", "otp/c", same=False)])
    pairs = ((A, MOVED), (A, C), (MOVED, C))
    bonds = [bond for one, other in pairs for bond in bonds_between(one, other, verdicts=told, limits=LIMITS)[0]]
    found = partition({one.place: one.traits for one in (A, MOVED, C)}, bonds, told)
    assert [(one.pair, one.tie, one.rule, one.by) for one in found.held] == [
        (("ced/Patient/b", "iop/Patient/a"), Tie.DECIDED, "ID-20", "casey")
    ]
    assert [(one.pair, one.tie, one.rule, one.by) for one in found.refused] == [
        (("iop/Patient/a", "otp/Patient/c"), Tie.AGREED, "ID-09", "")
    ]


def a_stay(who, *others):
    return [
        Bond(pair=pair_of(who.place, one.place), tie=Tie.STAYED, rule=Tie.STAYED.value, by=who.place) for one in others
    ]


def test_a_record_that_changed_stays_with_its_person_unless_it_is_somebody_elses_now():
    assert persons([A, MOVED], stayed=a_stay(MOVED, A))[0] == [["ced/b", "iop/a"]]
    told_apart = [said("iop/a", "ced/b", same=False)]
    assert persons([A, MOVED], told_apart, stayed=a_stay(MOVED, A))[0] == [["ced/b"], ["iop/a"]]
    overwritten = known("ced/b", name=[{"family": "Okafor", "given": ["Ben"]}], birthDate="1985-11-30")
    ben = known("pcp/n", name=[{"family": "Okafor", "given": ["Ben"]}], birthDate="1985-11-30")
    assert persons([A, overwritten, ben], stayed=a_stay(overwritten, A))[0] == [["ced/b", "pcp/n"], ["iop/a"]]


def test_a_record_that_changed_and_is_somebody_elses_now_brings_nobody_with_it():
    """The one that it stayed with before may be yet another person: only what agrees joins."""
    theirs = known("pcp/m", telecom=[{"system": "phone", "value": "518-555-0199"}])
    assert persons([A, MOVED, theirs], stayed=a_stay(MOVED, A))[0] == [["ced/b", "pcp/m"], ["iop/a"]]


def test_a_record_that_has_another_birth_date_now_does_not_stay():
    reborn = known("ced/b", birthDate="1985-11-30")
    assert persons([A, reborn], stayed=a_stay(reborn, A))[0] == [["ced/b"], ["iop/a"]]


def test_of_two_answers_at_one_moment_the_one_that_parts_holds():
    answers = [said("iop/a", "ced/b", same=True), said("iop/a", "ced/b", same=False)]
    assert persons([A, MOVED], answers)[0] == persons([A, MOVED], answers[::-1])[0] == [["ced/b"], ["iop/a"]]


@pytest.mark.parametrize("answers", [("ada", "casey"), ("casey", "ada")], ids=str)
def test_of_two_that_say_the_same_at_one_moment_one_is_named_whichever_came_first(answers):
    told = [replace(said("iop/a", "ced/b", same=True), actor=who) for who in answers]
    assert [one.actor for one in verdicts(told).values()] == ["casey"]


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        ({"same": "yes"}, {"records": ["a", "b"]}),
        ({"same": True}, {"records": ["a"]}),
        ({"same": True}, {}),
    ],
    ids=["a word for yes", "one record", "no records"],
)
def test_what_is_no_answer_about_two_records_is_none(value, facts):
    assert verdicts([a_decision("identity.possible:x", value, facts=facts)]) == {}


def test_what_is_no_answer_hides_none_that_comes_after_it():
    answers = [a_decision("identity.possible:x", {"same": True}), said("iop/a", "ced/b", same=True)]
    assert [one.same for one in verdicts(answers).values()] == [True]


FEATURES = {
    "no list": ("phone", {}),
    "some that are no features": (
        ["phone", 7, None, {"feature": "phone"}, {"agreement": "same"}, {"feature": "email", "agreement": "differs"}],
        {"email": "differs"},
    ),
}


@pytest.mark.parametrize(("features", "levels"), FEATURES.values(), ids=FEATURES)
def test_an_answer_remembers_only_what_tells_feature_and_agreement(features, levels):
    facts = {"records": ["ced/Patient/b", "iop/Patient/a"], "features": features}
    (one,) = verdicts([a_decision("identity.possible:x", {"same": True}, facts=facts)]).values()
    assert one.levels == levels


def test_an_answer_is_about_its_two_records_whichever_it_names_first():
    facts = {"records": ["iop/Patient/a", "ced/Patient/b"]}
    assert [*verdicts([a_decision("identity.possible:x", {"same": True}, facts=facts)])] == [
        ("ced/Patient/b", "iop/Patient/a")
    ]


def test_an_answer_remembers_how_far_the_records_agreed():
    (one,) = verdicts([said("iop/a", "ced/b", same=False, levels=[("phone", "differs")])]).values()
    assert (one.levels, one.actor, one.pair) == ({"phone": "differs"}, "casey", ("ced/Patient/b", "iop/Patient/a"))


def test_a_number_that_too_many_carry_names_nobody():
    one = known("iop/a", mrn="4711", telecom=[])
    other = known_patient(
        "iop",
        document(
            a_patient("b", mrn="x")
            | {"telecom": []}
            | {"identifier": [{"system": "https://iop.example/mrn", "value": "4711"}]}
        ),
    )
    assert len(persons([one, other])[0]) == 1
    crowded = frozenset({"i|https://iop.example/mrn|4711"})
    assert len(persons([one.without(crowded), other])[0]) == 2
