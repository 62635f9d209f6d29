"""A coordinator at the terminal: what waits, whose it is, why it is said, what an answer would bring, the answer."""

import json
import shutil
from pathlib import Path

import pytest

from tests.flow.conftest import Coordinator, served

WORLD = Path(__file__).parents[1] / "worlds" / "S1-stay-never-closed"


@pytest.fixture
def connected(coordinator: Coordinator, tmp_path: Path):
    """Yield the command with the world of the stay that was never closed connected and synced."""
    world = shutil.copytree(WORLD, tmp_path / "world")
    with served(world, coordinator.home):
        assert coordinator("sandbox", "connect", world).code == 0
        assert coordinator("sync", "--json").code == 0
        yield coordinator


def test_from_what_waits_over_why_to_the_answer(connected):
    ask = connected
    (row,) = ask("findings", "list", "--code", "stay.", "--json").json
    assert (row["code"], row["state"], row["assignee"]) == ("stay.end-missing", "open", None)
    key, person = row["key"], row["person"]

    shown = ask("findings", "show", key)
    assert "opened by system:sync" in shown.out
    assert "seen by tester" in shown.out
    assert ask("findings", "assign", key, "user:casey", "--json").json["assignee"] == "user:casey"
    assert [one["key"] for one in ask("findings", "list", "--assignee", "user:casey", "--json").json] == [key]
    for words in (("--assignee", "nobody"), ("--urgency", "routine"), ("--person", "x"), ("--code", "mat.")):
        assert key not in [one["key"] for one in ask("findings", "list", *words, "--json").json]
    assert "user:casey" in ask("findings", "list").out

    (told,) = ask("why", person, key, "--json").json["conclusions"]
    assert (told["kind"], told["says"]["code"]) == ("findings", "stay.end-missing")
    assert told["code"]["table"] == "finding_codes.csv"
    assert all(one["says"] and one["learned_at"] for one in told["records"])

    answer = ("--value", '{"end": "2026-04-01"}', "--reason", "asked the program")
    preview = ask("findings", "resolve", key, *answer, "--preview", "--json").json
    assert preview["problems"] == {}
    assert [one["state"] for one in ask("findings", "list", "--code", "stay.", "--json").json] == ["assigned"]
    before = {(one["ehr"], one["type"], one["summary"]) for one in ask("plan", "--json").json}
    assert ask("findings", "resolve", key, *answer).code == 0
    assert [one["state"] for one in ask("findings", "list", "--code", "stay.", "--json").json] == ["answered"]
    assert ask("sync", "--json").code == 0
    after = {(one["ehr"], one["type"], one["summary"]) for one in ask("plan", "--json").json}
    foretold = {(one["ehr"], one["type"], one["what"]) for one in preview["writes"] if one["then"] != "no longer owed"}
    assert after - before <= foretold

    (ended,) = ask("findings", "list", "--code", "stay.", "--all", "--json").json
    assert (ended["state"], ended["resolved_by"]) == ("resolved", "person")
    assert [one["event"] for one in ended["life"]] == ["opened", "seen", "assigned", "answered", "resolved"]
    assert "resolved by the answer of tester" in ask("findings", "show", key).out


def test_why_names_rules_rows_versions_and_decisions_of_every_part_of_an_account(connected):
    ask = connected
    (row,) = ask("findings", "list", "--code", "stay.", "--json").json
    account = ask("person", "show", row["person"], "--json").json
    parts = [
        *account["timeline"],
        *account["transitions"],
        *account["courses"],
        *account["sessions"],
        *account["weeks"],
    ]
    parts += [*account["plan"]["goals"], *account["plan"]["activities"], *account["findings"]]
    assert parts
    for part in parts:
        found = ask("why", row["person"], part["key"], "--json").json["conclusions"]
        cited = [([one["ref"] for one in told["records"]], [one["rule"] for one in told["rules"]]) for told in found]
        assert (part["evidence"], part["rules"]) in cited
        rules = [one for told in found for one in told["rules"]]
        assert all(one["table"] and one["sentence"] and one["source"] for one in rules)
    text = ask("why", row["person"], account["timeline"][0]["key"])
    assert text.code == 0
    for words in ("ST-01", "verified", "rules.csv", "learned 2026", "period.start"):
        assert words in text.out
    looks = ask("audit", "query", "accesses", "--person", row["person"], "--json").json
    assert "why" in json.dumps(looks)


def test_a_key_that_names_nothing_lists_what_there_is(connected):
    (row,) = connected("findings", "list", "--code", "stay.", "--json").json
    told = connected("why", row["person"], "nothing")
    assert told.code == 1
    assert "timeline: " in told.err
    assert row["key"] in told.err


def test_an_account_is_shown_as_of_a_day_and_as_known_at_an_instant(connected):
    (row,) = connected("findings", "list", "--code", "stay.", "--json").json
    now = connected("person", "show", row["person"], "--json").json
    early = connected("person", "show", row["person"], "--as-of", now["timeline"][0]["start"][0], "--json").json
    assert len(early["timeline"]) == 1 < len(now["timeline"])
    assert connected("person", "show", row["person"], "--known-at", "2020-01-01").code == 1
    known = connected("person", "show", row["person"], "--known-at", "2099-01-01T00:00:00Z", "--as-of", now["as_of"])
    assert known.code == 0
    assert connected("findings", "list", "--urgency", "never").code == 2
