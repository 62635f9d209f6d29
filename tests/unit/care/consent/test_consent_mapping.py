"""A Consent is read by its elements, and what is not understood narrows it or stops it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from coordinator.care.consent.mapping import SignedContent, read_consent, write_consent
from coordinator.care.consent.model import Provision
from coordinator.care.consent.tables import (
    consent_codes,
    consent_elements,
    meaning_cell,
    separate_consents,
    separate_row,
)
from coordinator.care.csv_table import Row
from coordinator.errors import ConfigurationError
from coordinator.fhir import Coding, Document, Identifier, read_document

WORLDS = Path(__file__).parents[3] / "worlds"
TYPES = "http://hl7.org/fhir/resource-types"
VAGUE = Provision(is_vague=True)


def organization(value: str) -> dict[str, Any]:
    return {"identifier": {"system": "https://directory.example/organization", "value": value}}


def actor(role: str, reference: dict[str, Any]) -> dict[str, Any]:
    return {"role": {"coding": [{"code": role}]}, "reference": reference}


def consent(provision: dict[str, Any] | None = None, **members: Any) -> Document:
    whole = {"resourceType": "Consent", "id": "c", **members}
    return read_document(json.dumps(whole if provision is None else {**whole, "provision": provision}).encode())


def test_a_consent_of_a_world_is_read():
    raw = (WORLDS / "S4-methadone-known-only-to-otp/consents/c-hale-otp.json").read_bytes()

    record = read_consent(read_document(raw))

    assert record.consent_id == "c-hale-otp"
    assert record.patient == Identifier(system="https://northside.example/mrn", value="NS-640")
    assert [one.value for one in record.disclosers] == ["northside"]
    assert [one.value for one in record.recipients] == ["riverbend", "lakeside"]
    assert (record.purposes, record.actions, record.labels) == ({"TREAT"}, {"disclose"}, {"42CFRPart2"})
    assert record.types == {"MedicationAdministration", "MedicationStatement"}
    assert [coding.code for coding in record.codes] == ["6813"]
    assert (record.start, record.end) == ("2026-05-11", "2027-05-11")
    assert (record.verified, record.signed, record.permits) == (True, True, True)
    assert record.exceptions == (Provision(labels=frozenset({"PSYTHPN"})),)
    assert record.limits == frozenset()


def test_every_consent_of_the_worlds_is_read_without_limits_and_written_back_as_it_was():
    documents = [read_document(path.read_bytes()) for path in sorted(WORLDS.glob("*/consents/**/*.json"))]

    assert len(documents) > 20
    assert all(
        not read_consent(one).limits and write_consent(read_consent(one), one).raw == one.raw for one in documents
    )


def test_an_organization_that_is_named_outside_the_provision_discloses():
    record = read_consent(
        consent({"type": "permit"}, organization=[organization("riverbend"), {"reference": "Organization/9"}])
    )

    assert [one.value for one in record.disclosers] == ["riverbend"]


def test_an_actor_counts_in_a_known_role_and_by_a_business_identifier():
    """An id of some server names nobody outside it; an actor in another role gives nobody leave to receive."""
    record = read_consent(
        consent(
            {
                "type": "permit",
                "actor": [
                    actor("IRCP", {"reference": "Organization/lakeside"}),
                    actor("AUT", organization("cedar")),
                    actor("PRCP", organization("lakeside")),
                    {"reference": organization("northside")},
                ],
            }
        )
    )

    assert [one.value for one in record.recipients] == ["lakeside"]


@pytest.mark.parametrize(
    ("provision", "members", "limits"),
    [
        ({"type": "permit", "data": [{"meaning": "instance"}]}, {}, {"data"}),
        ({"type": "permit", "dataPeriod": {"start": "2026"}}, {}, {"dataPeriod"}),
        ({"type": "permit", "modifierExtension": [{"url": "x"}]}, {}, {"modifierExtension"}),
        ({"type": "permit"}, {"modifierExtension": [{"url": "x"}]}, {"modifierExtension"}),
        ({"type": "permit"}, {"implicitRules": "https://x"}, {"modifierExtension"}),
        ({"type": "permit", "class": [{"system": "https://x", "code": "Goal"}]}, {}, {"class"}),
        ({"type": "permit", "code": [{"text": "my counseling"}]}, {}, {"code"}),
        ({"type": "permit", "purpose": [{"display": "treatment"}]}, {}, {"purpose"}),
        ({"type": "permit", "securityLabel": [{"display": "x"}]}, {}, {"securityLabel"}),
        (
            {"type": "permit", "class": [{"system": TYPES, "code": "Goal"}, {"system": "https://x", "code": "y"}]},
            {},
            set(),
        ),
        ({"type": "permit", "extension": [{"url": "x"}]}, {}, {"extension"}),
        ({"type": "permit", "purpose": ["TREAT"]}, {}, {"purpose"}),
        ({"type": "permit", "_type": {"id": "a"}}, {}, set()),
    ],
)
def test_what_narrows_a_consent_in_a_way_not_read_here_is_told(
    provision: dict[str, Any], members: dict[str, Any], limits: set[str]
):
    assert read_consent(consent(provision, **members)).limits == limits


@pytest.mark.parametrize(
    ("nested", "denial"),
    [
        ({"type": "deny", "class": [{"system": TYPES, "code": "Goal"}]}, Provision(types=frozenset({"Goal"}))),
        (
            {"type": "deny", "class": [{"system": TYPES, "code": "Goal"}, {"system": "https://x", "code": "y"}]},
            VAGUE,
        ),
        ({"type": "deny", "purpose": [{"code": "HPAYMT"}]}, Provision(purposes=frozenset({"HPAYMT"}))),
        ({"type": "deny", "purpose": [{"code": "HPAYMT"}, {"display": "x"}]}, VAGUE),
        ({"type": "deny", "code": [{"coding": [{"code": "6813"}]}]}, Provision(codes=frozenset({"6813"}))),
        ({"type": "deny", "code": [{"coding": [{"code": "6813"}]}, {"text": "x"}]}, VAGUE),
        (
            {"type": "deny", "actor": [actor("IRCP", organization("lakeside"))]},
            Provision(recipients=(Identifier(system="https://directory.example/organization", value="lakeside"),)),
        ),
        ({"type": "deny", "actor": [actor("IRCP", {"reference": "Organization/1"})]}, VAGUE),
        ({"securityLabel": [{"code": "PSY"}]}, Provision(labels=frozenset({"PSY"}))),
    ],
)
def test_a_denial_that_is_read_in_part_is_too_wide_rather_than_too_narrow(nested: dict[str, Any], denial: Provision):
    assert read_consent(consent({"type": "permit", "provision": [nested]})).exceptions == (denial,)


def test_a_permit_below_a_permit_that_names_more_than_recipients_is_not_understood():
    """It may narrow the permit around it or add to it: nobody can tell, and so the consent permits nothing."""
    below = {"type": "permit", "class": [{"system": TYPES, "code": "Goal"}]}
    record = read_consent(consent({"type": "permit", "provision": [below]}))
    assert (record.limits, record.members) == (frozenset({"provision"}), ())


def test_a_permit_in_a_denial_is_an_exception_to_it():
    spared = {"type": "permit", "class": [{"system": TYPES, "code": "Goal"}]}
    denied = {"type": "deny", "actor": [actor("CST", organization("riverbend"))], "provision": [spared]}
    (read,) = read_consent(consent({"type": "permit", "provision": [denied]})).exceptions
    assert read == Provision(
        disclosers=(Identifier(system="https://directory.example/organization", value="riverbend"),),
        exceptions=(Provision(permits=True, types=frozenset({"Goal"})),),
    )


@pytest.mark.parametrize(
    ("verification", "verified"),
    [(None, False), ([{"verified": True}], True), ([{"verified": True}, {"verified": False}], False), ([{}], False)],
)
def test_a_consent_is_verified_when_all_who_looked_say_so(verification: Any, verified: bool):
    members = {} if verification is None else {"verification": verification}

    assert read_consent(consent(**members)).verified is verified


def test_an_empty_consent_says_nothing():
    record = read_consent(consent())

    assert (record.permits, record.patient, record.disclosers, record.recipients, record.signed) == (
        False,
        None,
        (),
        (),
        False,
    )
    assert read_consent(read_document(b'{"resourceType":"Consent","identifier":[{"value":"i-1"}]}')).consent_id == "i-1"


def test_status_and_dates_are_written_and_signed_content_is_not():
    signed = consent({"type": "permit", "period": {"start": "2026-03-30"}}, status="active", dateTime="2026-03-30")
    record = read_consent(signed)

    ended = write_consent(
        replace(record, status="inactive", end="2026-04-07", revoked_at=datetime(2026, 4, 7, tzinfo=UTC)), signed
    )

    assert ended.get("status") == "inactive"
    assert ended.get("provision", "period") == {"start": "2026-03-30", "end": "2026-04-07"}
    with pytest.raises(SignedContent):
        write_consent(replace(record, codes=(Coding(code="6813"),)), signed)


def test_the_tables_of_consent_hold_together():
    elements = consent_elements()

    assert list(elements) == [f"P2C-{number:02}" for number in range(1, 31)]
    assert {one.element_id for one in separate_consents()} == {"P2C-14", "P2C-15"}
    assert consent_codes("tpo") == {"TREAT", "HPAYMT", "HOPERAT"}
    assert all(code in elements for meaning in ("always", "any-tpo", "whole-tpo") for code in consent_codes(meaning))
    with pytest.raises(KeyError):
        consent_codes("luck")


@pytest.mark.parametrize("changes", [{"element_id": "P2C-99"}, {"kind": "mood"}, {"code": ""}])
def test_a_bad_line_of_a_consent_table_stops_the_start(changes: dict[str, str]):
    cells = {"kind": "label", "code": "PSYTHPN", "element_id": "P2C-14"}

    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        separate_row(Row(file="t.csv", line=2, cells=cells | changes))
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        meaning_cell(Row(file="t.csv", line=2, cells={"meaning": "luck"}))
