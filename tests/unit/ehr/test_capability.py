"""A statement is read as facts: each yes, no or silent, and what can't be worked with is refused with a plain word."""

import json

import pytest

from coordinator.ehr.capability import SILENT, Says, read_statement, refusal, with_options, with_scopes, without_writes
from coordinator.errors import PermanentEhrError
from tests.unit.ehr.stated import a_statement, a_type


def test_what_a_statement_says_is_yes_and_what_it_leaves_out_is_silent():
    statement = a_statement(a_type("Goal", "read search-type create", parameters="patient _count"))
    goal = statement.of("Goal")
    assert [bool(goal.read), bool(goal.search), bool(goal.create), bool(goal.update)] == [True, True, True, False]
    assert (goal.update, goal.conditional_create, statement.of("Task").read) == (SILENT, SILENT, SILENT)
    assert goal.interactions == ("read", "search-type", "create")


def test_a_flag_that_is_false_is_a_no():
    told = a_statement(a_type("Goal", "read", conditionalCreate=False, updateCreate=True, versioning="versioned"))
    goal = told.of("Goal")
    assert (goal.conditional_create.says, goal.update_create.says, goal.versioning) == (Says.NO, Says.YES, "versioned")


NEEDS = {"url": "x", "extension": [{"url": "requiredAnySearchParams", "valueString": "intent, patient"}]}
PROSE = {"name": "patient", "documentation": "It is a required field if the _id field is not given."}


@pytest.mark.parametrize(
    ("more", "needs"),
    [({"extension": [NEEDS]}, True), ({"searchParam": [PROSE]}, True), ({}, False)],
    ids=["published", "in prose", "unsaid"],
)
def test_whether_a_search_needs_a_patient_is_told_or_silent(more, needs):
    facts = a_statement(a_type("Goal", "search-type", **more)).of("Goal")
    assert bool(facts.needs_patient) is needs


def test_a_search_that_may_also_go_by_another_parameter_does_not_need_a_patient():
    other = {"url": "x", "extension": [{"url": "requiredAnySearchParams", "valueString": "date"}]}
    facts = a_statement(a_type("Goal", "search-type", extension=[NEEDS, other])).of("Goal")
    assert facts.needs_patient == SILENT


def test_exports_are_named_by_what_they_are_of():
    group = a_type("Group", "read", operation=[{"name": "group-export"}])
    other = {"url": "x", "extension": [{"url": "else", "valueString": "patient"}]}
    rest = [{"mode": "server", "resource": [group, a_type("Goal", "read", extension=[other])]}]
    system = [{**rest[0], "operation": [{"name": "export"}, {"name": "patient-export"}]}]
    assert a_statement(rest=rest).export == ("Group",)
    assert a_statement(rest=system).export == ("Group", "Patient", "system")
    assert a_statement(rest=rest).of("Goal").required == ()


@pytest.mark.parametrize(
    ("parameters", "name"), [("patient", "patient"), ("subject date", "subject"), ("", "patient"), ("date", None)]
)
def test_the_parameter_that_names_the_patient(parameters, name):
    assert a_statement(a_type("Goal", "search-type", parameters=parameters)).of("Goal").patient_param == name


BROKEN = {
    "cut off in the text": (b'{"resourceType": "CapabilityStatement", "rest": [{"mode": "ser', "not sound JSON"),
    "no JSON": (b"Bad gateway", "not sound JSON"),
    "another resource": (b'{"resourceType": "OperationOutcome"}', "no CapabilityStatement"),
    "a list": (b"[]", "no CapabilityStatement"),
}


