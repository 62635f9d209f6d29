"""No audit, no access: each command is listed with the event that it leaves, or with why it leaves none.

A command that is new is missing here, and the test says so: decide, and see that it is kept before the answer.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from coordinator.cli.app import app
from tests.flow.conftest import Coordinator

# What a command leaves in the log of a tenant, by its kind.
LEAVES = {
    "apply": "disclosure",  # each write that it sends; tried where plans are
    "audit export": "export",
    "audit hold add": "hold",
    "audit hold release": "release-hold",
    "audit key retire": "configuration",
    "audit key rotate": "configuration",
    "audit prune": "prune",
    "audit query": "audit-query",
    "consent add": "consent",
    "consent list": "access",
    "consent notice": "configuration",
    "consent restrict": "consent",
    "consent revoke": "revocation",
    "delivery acknowledge": "decision",
    "delivery list": "access",
    "ehr add": "configuration",
    "ehr check": "configuration",
    "ehr lane": "configuration",
    "ehr remove": "configuration",
    "ehr subscribe": "configuration",
    "ehr unsubscribe": "configuration",
    "findings assign": "decision",
    "findings list": "access",
    "findings resolve": "decision",
    "findings show": "access",
    "import": "pull",
    "keys create": "configuration",
    "keys retire": "configuration",
    "keys rotate": "configuration",
    "keys secret": "configuration",
    "listen": "pull",
    "pause": "configuration",
    "person draft-plan": "access",
    "person list": "access",
    "person show": "access",
    "plan": "access",
    "quarantine list": "access",
    "quarantine show": "access",
    "resume": "configuration",
    "run retry": "configuration",
    "run show": "access",
    "sandbox connect": "configuration",
    "seal rewrap": "configuration",
    "seal rotate": "configuration",
    "sync": "pull",
    "why": "access",
    "worker": "pull",
}

# What touches nobody's records and changes nothing that is kept.
NONE = {
    "audit head": "signs what is there",
    "audit hold list": "names holds, of which each is an event",
    "audit key list": "tells public keys",
    "audit verify": "tells whether the log is whole, and nothing of what is in it",
    "demo": "runs the commands above in a tenant of its own",
    "doctor": "tells of the set-up alone",
    "ehr list": "tells of connections alone",
    "keys jwks": "prints public keys",
    "keys list": "names keys and EHRs",
    "keys serve": "serves public keys",
    "run list": "counts of runs, pauses and troubles",
    "seal new-master-key": "writes a file that nothing uses yet",
    "seal show": "names keys by their numbers",
    "sandbox new": "writes a folder of invented people",
    "sandbox serve": "invented people",
}


def paths(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    below: dict[str, Any] = getattr(command, "commands", {})
    if not below:
        yield " ".join(words)
    for name, one in below.items():
        yield from paths(one, (*words, name))


def test_each_command_says_what_it_leaves_in_the_log():
    there = set(paths(typer.main.get_command(app)))
    assert there == LEAVES.keys() | NONE.keys()


@pytest.fixture
def kinds(coordinator: Coordinator):
    """Return what runs a command and returns the kinds of events that it left."""

    def run(*words: object) -> list[str]:
        before = _seen(coordinator)
        told = coordinator(*words)
        assert told.code in {0, 3}, told.err
        return [one["kind"] for one in _seen(coordinator)[len(before) :] if one["kind"] != "audit-query"]

    return run


def _seen(coordinator: Coordinator) -> list[dict[str, Any]]:
    return json.loads(coordinator("audit", "query", "all", "--json").out)


@pytest.mark.parametrize(
    "words",
    [
        ("person list",),
        ("consent list",),
        ("findings list",),
        ("quarantine list",),
        ("plan",),
        ("delivery list",),
        ("run retry", "--all"),
        ("audit key rotate",),
        ("audit hold add", "case-1", "--reason", "x"),
        ("pause", "--all", "--reason", "x"),
    ],
    ids=str,
)
def test_a_command_leaves_the_event_that_it_is_listed_with(kinds, words):
    command, *more = words
    assert LEAVES[command] in kinds(*command.split(), *more)
