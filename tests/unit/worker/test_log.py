"""What a worker logs: lines of a closed catalogue, without what is not in it."""

import json
from datetime import UTC, datetime

import pytest

from coordinator.worker import EVENTS, EventLog

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Noon:
    def now(self):
        return NOON


def test_a_line_is_one_json_object_with_the_keys_of_its_event_and_no_others():
    lines = []
    EventLog(lines.append, Noon()).tell("J001", tenant=1, work="pull", ehr="north", person="jane-doe", next_in=None)
    (line,) = lines
    assert b"\n" not in line
    assert json.loads(line) == {
        "at": "2026-06-01T12:00:00.000+00:00",
        "level": "info",
        "id": "J001",
        "event": "Work was done.",
        "tenant": 1,
        "work": "pull",
        "ehr": "north",
    }


def test_what_is_not_in_the_catalogue_can_not_be_said():
    with pytest.raises(KeyError):
        EventLog(lambda _: None, Noon()).tell("X999")


def test_the_catalogue_is_fit_to_be_read():
    """A key is one word of a known list: nothing there can name a person."""
    known = {"tenant", "work", "ehr", "ms", "changed", "next_in", "reason", "cause", "times", "jobs", "done", "failed"}
    known |= {"slots_people", "slots_ehrs", "listen", "seconds"}
    for event in EVENTS().values():
        assert event.level in {"info", "warning", "error"}
        assert event.sentence.endswith(".")
        assert event.keys <= known
