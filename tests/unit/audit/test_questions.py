"""Saved questions: what each asks of the log, and how its answer reads."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.audit import (
    Filter,
    Happening,
    LoggedEvent,
    answered,
    as_csv,
    as_ndjson,
    audit_row,
    narrowed,
    question_of,
    questions,
    told,
    words_of,
)
from coordinator.audit.kinds import kinds
from coordinator.errors import InvalidInput
from tests.builders import NOW


def an_event(kind="access", seq=3, **more):
    plain = {"at": NOW, "actor": "ann", "subject": "account", "person": "pe-1"}
    return LoggedEvent(seq=seq, leaf=b"", row=audit_row(Happening(kind=kind, **plain | more)))


@pytest.mark.parametrize("name", questions())
def test_a_question_asks_for_kinds_and_columns_that_there_are(name):
    question = question_of(name)
    assert set(question.kinds) <= set(kinds())
    known = set(told(an_event("emergency"))) | {"query"}
    assert set(question.columns) <= known


def test_every_kind_of_event_is_told_by_a_question_of_its_own():
    named = {kind for one in questions().values() for kind in one.kinds}
    assert named >= set(kinds()) - {"create", "update", "delete", "permission"}


def test_a_question_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(InvalidInput) as refused:
        question_of("secrets")
    assert "disclosures" in refused.value.hint


@pytest.mark.parametrize(("name", "needs"), [("accounting", "person"), ("of-actor", "actor"), ("writes", "ehr")])
def test_a_question_about_somebody_is_not_asked_about_everybody(name, needs):
    with pytest.raises(InvalidInput) as refused:
        narrowed(question_of(name), Filter(), now=NOW)
    assert refused.value.hint == f"Add --{needs}."
    assert narrowed(question_of(name), Filter(**{needs: "x"}), now=NOW)


def test_an_accounting_looks_back_three_years_unless_told_otherwise():
    question, one = question_of("accounting"), Filter(person="pe-1")
    assert "compliance date" in question.note
    assert narrowed(question, one, now=NOW).since == NOW - timedelta(days=3 * 366)
    until = NOW - timedelta(days=10)
    assert narrowed(question, replace(one, until=until), now=NOW).since == until - timedelta(days=3 * 366)
    assert narrowed(question, replace(one, since=until), now=NOW).since == until
    assert narrowed(question_of("all"), one, now=NOW).since is None


def test_a_question_is_asked_for_with_every_word_that_was_given():
    given = Filter(person="p", actor="a", ehr="e", since=NOW, until=NOW, after=7, limit=9)
    asked = narrowed(question_of("after-revocation"), given, now=NOW)
    assert asked == replace(given, kinds=("disclosure",), is_after_revocation=True)
    at = NOW.isoformat()
    assert words_of(question_of("all"), given) == (f"all&person=p&actor=a&ehr=e&since={at}&until={at}&after=7&limit=9")
    assert words_of(question_of("all"), Filter()) == "all"


def test_a_disclosure_tells_to_whom_and_what_it_rests_on():
    (row,) = answered([an_event("disclosure", ehr="pcp", recipient="lakeside", consent="C-1", entities=("a/B/c@1",))])
    assert row == {
        "seq": 3,
        "kind": "disclosure",
        "time": NOW.isoformat(),
        "actor": "ann",
        "person": "pe-1",
        "ehr": "pcp",
        "recipient": "lakeside",
        "consent": "C-1",
        "purpose": None,
        "subject": "account",
        "outcome": "ok",
        "reason": None,
        "cause": ["a/B/c@1"],
    }


def test_a_refusal_tells_why_and_what_was_refused():
    row = told(an_event("refusal", outcome="4", reason="no-consent", entities=("a/B/c@1",), recipient="pcp"))
    assert (row["outcome"], row["reason"], row["cause"], row["recipient"]) == (
        "refused",
        "no-consent",
        ["a/B/c@1"],
        None,
    )


def test_a_search_tells_what_was_asked():
    assert told(an_event("search", query="Patient?family=Zoë"))["query"] == "Patient?family=Zoë"
    assert "query" not in told(an_event())


def test_an_emergency_tells_what_the_law_asks_to_record():
    details = (
        ("name", "Dr Roe"),
        ("affiliation", "ED"),
        ("nature", "overdose"),
        ("discloser", "a"),
        ("discloser", "b"),
    )
    row = told(an_event("emergency", details=details))
    assert [row[name] for name in ("name", "affiliation", "nature", "discloser")] == [
        "Dr Roe",
        "ED",
        "overdose",
        ["a", "b"],
    ]
    assert told(an_event("emergency"))["nature"] is None
    assert "nature" not in told(an_event("access", details=details))


def test_an_event_whose_body_was_pruned_or_is_no_event_still_has_its_columns():
    for body in (b"", b"[]", b'{"agent":[{"type":1,"who":2}],"entity":[{"what":1,"detail":[1]},7],"outcomeDesc":8}'):
        one = an_event("disclosure")
        row = told(replace(one, row=replace(one.row, body=body)))
        assert (row["actor"], row["recipient"], row["cause"], row["reason"]) == ("ann", None, [], None)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0", " =", "\n+"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(start):
    rows = list(csv.reader(io.StringIO(as_csv([{"subject": f"{start}HYPERLINK(1)"}], ["subject"]), newline="")))
    assert rows[0] == ["subject"]
    assert rows[1][0].startswith("'")
    assert "\0" not in rows[1][0]


def test_a_plain_cell_stays_as_it_is():
    row = {"a": "x=1", "b": None, "c": ["d", "e"], "f": 'say "hi", twice', "g": 7, "h": "a\0b"}
    text = as_csv([row], [*row, "missing"])
    assert text.endswith("\r\n")
    (_, cells) = csv.reader(io.StringIO(text, newline=""))
    assert cells == ["x=1", "", "d e", 'say "hi", twice', "7", "a\ufffdb", ""]


def test_the_raw_twin_holds_each_event_byte_for_byte():
    one, other = an_event(seq=1), an_event("search", seq=2)
    gone = replace(an_event(seq=4), pruned_by=9)
    lines = as_ndjson([one, other, gone]).splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2]
    assert one.row.body in lines[0]
