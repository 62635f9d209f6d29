"""A residential program whose EHR has no FHIR: its stays reach the account by ADT messages or by rows of CSV."""

from pathlib import Path

import pytest

from tests.flow.conftest import Coordinator

LEVELS = """type,path,system,value,concept,edition,code,role,organization
Encounter,serviceType,https://coordinator.example/fhir/adt/hospital-service,RES,level,3e,3.5,provided,
EpisodeOfCare,type,,Residential 3.5,level,3e,3.5,provided,
"""
MAP = """
zone = "America/Chicago"
[[record]]
type = "Patient"
id = ["Client"]
[record.fields]
"name[0].family" = "Last"
"name[0].given[0]" = "First"
"birthDate" = { column = "Born", date = "%m/%d/%Y" }
[[record]]
type = "EpisodeOfCare"
id = ["No"]
[record.fields]
"status" = { column = "Status", values = { Open = "active", Closed = "finished" } }
"patient.reference" = { column = "Client", reference = "Patient" }
"period.start" = { column = "In", date = "%m/%d/%Y" }
"period.end" = { column = "Out", date = "%m/%d/%Y", optional = true }
"type[0].text" = "Program"
"""
HEAD = "No,Client,Last,First,Born,Program,Status,In,Out\n"
ROW = "A-1,7,Doe,Robin,01/02/1980,Residential 3.5,Closed,03/01/2026,03/27/2026\n"


def adt(trigger: str, sent: str, **visit: str) -> str:
    fields = {"2": "I", "10": "RES", "19": "V77", "44": "20260301113000"} | visit
    pv1 = "|".join(["PV1", *(fields.get(str(place), "") for place in range(1, 46))])
    header = f"MSH|^~\\&|EHR|RIVER|US|X|{sent}||ADT^{trigger}|M{sent}|P|2.5.1"
    return "\r".join([header, f"EVN|{trigger}|{sent}", "PID|1||7^^^RIVER^MR||Doe^Robin||19800102", pv1, ""])


ADMITTED = adt("A01", "20260301120000")
ENDED = adt("A03", "20260327101000", **{"36": "01", "45": "20260327100000"})


@pytest.fixture
def river(coordinator: Coordinator, tmp_path: Path) -> Coordinator:
    """An EHR that gives files only, with its levels and its mapping of CSV registered."""
    (tmp_path / "levels.csv").write_text(LEVELS)
    (tmp_path / "map.toml").write_text(MAP)
    added = coordinator(
        *("ehr", "add", "river", "file:", "--mapping", tmp_path / "levels.csv", "--csv-map", tmp_path / "map.toml")
    )
    assert added.code == 0
    return coordinator


def told_by(river: Coordinator, file: Path, text: str, format_: str, code: int = 0) -> dict[str, dict[str, int]]:
    """Take a file in; return what became of it, by type."""
    file.write_bytes(text.encode())
    told = river("import", file, "--ehr", "river", "--format", format_, "--json")
    assert told.code == code
    types: dict[str, dict[str, int]] = told.json["types"]
    return types


def stays(river: Coordinator) -> list[tuple[str, str | None, str]]:
    """Return the one person's stays as start, end and level."""
    (person,) = river("person", "list", "--json").json
    account = river("person", "show", person["person"], "--json").json
    return [(one["start"][0], (one["end"] or [None])[0], one["level"]["code"]) for one in account["timeline"]]


def test_an_admission_and_a_later_discharge_by_adt_are_one_residential_stay(river: Coordinator, tmp_path: Path):
    told_by(river, tmp_path / "monday.hl7", ADMITTED, "hl7v2")
    assert stays(river) == [("2026-03-01", None, "3.5")]
    told_by(river, tmp_path / "friday.hl7", ENDED, "hl7v2")
    assert stays(river) == [("2026-03-01", "2026-03-27", "3.5")]
    again = told_by(river, tmp_path / "friday.hl7", ENDED, "hl7v2")
    assert again["Encounter"] == {"read": 1, "changed": 0, "unchanged": 1, "quarantined": 0}


def test_a_message_that_can_not_be_read_is_kept_whole_and_told(river: Coordinator, tmp_path: Path):
    broken = adt("A60", "20260302120000")
    types = told_by(river, tmp_path / "a.hl7", ADMITTED + broken, "hl7v2", code=3)
    assert (types["unreadable"]["quarantined"], types["Encounter"]["changed"]) == (1, 1)
    (row,) = river("quarantine", "list", "--json").json
    assert (row["place"], row["reason"]) == ("a.hl7 message 2", "MSH-9: A60 is no ADT event that is read")
    assert "Doe" not in river("quarantine", "list").out


def test_a_row_of_csv_is_a_residential_stay_and_its_correction_another_version(river: Coordinator, tmp_path: Path):
    file = tmp_path / "stays.csv"
    told_by(river, file, HEAD + ROW.replace("Closed", "Open").replace("03/27/2026", ""), "csv")
    assert stays(river) == [("2026-03-01", None, "3.5")]
    bad = ROW.replace("A-1", "A-2").replace("Closed", "Paused")
    types = told_by(river, file, HEAD + ROW + bad, "csv", code=3)
    assert stays(river) == [("2026-03-01", "2026-03-27", "3.5")]
    assert (types["Patient"]["unchanged"], types["EpisodeOfCare"]["changed"]) == (1, 1)
    assert types["unreadable"]["quarantined"] == 1


WRONG = {
    "no mapping": (["--format", "csv"], HEAD, "no mapping for CSV"),
    "not the format": (["--format", "hl7v2"], HEAD, "is no HL7 v2"),
    "an unknown format": (["--format", "xml"], HEAD, "--format"),
    "no such zone": (["--format", "csv", "--zone", "Mars"], HEAD, "no time zone Mars"),
    "no such mapping": (["--format", "csv", "--map", "/not/there.toml"], HEAD, "can't be read"),
}


@pytest.mark.parametrize(("words", "text", "told"), WRONG.values(), ids=WRONG)
def test_what_can_not_be_right_is_told_in_a_sentence(coordinator: Coordinator, tmp_path: Path, words, text, told):
    coordinator("ehr", "add", "river", "file:")
    (tmp_path / "a.csv").write_text(text)
    said = coordinator("import", tmp_path / "a.csv", "--ehr", "river", *words)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert told in said.err


def test_a_file_with_other_columns_takes_nothing_in(river: Coordinator, tmp_path: Path):
    (tmp_path / "a.csv").write_text("No,Kunde\nA-1,7\n")
    said = river("import", tmp_path / "a.csv", "--ehr", "river", "--format", "csv")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "lacks the columns Born, Client" in said.err
