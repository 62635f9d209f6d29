"""A course in words: each fact that there is has its line, and what is not known is said to be so."""

import pytest

from coordinator.cli.course_words import course_lines, dose_text

DAY = ["2026-03-01", "2026-03-01"]
COURSE = {
    "taking": {"status": "taking", "basis": "dose", "since": DAY},
    "covered": [["2026-03-01", "2026-03-10"]],
    "gaps": [],
    "bridged": [],
    "last_seen": "2026-03-10",
    "history": [],
    "trend": None,
    "switched_from": None,
    "prescribers": [],
    "suppliers": [],
}


def mg(value, per="d"):
    return {"value": value, "unit": "mg", "per": per}


def a_step(value, day, ehr="otp"):
    return {"dose": mg(value), "since": day and [day, day], "ehr": ehr}


LINES = {
    "doses given": (
        {},
        [
            "taken: doses were given, since 2026-03-01",
            "covered 2026-03-01 to 2026-03-10; last dose or supply on 2026-03-10 (3 days ago)",
        ],
    ),
    "nothing seen": (
        {"taking": {"status": "unknown", "basis": "order", "since": DAY}, "covered": [], "last_seen": None},
        ["whether it is taken is not known", "no dose or supply seen"],
    ),
    "a report of a month": (
        {"taking": {"status": "not-taking", "basis": "own-report", "since": ["2026-03-01", "2026-03-31"]}},
        ["not taken, as the person says, since a day between 2026-03-01 and 2026-03-31"],
    ),
    "days without and days as an inpatient": (
        {"gaps": [["2026-03-04", "2026-03-04"]], "bridged": [["2026-03-05", "2026-03-06"]]},
        [
            (
                "covered 2026-03-01 to 2026-03-10, 1 day without, 2 days as an inpatient; "
                "last dose or supply on 2026-03-10 (3 days ago)"
            )
        ],
    ),
    "a dose of today": (
        {"last_seen": "2026-03-13"},
        ["covered 2026-03-01 to 2026-03-10; last dose or supply on 2026-03-13"],
    ),
    "a switch": (
        {"switched_from": {"course": "course:methadone|oral solution", "day": "2026-03-01", "crossover_days": 1}},
        ["took the place of methadone, oral solution on 2026-03-01, 1 day of both"],
    ),
    "a switch without a cross-over": (
        {"switched_from": {"course": "course:methadone|oral solution", "day": "2026-03-01", "crossover_days": 0}},
        ["took the place of methadone, oral solution on 2026-03-01"],
    ),
    "a dose that moved": (
        {
            "history": [a_step(30, "2026-03-01"), a_step(40, None)],
            "trend": {"kind": "raised", "times": 2, "since": ["2026-03-02", "2026-03-02"]},
        },
        [
            "dose over time: 30 mg per day from 2026-03-01 (otp); 40 mg per day from a day not known (otp)",
            "raised 2 times in a row since 2026-03-02",
        ],
    ),
    "a dose that moved often": (
        {"history": [a_step(value, f"2026-03-0{value}") for value in range(1, 9)]},
        [
            "dose over time: (the last 6 of 8) "
            + "; ".join(f"{value} mg per day from 2026-03-0{value} (otp)" for value in range(3, 9))
        ],
    ),
    "who orders and supplies": (
        {"prescribers": [{"organization": "iop", "reference": None}], "suppliers": ["ced", "otp"]},
        ["ordered by iop; supplied by ced, otp"],
    ),
}


@pytest.mark.parametrize(("more", "lines"), LINES.values(), ids=LINES)
def test_a_course_is_told_in_words(more, lines):
    assert set(lines) <= set(course_lines(COURSE | more, "2026-03-13"))


def test_without_the_day_of_the_account_nothing_is_counted_from_it():
    assert "last dose or supply on 2026-03-10" in " ".join(course_lines(COURSE, ""))


DOSES = {
    "per day": (mg(16), "16 mg per day"),
    "per two days": (mg(16, "2d"), "16 mg per 2 days"),
    "per injection": (mg(380, "dose"), "380 mg per dose"),
    "disputed": ("disputed", "dose disputed"),
    "not stated": (None, "dose not stated"),
}


@pytest.mark.parametrize(("dose", "words"), DOSES.values(), ids=DOSES)
def test_a_dose_is_told_in_words(dose, words):
    assert dose_text({"dose": dose}).plain == words
