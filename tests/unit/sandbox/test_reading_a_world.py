"""A world is read whole or refused with file, line and what to do."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from coordinator.errors import InvalidInput
from coordinator.sandbox import read_world
from coordinator.sandbox.personality import _KEYS

WORLDS = Path(__file__).parents[2] / "worlds"
CUTOVER = '\n[policy]\nlevel_edition_cutover = "2025-07-01"\nrevocation_notice = true\nadopted_rules = ["TR-05"]\n'
MAPPING = "type,path,system,value,concept,edition,code,role,organization\n"


@pytest.mark.parametrize("folder", sorted(WORLDS.glob("S*")), ids=lambda folder: folder.name)
def test_every_acceptance_world_is_read_with_its_lines_byte_for_byte(folder):
    world = read_world(folder)

    for ehr in world.ehrs:
        held = b"".join(line + b"\n" for lines in ehr.resources.values() for line in lines)
        files = sorted((folder / ehr.name).glob("*.ndjson"))
        assert held == b"".join(path.read_bytes() for path in files)
        assert [change.at for change in ehr.changes] == sorted(change.at for change in ehr.changes)
    assert [name for name, _ in world.consents] == sorted(path.name for path in folder.glob("consents/*.json"))


def test_a_world_tells_who_there_is_and_what_the_tenant_chose(a_world_folder):
    folder = a_world_folder()
    (folder / "world.toml").write_text((folder / "world.toml").read_text() + CUTOVER)

    world = read_world(folder)

    assert world.now == datetime(2026, 4, 7, 12, tzinfo=UTC)
    assert world.zone.key == "America/New_York"
    assert world.organizations["riverbend"].value == "riverbend"
    assert (world.programs["riverbend-iop"].edition, world.programs["riverbend-iop"].code) == ("4e", "2.1")
    assert world.policy.level_edition_cutover == date(2025, 7, 1)
    assert world.policy.revocation_notice is True
    assert world.policy.adopted_rules == ("TR-05",)
    assert world.policy.referral_acknowledge_hours is None


def test_a_mapping_belongs_to_the_ehr_whose_name_its_file_begins_with():
    world = read_world(WORLDS / "S15-levels-of-two-editions")

    rows = {ehr.name: [(row.type, row.value, row.edition) for row in ehr.mappings] for ehr in world.ehrs}

    assert rows["ced"] == [("EpisodeOfCare", "1.0", "")]
    assert rows["res"] == []


def test_changes_stand_in_order_of_time_and_may_delete(a_world, goal):
    deleted = {"resourceType": "Goal", "id": "g-1", "_deleted": True}

    world = a_world(changes={"2026-06-03T00-00Z": [deleted], "2026-05-01T15-30Z": [goal()]})

    changes = world.ehrs[0].changes
    assert [change.at for change in changes] == [
        datetime(2026, 5, 1, 15, 30, tzinfo=UTC),
        datetime(2026, 6, 3, tzinfo=UTC),
    ]
    assert [type(change.records[0]).__name__ for change in changes] == ["Saved", "Deleted"]


def test_a_world_with_one_ehr_left_out_is_a_world(a_world_folder):
    """The checker of the acceptance worlds takes an EHR away and leaves all that speaks of it."""
    folder = a_world_folder(files={"mappings/res-levels.csv": MAPPING})

    assert [ehr.name for ehr in read_world(folder).ehrs] == ["iop"]


WRONG = {
    "unknown key in world.toml": (
        {"world.toml": 'now = "2026-04-07T12:00:00Z"\nzone = "UTC"\nnowt = 1\n'},
        ["world.toml, line 3", "'nowt'", "now, organizations"],
    ),
    "not toml": ({"world.toml": "now = \n"}, ["world.toml", "line 1"]),
    "no such zone": ({"world.toml": 'now = "2026-04-07T12:00:00Z"\nzone = "Mars/Base"\n'}, ["line 2", "time zone"]),
    "now without zone": (
        {"world.toml": 'now = "2026-04-07T12:00:00"\nzone = "UTC"\n[organizations.riverbend]\n'
         'name = "R"\npart2 = true\nidentifier = { system = "s", value = "v" }\n'},
        ["world.toml, line 1", "with a zone"],
    ),
    "program of nobody": (
        {"world.toml": 'now = "2026-04-07T12:00:00Z"\nzone = "UTC"\n[organizations.riverbend]\nname = "R"\n'
         'part2 = true\nidentifier = { system = "s", value = "v" }\n[programs.x]\nname = "X"\norganization = "y"\n'},
        ["world.toml, line 9", "unknown organization 'y'", "riverbend"],
    ),
    "unknown organization": ({"iop/ehr.toml": 'organization = "nobody"\npart2 = true\n[capability]\n'},
                             ["iop/ehr.toml, line 1", "'nobody'", "[organizations.nobody]"]),
    "missing part2": ({"iop/ehr.toml": 'organization = "riverbend"\n[capability]\n'}, ["iop/ehr.toml", "'part2'"]),
    "unknown personality key": (
        {"iop/ehr.toml": 'organization = "riverbend"\npart2 = true\nif_matches = "no"\n[capability]\n'},
        ["iop/ehr.toml, line 3", "'if_matches'"],
    ),
    "wrong word": (
        {"iop/ehr.toml": 'organization = "riverbend"\npart2 = true\n\nif_match = "maybe"\n[capability]\n'},
        ["iop/ehr.toml, line 4", "'maybe'", "honored"],
    ),
    "wrong status": (
        {"iop/ehr.toml": 'organization = "riverbend"\npart2 = true\nconflict_status = 500\n[capability]\n'},
        ["iop/ehr.toml, line 3", "409"],
    ),
    "unknown real EHR": (
        {"iop/ehr.toml": 'organization = "riverbend"\npart2 = true\ncapability = "epoc"\n'},
        ["iop/ehr.toml, line 3", "epic-r4"],
    ),
    "unknown interaction": (
        {"iop/ehr.toml": 'organization = "riverbend"\npart2 = true\n[capability]\nGoal = ["read", "wish"]\n'},
        ["iop/ehr.toml, line 4", "'wish'", "search-type"],
    ),
    "path without type": (
        {"iop/ehr.toml": 'organization = "riverbend"\npart2 = true\ndrops = ["note"]\n[capability]\n'},
        ["iop/ehr.toml, line 3", "'note'", "Type.element"],
    ),
    "bad line": ({"iop/records.ndjson": '{"resourceType":"Goal","id":"a"}\n{"resourceType":"Goal",}\n'},
                 ["iop/records.ndjson, line 2", "not JSON", "one FHIR resource"]),
    "key twice": ({"iop/records.ndjson": '{"resourceType":"Goal","id":"a","id":"b"}\n'},
                  ["iop/records.ndjson, line 1", "twice"]),
    "no id": ({"iop/records.ndjson": '{"resourceType":"Goal"}\n'}, ["iop/records.ndjson, line 1", "no id"]),
    "no resource": ({"iop/records.ndjson": "[]\n"}, ["iop/records.ndjson, line 1", "not a FHIR resource"]),
    "same id twice": ({"iop/records.ndjson": '{"resourceType":"Goal","id":"a"}\n' * 2},
                      ["iop/records.ndjson, line 2", "second Goal"]),
    "bad lastUpdated": (
        {"iop/records.ndjson": '{"resourceType":"Goal","id":"a","meta":{"lastUpdated":"2026-04"}}\n'},
        ["iop/records.ndjson, line 1", "lastUpdated"],
    ),
    "deleted at the start": ({"iop/records.ndjson": '{"resourceType":"Goal","id":"a","_deleted":true}\n'},
                             ["iop/records.ndjson, line 1", "changes/"]),
    "change without time": ({"iop/changes/later.ndjson": ""}, ["iop/changes/later.ndjson", "2026-06-03T00-00Z"]),
    "change on no day": ({"iop/changes/2026-02-30T00-00Z.ndjson": ""}, ["iop/changes/2026-02-30T00-00Z.ndjson"]),
    "half deleted": (
        {"iop/changes/2026-06-03T00-00Z.ndjson": '{"resourceType":"Goal","id":"a","_deleted":1}\n'},
        ["iop/changes/2026-06-03T00-00Z.ndjson, line 1", "_deleted"],
    ),
    "no ehr.toml": ({"pcp/Patient.ndjson": "{}"}, ["pcp/ehr.toml", "missing"]),
    "bad name": ({"PCP/ehr.toml": ""}, ["PCP", "lower-case"]),
    "consent of another type": ({"consents/c.json": json.dumps({"resourceType": "Goal", "id": "g"})},
                                ["consents/c.json", "Consent"]),
    "broken consent": ({"consents/c.json": "{"}, ["consents/c.json", "ends in the middle"]),
    "mapping columns": ({"mappings/iop-levels.csv": "a,b\n"}, ["mappings/iop-levels.csv, line 1", "type,path"]),
    "mapping edition": ({"mappings/iop-levels.csv": MAPPING + "Goal,x,s,v,level,5e,1.0,provided,\n"},
                        ["mappings/iop-levels.csv, line 2", "5e"]),
    "mapping role": ({"mappings/iop-levels.csv": MAPPING + "Goal,x,s,v,level,4e,1.0,wished,\n"},
                     ["mappings/iop-levels.csv, line 2", "wished"]),
    "mapping organization": ({"mappings/iop-levels.csv": MAPPING + "Goal,x,s,v,level,4e,1.0,provided,nobody\n"},
                             ["mappings/iop-levels.csv, line 2", "nobody"]),
    "short mapping": ({"mappings/iop-levels.csv": MAPPING + "Goal,x\n"}, ["mappings/iop-levels.csv, line 2"]),
}  # fmt: skip


@pytest.mark.parametrize(("files", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_in_a_world_is_told_with_its_place_and_what_to_do(a_world_folder, files, told):
    folder = a_world_folder(files=files)

    with pytest.raises(InvalidInput) as refused:
        read_world(folder)

    assert refused.value.hint
    for words in told:
        assert words in refused.value.sentence


WRONG_VALUES = [
    ('level_edition_cutover = "soon"', "a date"),
    ("injection_coverage_days = 0", "a whole number"),
    ("referral_acknowledge_hours = true", "a whole number"),
    ('revocation_notice = "yes"', "true or false"),
    ('adopted_rules = "TR-05"', "a list of texts"),
    ("adopted_rules = [1]", "a list of texts"),
    ("shoe_size = 9", "unknown key"),
]


@pytest.mark.parametrize(("line", "told"), WRONG_VALUES)
def test_a_value_of_the_wrong_kind_is_told_with_its_line(a_world_folder, line, told):
    folder = a_world_folder()
    text = (folder / "world.toml").read_text() + f"\n[policy]\n{line}\n"
    (folder / "world.toml").write_text(text)

    with pytest.raises(InvalidInput, match=f"world.toml, line {len(text.splitlines())}: .*{told}"):
        read_world(folder)


def test_a_key_or_table_that_is_missing_or_of_another_kind_is_told(a_world_folder):
    folder = a_world_folder()
    text = (folder / "world.toml").read_text()
    for before, after, told in [
        ('name = "Riverbend IOP"', "", r"\[organizations.riverbend\] has no 'name'"),
        ('name = "Riverbend IOP"', "name = 3", "'name' must be a text"),
        ('identifier = { system = "https://directory.example/organization", value = "riverbend" }',
         'identifier = "riverbend"', "'identifier' must be a table"),
        ('edition = "4e"', 'edition = "9e"', "'edition' can't be '9e'"),
    ]:  # fmt: skip
        (folder / "world.toml").write_text(text.replace(before, after))
        with pytest.raises(InvalidInput, match=told):
            read_world(folder)


def test_a_file_that_is_not_utf_8_or_not_there_is_told(a_world_folder):
    folder = a_world_folder()
    (folder / "world.toml").write_bytes(b'now = "\xff"')
    with pytest.raises(InvalidInput, match=r"world.toml: the file is not UTF-8"):
        read_world(folder)
    (folder / "world.toml").unlink()
    with pytest.raises(InvalidInput, match=r"world.toml: the file is missing"):
        read_world(folder)


def test_a_folder_that_is_not_there_and_one_without_an_ehr_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no such folder"):
        read_world(tmp_path / "nowhere")
    (tmp_path / "world.toml").write_text('now = "2026-04-07T12:00:00Z"\nzone = "UTC"\n')
    with pytest.raises(InvalidInput, match="no EHR"):
        read_world(tmp_path)


def test_the_reference_tells_every_key_of_a_personality():
    page = Path(__file__).parents[3] / "docs" / "reference" / "worlds.md"
    section = page.read_text(encoding="utf-8").partition("## The personality of an EHR")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {word.strip("` ") for row in rows for word in row.split(",")}

    assert told == _KEYS
