"""An EHR is upgraded overnight and takes no more goals: the run says so, the check shows it, a person accepts it."""

import json
import socket
from pathlib import Path

from tests.flow.conftest import Coordinator, served


def a_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def test_what_an_upgrade_took_away_is_told_until_a_person_accepts_it(coordinator: Coordinator, new_world: Path):
    port = a_free_port()
    settings = new_world / "iop" / "ehr.toml"
    with served(new_world, coordinator.home, port=port) as world:
        coordinator("ehr", "add", "iop", world["ehrs"]["iop"])
        first = coordinator("sync", "--json")
    before = settings.read_text()
    after = before.replace(
        'Goal = ["read", "search-type", "create", "update"]', 'Goal = ["read", "search-type", "vread"]'
    )
    assert after != before
    settings.write_text(after)
    with served(new_world, coordinator.home, port=port):
        told = coordinator("sync", "--json")
        words = coordinator("ehr", "check", "iop").out
        report = coordinator("ehr", "check", "iop", "--json").json
        doctor = json.loads(coordinator("doctor", "--json").out)
        accepted = coordinator("ehr", "check", "iop", "--accept").out
        later = coordinator("sync", "--json")
        quiet = coordinator("ehr", "check", "iop", "--json").json
    assert (first.code, later.code) == (0, 0)
    assert told.code == 3
    assert told.json["problems"]["iop"].startswith("It no longer offers what we use: Goal create, update.")
    assert "Goal: +vread, -create, -update" in words
    assert [one["cause"] for one in report["problems"]].count("drift") == 1
    assert any("no longer offers" in line["text"] for line in doctor["lines"] if line["state"] == "warn")
    assert "Changed, and accepted now:" in accepted
    assert (quiet["drift"], [one for one in quiet["problems"] if one["cause"] == "drift"]) == ([], [])
