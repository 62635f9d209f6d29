"""A consent permits what it says, while it is in force, and nothing else: unknown means no, a denial wins."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from coordinator.care.consent.model import ConsentRecord, Provision, Question, Reading
from coordinator.care.consent.rules import in_force, permits, problems, reading
from coordinator.fhir import Coding, Identifier

FORM = "https://coordinator.example/fhir/consent-form/tpo-2026-02"
FORMS = {FORM: frozenset({"P2C-06", "P2C-09", "P2C-13"})}
NOW = datetime(2026, 4, 7, 12, tzinfo=UTC)
TPO = frozenset({"TREAT", "HPAYMT", "HOPERAT"})


def organization(value: str) -> Identifier:
    return Identifier(system="https://directory.example/organization", value=value)


IOP, PCP, OTP = organization("riverbend"), organization("lakeside"), organization("northside")


def a_consent(**fields: Any) -> ConsentRecord:
    known: dict[str, Any] = {
        "consent_id": "c-1",
        "status": "active",
        "patient": Identifier(system="https://riverbend.example/mrn", value="RB1"),
        "disclosers": (IOP,),
        "recipients": (PCP,),
        "purposes": TPO,
        "types": frozenset({"MedicationStatement", "Goal"}),
        "codes": (),
        "start": "2026-03-30",
        "end": None,
        "signed_at": "2026-03-30T09:30:00-04:00",
        "verified": True,
        "form": FORM,
        "permits": True,
        "actions": frozenset({"disclose"}),
        "labels": frozenset({"42CFRPart2"}),
        "exceptions": (Provision(labels=frozenset({"PSYTHPN"})),),
    }
    return ConsentRecord(**(known | fields))


def asked(record: ConsentRecord, **changes: Any) -> bool:
    question: dict[str, Any] = {
        "discloser": IOP,
        "recipient": PCP,
        "purpose": "TREAT",
        "resource_type": "MedicationStatement",
        "codes": frozenset({"991147", "6813"}),
        "labels": frozenset({"42CFRPart2", "R"}),
    }
    return permits(record, Question(**(question | changes)))


# --- permits -----------------------------------------------------------------------------------------------------


def test_what_the_consent_names_is_permitted():
    assert asked(a_consent())


@pytest.mark.parametrize(
    "changes",
    [
        {"discloser": OTP},
        {"recipient": OTP},
        {"recipient": replace(PCP, system="https://other.example")},
        {"recipient": Identifier(value="lakeside")},
        {"recipient": Identifier(system=PCP.system)},
        {"purpose": "HLEGAL"},
        {"purpose": ""},
        {"resource_type": "Encounter"},
        {"labels": frozenset()},
        {"labels": frozenset({"R"})},
        {"labels": frozenset({"42CFRPart2", "PSYTHPN"})},
        {"labels": frozenset({"42CFRPart2", "HIPAAPsyNotes"})},
    ],
)
def test_a_question_that_the_consent_does_not_answer_is_refused(changes: dict[str, Any]):
    assert not asked(a_consent(), **changes)


@pytest.mark.parametrize(
    "fields",
    [
        {"permits": False},
        {"actions": frozenset()},
        {"actions": frozenset({"access"})},
        {"disclosers": ()},
        {"recipients": ()},
        {"purposes": frozenset()},
        {"limits": frozenset({"data"})},
        {"codes": (Coding(code="1819"),)},
        {"exceptions": (Provision(),)},
        {"exceptions": (Provision(types=frozenset({"MedicationStatement"})),)},
        {"exceptions": (Provision(purposes=frozenset({"TREAT"})),)},
        {"exceptions": (Provision(labels=frozenset({"R"})),)},
        {"exceptions": (Provision(codes=frozenset({"6813"})),)},
        {"exceptions": (Provision(recipients=(PCP,)),)},
        {
            "exceptions": (
                Provision(recipients=(OTP,)),
                Provision(recipients=(PCP,), types=frozenset({"MedicationStatement"})),
            )
        },
    ],
)
def test_a_consent_that_lacks_limits_or_denies_it_permits_nothing(fields: dict[str, Any]):
    assert not asked(a_consent(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"types": frozenset()},
        {"labels": frozenset()},
        {"codes": (Coding(code="1819"), Coding(code="6813"))},
        {"exceptions": ()},
        {
            "exceptions": (
                Provision(types=frozenset({"Goal"})),
                Provision(recipients=(OTP,)),
                Provision(codes=frozenset({"1819"})),
            )
        },
        {"exceptions": (Provision(labels=frozenset({"R"}), purposes=frozenset({"HPAYMT"})),)},
    ],
)
def test_what_is_not_narrowed_and_not_denied_is_permitted(fields: dict[str, Any]):
    assert asked(a_consent(**fields))


def test_counseling_notes_go_out_only_by_a_consent_that_names_them():
    own = a_consent(labels=frozenset({"PSYTHPN"}), exceptions=())

    assert asked(own, labels=frozenset({"42CFRPart2", "PSYTHPN"}))
    assert not asked(replace(own, labels=frozenset()), labels=frozenset({"42CFRPart2", "PSYTHPN"}))


# --- in force ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"start": None}, True),
        ({"start": "2026-04-07T08:00:00-04:00"}, True),
        ({"start": "2026-04-07T08:00:01-04:00"}, False),
        ({"start": "2026-04-08"}, False),
        ({"start": "2026-04"}, False),
        ({"start": "soon"}, False),
        ({"end": "2027-03-30"}, True),
        ({"end": "2026-04-07T12:00:01Z"}, True),
        ({"end": "2026-04-07T12:00:00Z"}, False),
        ({"end": "2026-04-08"}, True),
        ({"end": "2026-04-06"}, False),
        ({"end": "2026"}, False),
        ({"end": "9999-12-31"}, True),
        ({"end": "discharge"}, False),
        ({"signed_at": "2026-04-07T12:00:01Z"}, False),
        ({"signed_at": None}, False),
        ({"signed_at": "2026-03-30"}, True),
        ({"status": "inactive"}, False),
        ({"status": "proposed"}, False),
        ({"status": "entered-in-error"}, False),
        ({"status": None}, False),
        ({"revoked_at": NOW}, False),
        ({"revoked_at": datetime(2026, 4, 8, tzinfo=UTC)}, False),  # by a clock that is ahead of ours
    ],
)
def test_a_consent_is_in_force_between_its_instants(fields: dict[str, Any], expected: bool):
    assert in_force(a_consent(**fields), NOW) is expected


def test_a_day_is_read_at_its_narrowest_over_the_zones():
    """A consent that ends on a day must not go on anywhere after that day is over somewhere."""
    record = a_consent(start="2026-04-01", end="2026-04-06")

    assert not in_force(record, datetime(2026, 4, 1, 11, 59, tzinfo=UTC))
    assert in_force(record, datetime(2026, 4, 1, 12, tzinfo=UTC))
    assert in_force(record, datetime(2026, 4, 6, 9, 59, tzinfo=UTC))
    assert not in_force(record, datetime(2026, 4, 6, 10, tzinfo=UTC))


# --- problems ----------------------------------------------------------------------------------------------------


def test_a_whole_consent_has_no_problem():
    assert problems(a_consent(), now=NOW, forms=FORMS) == ()
    assert reading(a_consent(), now=NOW, forms=FORMS) is Reading.VALID


@pytest.mark.parametrize(
    ("fields", "elements"),
    [
        ({"patient": None}, ["P2C-01"]),
        ({"disclosers": ()}, ["P2C-02"]),
        ({"permits": False}, ["P2C-02"]),
        ({"actions": frozenset({"access"})}, ["P2C-02"]),
        ({"types": frozenset(), "labels": frozenset()}, ["P2C-03"]),
        ({"limits": frozenset({"dataPeriod"})}, ["P2C-03"]),
        ({"recipients": ()}, ["P2C-04"]),
        ({"purposes": frozenset(), "end": "2027-01-01"}, ["P2C-07"]),
        ({"purposes": frozenset({"TREAT"})}, ["P2C-10"]),
        ({"purposes": frozenset({"TREAT"}), "end": "2027-01-01"}, []),
        ({"end": "discharge"}, ["P2C-10"]),
        ({"signed": False}, ["P2C-11"]),
        ({"verified": False}, ["P2C-11"]),
        ({"signed_at": None}, ["P2C-12"]),
        ({"signed_at": "yesterday"}, ["P2C-12"]),
        ({"signed_at": "2026-04-08T00:00:00-04:00"}, ["P2C-12"]),
        ({"signed_at": "2026-04-07"}, []),
        ({"labels": frozenset({"PSYTHPN", "42CFRPart2"})}, ["P2C-14"]),
        ({"labels": frozenset({"PSYTHPN", "HIPAAPsyNotes"})}, []),
        ({"purposes": frozenset({"HLEGAL", "TREAT"}), "end": "2027-01-01"}, ["P2C-15"]),
        ({"purposes": frozenset({"HLEGAL"}), "end": "2027-01-01"}, []),
        ({"status": "inactive"}, ["P2C-16"]),
        ({"revoked_at": NOW}, ["P2C-16"]),
        ({"end": "2026-04-01"}, ["P2C-16"]),
        ({"form": None}, ["P2C-06", "P2C-09", "P2C-13"]),
        ({"form": "https://unknown.example"}, ["P2C-06", "P2C-09", "P2C-13"]),
        ({"form": None, "purposes": frozenset({"TREAT"}), "end": "2027-01-01"}, ["P2C-06", "P2C-09"]),
        ({"form": None, "purposes": frozenset({"HLEGAL"}), "end": "2027-01-01"}, ["P2C-09"]),
    ],
)
def test_each_element_that_is_missing_or_wrong_is_named(fields: dict[str, Any], elements: list[str]):
    found = problems(a_consent(**fields), now=NOW, forms=FORMS)

    assert [problem.element_id for problem in found] == elements
    assert all(problem.citation.startswith("42 CFR 2.") and problem.text.endswith(".") for problem in found)


def test_a_defective_consent_reads_as_invalid():
    assert reading(a_consent(patient=None), now=NOW, forms=FORMS) is Reading.INVALID
