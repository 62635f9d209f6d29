"""The demonstration, as a stranger runs it: its numbers against the world's own folder and what the EHRs were asked."""

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coordinator.cli.app import run_command
from coordinator.fhir import check, read_document, validate
from coordinator.sync.pull import TYPES

COMMAND = Path(sys.executable).with_name("coordinator")
WORLD = Path(__file__).resolve().parents[2] / "coordinator" / "sandbox" / "worlds" / "demo"
EHRS = sorted(path.parent.name for path in WORLD.glob("*/ehr.toml"))
LEAST_PEOPLE = 12
WITHOUT_CONSENT = {"Mensah", "Ferrari"}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@dataclass(frozen=True)
class Demo:
    """A demonstration that is still up, and the text of one that has ended."""

    counts: dict[str, Any]
    home: Path
    text: str
    errors: str
    left: list[str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    """Run both kinds at once: one that stays up in a given home, and `--once` in none."""
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("temporary")
    air = {**os.environ, "COLUMNS": "80", "HOME": str(temporary), "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    live = subprocess.Popen([COMMAND, "demo", "--json"], env=air | {"COORDINATOR_HOME": str(home)}, **pipes)
    once = subprocess.Popen([COMMAND, "demo", "--once"], env=air, **pipes)
    try:
        text, errors = once.communicate(timeout=300)
        assert once.returncode == 0, errors
        counts = json.loads(live.stdout.readline())
        left = [path.name for path in temporary.iterdir()]
        yield Demo(counts=counts, home=home, text=text, errors=errors, left=left)
    finally:
        once.kill()
        live.terminate()
        _, said = live.communicate(timeout=60)
    assert (live.returncode, said) == (0, "")


@pytest.fixture
def ask(demo, monkeypatch, capsys):
    """Return what a command says as JSON, asked of the demonstration that is up."""
    monkeypatch.setenv("COORDINATOR_HOME", str(demo.home))
    monkeypatch.setenv("COORDINATOR_TENANT", "demo-1")

    def asked(*words: str) -> Any:
        assert run_command([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return asked


@pytest.fixture
def logs(ask) -> dict[str, list[dict[str, Any]]]:
    """Return the requests that each EHR has seen."""
    host = ask("ehr", "list")[0]["url"].partition("/fhir")[0].rpartition("/")[0]
    found = {}
    for name in EHRS:
        with urllib.request.urlopen(f"{host}/_sandbox/log?ehr={name}") as answer:  # noqa: S310 - the sandbox
            found[name] = json.loads(answer.read())
    return found


def records(*, later: bool = True) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what each EHR holds by itself in the end, by EHR and Type/id."""
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for name in EHRS:
        own = held.setdefault(name, {})
        for file in [
            *sorted((WORLD / name).glob("*.ndjson")),
            *(sorted((WORLD / name / "changes").iterdir()) if later else []),
        ]:
            for line in file.read_text(encoding="utf-8").splitlines():
                one = json.loads(line)
                place = f"{one['resourceType']}/{one['id']}"
                if one.get("_deleted"):
                    own.pop(place)
                else:
                    own[place] = one
    return held


def of_type(*types: str) -> list[dict[str, Any]]:
    return [one for own in records().values() for one in own.values() if one["resourceType"] in types]


def writes(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in log if row["method"] not in ("GET", "HEAD")]


def test_the_object_has_the_promised_members(demo):
    assert list(demo.counts) == [
        "ehrs", "people", "resources_read", "enrollments", "transitions", "medication_courses", "care_plans_merged",
        "conflicts", "writes", "second_run", "seconds",
    ]  # fmt: skip
    assert list(demo.counts["writes"]) == ["applied", "verified", "withheld", "owed"]


def test_a_second_run_changes_nothing_and_writes_nothing(demo):
    assert demo.counts["second_run"] == {"changed": 0, "writes": 0}


def test_every_ehr_and_everybody_in_the_folder_is_known(demo):
    """Two records of one name and birth date, with nothing else in common, stay two people until somebody decides."""
    told = {(one["name"][0]["family"], one["birthDate"], one["telecom"][0]["value"]) for one in of_type("Patient")}
    assert (demo.counts["ehrs"], demo.counts["people"]) == (len(EHRS), len(told))
    assert len(told) >= LEAST_PEOPLE


def test_every_record_of_the_folder_is_read_once(demo):
    assert demo.counts["resources_read"] == len(of_type(*TYPES))


def test_an_enrollment_is_an_episode_that_began_or_visits_that_the_mapping_knows(demo):
    begun = [one for one in of_type("EpisodeOfCare") if one["status"] != "planned"]
    visits = [one for one in of_type("Encounter") if one["type"][0].get("coding", [{}])[0].get("code") == "OBAT"]
    assert demo.counts["enrollments"] == len(begun) + len({one["subject"]["reference"] for one in visits})


def test_each_write_that_an_ehr_took_was_verified(demo, logs):
    taken = [row for log in logs.values() for row in writes(log) if row["status"] < 300]
    assert demo.counts["writes"]["applied"] == demo.counts["writes"]["verified"] == len(taken) > 0


def test_an_ehr_is_written_in_the_form_that_it_can_hold(logs):
    """Residential is read only; the family practice takes documents and goals; the IOP takes data as it is.

    The prescribers who disagree about a dose are both asked, each by the message that their EHR takes.
    """
    kinds = {name: {json.loads(row["body"])["resourceType"] for row in writes(log)} for name, log in logs.items()}
    assert kinds == {
        "harbor": set(),
        "lakeside": {"Communication", "DocumentReference", "Goal"},
        "riverbend": {"CarePlan", "Goal", "MedicationStatement", "Task"},
    }


def test_what_is_written_is_sound(logs):
    """What we author is held against the same checker as what we receive, and against the models."""
    documents = [read_document(row["body"].encode()) for log in logs.values() for row in writes(log)]
    inside = [one for document in documents for one in document.all("content", "attachment")]
    documents += [
        read_document(base64.b64decode(one["data"])) for one in inside if one["contentType"] == "application/fhir+json"
    ]
    issues = {(one.type, issue.path, issue.text) for one in documents for issue in (*check(one), *validate(one))}
    assert issues == set()


def test_an_update_is_conditional_where_the_ehr_honors_it(logs):
    updates = [row for row in writes(logs["riverbend"]) if row["method"] == "PUT"]
    assert updates
    assert all(row["if_match"] for row in updates)


def test_what_nobody_may_write_is_owed_and_what_nobody_consented_to_is_withheld(demo, ask):
    open_ = ask("plan")
    withheld = [one for one in open_ if one["status"].startswith("withheld")]
    names = {one["person"]: one["family"] for one in ask("person", "list")}
    assert {names[one["person"]] for one in withheld} == WITHOUT_CONSENT
    assert demo.counts["writes"]["withheld"] == len(withheld)
    assert demo.counts["writes"]["owed"] == len(open_) - len(withheld)
    assert {one["ehr"] for one in open_ if one not in withheld} == {"harbor"}


def test_nothing_about_people_without_consent_is_sent(logs):
    numbers = {
        f"{one['resourceType']}/{one['id']}"
        for one in of_type("Patient")
        if one["name"][0]["family"] in WITHOUT_CONSENT
    }
    bodies = [row["body"] for log in logs.values() for row in writes(log)]
    assert [body for body in bodies if any(number in body for number in numbers)] == []


def test_two_conflicts_wait_for_a_person(demo, ask):
    disputed = [one for one in ask("findings", "list") if "values" in one["facts"]]
    assert demo.counts["conflicts"] == len(disputed)
    assert {one["code"] for one in disputed} == {"mat.dose-differs", "plan.goal-differs"}


def test_the_step_down_behind_the_open_stay_is_found(ask):
    account = shown(ask, "Ruiz")
    assert [(one["kind"], one["rule"], one["gap_days"], one["in_time"]) for one in account["transitions"]][1:] == [
        ("step-down", "TR-05", [0, 4], True)
    ]
    assert account["timeline"][0]["end"] == ["2026-03-29", "2026-04-02"]


def test_one_course_is_told_from_four_kinds_of_records(ask):
    course = shown(ask, "Ortiz")["courses"][0]
    kinds = {ref.split("/")[1] for ref in course["evidence"]}
    assert kinds == {"MedicationRequest", "MedicationDispense", "MedicationAdministration", "MedicationStatement"}
    assert course["dose"] == {"value": 16, "unit": "mg", "per": "d"}


def test_a_plan_edited_in_two_charts_is_merged_goal_by_goal(demo, ask):
    goals = {one["text"]: one for one in shown(ask, "Ito")["plan"]["goals"]}
    held = goals["Maintain abstinence from alcohol and other drugs"]
    assert (held["due"], held["achievement"]) == ("2026-07-31", "improving")
    assert "Return to work part-time and repair family relationships" in goals
    assert goals["Build a sober support network"]["status"] == "active"
    assert demo.counts["care_plans_merged"] >= 1


def test_a_reader_sees_it_on_a_narrow_terminal(demo):
    assert demo.errors == ""
    assert max(len(line) for line in demo.text.splitlines()) <= 80
    for words in ("Ana Ruiz", "dose disputed", "(waits)", "no-consent", "0 changed, 0 writes"):
        assert words in demo.text
    assert "\x1b" not in demo.text


def test_a_demonstration_that_ended_leaves_nothing(demo):
    assert [name for name in demo.left if name.startswith("coordinator")] == []


def shown(ask, family: str) -> dict[str, Any]:
    person = next(one["person"] for one in ask("person", "list") if one["family"] == family)
    return ask("person", "show", person)
