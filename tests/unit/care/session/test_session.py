"""A contact of care: its kind by codes, its mode by class, its minutes by real time."""

import json
from typing import Any

import pytest

from coordinator.care.csv_table import Row
from coordinator.care.session.mapping import read_encounter, write_encounter
from coordinator.care.session.model import EncounterRecord
from coordinator.care.session.rules import ended_stay, is_attended, kind_of, minutes, mode_of
from coordinator.care.session.tables import kind_cell, mode_cell
from coordinator.errors import ConfigurationError
from coordinator.fhir import CodeableConcept, Coding, read_document

SNOMED = "http://snomed.info/sct"
HOME = CodeableConcept(
    codings=(Coding(system="http://terminology.hl7.org/CodeSystem/discharge-disposition", code="home"),)
)


def encounter(code: str = "AMB", *types: str, **fields: Any) -> EncounterRecord:
    concepts = tuple(CodeableConcept(codings=(Coding(system=SNOMED, code=one),)) for one in types)
    return EncounterRecord(**{"status": "finished", "class_": Coding(code=code), "types": concepts, **fields})


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (encounter("AMB", "76168009"), "group"),
        (encounter("VR", "75516001"), "individual"),
        (encounter("VR", "51484002"), "family"),
        (encounter("AMB", "185347001", "76168009"), "group"),
        (encounter("IMP", "185347001"), "stay"),
        (encounter("IMP", "76168009"), "group"),
        (encounter("AMB", "185347001"), "other"),
        (encounter("AMB"), "other"),
        (encounter("EMER"), "other"),
        (EncounterRecord(), "other"),
        (EncounterRecord(types=(CodeableConcept(text="Group session"),)), "other"),
    ],
)
def test_the_kind_is_told_by_codes_then_by_the_class(record: EncounterRecord, kind: str):
    assert kind_of(record) == kind


def test_codes_of_another_address_of_the_same_system_count():
    hcpcs = CodeableConcept(codings=(Coding(system="http://www.nlm.nih.gov/research/umls/hcpcs", code="H0005"),))

    assert kind_of(encounter(types=(hcpcs,))) == "group"


@pytest.mark.parametrize(
    ("code", "mode"),
    [
        ("AMB", "in-person"),
        ("VR", "virtual"),
        ("IMP", "overnight"),
        ("ACUTE", "overnight"),
        ("NONAC", "overnight"),
        ("EMER", "emergency"),
        ("HH", "home"),
        (" amb ", "in-person"),
        ("?", "unknown"),
    ],
)
def test_the_mode_is_told_by_the_class(code: str, mode: str):
    assert mode_of(encounter(code)) == mode


def test_no_class_tells_no_mode():
    assert mode_of(EncounterRecord()) == "unknown"
    assert mode_of(EncounterRecord(class_=Coding())) == "unknown"


@pytest.mark.parametrize(
    ("status", "attended"),
    [
        ("finished", True),
        ("in-progress", True),
        ("planned", False),
        ("arrived", False),
        ("onleave", False),
        ("cancelled", False),
        ("unknown", False),
        ("entered-in-error", False),
        (None, False),
        ("noshow", False),
    ],
)
def test_only_what_took_place_was_attended(status: str | None, attended: bool):
    assert is_attended(encounter(status=status)) is attended


@pytest.mark.parametrize(
    ("start", "end", "length"),
    [
        ("2026-06-08T18:05:00-04:00", "2026-06-08T19:35:00-04:00", 90),
        ("2026-03-08T00:30:00-05:00", "2026-03-08T03:30:00-04:00", 120),
        ("2026-11-01T00:30:00-04:00", "2026-11-01T03:30:00-05:00", 240),
        ("2026-06-08T22:05:00Z", "2026-06-08T19:35:30-04:00", 90),
        ("2026-06-08T19:35:00-04:00", "2026-06-08T18:05:00-04:00", None),
        ("2026-06-08", "2026-06-08T18:05:00-04:00", None),
        ("2026-06-08T19:35:00-04:00", None, None),
        (None, "2026-06-08T19:35:00-04:00", None),
        ("tonight", "2026-06-08T19:35:00-04:00", None),
    ],
    ids=[
        "plain",
        "clocks go forward",
        "clocks go back",
        "two offsets",
        "reversed",
        "only a day",
        "no end",
        "no start",
        "no date",
    ],
)
def test_minutes_are_real_minutes(start: str | None, end: str | None, length: int | None):
    assert minutes(encounter(start=start, end=end)) == length


@pytest.mark.parametrize(
    ("status", "disposition", "ended"),
    [
        ("finished", HOME, True),
        ("finished", CodeableConcept(text="home"), True),
        ("finished", None, False),
        ("finished", CodeableConcept(), False),
        ("in-progress", HOME, False),
        ("entered-in-error", HOME, False),
        (None, HOME, False),
    ],
)
def test_a_stay_is_over_when_it_is_told_where_the_person_went(
    status: str | None, disposition: CodeableConcept | None, ended: bool
):
    """A period's end is no discharge; and where someone will go is often filled in while they are still there."""
    assert ended_stay(encounter("IMP", status=status, disposition=disposition)) is ended


def test_an_encounter_is_read_and_its_status_written_back():
    document = read_document(
        json.dumps(
            {
                "resourceType": "Encounter",
                "status": "planned",
                "class": {"system": "https://c", "code": "VR"},
                "type": [{"text": "x"}],
                "subject": {"reference": "Patient/p"},
                "episodeOfCare": [{"reference": "EpisodeOfCare/e"}],
                "period": {"start": "2026-06-08T18:05:00-04:00", "end": "2026-06-08T19:35:00-04:00"},
                "hospitalization": {"dischargeDisposition": {"text": "home"}},
                "serviceProvider": {"reference": "Organization/o"},
            }
        ).encode()
    )
    record = read_encounter(document)

    assert record == EncounterRecord(
        status="planned",
        class_=Coding(system="https://c", code="VR"),
        types=(CodeableConcept(text="x"),),
        subject="Patient/p",
        episodes=("EpisodeOfCare/e",),
        start="2026-06-08T18:05:00-04:00",
        end="2026-06-08T19:35:00-04:00",
        organization="Organization/o",
        disposition=CodeableConcept(text="home"),
    )
    assert write_encounter(
        encounter(**{name: getattr(record, name) for name in EncounterRecord.__slots__ if name != "status"}), document
    ).raw == document.raw.replace(b"planned", b"finished")


@pytest.mark.parametrize("read", [kind_cell, mode_cell])
def test_a_kind_or_mode_that_nobody_knows_stops_the_start(read):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 3"):
        read(Row(file="t.csv", line=3, cells={"kind": "seance", "mode": "astral"}))
