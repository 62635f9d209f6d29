"""A Consent of R5 says as much as the same paper in R4, and never more: a denial wins, what is not known is a no."""

import json
from dataclasses import replace

import pytest

from coordinator.care.consent.mapping import SignedContent, read_consent, write_consent
from coordinator.care.consent.model import Question
from coordinator.care.consent.rules import in_force, permits, problems, restricts
from coordinator.fhir import Identifier, as_r4, check_r5, is_r5_consent, read_document
from tests.builders import DIRECTORY, FORMS, NOW, a_consent

PAPER = a_consent()
RULE = PAPER["provision"]
TYPES = [one | {"system": "http://hl7.org/fhir/fhir-types"} for one in RULE["class"]]
HOLDER, RECIPIENT = (one["reference"] for one in RULE["actor"])
QUESTION = Question(
    discloser=Identifier(system=DIRECTORY, value="iop"),
    recipient=Identifier(system=DIRECTORY, value="pcp"),
    purpose="TREAT",
    resource_type="Goal",
    labels=frozenset({"42CFRPart2"}),
)


def permit(**changed):
    """Return what the paper permits, as an exception to a denial."""
    kept = {key: RULE[key] for key in ("period", "actor", "action", "securityLabel", "purpose")}
    told = {**kept, "resourceType": TYPES, **changed}
    return {key: value for key, value in told.items() if value is not None}


def r5(*provisions, **changed):
    """Return the paper as R5 writes it: denied, but for what is permitted."""
    kept = {key: PAPER[key] for key in ("resourceType", "id", "status", "category")}
    told = {
        **kept,
        "subject": PAPER["patient"],
        "date": "2026-01-05",
        "grantor": PAPER["performer"],
        "sourceAttachment": [PAPER["sourceAttachment"]],
        "verification": [{"verified": True, "verificationDate": ["2026-01-05"]}],
        "decision": "deny",
        "provision": list(provisions) or [permit()],
        **changed,
    }
    return read_document(json.dumps({key: value for key, value in told.items() if value is not None}).encode())


def says(document):
    record = read_consent(document)
    is_sound = not problems(record, now=NOW, forms=FORMS) and in_force(record, NOW)
    return is_sound and permits(record, QUESTION), restricts(record, QUESTION, NOW)


def test_denied_but_for_what_is_permitted_reads_as_the_permit_of_r4():
    in_r4 = read_consent(read_document(json.dumps(PAPER).encode()))
    in_r5 = read_consent(r5())
    assert replace(in_r5, signed_at=in_r4.signed_at) == in_r4
    assert problems(in_r5, now=NOW, forms=FORMS) == ()
    assert [one for one in check_r5(as_r4(r5())) if one.blocks] == []
    assert says(r5()) == (True, False)


LABEL = [{"system": "s", "code": "PSYTHPN"}]
CASES = {
    "who holds and who receives may stand beside the provision": (
        r5(permit(actor=None), controller=[HOLDER], grantee=[RECIPIENT]),
        (True, False),
    ),
    "who holds beside, who receives in it": (r5(permit(actor=RULE["actor"][1:]), controller=[HOLDER]), (True, False)),
    "a grantee adds nobody where the provision names recipients": (
        r5(permit(actor=[RULE["actor"][0], {**RULE["actor"][1], "reference": HOLDER}]), grantee=[RECIPIENT]),
        (False, False),
    ),
    "a grantee adds nobody where it names somebody in a role that is not known": (
        r5(permit(actor=[RULE["actor"][0], {"reference": RECIPIENT}]), grantee=[RECIPIENT]),
        (False, False),
    ),
    "a denial within what is permitted wins": (
        r5(permit(provision=[{"resourceType": [{"system": TYPES[0]["system"], "code": "Goal"}]}])),
        (False, False),
    ),
    "a denial within it that is about something else does not": (
        r5(permit(provision=[{"resourceType": [{"system": TYPES[0]["system"], "code": "Task"}]}])),
        (True, False),
    ),
    "several permits may limit each other": (r5(permit(), permit(purpose=None)), (False, False)),
    "a permit that holds by default says of what for no purpose": (
        r5(decision="permit", provision=None, controller=[HOLDER], grantee=[RECIPIENT]),
        (False, False),
    ),
    "denied without exception is a restriction": (r5(provision=None), (False, True)),
    "a restriction that was not given is none": (r5(provision=None, status="not-done"), (False, False)),
    "no decision": (r5(decision=None), (False, False)),
    "a decision that is no word of R5": (r5(decision="maybe"), (False, False)),
    "a kind of document": (r5(permit(documentType=[{"code": "x"}])), (False, False)),
    "an expression": (r5(permit(expression={"language": "text/cql", "expression": "true"})), (False, False)),
    "a time of its data": (r5(permit(dataPeriod={"start": "2026-01-01"})), (False, False)),
    "the time of the whole": (r5(permit(period=None), period=RULE["period"]), (True, False)),
    "a time that is over": (
        r5(permit(period=None), period={"start": "2025-01-01", "end": "2025-02-01"}),
        (False, False),
    ),
    "two times": (r5(period={"start": "2025-01-01"}), (False, False)),
    "a modifier": (r5(modifierExtension=[{"url": "u", "valueBoolean": True}]), (False, False)),
    "a type by another system": (r5(permit(resourceType=[{"system": "x", "code": "Goal"}])), (False, False)),
}


@pytest.mark.parametrize(("document", "expected"), CASES.values(), ids=CASES)
def test_what_a_consent_of_r5_permits_and_what_it_denies(document, expected):
    assert says(document) == expected


def test_who_signed_is_the_grantor():
    mine = read_consent(r5(grantor=[PAPER["patient"]]))
    other = read_consent(r5(grantor=[{"reference": "RelatedPerson/1"}]))
    assert (mine.signed_by_patient, other.signed_by_other, read_consent(r5(grantor=None)).signed) == (True, True, False)
    assert {one.element_id for one in problems(read_consent(r5(grantor=None)), now=NOW, forms=FORMS)} == {"P2C-11"}


@pytest.mark.parametrize("member", ["decision", "subject", "grantor", "grantee", "controller", "manager"])
def test_a_consent_is_one_of_r5_where_it_has_what_r4_has_not(member):
    assert not is_r5_consent(read_document(json.dumps(PAPER).encode()))
    assert is_r5_consent(read_document(json.dumps(PAPER | {member: []}).encode()))
    assert not is_r5_consent(read_document(json.dumps({"resourceType": "Task", member: []}).encode()))


def test_what_was_signed_in_r5_is_never_written_over():
    document = r5()
    record = read_consent(document)
    assert write_consent(record, document) is document
    with pytest.raises(SignedContent):
        write_consent(replace(record, status="inactive"), document)
