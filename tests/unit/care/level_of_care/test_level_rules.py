"""How levels rank, which are the same, which moves and overlaps the rules speak of."""

import pytest

from coordinator.care.level_of_care.model import Edition, Level, Role
from coordinator.care.level_of_care.rules import (
    as_third,
    direction,
    is_lossy,
    is_overnight,
    is_support,
    may_run_beside,
    rank,
    rule_for,
    same_level,
)


def level(text: str) -> Level:
    edition, _, code = text.rpartition(":")
    return Level(edition=Edition(edition) if edition else None, code=code)


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("3e:3.5", "4e:2.1", "TR-05"),
        ("3e:3.3", "3e:2.1", "TR-05"),
        ("ppc2r:III.5", "4e:2.1", "TR-05"),
        ("4e:2.5", "4e:2.1", "TR-07"),
        ("4e:2.5-COE", "4e:2.1", "TR-07"),
        ("4e:2.1", "4e:2.1", "TR-18"),
        ("3e:2.1", "4e:2.1", "TR-18"),
        ("3e:3.7", "4e:2.1", "TR-03"),
        ("3e:3.7", "3e:3.5", "TR-02"),
        ("4e:4.0", "4e:3.7-BIO", "TR-01"),
        ("3e:3.1", "4e:2.1", "TR-06"),
        ("4e:RR", "4e:2.5", "TR-06"),
        ("4e:2.1", "4e:1.5", "TR-08"),
        ("4e:1.7", "4e:1.0", "TR-09"),
        ("3e:1", "4e:2.1", "TR-10"),
        ("4e:2.1", "4e:2.7", "TR-11"),
        ("4e:2.1", "3e:3.5", "TR-12"),
        ("4e:2.1", "4e:4", "TR-13"),
        ("4e:2.1", "3e:OTP", "TR-17"),
        ("4e:1.0", "4e:2.5", None),
        ("3e:OTP", "3e:OTP", None),
        (":1.0", "4e:2.1", None),
        ("4e:3.3", "4e:2.1", None),
    ],
)
def test_a_move_is_ruled_by_the_narrowest_rule(before: str, after: str, rule: str | None):
    found = rule_for(level(before), level(after))

    assert (found.rule_id if found else None) == rule


def test_the_step_down_to_iop_is_expected_within_a_week():
    rule = rule_for(level("3e:3.5"), level("4e:2.1"))

    assert rule is not None
    assert (rule.expected_max_gap_days, rule.outer_limit_days, rule.concurrent_allowed) == (7, 30, False)
    assert rule.verified


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("3e:3.1", "4e:2.1", "TR-06"),
        ("3e:OTP", "4e:2.1", "TR-17"),
        ("3e:OTP", "3e:3.1", "TR-17"),
        ("4e:1.7", "4e:2.5", "TR-17"),
        ("4e:2.1", "4e:4", "TR-13"),
        ("3e:OTP", "3e:OTP", None),
        ("3e:OTP", "4e:1.7", None),
        ("4e:2.5", "4e:2.1", None),
        ("4e:2.1", "4e:2.1", None),
        ("3e:3.5", "4e:2.1", None),
        (":OTP", "4e:2.1", None),
    ],
    ids=str,
)
def test_what_may_run_beside_does_so_whichever_began_first(one: str, other: str, rule: str | None):
    """Two OTPs at once are multiple enrollment (42 CFR 2.34); OTP beside any other level is how treatment works."""
    for pair in ((one, other), (other, one)):
        found = may_run_beside(level(pair[0]), level(pair[1]))
        assert (found.rule_id if found else None) == rule


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ("3e:3.5", "4e:2.1", "step-down"),
        ("4e:2.1", "3e:3.5", "step-up"),
        ("ppc2r:II.1", "4e:2.1", "lateral"),
        ("3e:3.3", "4e:3.5", "lateral"),
        ("3e:3.7", "4e:3.7", "lateral"),
        ("4e:4", "4e:4-PSY", "lateral"),
        (":1.0", "4e:2.1", None),
        ("4e:2.5", ":2.1", "step-down"),
        ("4e:2.1", ":3.5", None),
        ("4e:RR", "4e:2.1", None),
        ("4e:3.3", "4e:2.1", None),
    ],
)
def test_the_direction_follows_the_ranks_and_is_never_guessed(before: str, after: str, way: str | None):
    assert direction(level(before), level(after)) == way


@pytest.mark.parametrize(
    ("one", "other", "same", "lossy"),
    [
        ("3e:3.7", "4e:3.7", True, True),
        ("3e:2.1", "4e:2.1", True, False),
        ("3e:3.3", "4e:3.5", True, True),
        ("ppc2r:III.7-D", "3e:3.7-WM", True, False),
        ("ppc2r:III.7", "4e:3.7", True, True),
        ("4e:2.1", "4e:2.1-COE", True, False),
        ("3e:1", "4e:1.0", False, False),
        ("3e:3.7", "4e:3.5", False, False),
        (":1.0", ":1.0", False, False),
        (":2.1", "4e:2.1", True, False),
        (":2.1", "3e:2.1", True, False),
        (":3.5", "4e:3.5", False, False),
    ],
)
def test_levels_are_the_same_across_editions_only_by_the_crosswalk(one: str, other: str, same: bool, lossy: bool):
    """3e 1 is outpatient care, 4e 1.0 is remission monitoring: bare codes are never compared."""
    for pair in ((one, other), (other, one)):
        assert same_level(level(pair[0]), level(pair[1])) is same
        assert is_lossy(level(pair[0]), level(pair[1])) is lossy


def test_an_old_roman_code_is_read_as_third_edition_in_the_same_role():
    roman = Level(edition=Edition.PPC2R, code="II.1", role=Role.AUTHORIZED)

    assert as_third(roman) == Level(edition=Edition.THIRD, code="2.1", role=Role.AUTHORIZED)
    assert as_third(level("ppc2r:V")) == level("ppc2r:V")
    assert as_third(level("4e:2.1")) == level("4e:2.1")


def test_nights_and_support_are_told_by_the_setting():
    assert [is_overnight(level(text)) for text in ("3e:3.1", "4e:4", "4e:2.5", ":3.5", "4e:RR")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [is_support(level(text)) for text in ("4e:RR", "3e:3.1", ":RR")] == [True, False, False]
    assert [rank(level(text)) for text in ("4e:2.1", "4e:RR", ":3.5", ":2.1")] == [20, None, None, 20]
