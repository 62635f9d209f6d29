"""An officer asks the log, keeps a head, hands out a bundle, and finds out when somebody with the database lied."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pytest

from coordinator.store.embedded import using
from tests.flow.conftest import Coordinator


@pytest.fixture
def looked(coordinator: Coordinator) -> Coordinator:
    """Leave three looks in the log."""
    for _ in range(3):
        coordinator("person", "list")
    return coordinator


def test_a_log_is_whole_until_somebody_with_the_database_changes_it(looked: Coordinator, database, tmp_path: Path):
    head = tmp_path / "kept.head"
    head.write_text(looked("audit", "head").out)
    assert "The log is whole: 3 events" in looked("audit", "verify", "--from-head", head).out
    with (
        using(database.home) as found,
        psycopg.connect(
            host=found.host, user=found.user, password=found.password, dbname=found.dbname, autocommit=True
        ) as owner,
    ):
        owner.execute("delete from coordinator.audit where tenant = %s and seq = 1", [looked.tenant])
    told = looked("audit", "verify", "--from-head", head)
    assert (told.code, "Event 1 is gone" in told.out) == (1, True)
    said = json.loads(looked("audit", "verify", "--json").out)
    assert (said["ok"], said["wrong"][0]["what"], said["wrong"][0]["first"]) == (False, "removed", 1)
    looked("person", "list")
    assert "lacks events" in looked("audit", "head").err


def test_an_empty_log_has_no_head_and_nothing_to_verify(coordinator: Coordinator):
    assert "No head is signed yet" in coordinator("audit", "verify").out
    told = coordinator("audit", "head")
    assert (told.code, "empty" in told.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("verify", "--from-head", "nowhere.head"), 2, "can't be read"),
        (("verify", "--key", "nonsense"), 2, "no key of a log"),
        (("query", "accounting"), 2, "Add --person"),
        (("export", "x.zip", "--what", "gossip"), 2, "no such question"),
        (("export", "x.zip", "--what", "accounting"), 2, "Add --person"),
        (("key", "retire", "00000000"), 1, "no key that could be retired"),
    ],
    ids=str,
)
def test_a_wrong_word_is_said_to_be_wrong(looked: Coordinator, words, code, said):
    told = looked("audit", *words)
    assert (told.code, said in told.err) == (code, True)


def test_a_bundle_is_checked_by_the_file_inside(looked: Coordinator, tmp_path: Path):
    head, bundle = tmp_path / "kept.head", tmp_path / "bundle.zip"
    head.write_text(json.loads(looked("audit", "head", "--json").out)["note"])
    (key,) = looked("audit", "key", "list", "--json").json
    assert looked("audit", "export", bundle, "--proof", "--from-head", head, "--json").json["events"] == 4
    with zipfile.ZipFile(bundle) as files:
        files.extract("verify.py", tmp_path)
    words = [sys.executable, "-I", str(tmp_path / "verify.py"), str(bundle), "--key", key["word"], "--head", str(head)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "All 4 events" in done.stdout) == (0, True)
    assert "3 events are in" in looked("audit", "export", bundle, "--what", "accesses", "--actor", "tester").out
    done = subprocess.run(words[:-2], capture_output=True, text=True, check=False)
    assert (done.returncode, "3 of its events" in done.stdout) == (0, True)


def test_an_old_head_that_is_none_of_ours_is_refused_in_a_bundle(looked: Coordinator, tmp_path: Path):
    head = tmp_path / "x.head"
    head.write_text("hello")
    told = looked("audit", "export", tmp_path / "b.zip", "--from-head", head)
    assert (told.code, "no head that a key of ours signed" in told.err) == (2, True)


def test_keys_are_rotated_and_retired_and_older_heads_still_hold(looked: Coordinator):
    looked("audit", "head")
    (old,) = looked("audit", "key", "list", "--json").json
    told = looked("audit", "key", "retire", old["key"])
    assert (told.code, "alone signs heads" in told.err) == (1, True)
    made = looked("audit", "key", "rotate", "--json").json
    assert looked("audit", "head").out.count("\u2014 ") == 2
    assert "signs no more" in looked("audit", "key", "retire", old["key"]).out
    keys = looked("audit", "key", "list", "--json").json
    assert [(one["key"], one["signs"]) for one in keys] == [(old["key"], False), (made["key"], True)]
    assert looked("audit", "verify").code == 0
    assert looked("audit", "head").out.count("\u2014 ") == 1
    assert looked("audit", "verify", "--key", made["word"]).code == 1
    told = looked("audit", "query", "configuration", "--json").json
    assert [one["subject"].rpartition(" ")[0] for one in told] == ["audit key rotate", "audit key retire"]


def test_a_key_that_can_not_be_read_is_told_and_stops_no_look(looked: Coordinator):
    (file,) = (looked.home / "keys" / "audit").glob(f"{looked.tenant}.*")
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("{}")
    told = looked("audit", "head")
    assert (told.code, "can't be read" in told.err) == (1, True)


def test_an_answer_comes_as_table_json_csv_and_raw_events(looked: Coordinator):
    rows = looked("audit", "query", "accesses", "--json").json
    assert [(one["seq"], one["actor"], one["subject"]) for one in rows] == [
        (n, "tester", "person list") for n in range(3)
    ]
    table = list(csv.reader(io.StringIO(looked("audit", "query", "accesses", "--csv").out, newline="")))
    assert [row[0] for row in table] == ["seq", "0", "1", "2"]
    events = [json.loads(line) for line in looked("audit", "query", "accesses", "--ndjson").out.splitlines()]
    assert [one["event"]["resourceType"] for one in events] == ["AuditEvent"] * 3


def test_an_answer_is_read_page_by_page(looked: Coordinator):
    first = looked("audit", "query", "accesses", "--limit", "2", "--json").json
    rest = looked("audit", "query", "accesses", "--limit", "2", "--after", first[-1]["seq"], "--json").json
    assert [one["seq"] for one in first + rest] == [0, 1, 2]


def test_that_the_log_was_asked_is_in_the_log(looked: Coordinator):
    looked("audit", "query", "of-actor", "--actor", "tester", "--limit", "1")
    (row,) = looked("audit", "query", "searches", "--json").json
    assert (row["kind"], row["query"]) == ("audit-query", "of-actor&actor=tester&limit=1")
