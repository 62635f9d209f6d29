"""Each kind of event is one of its BALP profile, judged by the profile's own constraints; and the judge can say no."""

import json

import pytest

from coordinator.audit import Happening, audit_row
from coordinator.audit.kinds import kinds
from tests.builders import NOW
from tests.conformance.balp import faults

BARE = {"at": NOW, "actor": "ann", "subject": "account"}
CASES = {
    "bare": {},
    "of a person": {"person": "pe-1"},
    "whole": {
        "person": "pe-1",
        "ehr": "pcp",
        "recipient": "lakeside",
        "consent": "C-1",
        "purpose": "TREAT",
        "reason": "why",
        "entities": ("iop/Goal/G@1", "iop/Goal/H@2"),
        "query": "Goal?patient=1",
        "details": (("nature", "overdose"),),
        "client": "10.0.0.8",
    },
    "failed": {"person": "pe-1", "outcome": "4"},
}


def an_event(kind, **more):
    return json.loads(audit_row(Happening(kind=kind, **BARE | more)).body)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", kinds())
def test_each_kind_of_event_keeps_the_profile_that_it_names(kind, case):
    event = an_event(kind, **CASES[case])
    assert [fault for one in event.get("meta", {}).get("profile", []) for fault in faults(event, one)] == []


@pytest.mark.parametrize("kind", [name for name, row in kinds().items() if row["profile"]])
def test_an_event_about_a_person_that_succeeded_names_its_profile(kind):
    (profile,) = an_event(kind, **CASES["whole"])["meta"]["profile"]
    assert profile.endswith(kinds()[kind]["profile"])


def without(event, *path):
    *way, last = path
    held = event
    for part in way:
        held = held[part]
    del held[last]
    return event


BROKEN = {
    "no outcome": lambda event: without(event, "outcome"),
    "no entity": lambda event: {**event, "entity": event["entity"][:1]},
    "another action": lambda event: {**event, "action": "D"},
    "no server": lambda event: {**event, "agent": event["agent"][:2]},
    "no subtype": lambda event: {**event, "subtype": [{"system": "x", "code": "read"}]},
    "no network": lambda event: without(event, "agent", 1, "network"),
    "another role": lambda event: {**event, "entity": [{**one, "role": {"code": "1"}} for one in event["entity"]]},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_the_judge_says_what_is_wrong_with_a_read(change):
    event = an_event("access", **CASES["whole"])
    assert faults(change(event), event["meta"]["profile"][0])


def test_the_judge_refuses_a_stranger_where_slices_are_closed_and_another_source():
    refusal = an_event("refusal", **CASES["whole"])
    (profile,) = refusal["meta"]["profile"]
    stranger = {"what": {}, "type": {"code": "2"}}
    assert faults({**refusal, "entity": [*refusal["entity"], stranger]}, profile)
    assert faults({**refusal, "source": {"observer": {"display": "another"}}}, profile)