@pytest.mark.parametrize(("raw", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_statement_is_refused_with_what_to_do(raw, words):
    with pytest.raises(PermanentEhrError, match=words) as problem:
        read_statement(raw)
    assert problem.value.hint


REFUSED = {
    "DSTU2": ({"fhirVersion": "1.0.2"}, ["DSTU2 (1.0.2)"], "/R4"),
    "STU3": ({"fhirVersion": "3.0.1"}, ["STU3 (3.0.1)"], "/R4"),
    "a version of nobody": ({"fhirVersion": "9.9"}, ["an unknown version"], "/R4"),
    "no version": ({"fhirVersion": None}, ["no FHIR version"], "/R4"),
    "no types": ({"rest": []}, ["no resource types"], "cut off"),
    "no server": ({"rest": [{"mode": "client", "resource": [{"type": "Patient"}]}]}, ["no resource types"], "cut off"),
}


@pytest.mark.parametrize(("changed", "words", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_a_statement_that_can_not_be_worked_with_is_refused_with_its_word(changed, words, hint):
    problem = refusal(a_statement(a_type("Patient", "read"), **changed))
    assert problem is not None
    assert all(word in str(problem) for word in words)
    assert hint in problem.hint


@pytest.mark.parametrize("version", ["4.0.0", "4.0.1", "4.3.0", "5.0.0"])
def test_r4_and_r4b_are_worked_with_and_r5_is_read(version):
    assert refusal(a_statement(a_type("Patient", "read"), fhirVersion=version)) is None


def test_nothing_is_written_to_an_ehr_whose_version_is_only_read():
    facts = without_writes(a_statement(a_type("Goal", "read search-type create update patch"))).of("Goal")
    assert (bool(facts.read), bool(facts.create), bool(facts.update), bool(facts.patch)) == (True, False, False, False)
    assert facts.create.source == "FHIR version"


def test_a_statement_that_breaks_off_before_the_patients_is_told_from_one_without_patients():
    cut = refusal(a_statement(a_type("Account", "read"), a_type("DeviceMetric", "read")))
    other = refusal(a_statement(a_type("ValueSet", "read"), a_type("CodeSystem", "read")))
    assert "breaks off before the letter P" in str(cut)
    assert "cut off" in cut.hint
    assert "breaks off" not in str(other)
    assert "clinical" in other.hint


def test_a_statement_of_odd_shapes_is_read_as_far_as_it_goes():
    told = {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": "x",
        "publisher": 7,
        "name": "A server",
        "format": ["json", 1],
        "rest": [{"resource": ["x", {"type": 1}, {"type": "Patient", "interaction": "read", "searchParam": {}}]}, 3],
    }
    statement = read_statement(json.dumps(told).encode())
    assert (statement.software, statement.formats, list(statement.types)) == ("A server", ("json",), ["Patient"])
    assert refusal(statement) is None


# --- scopes and options ---------------------------------------------------------------------------------------------

OFFERED = a_statement(a_type("Patient", "read search-type"), a_type("Goal", "read search-type create update"))

SCOPES = {
    "all": (["system/*.cruds"], "rscu", False),
    "first version, all": (["system/*.*"], "rscu", False),
    "read": (["system/*.read"], "rs", False),
    "second version, read": (["system/Goal.rs"], "rs", False),
    "write": (["system/Goal.write"], "cu", False),
    "of another type": (["system/Patient.rs"], "", False),
    "of a user": (["user/*.cruds", "system/Patient.rs"], "", False),
    "a part": (["system/Goal.rs?category=x"], "rs", True),
    "a part and the whole": (["system/Goal.rs?category=x", "system/*.rs"], "rs", False),
    "none told": ([], "rscu", False),
    "none for a system": (["openid", "launch"], "rscu", False),
}


@pytest.mark.parametrize(("scopes", "letters", "narrowed"), SCOPES.values(), ids=SCOPES.keys())
def test_granted_scopes_take_away_and_never_add(scopes, letters, narrowed):
    goal = with_scopes(OFFERED, scopes).of("Goal")
    held = {"r": goal.read, "s": goal.search, "c": goal.create, "u": goal.update}
    assert "".join(letter for letter, fact in held.items() if fact) == letters
    assert goal.narrowed is narrowed
    assert not goal.patch


def test_a_scope_that_is_lacking_says_so():
    assert with_scopes(OFFERED, ["system/Patient.rs"]).of("Goal").read.source == "scope"


def test_the_operator_has_the_last_word_on_what_a_site_can_do():
    options = {"capability": {"DocumentReference": {"create": True}, "Goal": {"update": False, "x": True}, "Task": 1}}
    told = with_options(OFFERED, options)
    assert (told.of("DocumentReference").create.says, told.of("DocumentReference").create.source) == (
        Says.YES,
        "option",
    )
    assert (told.of("Goal").update.says, bool(told.of("Goal").create)) == (Says.NO, True)
    assert with_options(OFFERED, {"capability": "x"}) == OFFERED
