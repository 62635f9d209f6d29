"""SQL is text in files: each query has a name, is used, and keeps the rules of the tables."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from coordinator.store.queries import names, query
from coordinator.store.seals.keeping import TABLES

ROOM = Path(str(files("coordinator.store")))
FILES = sorted(
    str(path.relative_to(ROOM).with_suffix("")) for path in ROOM.rglob("*.sql") if path.parent.name != "migrations"
)
QUIET = ("resource", "resource_version", "account", "finding", "decision", "shadow", "outbox")


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_asked_by_its_module(file):
    text = (ROOM / f"{file}.py").read_text()
    unasked = [name for name in names(file) if f'"{name}"' not in text]
    composed = {f"{verb}_{table.name}" for verb in ("other", "seal") for table in TABLES}
    assert set(unasked) == (composed if file == "seals/keeping" else set())


@pytest.mark.parametrize("file", FILES)
def test_a_query_comes_without_its_comments(file):
    for name in names(file):
        assert query(file, name)
        assert b"--" not in query(file, name)


def test_an_unknown_query_is_an_error():
    with pytest.raises(KeyError):
        query("opening", "no_such_query")


@pytest.mark.parametrize("file", FILES)
def test_every_query_of_a_table_names_its_tenant(file):
    if file.startswith("tables/"):
        assert [name for name in names(file) if b"%(tenant)s" not in query(file, name)] == []


@pytest.mark.parametrize("file", FILES)
def test_every_update_of_a_quiet_table_numbers_its_change(file):
    """A quiet run is recognized by the numbers of changes: an update without one would go unseen.

    A new seal is no change: what is under it stays as it was.
    """
    if file == "seals/keeping":
        return
    for name in names(file):
        text = query(file, name).decode()
        for table in QUIET:
            updates = re.findall(rf"\bupdate {table}\b", text) + re.findall(
                rf"insert into {table}\b(?:(?!insert into).)*do update\b", text, re.DOTALL
            )
            assert not updates or "changed = nextval('change')" in text, f"{file}.{name}"


def test_no_sql_stands_in_python():
    pattern = re.compile(
        r'"\s*(select .* from|insert into|update \w+ set|delete from|(create|alter|drop) (table|role)|with \w+ as)\b',
        re.IGNORECASE,
    )
    found = [
        f"{path.relative_to(ROOM)}:{number}"
        for path in ROOM.rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
