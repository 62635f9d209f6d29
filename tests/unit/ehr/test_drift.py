"""A statement that is not the one that was accepted: shown type by type, and told where we lose by it."""

import json

import pytest

from coordinator.ehr import Cause, check_connection
from coordinator.ehr.drift import differences, kept_of, told_losses
from tests.unit.ehr.conftest import READ, WRITE, a_connection
from tests.unit.ehr.stated import a_statement, a_type

PATIENT = a_type("Patient", "read search-type", parameters="_id name")
BEFORE = a_statement(
    PATIENT, a_type("Goal", "read search-type", parameters="patient lifecycle-status"), a_type("Flag", "read")
)

CASES = {
    "the same": (PATIENT, {}, [], ""),
    "an interaction more": (
        a_type("Goal", "read search-type create", parameters="patient lifecycle-status"),
        {},
        ["Goal: +create"],
        "",
    ),
    "an interaction less": (
        a_type("Goal", "read", parameters="patient lifecycle-status"),
        {},
        ["Goal: -search"],
        "Goal search",
    ),
    "a parameter less that we do not use": (
        a_type("Goal", "read search-type", parameters="patient"),
        {},
        ["Goal: -search param lifecycle-status"],
        "",
    ),
    "the parameter by which we search": (
        a_type("Goal", "read search-type", parameters="lifecycle-status"),
        {},
        ["Goal: -search param patient"],
        "Goal search param patient",
    ),
    "versions told": (
        a_type("Goal", "read search-type", parameters="patient lifecycle-status", versioning="no-version"),
        {},
        ["Goal: +versioning no-version"],
        "",
    ),
    "other software": (
        a_type("Goal", "read search-type", parameters="patient lifecycle-status"),
        {"software": {"name": "Another"}, "fhirVersion": "4.3.0"},
        ["statement: +fhir_version 4.3.0, -fhir_version 4.0.1", "statement: +software Another, -software An EHR"],
        "",
    ),
}


@pytest.mark.parametrize(("goal", "changed", "lines", "lost"), CASES.values(), ids=CASES.keys())
def test_a_statement_is_held_against_the_accepted_one(goal, changed, lines, lost):
    goals = (
        [goal]
        if goal["type"] == "Goal"
        else [a_type("Goal", "read search-type", parameters="patient lifecycle-status")]
    )
    now = a_statement(PATIENT, *goals, a_type("Flag", "read"), **changed)
    found = differences(json.loads(json.dumps(kept_of(BEFORE))), now)
    assert [one.words for one in found] == lines
    assert lost in told_losses(found)
    assert bool(told_losses(found)) == bool(lost)


def test_types_come_and_go():
    now = a_statement(PATIENT, a_type("Task", "read update"))
    found = differences(kept_of(BEFORE), now)
    assert [one.words for one in found] == [
        "Flag: -type, -read",
        "Goal: -type, -read, -search, -search param lifecycle-status, -search param patient",
        "Task: +type, +read, +update",
    ]
    assert [one.type for one in found if one.is_loss] == ["Goal"]


@pytest.mark.parametrize("kept", [None, "x", 7])
def test_where_none_was_accepted_nothing_has_changed(kept):
    assert differences(kept, BEFORE) == ()


def test_what_is_kept_badly_is_as_if_nothing_had_been_offered():
    assert all(
        not one.lost for one in differences({"types": "x", "fhir_version": "4.0.1", "software": "An EHR"}, BEFORE)
    )


def test_many_losses_are_told_in_one_sentence():
    names = ("CarePlan", "Encounter", "EpisodeOfCare", "Goal", "MedicationRequest", "Observation", "Task")
    before = a_statement(PATIENT, *(a_type(name, "read") for name in names))
    assert told_losses(differences(kept_of(before), a_statement(PATIENT))).endswith("and 2 types more.")


async def test_the_first_check_accepts_and_a_later_one_tells_what_changed(served, room):
    """An upgrade of the EHR, over one night."""
    plans = f"\n[capability]\nPatient = {READ}\nCarePlan = {WRITE}\n"
    async with served(offer=plans + f"Goal = {WRITE}\n") as sandbox:
        first = await check_connection(room, a_connection(sandbox))
    async with served(offer=plans + f"Goal = {READ}\nTask = {READ}\n") as sandbox:
        second = await check_connection(room, a_connection(sandbox, profile=first.profile))
        accepted = await check_connection(room, a_connection(sandbox, profile=second.accepting))
    assert first.drift == ()
    assert [one.type for one in second.drift] == ["Goal", "Task"]
    [problem] = [one for one in second.problems if one.cause is Cause.DRIFT]
    assert problem.what == second.profile["drift"] == "It no longer offers what we use: Goal create, update."
    assert "--accept" in problem.cure
    assert (accepted.drift, "drift" in accepted.profile) == ((), False)
