"""What runs did and why one failed, another go at it, and pauses: as the engineer on call asks."""

import json

import pytest

from tests.flow.conftest import served

pytestmark = pytest.mark.slow


@pytest.fixture
def connected(coordinator, new_world):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        yield coordinator


def test_what_failed_comes_first_with_its_cause_and_counts_lead_to_rows(connected):
    assert connected("sync").code == 0
    added = connected("ehr", "add", "away", "http://127.0.0.1:9/fhir", "--private-network")
    assert added.code == 0, added.err
    assert connected("sync").code == 3
    assert connected("sync").code == 3
    told = connected("run", "list", "--json").json
    assert [run["outcome"] for run in told["runs"]] == ["partial", "partial", "done"]
    assert "away: no answer" in told["runs"][0]["cause"]
    first = told["runs"][2]
    assert first["read"] == first["received"] + first["unchanged"] + first["unreadable"] > 0
    shown = connected("run", "show", first["run"], "--json").json
    assert sum(row["outcome"] == "received" for row in shown["rows"]) == first["received"]
    text = connected("run", "list").out
    assert text.index("Wrong now, by cause") < text.index("Runs")
    assert "Patient/" not in text
    assert "received" in connected("run", "show", first["run"]).out


def test_a_paused_ehr_is_not_asked_and_shows_who_paused_it_and_why(connected):
    (name, *_) = [row["name"] for row in connected("ehr", "list", "--json").json]
    assert connected("pause", "--ehr", name, "--reason", "restored from a backup").code == 0
    assert connected("pause", "--ehr", name, "--reason", "again", "--json").json["changed"] is False
    report = connected("sync", "--json").json
    assert report["paused"] == [name]
    assert name not in report["ehrs"]
    (paused,) = connected("run", "list", "--json").json["paused"]
    assert (paused["name"], paused["actor"], paused["reason"]) == (name, "tester", "restored from a backup")
    assert connected("resume", "--ehr", name).code == 0
    assert name in connected("sync", "--json").json["ehrs"]


def test_a_paused_person_is_not_decided_about(connected):
    assert connected("sync").code == 0
    person = connected("person", "list", "--json").json[0]["person"]
    assert connected("pause", "--person", person[:13], "--reason", "asked for it", "--json").json["name"] == person
    told = connected("sync", "--full", "--json").json
    assert told["people"] == len(connected("person", "list", "--json").json) - 1
    assert connected("resume", "--person", person).code == 0
    assert connected("sync", "--json").json["people"] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["pause"], 2, "One thing at a time."),
        (["pause", "--all", "--ehr", "north"], 2, "One thing at a time."),
        (["pause", "--all"], 1, "needs a reason"),
        (["pause", "--ehr", "none", "--reason", "r"], 1, "no EHR"),
        (["run", "show", "999999999"], 1, "no run"),
        (["run", "retry"], 2, "Name what to try anew"),
        (["run", "retry", "north"], 1, "names no work"),
        (["run", "retry", "pull/north"], 1, "has not failed"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_what_can_not_be_meant_is_refused_in_a_sentence(coordinator, words, code, said):
    told = coordinator(*words)
    assert (told.code, said in told.err) == (code, True), told.err


def test_nothing_that_failed_can_be_tried_anew(coordinator):
    assert json.loads(coordinator("run", "retry", "--all", "--json").out) == {"retried": []}
    assert coordinator("run", "list").code == 0
