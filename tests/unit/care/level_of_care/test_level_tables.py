"""The level tables load, hold together, and refuse bad lines."""

import pytest

from coordinator.care.csv_table import Row
from coordinator.care.level_of_care.model import Edition
from coordinator.care.level_of_care.tables import (
    crossings_among,
    level_places,
    level_row,
    level_systems,
    level_table,
    transition_rule,
    transition_rules,
)
from coordinator.errors import ConfigurationError

LEVEL = {
    "edition": "4e",
    "code": "9.9",
    "name": "x",
    "rank": "1",
    "setting": "ambulatory",
    "hours_least": "",
    "hours_most": "",
    "aliases": "",
    "status": "verified",
}
RULE = {
    "rule_id": "TR-99",
    "direction": "step-down",
    "kind": "move",
    "from_codes": "3e:3.5",
    "to_codes": "4e:2.1",
    "gap_days": "7",
    "limit_days": "30",
    "may_overlap": "no",
    "overlap_days": "0",
    "status": "verified",
}
CROSSING = {
    "from_edition": "3e",
    "from_code": "1",
    "to_edition": "4e",
    "to_code": "1.5",
    "lossy": "yes",
    "status": "verified",
}


def row(cells: dict[str, str], **changes: str) -> Row:
    return Row(file="t.csv", line=2, cells=cells | changes)


def test_each_edition_has_its_own_meaning_of_a_code():
    table = level_table()

    third, fourth = table.row(Edition.THIRD, "3.7"), table.row(Edition.FOURTH, "3.7")

    assert third is not None
    assert fourth is not None
    assert third.name != fourth.name
    assert table.row(Edition.FOURTH, "3.3") is None
    assert table.row(Edition.THIRD, "1.0") is None


@pytest.mark.parametrize(
    ("edition", "code", "found"),
    [
        (Edition.FOURTH, "4.0", "4"),
        (Edition.FOURTH, " 2.1-COE ", "2.1"),
        (Edition.FOURTH, "3.7-BIO-COE", "3.7-BIO"),
        (Edition.FOURTH, "3.7-bio", "3.7-BIO"),
        (Edition.FOURTH, "COE", "COE"),
        (Edition.PPC2R, "iii.7-d", "III.7-D"),
    ],
)
def test_other_spellings_of_a_code_give_its_level(edition: Edition, code: str, found: str):
    level = level_table().row(edition, code)

    assert level is not None
    assert level.code == found


@pytest.mark.parametrize("code", ["2.1-XYZ", "-COE", "9.9-COE", "", "2.1 COE"])
def test_a_code_that_only_looks_like_a_level_is_none(code: str):
    assert level_table().row(Edition.FOURTH, code) is None


def test_intensive_outpatient_asks_for_nine_to_nineteen_hours():
    level = level_table().row(Edition.FOURTH, "2.1")

    assert level is not None
    assert (level.hours_least, level.hours_most) == (9, 19)


def test_rules_keep_the_order_and_the_ids_of_their_table():
    rules = transition_rules()

    assert [rule.rule_id for rule in rules] == [f"TR-{number:02}" for number in range(1, 26)]
    assert [rule.rule_id for rule in rules if rule.is_move and rule.concurrent_allowed] == ["TR-06", "TR-13", "TR-17"]


def test_the_canonical_systems_and_places_are_known():
    assert set(level_systems().values()) == set(Edition)
    assert {place.type for place in level_places()} == {
        *("EpisodeOfCare", "Encounter", "CarePlan", "ServiceRequest", "Observation", "QuestionnaireResponse")
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"setting": "somewhere"},
        {"hours_least": "20", "hours_most": "9"},
        {"edition": "5e"},
        {"rank": "high"},
        {"status": "perhaps"},
        {"name": ""},
    ],
)
def test_a_bad_level_stops_the_start(changes: dict[str, str]):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        level_row(row(LEVEL, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"from_codes": "3e:9.9"},
        {"to_codes": "2.1"},
        {"to_codes": ""},
        {"gap_days": "31"},
        {"kind": "maybe"},
        {"rule_id": ""},
    ],
)
def test_a_bad_rule_stops_the_start(changes: dict[str, str]):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        transition_rule(row(RULE, **changes))


@pytest.mark.parametrize("changes", [{"from_code": "9"}, {"to_code": "9"}, {"lossy": ""}])
def test_a_crosswalk_must_tie_levels_that_exist(changes: dict[str, str]):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        crossings_among([row(CROSSING, **changes)], level_table().rows)
