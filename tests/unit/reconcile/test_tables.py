"""The tables of reconciling are read whole, each cell into its place, and a bad one is named by file and line."""

import csv
from decimal import Decimal

import pytest

from coordinator.care.csv_table import read_rows
from coordinator.errors import ConfigurationError
from coordinator.reconcile import as_of, derivation, findings, rule_book, rules
from tests.house.source import HOUSE

TABLES = HOUSE / "coordinator/reconcile/tables"
READERS = (
    as_of.happenings,
    derivation.telling_fields,
    findings.finding_codes,
    rule_book.rule_book,
    rules.limits,
    rules.rules,
)
LIMITS = "name,value,unit,meaning,source,status\n"
CODES = "code,sentence,suggestion,urgency,acts,source\n"


@pytest.fixture(autouse=True)
def nothing_read_yet():
    """Each table is read anew."""
    for reader in READERS:
        reader.cache_clear()


def rows(name, text):
    """Return the rows of a table as it is read, from a text that begins with the names of its columns."""
    return read_rows(text, file=name, columns=text.partition("\n")[0].split(","))


def cells(name):
    with (TABLES / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_rule_is_its_row():
    found = {one.rule_id: (one.about, one.sentence, one.source, one.verified) for one in rules.rules().values()}
    assert found == {
        row["rule_id"]: (row["about"], row["sentence"], row["source"], row["status"] == "verified")
        for row in cells("rules.csv")
    }


def test_a_limit_is_its_row():
    found = {
        name: (one.name, one.value, one.unit, one.meaning, one.source, one.verified)
        for name, one in rules.limits().items()
    }
    assert found == {
        row["name"]: (
            row["name"],
            Decimal(row["value"]),
            row["unit"],
            row["meaning"],
            row["source"],
            row["status"] == "verified",
        )
        for row in cells("limits.csv")
    }


def test_a_finding_code_is_its_row():
    found = {
        code: (one.code, one.sentence, one.suggestion, one.urgency, one.acts, one.source)
        for code, one in findings.finding_codes().items()
    }
    assert found == {row["code"]: tuple(row.values()) for row in cells("finding_codes.csv")}


def test_the_limits_that_a_rule_uses_are_told_with_it():
    told = {(rule_id, one.name) for rule_id, row in rule_book.rule_book().items() for one in row.limits}
    assert told == {(row["rule_id"], row["limit"]) for row in cells("rule_limits.csv")}


def test_what_matters_of_a_type_is_told_by_paths():
    assert {name: [".".join(path) for path in paths] for name, paths in derivation.telling_fields().items()} == {
        row["type"]: row["paths"].split() for row in cells("telling_fields.csv")
    }
    assert ("period", "start") in derivation.telling_fields()["EpisodeOfCare"]


def test_what_begins_and_ends_a_record_is_its_row():
    found = {
        name: (one.begins, one.ends, one.status, one.over, one.running, one.told_by_the_end, one.source)
        for name, one in as_of.happenings().items()
    }
    assert found == {
        row["type"]: (
            paths(row["begins"]),
            paths(row["ends"]),
            paths(row["status"]),
            frozenset(row["over"].split()),
            row["running"] or None,
            paths(row["told_by_the_end"]),
            row["source"],
        )
        for row in cells("happenings.csv")
    }


def paths(cell):
    return tuple(tuple(one.split(".")) for one in cell.split())


def test_a_rule_in_the_book_tells_what_its_table_tells():
    book = rule_book.rule_book()
    move = book["TR-01"]
    assert (move.table, move.about) == ("transition_rules.csv", "transition")
    assert {one.about for one in book.values() if one.table == "interactions.csv"} == {"interaction"}
    for row in _interactions():
        expected = f"{row['a']} with {row['b']}: {row['severity']}; {row['rationale']}."
        assert book[row["rule_id"]].sentence == expected


def _interactions():
    place = HOUSE / "coordinator/care/medication/tables/interactions.csv"
    with place.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_rule_about_a_move_tells_its_days_and_whether_both_may_run():
    head = "rule_id,source,status,from_level,to_level,direction,gap_days,limit_days,may_overlap\n"
    told = rows("t.csv", head + "A,s,verified,3.5,2.1,step-down,7,14,no\nB,s,verified,OTP,2.1,lateral,,,yes\n")
    assert [rule_book._move(row) for row in told] == [
        "From 3.5 to 2.1: step-down; expected within 7 days, at the latest within 14.",
        "From OTP to 2.1: lateral; both may run at once.",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gap_days,,day,how long,here,verified\n", "limits.csv, line 2: value is empty"),
        ("gap_days,1,day,how long,here,perhaps\n", "limits.csv, line 2: status is neither 'verified' nor 'unverified'"),
        ("a,1,,m,s,verified\n", "limits.csv, line 2: unit is empty"),
        (",1,d,m,s,verified\n", "limits.csv, line 2: name is empty"),
    ],
    ids=["no number", "no such status", "no unit", "no name"],
)
def test_a_limit_that_is_no_limit_is_named_by_its_line(row, said):
    (one,) = rows("limits.csv", LIMITS + row)
    with pytest.raises(ConfigurationError, match=said):
        rules._limit(one)


def test_a_code_that_is_not_whole_is_named_by_its_line():
    (one,) = rows("finding_codes.csv", CODES + "x,s,,soon,a,s\n")
    with pytest.raises(ConfigurationError, match="line 2: suggestion is empty"):
        findings._code(one)


def test_a_rule_that_names_a_limit_of_no_table_is_refused():
    with pytest.raises(ConfigurationError, match=r"rule_limits\.csv, line 2: limit is no limit"):
        rule_book._bounds(rows("rule_limits.csv", "rule_id,limit\nTR-01,none_such\n"))


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, None),
        ({"alike_text": 0.5}, "0.5"),
        ({"alike_text": 3}, "3"),
        ({"alike_text": True}, None),
        ({"alike_text": "0.5"}, None),
    ],
    ids=["none", "a decimal", "a whole number", "a yes", "a word"],
)
def test_a_tenant_may_choose_another_number_and_nothing_else(options, value):
    expected = Decimal(value) if value else rules.limits()["alike_text"].value
    assert rules.limit("alike_text", options) == expected
