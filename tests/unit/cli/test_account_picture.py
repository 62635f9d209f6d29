"""What a reader sees of one account."""

import io
from typing import Any

import pytest
from rich.console import Console

from coordinator.cli.account_picture import account_picture
from coordinator.cli.bars import BLOCKS, LETTERS

RESIDENTIAL = {"edition": "3e", "code": "3.5", "role": "provided"}
IOP = {"edition": "4e", "code": "2.1", "role": "provided"}


def an_account(**parts: Any) -> dict[str, Any]:
    return {
        "person": "5b52d518",
        "family": "Ruiz",
        "given": "Ana",
        "birth_date": "1991-04-12",
        "identities": [{"ehr": "harbor", "id": "HH-1"}, {"ehr": "riverbend", "id": "rb-2"}],
        "as_of": "2026-04-13",
        "hash": "ab" * 32,
        **parts,
    }


def a_stay(level: dict[str, str], start: str, end: list[str] | None, **more: Any) -> dict[str, Any]:
    return {
        "level": level,
        "organization": "harbor-house",
        "start": [start, start],
        "end": end,
        "status": "active",
        "evidence": ["harbor/EpisodeOfCare/R-101@~1"],
        **more,
    }


def a_course(**parts: Any) -> dict[str, Any]:
    return {
        "ingredient": "methadone",
        "form": "oral solution",
        "dose": {"value": 85, "unit": "mg", "per": "d"},
        "status": "active",
        "covered": [["2026-03-01", "2026-04-10"]],
        "gaps": [],
        "last_seen": "2026-04-10",
        "evidence": ["otp/MedicationAdministration/1@1"],
        **parts,
    }


def printed(account: dict[str, Any], *, width: int = 80, ink=BLOCKS) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(account_picture(account, width=width, ink=ink))
    return console.file.getvalue()


def test_a_stay_whose_end_is_an_interval_shows_the_doubtful_days():
    """Nobody recorded the end: a bar that stopped on one day would invent it."""
    text = printed(an_account(timeline=[a_stay(RESIDENTIAL, "2026-03-02", ["2026-03-29", "2026-04-02"])]))
    assert "ended between 2026-03-29 and 2026-04-02" in text
    assert BLOCKS.doubtful in text


def test_a_stay_with_a_known_end_shows_no_doubt():
    text = printed(an_account(timeline=[a_stay(RESIDENTIAL, "2026-03-02", ["2026-03-31", "2026-03-31"])]))
    assert "ended 2026-03-31" in text
    assert BLOCKS.doubtful not in text


def test_a_stay_that_goes_on_reaches_today_and_not_further():
    """Supply in hand may reach past today; nobody knows yet that the stay will."""
    covered = a_course(covered=[["2026-03-01", "2026-05-30"]])
    text = printed(an_account(timeline=[a_stay(IOP, "2026-04-02", None)], courses=[covered]))
    bar = next(line for line in text.splitlines() if BLOCKS.onward in line)
    assert bar.rstrip().endswith(BLOCKS.empty)
    assert "goes on" in text


@pytest.mark.parametrize(
    ("edition", "words"), [("3e", "3.5 (3rd ed.)"), ("4e", "3.5 (4th ed.)"), (None, "3.5 (edition?)")]
)
def test_a_level_is_never_shown_without_its_edition(edition, words):
    """The same code means other care in another edition."""
    level = {"edition": edition, "code": "3.5", "role": "provided"}
    assert words in printed(an_account(timeline=[a_stay(level, "2026-03-02", None)]))


@pytest.mark.parametrize(
    ("in_time", "words"), [(True, "in time"), (False, "late"), (None, None)], ids=["in time", "late", "can't be told"]
)
def test_a_transition_says_its_rule_and_whether_it_was_in_time(in_time, words):
    move = {
        "kind": "step-down", "from": RESIDENTIAL, "to": IOP, "gap_days": [0, 4], "in_time": in_time, "rule": "TR-05"
    }  # fmt: skip
    line = next(row for row in printed(an_account(transitions=[move])).splitlines() if "TR-05" in row)
    assert "step-down" in line
    assert "0 to 4 days" in line
    assert ("in time" in line, "late" in line) == (words == "in time", words == "late")


