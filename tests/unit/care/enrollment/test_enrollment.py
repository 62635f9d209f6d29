"""A stay is read from an EpisodeOfCare, and only the program itself says that it ended."""

import json
from dataclasses import replace

import pytest

from coordinator.care.enrollment.mapping import read_episode, write_episode
from coordinator.care.enrollment.model import DischargeKind, EpisodeRecord, EpisodeState, StatusSpan
from coordinator.care.enrollment.rules import discharge_kind, is_ended_by_program, is_evidence, is_paused, state_of
from coordinator.fhir import CodeableConcept, Coding, WrongType, read_document

EPISODE = read_document(
    json.dumps(
        {
            "resourceType": "EpisodeOfCare",
            "id": "R-101",
            "status": "active",
            "type": [{"coding": [{"system": "https://x", "code": "3.5", "display": "d"}], "text": "t"}],
            "patient": {"reference": "Patient/HH-20417"},
            "managingOrganization": {"reference": "Organization/harbor-house", "display": "Harbor House"},
            "period": {"start": "2026-03"},
        }
    ).encode()
)


def test_a_stay_is_read_with_its_partial_dates_as_they_are():
    assert read_episode(EPISODE) == EpisodeRecord(
        status="active",
        types=(CodeableConcept(codings=(Coding(system="https://x", code="3.5", display="d"),), text="t"),),
        patient="Patient/HH-20417",
        organization="Organization/harbor-house",
        start="2026-03",
    )


def test_an_end_is_written_and_nothing_else_is_touched():
    written = write_episode(replace(read_episode(EPISODE), status="finished", end="2026-03-31"), EPISODE)

    assert written.raw == EPISODE.raw.replace(b'"active"', b'"finished"').replace(
        b'"2026-03"', b'"2026-03","end":"2026-03-31"'
    )


def test_another_type_is_refused():
    with pytest.raises(WrongType):
        read_episode(read_document(b'{"resourceType":"Encounter"}'))


@pytest.mark.parametrize(
    ("status", "state", "evidence", "ended"),
    [
        ("active", EpisodeState.RUNNING, True, False),
        ("onhold", EpisodeState.PAUSED, True, False),
        ("finished", EpisodeState.ENDED, True, True),
        ("planned", EpisodeState.PLANNED, False, False),
        ("waitlist", EpisodeState.PLANNED, False, False),
        ("cancelled", EpisodeState.VOID, False, False),
        ("entered-in-error", EpisodeState.VOID, False, False),
        ("discharged", EpisodeState.UNKNOWN, False, False),
        (None, EpisodeState.UNKNOWN, False, False),
    ],
)
def test_the_status_says_what_the_record_is_worth(status: str | None, state: EpisodeState, evidence: bool, ended: bool):
    record = EpisodeRecord(status=status)

    assert (state_of(record), is_evidence(record), is_ended_by_program(record)) == (state, evidence, ended)


def test_the_end_of_a_period_is_not_a_discharge():
    assert not is_ended_by_program(EpisodeRecord(status="active", start="2026-03-02", end="2026-03-31"))


HL7 = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
NUBC = "http://www.nubc.org/patient-discharge"
OURS = "https://coordinator.example/fhir/CodeSystem/discharge-kind"
CODES = {
    "against advice": ([(HL7, "aadvice")], DischargeKind.AGAINST_ADVICE),
    "without its system": ([(None, "aadvice")], DischargeKind.AGAINST_ADVICE),
    "a number without its system": ([(None, "07")], None),
    "a number in its system": ([(NUBC, "07")], DischargeKind.AGAINST_ADVICE),
    "in another system": ([("https://x.example", "aadvice")], None),
    "a place": ([(HL7, "home")], None),
    "a place and a kind": ([(HL7, "home"), (OURS, "completed")], DischargeKind.COMPLETED),
    "two kinds": ([(HL7, "exp"), (OURS, "completed")], None),
    "nothing": ([], None),
}


@pytest.mark.parametrize(("codes", "kind"), CODES.values(), ids=CODES)
def test_a_disposition_names_a_kind_of_discharge_or_none(codes, kind):
    codings = tuple(Coding(system=system, code=code, display=None) for system, code in codes)
    assert discharge_kind(CodeableConcept(codings=codings, text=None)) is kind


def test_the_history_of_statuses_and_the_way_it_ended_are_read_and_written_back():
    span = StatusSpan(status="onhold", start="2026-03-10", end="2026-03-12")
    how = CodeableConcept(codings=(Coding(system=OURS, code="completed", display=None),), text=None)
    record = replace(read_episode(EPISODE), history=(span,), dispositions=(how,))
    assert read_episode(write_episode(record, EPISODE)) == record


@pytest.mark.parametrize(("status", "paused"), [("onhold", True), ("active", False), (None, False)])
def test_only_on_hold_is_a_leave(status, paused):
    assert (is_paused(StatusSpan(status=status)), is_paused(EpisodeRecord(status=status))) == (paused, paused)
