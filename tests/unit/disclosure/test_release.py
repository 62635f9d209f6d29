"""The release of one body: kept in the log first, labeled, and nothing else about it changed."""

import json

import pytest

from coordinator.access import HeldConsent, Label
from coordinator.care.consent.mapping import read_consent
from coordinator.disclosure import Recipient, Released, Request, Ruling, Withheld, prepared, release, sight
from coordinator.disclosure.marking import NOTICE, Marking, labeled
from coordinator.fhir import canonical, read_document
from tests.builders import FORMS, NOW, a_consent, a_goal, a_policy, a_statement, document, evidence

PCP = Recipient(organization="pcp")
SECRET, OWN = evidence(a_goal("G-1"), ehr="iop"), evidence(a_statement(), ehr="pcp")
BODY = json.dumps(a_statement("P-9"), indent=1).encode()


class Log:
    def __init__(self):
        self.rows = []

    async def append(self, rows):
        self.rows += rows


class BrokenLog:
    async def append(self, rows):
        raise OSError("no space left")


def seen(*consents):
    held = [HeldConsent(record=read_consent(document(one)), forms=FORMS) for one in consents]
    return sight([SECRET, OWN], [], PCP, ruling=Ruling(actor="system:sync", consents=held, policy=a_policy(), now=NOW))


def a_request(*citations, body=BODY):
    return Request(
        body=body, citations=citations, person="pe-1", ehr="pcp", actor="system:sync", subject="MedicationStatement"
    )


async def released(log, *citations, consents=(), body=BODY):
    return await release(a_request(*citations, body=body), PCP, seen(*consents), log=log, now=NOW)


# ---- the log ---------------------------------------------------------------------------------------------------------
async def test_a_disclosure_is_in_the_log_with_consent_recipient_and_citations():
    log = Log()
    result = await released(log, SECRET.ref, consents=[a_consent("C-7")])
    assert isinstance(result, Released)
    (row,) = log.rows
    assert (row.kind, row.person, row.ehr, row.consent, row.purpose, row.outcome) == (
        "disclosure",
        "pe-1",
        "pcp",
        "C-7",
        "TREAT",
        "0",
    )
    assert SECRET.ref.encode() in row.body


async def test_a_refusal_is_in_the_log_with_its_reason_and_gives_no_bytes():
    log = Log()
    assert await released(log, SECRET.ref) == Withheld(reason="no-consent")
    assert [(row.kind, row.outcome) for row in log.rows] == [("refusal", "4")]
    assert read_document(log.rows[0].body).get("outcomeDesc") == "no-consent"


@pytest.mark.parametrize("consents", [(), (a_consent(),)], ids=["refusal", "disclosure"])
async def test_a_log_that_can_not_keep_the_event_releases_nothing(consents):
    with pytest.raises(OSError, match="no space"):
        await released(BrokenLog(), SECRET.ref, consents=consents)


async def test_the_log_holds_no_content_of_the_body():
    log = Log()
    await released(log, SECRET.ref, consents=[a_consent()])
    assert b"dosage" not in log.rows[0].body


def test_what_a_release_would_come_to_is_told_without_the_log():
    assert prepared(a_request(SECRET.ref), seen()) == Withheld(reason="no-consent")
    assert isinstance(prepared(a_request(OWN.ref), seen()), Released)


# ---- the body --------------------------------------------------------------------------------------------------------
async def test_what_rests_on_the_recipient_s_own_records_goes_out_as_it_is():
    result = await released(Log(), OWN.ref)
    assert (result.body, result.consents) == (BODY, ())


async def test_what_goes_out_on_a_consent_carries_label_confidentiality_notice_and_scope():
    result = await released(Log(), SECRET.ref, consents=[a_consent("C-7")])
    body = read_document(result.body)
    assert body.all("meta", "security", "code") == ("42CFRPart2", "R")
    (text,) = body.all("meta", "extension", "valueAnnotation", "text")
    assert text.startswith(NOTICE)
    assert "C-7" in text
    assert "https://coordinator.example/fhir/Consent/C-7" in body.all(
        "meta", "security", "extension", "valueRelatedArtifact", "url"
    )


async def test_nothing_else_of_the_body_changes():
    result = await released(Log(), SECRET.ref, consents=[a_consent()])
    after = dict(read_document(result.body).tree)
    del after["meta"]
    assert canonical(after) == canonical(read_document(BODY).tree)
    assert BODY.rstrip(b"\n}") in result.body.replace(b"\r", b"")


def on(*consents, **more):
    return Marking(label=Label(confidentiality="R", codes=frozenset({"42CFRPart2"})), consents=consents, **more)


def test_a_second_labeling_adds_nothing():
    once = labeled(BODY, on("C-7"))
    assert labeled(once, on("C-7")) == once


def with_meta(**meta):
    return json.dumps(a_statement() | {"meta": meta}).encode()


SECURITY = {
    "a stricter confidentiality stays": ([{"code": "V"}], ("V", "42CFRPart2")),
    "restricted stays": ([{"code": "R"}], ("R", "42CFRPart2")),
    "the label stays": ([{"code": "42CFRPart2"}], ("42CFRPart2", "R")),
    "a laxer one is joined by restricted": ([{"code": "N"}], ("N", "42CFRPart2", "R")),
}


