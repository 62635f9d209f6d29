"""SMART scopes of version 2: what is one, what it allows, and that nobody gets more than they are registered for."""

import itertools

import pytest

from coordinator.access import allowing, granted, read_scope

READ = {
    "all letters": "system/Patient.cruds",
    "some letters": "system/Observation.rs",
    "any type": "system/*.rs",
    "a constraint": "system/Observation.rs?category=vital-signs",
    "a constraint with a system": "system/Observation.rs?code=http%3A%2F%2Floinc.org%7C3426-4",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_a_scope_is_written_as_it_was_read(text):
    assert str(read_scope(text)) == text


NOT = {
    "of a person's app": "user/Patient.rs",
    "of a patient's app": "patient/Patient.rs",
    "of version 1": "system/Patient.read",
    "all of version 1": "system/*.*",
    "no letters": "system/Patient.",
    "letters in another order": "system/Patient.sr",
    "a letter twice": "system/Patient.rr",
    "another letter": "system/Patient.rx",
    "no type": "system/.rs",
    "a path": "system/../Patient.rs",
    "an empty constraint": "system/Patient.rs?",
    "a constraint without a value": "system/Patient.rs?gender=",
    "a constraint that is not understood": "system/Patient.rs?ssn=1",
    "a constraint on any type": "system/*.rs?status=final",
    "a chain": "system/Observation.rs?patient.gender=female",
    "_has": "system/Patient.rs?_has:Observation:patient:code=x",
    "a parameter of the answer": "system/Patient.rs?_count=1",
    "two constraints in disguise": "system/Patient.rs?gender=female?active=true",
    "a line end": "system/Patient.rs\n",
    "nothing": "",
    "another thing": "launch",
}


@pytest.mark.parametrize("text", NOT.values(), ids=NOT)
def test_what_is_no_scope_grants_nothing(text):
    assert read_scope(text) is None
    assert granted([text], [read_scope("system/*.cruds")]) == ()


GRANTED = {
    "what is registered": (["system/Patient.rs"], ["system/Patient.rs"], ["system/Patient.rs"]),
    "fewer letters": (["system/Patient.r"], ["system/Patient.rs"], ["system/Patient.r"]),
    "no more letters": (["system/Patient.cruds"], ["system/Patient.rs"], ["system/Patient.rs"]),
    "no other type": (["system/Goal.rs"], ["system/Patient.rs"], []),
    "a type of any": (["system/Goal.rs"], ["system/*.rs"], ["system/Goal.rs"]),
    "any of a type": (["system/*.rs"], ["system/Goal.rs", "system/Patient.s"], ["system/Goal.rs", "system/Patient.s"]),
    "a registered constraint stays": (
        ["system/Observation.rs"],
        ["system/Observation.rs?category=laboratory"],
        ["system/Observation.rs?category=laboratory"],
    ),
    "constraints add up": (
        ["system/Observation.rs?status=final"],
        ["system/Observation.rs?category=laboratory"],
        ["system/Observation.rs?category=laboratory&status=final"],
    ),
    "nothing registered": (["system/*.cruds"], [], []),
}


@pytest.mark.parametrize(("asked", "registered", "wanted"), GRANTED.values(), ids=GRANTED)
def test_a_system_gets(asked, registered, wanted):
    assert [str(one) for one in granted(asked, [read_scope(one) for one in registered])] == wanted


SOME = [
    "system/*.rs",
    "system/Patient.r",
    "system/Observation.s",
    "system/Observation.rs?status=final",
    "system/Goal.cruds",
]


@pytest.mark.parametrize(("asked", "registered"), list(itertools.product(SOME, SOME)))
def test_nothing_is_granted_that_is_not_both_asked_and_registered(asked, registered):
    one, other = read_scope(asked), read_scope(registered)
    for type_, letter in itertools.product(["Patient", "Observation", "Goal"], "cruds"):
        for scope in allowing(granted([asked], [other]), type_, letter):
            assert one.allows(type_, letter)
            assert other.allows(type_, letter)
            assert scope.constraints == one.constraints | other.constraints


def test_what_is_granted_does_not_depend_on_the_order_in_which_it_is_asked():
    asked, registered = ["system/Patient.r", "system/Goal.rs", "system/Consent.r"], [read_scope("system/*.rs")]
    wanted = ["system/Consent.r", "system/Goal.rs", "system/Patient.r"]
    for order in (asked, asked[::-1]):
        assert [str(one) for one in granted(order, registered)] == wanted


def test_constraints_are_conditions_that_a_record_must_meet():
    (condition,) = read_scope("system/Observation.rs?status=final").conditions("Observation")
    assert (condition.parameter.name, condition.values) == ("status", ("final",))


def test_a_question_mark_with_nothing_behind_it_is_no_constraint():
    assert read_scope("system/Goal.r?&") is None


def test_a_system_gets_nothing_of_another_type_and_no_letter_that_only_one_side_has():
    goals, patients = read_scope("system/Goal.r"), read_scope("system/Patient.r")
    assert granted(["system/Goal.s"], [goals]) == ()
    assert granted(["system/Goal.r"], [patients]) == ()
