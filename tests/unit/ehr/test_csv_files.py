"""Rows of CSV as documents by a mapping: days in the file's zone, a bad row whole, and nothing guessed."""

import json
from zoneinfo import ZoneInfo

import pytest

from coordinator.ehr.files import read_csv_map, read_rows_of_csv
from coordinator.errors import ConfigurationError, InvalidInput

ZONE = ZoneInfo("America/New_York")
MAP = """
zone = "America/Chicago"
[[record]]
type = "EpisodeOfCare"
id = ["No"]
only = { Program = ["RES", "IOP"] }
[record.fields]
"status" = { column = "Status", values = { Open = "active", Closed = "finished" } }
"patient.reference" = { column = "Client", reference = "Patient" }
"period.start" = { column = "In", datetime = "%m/%d/%Y %H:%M" }
"period.end" = { column = "Out", date = "%m/%d/%Y", optional = true }
"type[0].coding[0].system" = { constant = "https://river.example/unit" }
"type[0].coding[0].code" = "Program"
"type[0].text" = { column = "Program", prefix = "Unit " }
"""
HEAD = "No,Client,Program,Status,In,Out\n"
GOOD = "A-1,12345,RES,Closed,03/01/2026 11:30,03/27/2026\n"


def rows(text, csv_map=MAP):
    return list(read_rows_of_csv(iter(text.splitlines(keepends=True)), read_csv_map(csv_map), name="f.csv", zone=ZONE))


def test_a_row_makes_a_document_with_its_times_in_the_zone_of_the_file():
    (line,) = rows(HEAD + GOOD)
    assert line.place == "f.csv line 2"
    assert json.loads(line.raw) == {
        "resourceType": "EpisodeOfCare",
        "id": "A-1",
        "meta": {
            "tag": [
                {
                    "system": "https://coordinator.example/fhir/CodeSystem/provenance",
                    "code": "csv",
                    "display": "made from a file",
                }
            ]
        },
        "status": "finished",
        "patient": {"reference": "Patient/12345"},
        "period": {"start": "2026-03-01T11:30:00-06:00", "end": "2026-03-27"},
        "type": [{"coding": [{"system": "https://river.example/unit", "code": "RES"}], "text": "Unit RES"}],
    }


def test_the_zone_is_that_of_the_caller_where_the_mapping_tells_none():
    (line,) = rows(HEAD + GOOD, MAP.replace('zone = "America/Chicago"', ""))
    assert b"2026-03-01T11:30:00-05:00" in line.raw


def test_a_row_of_another_kind_makes_nothing_and_empty_lines_are_none():
    assert rows(HEAD + GOOD.replace("RES", "GYM") + "\n  \n") == []


def test_what_can_not_be_an_id_is_known_by_its_hash():
    (line,) = rows(HEAD + GOOD.replace("A-1", "no. 1/2026"))
    assert json.loads(line.raw)["id"].startswith("h-")


BAD = {
    "too few columns": ("A-1,12345,RES\n", "3 columns where the first line has 6"),
    "a quote without an end": ('A-1,"12345,RES,Closed,03/01/2026 11:30,\n', "not CSV"),
    "no name": (GOOD.replace("A-1", ""), "the row does not name it"),
    "an unknown value": (GOOD.replace("Closed", "Paused"), "Status: the mapping does not know this value"),
    "no such day": (GOOD.replace("03/27", "02/30"), "Out: this is no date or time like %m/%d/%Y"),
    "an hour that was skipped": (GOOD.replace("03/01/2026 11", "03/08/2026 02"), "In: the clocks skipped this hour"),
    "a value that is lacking": (GOOD.replace("12345", ""), "Client: there is no value"),
    "no sound FHIR": (GOOD.replace("03/27/2026", "02/27/2026"), "EpisodeOfCare.period"),
}


@pytest.mark.parametrize(("row", "reason"), BAD.values(), ids=BAD)
def test_a_bad_row_is_kept_whole_with_its_reason_and_holds_up_no_other(row, reason):
    lines = rows(HEAD + GOOD.replace("A-1", "A-0") + row)
    assert len(lines) == 2
    assert reason in lines[1].fault
    assert (lines[1].raw.decode(), lines[1].place) == (row.rstrip("\n"), "f.csv line 3")


def test_a_row_over_several_lines_is_told_by_its_first():
    broken = GOOD.replace("12345", '"12\n345"').replace("Closed", "Paused")
    (line,) = rows(HEAD + broken)
    assert (line.place, line.raw.decode()) == ("f.csv line 2", broken.rstrip("\n"))


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    (line,) = rows(HEAD + GOOD.replace("03/01/2026 11:30", "11/02/2025 01:30"))
    assert b"2025-11-02T01:30:00-05:00" in line.raw


def test_a_file_with_other_columns_is_refused_as_a_whole():
    with pytest.raises(InvalidInput, match="lacks the columns Client, Out"):
        rows("No,Program,Status,In\nA-1,RES,Open,x\n")
    with pytest.raises(InvalidInput, match="no line that names its columns"):
        rows("")


FIELD = '[[record]]\ntype = "Goal"\nid = ["No"]\n[record.fields]\n'
WRONG = {
    "no TOML": ("x = ", "not TOML"),
    "no record": ('zone = "UTC"', r"no \[\[record\]\]"),
    "an unknown key": (f"colour = 1\n{MAP}", "'colour'"),
    "a zone of Mars": (MAP.replace("Chicago", "Mars"), "'zone'"),
    "a delimiter of two": (f'delimiter = ";;"\n{MAP}', "'delimiter'"),
    "an unknown key of a record": (MAP.replace("only", "just"), "'just'"),
    "no type": (MAP.replace('type = "EpisodeOfCare"', ""), "'type'"),
    "no id": (MAP.replace('id = ["No"]', ""), "'id'"),
    "no fields": ('[[record]]\ntype = "Goal"\nid = ["No"]', "record.fields"),
    "only without lists": (MAP.replace('["RES", "IOP"]', '"RES"'), "'only'"),
    "an unknown word of a field": (f'{FIELD}"status" = {{ column = "S", pattern = "x" }}', "known are"),
    "column and constant": (f'{FIELD}"status" = {{ column = "S", constant = "x" }}', "either 'column' or 'constant'"),
    "no path": (f'{FIELD}"sta tus" = "S"', "a path looks like"),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_a_mapping_that_can_not_be_used_says_why(text, told):
    with pytest.raises(ConfigurationError, match=told):
        read_csv_map(text)


@pytest.mark.parametrize("paths", [('"a"', '"a.b"'), ('"a.b"', '"a[0].b"'), ('"a[0].b"', '"a.b"')])
def test_a_mapping_that_gives_one_element_in_two_shapes_makes_no_document(paths):
    text = FIELD + "".join(f'{path} = "No"\n' for path in paths)
    (line,) = rows("No\nA-1\n", text)
    assert "the mapping gives it once" in line.fault