@pytest.mark.parametrize(("before", "after"), SECURITY.values(), ids=SECURITY)
def test_labels_that_are_there_stay(before, after):
    assert read_document(labeled(with_meta(security=before), on("C-1"))).all("meta", "security", "code") == after


def test_another_text_to_be_shown_does_not_stand_for_the_notice():
    url = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-display"
    body = with_meta(extension=[{"url": url, "valueAnnotation": {"text": "Handle with care."}}])
    texts = read_document(labeled(body, on("C-1"))).all("meta", "extension", "valueAnnotation", "text")
    assert [NOTICE in text for text in texts] == [False, True]


def test_the_scope_of_another_consent_does_not_stand_for_that_of_this_one():
    twice = read_document(labeled(labeled(BODY, on("C-1")), on("C-2")))
    texts = twice.all("meta", "extension", "valueAnnotation", "text")
    assert [name for text in texts for name in ("C-1", "C-2") if name in text] == ["C-1", "C-2"]


def test_the_deployer_s_own_notice_stands_between_the_statement_and_the_scope():
    (text,) = read_document(labeled(BODY, on("C-1", notice="This record is protected."))).all(
        "meta", "extension", "valueAnnotation", "text"
    )
    assert text.startswith(f"{NOTICE} This record is protected. Disclosed for treatment under the written consent C-1")


@pytest.mark.parametrize(("purpose", "words"), [("HPAYMT", "for payment"), ("PATRQT", "for the purpose PATRQT")])
def test_the_scope_tells_the_purpose(purpose, words):
    assert words in labeled(BODY, on("C-1", purpose=purpose)).decode()


def test_a_body_is_labeled_as_strictly_as_the_strictest_record_that_it_rests_on():
    """The high-water mark: a codes' sensitivity and a mark against redisclosure come with it."""
    label = Label(confidentiality="V", codes=frozenset({"OPIOIDUD", "NORDSCLCD", "https://not-known.example"}))
    present = read_document(labeled(BODY, Marking(label=label))).all("meta", "security", "code")
    assert present == ("NORDSCLCD", "OPIOIDUD", "V")


def test_what_is_not_labeled_and_rests_on_no_consent_goes_out_as_it_is():
    assert labeled(BODY, Marking()) == BODY


def test_the_marking_stands_in_the_form_of_ds4p():
    """Exactly so, as recipients read it by program."""
    meta = read_document(labeled(BODY, on("C-1"))).get("meta")
    ds4p = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition"
    assert meta["security"] == [
        {
            "extension": [
                {
                    "url": f"{ds4p}/extension-sec-label-related-artifact",
                    "valueRelatedArtifact": {
                        "type": "justification",
                        "url": "https://coordinator.example/fhir/Consent/C-1",
                    },
                }
            ],
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "42CFRPart2",
            "display": "42 CFR Part2",
        },
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
            "code": "R",
            "display": "restricted",
        },
    ]
    (extension,) = meta["extension"]
    assert (extension["url"], extension["valueAnnotation"]["authorString"]) == (
        f"{ds4p}/extension-display",
        "coordinator",
    )


def test_only_the_label_of_part_2_names_the_consent():
    label = Label(confidentiality="R", codes=frozenset({"OPIOIDUD"}))
    security = read_document(labeled(BODY, Marking(label=label, consents=("C-1",)))).get("meta", "security")
    assert [("extension" in one, one["code"]) for one in security] == [
        (True, "42CFRPart2"),
        (False, "OPIOIDUD"),
        (False, "R"),
    ]


def test_a_label_that_is_not_known_on_a_body_is_no_confidentiality():
    before = with_meta(security=[{"code": "local"}])
    assert read_document(labeled(before, on("C-1"))).all("meta", "security", "code") == ("local", "42CFRPart2", "R")


async def test_what_a_person_tells_in_their_own_words_has_no_body_to_label():
    result = await released(Log(), SECRET.ref, consents=[a_consent("C-7")], body=b"")
    assert result == Released(body=b"", consents=("C-7",))


async def test_the_event_names_the_recipient_and_of_no_consent_none():
    log = Log()
    await released(log, OWN.ref)
    await released(log, SECRET.ref)
    assert [row.consent for row in log.rows] == [None, None]
    agents = [read_document(row.body).all("agent", "who", "identifier", "value") for row in log.rows]
    assert "pcp" in agents[0]
    assert [row.actor for row in log.rows] == ["system:sync"] * 2
    assert [row.at for row in log.rows] == [NOW] * 2
    assert [row.subject for row in log.rows] == ["MedicationStatement"] * 2


async def test_the_event_names_the_organization_and_not_only_its_ehr():
    log = Log()
    request = Request(body=BODY, citations=(OWN.ref,), person="pe-1", ehr="pcp-2", actor="a", subject="s")
    await release(request, PCP, seen(), log=log, now=NOW)
    who = read_document(log.rows[0].body).all("agent", "who", "identifier", "value")
    assert "pcp" in who
    assert "pcp-2" not in who
