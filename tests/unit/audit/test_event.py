"""An event of the log: an AuditEvent by the table of kinds, with citations and no content."""

import base64
import csv
from dataclasses import replace
from importlib.resources import files

import pytest

from coordinator.audit import Happening, audit_row, details_of
from coordinator.fhir import check, read_document, validate
from tests.builders import NOW

with files("coordinator.audit").joinpath("tables/event_kinds.csv").open(encoding="utf-8") as lines:
    KINDS = [row["kind"] for row in csv.DictReader(lines)]


def a_happening(kind="disclosure", **more):
    plain = {"at": NOW, "actor": "system:sync", "subject": "MedicationStatement", "person": "pe-1", "ehr": "pcp"}
    return Happening(kind=kind, **plain | more)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_event_is_a_valid_audit_event(kind):
    event = read_document(audit_row(a_happening(kind, entities=("iop/Goal/G-1@1",))).body)
    assert (check(event), validate(event)) == ((), ())


def test_a_disclosure_says_who_sent_what_about_whom_to_whom_on_which_consent():
    row = audit_row(
        a_happening(
            recipient="lakeside", consent="C-1", purpose="TREAT", entities=("otp/MedicationAdministration/A@1",)
        )
    )
    event = read_document(row.body)
    assert (row.kind, row.person, row.ehr, row.consent, row.purpose, row.at) == (
        "disclosure",
        "pe-1",
        "pcp",
        "C-1",
        "TREAT",
        NOW,
    )
    assert event.all("agent", "type", "coding", "code") == ("IRCP", "110153", "110152")
    assert event.all("agent", "who", "identifier", "value") == ("system:sync", "coordinator", "lakeside")
    assert event.all("entity", "what", "identifier", "value") == ("pe-1", "C-1", "otp/MedicationAdministration/A@1")
    assert event.all("purposeOfEvent", "coding", "code") == ("TREAT",)


def test_a_destination_that_is_not_told_is_the_ehr_or_unknown():
    to_ehr, to_nobody = a_happening(), a_happening(ehr=None)
    found = [
        read_document(audit_row(one).body).all("agent", "who", "identifier", "value")[-1] for one in (to_ehr, to_nobody)
    ]
    assert found == ["pcp", "unknown"]


def test_a_refusal_says_why():
    event = read_document(audit_row(a_happening("refusal", outcome="4", reason="no-consent")).body)
    assert (event.get("outcome"), event.get("outcomeDesc")) == ("4", "no-consent")


def test_an_event_about_nobody_names_its_subject():
    event = read_document(audit_row(a_happening("configuration", person=None, subject="ehr:iop")).body)
    assert event.all("entity", "what", "identifier", "value") == ("ehr:iop",)


def test_a_kind_that_the_table_lacks_is_refused():
    with pytest.raises(KeyError):
        audit_row(a_happening("gossip"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_person", [True, False], ids=["of-a-person", "of-nobody"])
def test_each_kind_of_event_about_a_person_or_nobody_is_a_valid_audit_event(kind, has_person):
    one = a_happening(kind, person="pe-1" if has_person else None, ehr=None, query="Patient?_id=1", client="10.0.0.8")
    event = read_document(audit_row(one).body)
    assert (check(event), validate(event)) == ((), ())


def test_a_refusal_cites_what_was_refused_within_the_consent_as_nothing_else_has_a_place_there():
    row = audit_row(a_happening("refusal", outcome="4", reason="no-consent", entities=("otp/Goal/G@1",)))
    event = read_document(row.body)
    assert event.all("entity", "what", "identifier", "value") == ("pe-1", "none")
    assert event.all("entity", "detail", "valueString") == ("otp/Goal/G@1",)
    assert event.all("agent", "type", "coding", "code") == ("110150", "IRCP", "PROV", "authserver")


def test_a_search_says_what_was_asked_for():
    event = read_document(audit_row(a_happening("search", query="Patient?family=Ruiz")).body)
    asked = event.all("entity", "query")
    assert [base64.b64decode(one).decode() for one in asked] == ["Patient?family=Ruiz"]
    (subject,) = read_document(audit_row(a_happening("search", subject="person list")).body).all("entity", "query")
    assert base64.b64decode(subject) == b"person list"


def test_an_emergency_tells_its_nature_beside_the_person():
    details = (("name", "Dr Roe"), ("nature", "overdose"))
    event = read_document(audit_row(a_happening("emergency", purpose="BTG", details=details)).body)
    assert event.all("entity", "detail", "type") == ("name", "nature")
    assert event.all("entity", "detail", "valueString") == ("Dr Roe", "overdose")


@pytest.mark.parametrize(
    ("kind", "more", "profile"),
    [
        ("access", {}, ("PatientRead",)),
        ("access", {"person": None}, ("Read",)),
        ("access", {"outcome": "4"}, ()),
        ("refusal", {"outcome": "4"}, ("AuthZconsent",)),
        ("disclosure", {"person": None}, ()),
        ("login", {}, ()),
    ],
    ids=str,
)
def test_an_event_names_the_profile_that_it_keeps(kind, more, profile):
    event = read_document(audit_row(a_happening(kind, **more)).body)
    assert tuple(one.rpartition("IHE.BasicAudit.")[2] for one in event.all("meta", "profile")) == profile


def test_the_words_about_an_event_are_told_by_their_name():
    details = (("nature", "overdose"), ("discloser", "a"), ("discloser", "b"))
    row = audit_row(a_happening("emergency", details=details))
    assert details_of(row) == {"nature": ["overdose"], "discloser": ["a", "b"]}
    assert details_of(audit_row(a_happening("login"))) == {}
    strange = b'{"resourceType":"AuditEvent","entity":[1,{"detail":[2]}]}'
    assert details_of(replace(row, body=strange)) == {}


def test_who_and_what_are_named_in_systems_of_their_own():
    event = read_document(audit_row(a_happening("access", entities=("a/B/c@1",), consent="C-1")).body)
    systems = [str(one).rpartition("/")[2] for one in event.all("entity", "what", "identifier", "system")]
    assert systems == ["person", "subject", "consent"]
    disclosed = read_document(audit_row(a_happening(entities=("a/B/c@1",))).body)
    assert [str(one).rpartition("/")[2] for one in disclosed.all("entity", "what", "identifier", "system")] == [
        "person",
        "record",
    ]
    bare = read_document(audit_row(a_happening()).body)
    assert str(bare.all("entity", "what", "identifier", "system")[-1]).endswith("/identifier/subject")


def test_only_who_acted_is_the_requestor():
    event = read_document(audit_row(a_happening("access")).body)
    told = dict(zip(event.all("agent", "type", "coding", "code"), event.all("agent", "requestor"), strict=True))
    assert told == {"IRCP": True, "110152": False, "110153": False}
