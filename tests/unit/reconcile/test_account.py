"""The account as a whole: what it shows, what it rests on, and that nothing is found without evidence."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from coordinator.fhir import canonical
from coordinator.reconcile import finding_json
from coordinator.reconcile.care_plan import goal_value
from coordinator.reconcile.findings import finding
from tests.builders import (
    NALTREXONE_ER,
    a_dispense,
    a_goal,
    a_plan,
    a_statement,
    an_administration,
    an_encounter,
    an_episode,
    an_order,
    evidence,
)


def test_a_finding_without_evidence_can_not_be_made():
    with pytest.raises(ValueError, match=r"stay\.overlap cites no evidence"):
        finding("stay.overlap", "x", facts={}, evidence=[])


def test_a_finding_has_the_words_and_urgency_of_its_code():
    made = finding("stay.overlap", "a+b", facts={"calendar_days": 4}, evidence=["b@1", "a@1", "a@1"])
    assert finding_json(made) == {
        "code": "stay.overlap",
        "key": "stay.overlap:a+b",
        "status": "open",
        "urgency": "soon",
        "sentence": made.sentence,
        "suggestion": made.suggestion,
        "facts": {"calendar_days": 4},
        "evidence": ["a@1", "b@1"],
        "rules": [],
    }
    assert made.sentence
    assert made.suggestion


def test_a_code_that_the_table_lacks_is_refused():
    with pytest.raises(KeyError):
        finding("stay.unheard-of", "x", facts={}, evidence=["a@1"])


def test_a_field_of_goals_that_is_not_merged_is_refused():
    with pytest.raises(KeyError):
        goal_value(None, "note")


RICH = [
    evidence(an_episode("R-101", level="3e 3.5", start="2026-03-02"), ehr="res"),
    evidence(an_encounter("R-188", start="2026-03-29", class_="IMP"), ehr="res"),
    evidence(an_episode("I-55")),
    evidence(an_encounter("N-1", end="2026-04-02T12:00:00-04:00")),
    evidence(an_order(dose="24 mg")),
    evidence(a_dispense()),
    evidence(a_statement(dose="8 mg"), ehr="pcp"),
    evidence(an_administration(code=NALTREXONE_ER, dose=None, at="2026-03-20"), ehr="ced"),
    evidence(a_goal(due="2026-06-30", achievement="improving")),
    evidence(a_plan(activities={"Group therapy": "in-progress"})),
]


def test_the_account_shows_all_that_is_known(account):
    content = account(*RICH).content
    assert [one["organization"] for one in content["timeline"]] == ["res", "iop"]
    assert content["timeline"][0]["level"] == {"edition": "3e", "code": "3.5", "role": "provided"}
    assert content["transitions"][1] | {"evidence": []} == {
        "kind": "step-down",
        "from": {"edition": "3e", "code": "3.5"},
        "to": {"edition": "4e", "code": "2.1"},
        "gap_days": [0, 4],
        "in_time": True,
        "on": ["2026-04-02", "2026-04-02"],
        "certain": True,
        "reason": None,
        "rule": "TR-05",
        "evidence": [],
        "key": "res/EpisodeOfCare/R-101>iop/EpisodeOfCare/I-55",
        "rules": ["MV-02", "TR-05"],
    }
    assert [one["dose"] for one in content["courses"]] == ["disputed", None]
    assert content["plan"]["goals"][0] | {"evidence": []} == {
        "text": "Maintain abstinence from alcohol",
        "status": "active",
        "achievement": "improving",
        "due": "2026-06-30",
        "evidence": [],
        "matched": {"iop": "id"},
        "key": content["plan"]["goals"][0]["key"],
        "rules": ["CP-01", "CP-02"],
    }
    assert {one["code"] for one in content["findings"]} == {"stay.end-missing", "mat.dose-differs", "mat.interaction"}
    assert content["referrals"] == []


def test_an_account_has_a_hash_by_which_it_is_known(account):
    made = account(*RICH)
    assert made.hash == hashlib.sha256(canonical(made.content)).hexdigest()


def cited(value):
    """Yield every citation below a JSON value."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from below if key == "evidence" else cited(below)
    elif isinstance(value, list):
        for below in value:
            yield from cited(below)


def test_every_conclusion_cites_evidence_that_exists(account):
    found = set(cited(account(*RICH).content))
    assert found <= {one.ref for one in RICH}
    assert len(found) >= 9


def test_the_account_holds_no_name_and_no_identifier_of_the_person(account):
    patient = {
        "resourceType": "Patient",
        "id": "p-1",
        "name": [{"family": "Ruiz", "given": ["Ana"]}],
        "identifier": [{"value": "A1"}],
    }
    text = json.dumps(account(evidence(patient), *RICH).content)
    assert "Ruiz" not in text
    assert account(evidence(patient), *RICH).hash == account(*RICH).hash


def test_the_day_is_that_of_the_programs_zone(account):
    """At 02:00 UTC it is still the evening before in New York."""
    stay = evidence(an_episode(start="2026-04-08"))
    assert account(stay, as_of=datetime(2026, 4, 8, 2, tzinfo=UTC)).timeline.stays == ()
    assert len(account(stay, as_of=datetime(2026, 4, 8, 5, tzinfo=UTC)).timeline.stays) == 1