@pytest.mark.parametrize(
    ("dose", "words"),
    [
        ({"value": 85, "unit": "mg", "per": "d"}, "85 mg per day"),
        ({"value": 100, "unit": "mg", "per": "dose"}, "100 mg per dose"),
        ({"value": 8, "unit": "mg", "per": "2d"}, "8 mg per 2 days"),
        ("disputed", "dose disputed"),
        (None, "dose not stated"),
    ],
)
def test_a_dose_is_shown_as_it_is_known(dose, words):
    assert words in printed(an_account(courses=[a_course(dose=dose)]))


def test_days_without_supply_are_crossed_out_and_counted():
    course = a_course(
        covered=[["2026-03-01", "2026-03-10"], ["2026-03-21", "2026-04-10"]], gaps=[["2026-03-11", "2026-03-20"]]
    )
    text = printed(an_account(courses=[course]))
    assert BLOCKS.missing in text
    assert "10 days without" in text


def test_an_order_alone_shows_no_supply():
    """An order proves intent; silence is not shown as stopped."""
    text = printed(an_account(courses=[a_course(covered=[], last_seen=None, evidence=["iop/MedicationRequest/1@1"])]))
    assert "no dose or supply seen" in text
    assert "told by 1 order of iop" in text


def test_a_finding_shows_the_values_that_stand_against_each_other():
    finding = {
        "code": "plan.goal-differs",
        "key": "4f2a",
        "status": "open",
        "urgency": "soon",
        "sentence": "A goal stands differently in two EHRs: both changed it, or nothing was agreed on yet.",
        "suggestion": "Choose the value that holds.",
        "facts": {"field": "dueDate", "base": "2026-06-30", "values": {"iop": "2026-07-31", "pcp": None}},
        "evidence": ["iop/Goal/1@2"],
    }
    text = printed(an_account(findings=[finding, {**finding, "status": "resolved", "key": "done"}]))
    for words in ("4f2a", "last agreed: 2026-06-30", "iop: 2026-07-31", "pcp: nothing", "Choose", "iop/Goal/1@2"):
        assert words in text
    assert "done" not in text


def test_many_citations_are_counted_rather_than_listed():
    evidence = [f"otp/MedicationAdministration/{number}@1" for number in range(30)]
    text = printed(an_account(courses=[a_course(evidence=evidence)]), width=200)
    assert "and 26 more" in text
    assert "told by 30 doses given of otp" in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    account = an_account(
        timeline=[a_stay(RESIDENTIAL, "2026-03-02", ["2026-03-29", "2026-04-02"]), a_stay(IOP, "2026-04-02", None)],
        courses=[a_course()],
        plan={
            "goals": [{"text": "Find stable housing near the program", "status": "active", "evidence": ["a/Goal/1@1"]}]
        },
    )
    assert max(len(line) for line in printed(account, width=width).splitlines()) <= width


def test_a_terminal_without_these_letters_gets_plain_ones():
    account = an_account(
        timeline=[a_stay(RESIDENTIAL, "2026-03-02", ["2026-03-29", "2026-04-02"])], courses=[a_course()]
    )
    lines = [line for line in printed(account, ink=LETTERS).splitlines() if "#" in line]
    assert lines
    assert all(line.isascii() for line in lines)


def test_what_an_ehr_sent_can_not_steer_the_terminal():
    goal = {"text": "Sleep \x1b[2J\x07well [red]", "status": "active", "evidence": ["a/Goal/1@1"]}
    text = printed(an_account(given="A\x1b[31mna", plan={"goals": [goal]}))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]" in text


def test_an_account_of_which_nothing_is_known_says_so():
    text = printed({"person": "x"})
    assert "No stay in a program is known." in text
    assert "Nothing waits for a person." in text
