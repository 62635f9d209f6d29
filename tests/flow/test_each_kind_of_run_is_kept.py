"""An import and an export are runs as any other: in the list, with counts that add up."""

import json

import pytest

from tests.builders import a_goal
from tests.flow.conftest import served

pytestmark = pytest.mark.slow


def newest(coordinator):
    """Return the last run, as `run show` tells it."""
    number = max(one["run"] for one in coordinator("run", "list", "--json").json["runs"])
    return coordinator("run", "show", number, "--json").json


def adds_up(run):
    received = sum(one["outcome"] in ("received", "unreadable") for one in run["rows"])
    return run["read"] == run["unchanged"] + received


def test_each_kind_of_run_is_kept(coordinator, new_world, tmp_path):
    with served(new_world, coordinator.home) as addresses:
        assert coordinator("sandbox", "connect", new_world).code == 0
        name = next(iter(addresses["ehrs"]))
        coordinator("sync", "--ehr", name, "--export")
        run = newest(coordinator)
        assert (run["work"], run["outcome"]) == ("export", "partial")
        assert "$export" in run["cause"]

        coordinator("ehr", "add", "paper", "file:")
        lines = [json.dumps(a_goal("G-1")), json.dumps(a_goal("G-2")), "{"]
        (tmp_path / "goals.ndjson").write_text("\n".join(lines) + "\n")
        for unchanged in (0, 3):  # what is set aside already is held as it came, too
            assert coordinator("import", tmp_path / "goals.ndjson", "--ehr", "paper").code == 3
            run = newest(coordinator)
            assert (run["work"], run["ehr"], run["read"], run["unchanged"]) == ("import", "paper", 3, unchanged)
            assert adds_up(run)


def test_a_cause_that_is_over_is_no_longer_told(coordinator, new_world):
    with served(new_world, coordinator.home) as addresses:
        assert coordinator("sandbox", "connect", new_world).code == 0
        assert coordinator("sync", "--ehr", next(iter(addresses["ehrs"])), "--export").code == 3
        assert "Wrong now, by cause" in coordinator("run", "list").out
        state = coordinator("ehr", "check", next(iter(addresses["ehrs"])), "--json").json
        assert (state["state"], state["state_cause"]) == ("open", "")
        assert coordinator("sync").code == 0
        assert "Wrong now, by cause" in coordinator("run", "list").out, "another kind of work says nothing of this one"
