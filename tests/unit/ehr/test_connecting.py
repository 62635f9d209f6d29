"""An EHR is opened when it can be worked with, and a check says what is wrong, why, and what to do."""

import asyncio
import json
import re
import ssl
from datetime import timedelta

import httpx
import pytest

from coordinator.ehr import Cause, EhrRoom, check_connection
from coordinator.ehr.connect import is_private, skew_of, skew_words
from coordinator.ehr.drift import kept_of
from coordinator.ehr.wire import Limits
from coordinator.errors import PermanentEhrError, TemporaryEhrError
from coordinator.outbox.model import Form
from coordinator.reconcile import Grade
from coordinator.sandbox.capability import personalities
from tests.builders import NOW
from tests.certificates import Issuer
from tests.unit.ehr.conftest import READ, a_connection
from tests.unit.ehr.stated import a_type, stated
from tests.unit.ehr.talk import answer

SMART = "smart = true\n"
R4 = stated(a_type("Patient", "read search-type"), a_type("Goal", "read search-type create"))


async def pulled(ehr, *types):
    return {one.type: one.grade async for one in ehr.pull(types, None) if one.page is None}


# --- opened ---------------------------------------------------------------------------------------------------------


async def test_an_opened_ehr_answers_what_the_stages_ask(served, room):
    async with served() as sandbox, room.open(a_connection(sandbox)) as ehr:
        assert ehr.name == "iop"
        assert ehr.forms("goal") == (Form.NATIVE, Form.NONE)
        assert (ehr.carrier("goal", Form.NATIVE), ehr.carrier("goal", Form.NONE)) == ("Goal", None)
        assert await pulled(ehr, "Patient", "Goal") == {"Patient": Grade.COMPLETE, "Goal": Grade.COMPLETE}


async def test_what_a_site_can_hold_is_what_its_options_tell(served, room):
    options = {"storable": {"MedicationStatement.status": ["active", "stopped"]}}
    async with served() as sandbox:
        async with room.open(a_connection(sandbox, options=options)) as ehr:
            told = [ehr.can_store("MedicationStatement.status", one) for one in ("active", "on-hold")]
            assert [*told, ehr.can_store("Goal.lifecycleStatus", "on-hold")] == [True, False, True]
        async with room.open(a_connection(sandbox, options={"storable": "x"})) as ehr:
            assert ehr.can_store("MedicationStatement.status", "on-hold")


async def test_what_a_pull_learned_of_a_site_is_in_its_profile(served, room):
    """So that the next run does not have to be refused again."""
    async with served("patient_required = true\n") as sandbox:
        connection = a_connection(sandbox, profile={"seen": "before"}, roster="file:f", patients=("p-1",))
        async with room.open(connection) as ehr:
            told = {"seen": "before", "software": "coordinator sandbox", "fhir_version": "4.0.1"}
            assert ehr.profile == {**told, "statement": kept_of(ehr.stated)}
            ehr.learned.add("Goal")
            assert ehr.profile["needs_patient"] == ["Goal"]
        async with room.open(a_connection(sandbox, profile={"needs_patient": ["Task"]})) as ehr:
            ehr.learned.add("Goal")
            assert ehr.profile["needs_patient"] == ["Goal", "Task"]


async def test_a_search_that_turns_out_to_want_a_patient_is_learned(httpx_mock, room):
    httpx_mock.add_response(url="https://ehr.test/fhir/metadata", json=R4)
    patients = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "p-1"}}]}
    httpx_mock.add_response(url="https://ehr.test/fhir/Patient?_count=200", json=patients)
    httpx_mock.add_response(url="https://ehr.test/fhir/Goal?_count=200", status_code=400)
    httpx_mock.add_response(url="https://ehr.test/fhir/Goal?patient=p-1&_count=200", json={"resourceType": "Bundle"})
    async with room.open(a_connection("https://ehr.test/fhir")) as ehr:
        assert await pulled(ehr, "Patient", "Goal") == {"Patient": Grade.COMPLETE, "Goal": Grade.COMPLETE}
        assert ehr.profile["needs_patient"] == ["Goal"]


# --- refused --------------------------------------------------------------------------------------------------------

ANSWERS = {
    "a wrong base": ({"status_code": 404}, PermanentEhrError, "answered 404", "up to the end of the FHIR base"),
    "a website": ({"html": "<html>Welcome"}, PermanentEhrError, "web page (status 200)", "ends before /metadata"),
    "a website that is not there": ({"status_code": 404, "html": "<html>"}, PermanentEhrError, "web page", "FHIR base"),
    "another place": ({"status_code": 301}, PermanentEhrError, "answered 301", "address it really has"),
    "a closed door": ({"status_code": 401}, PermanentEhrError, "answered 401", "token"),
    "an outage": ({"status_code": 500}, TemporaryEhrError, "answered 500", "next run"),
    "another version": ({"json": {**R4, "fhirVersion": "3.0.1"}}, PermanentEhrError, "STU3 (3.0.1)", "/R4"),
    "cut off": ({"content": json.dumps(R4).encode()[:-40]}, PermanentEhrError, "not sound JSON", "cut off"),
    "XML": (
        {"content": b"<CapabilityStatement/>", "headers": {"content-type": "application/fhir+xml"}},
        *(PermanentEhrError, "answer is in XML", "header Accept"),
    ),
    "another resource": ({"json": {"resourceType": "Patient"}}, PermanentEhrError, "no CapabilityStatement", "base"),
    "too large": ({"content": b" " * 60_000}, PermanentEhrError, "too large", "check"),
}


@pytest.mark.parametrize(("said", "kind", "words", "cure"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_ehr_that_can_not_be_worked_with_is_told_with_cause_and_cure(
    httpx_mock, clock, keys, said, kind, words, cure
):
    httpx_mock.add_response(url="https://ehr.test/fhir/metadata", is_reusable=True, **said)
    elsewhere = re.compile(r"https://ehr\.test/(?!fhir/metadata).*")  # nothing better is near
    httpx_mock.add_response(url=elsewhere, status_code=404, is_reusable=True, is_optional=True)
    room = EhrRoom(clock=clock, keys=keys, limits=Limits(seconds=5, wire_bytes=50_000, body_bytes=50_000))
    connection = a_connection("https://ehr.test/fhir")
    with pytest.raises(kind) as problem:
        async with room.open(connection):
            pass
    assert words in str(problem.value)
    assert cure in problem.value.hint
    report = await check_connection(room, connection)
    assert (report.is_usable, report.problems[0].what) == (False, str(problem.value))
    assert report.problems[0].cure


async def test_an_ehr_whose_certificate_does_not_hold_is_told_and_not_asked_again(room, httpx_mock):
    trouble = httpx.ConnectError("x")
    trouble.__cause__ = ssl.SSLCertVerificationError("y")
    httpx_mock.add_exception(trouble)
    report = await check_connection(room, a_connection("https://ehr.test/fhir"))
    assert "no answer (its certificate can't be verified)" in report.problems[0].what
    assert "the name in the certificate" in report.problems[0].cure


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["TLS 1.3", "TLS 1.2"])
@pytest.mark.httpx_mock(should_mock=lambda _: False)
async def test_a_server_that_wants_a_certificate_of_ours_is_told_with_the_cure(room, tmp_path, newest):
    """A real one: in TLS 1.3 it says so after the handshake, and a connection may break before that is heard."""
    issuer = Issuer(tmp_path)
    issued = issuer.issue("ehr")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=issuer.file)
    context.load_cert_chain(issued.certificate, issued.key)
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, newest

    async def nobody(_reader, writer):
        writer.close()

    server = await asyncio.start_server(nobody, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connection = a_connection(
            f"https://127.0.0.1:{port}/fhir", options={"tls": {"ca": str(issuer.file)}}, private_network=True
        )
        [problem] = (await check_connection(room, connection)).problems
    assert "certificate of ours" in problem.what + problem.cure
    assert "--tls cert=FILE,key=FILE" in problem.cure


async def test_an_alert_that_asks_for_our_certificate_is_told(room, httpx_mock):
    trouble = httpx.ReadError("x")
    trouble.__cause__ = ssl.SSLError(1, "[SSL] tlsv13 alert certificate required")
    httpx_mock.add_exception(trouble)
    [problem] = (await check_connection(room, a_connection("https://ehr.test/fhir"))).problems
    assert problem.cause is Cause.CERTIFICATE
    assert "asks for a certificate of ours" in problem.what
    assert "--tls cert=FILE,key=FILE" in problem.cure


BAD_ADDRESSES = [
    *("ftp://ehr.test/fhir", "ehr.test/fhir", "https://", "https://me:secret@ehr.test/fhir", "https://ehr.test:bad/"),
    *("https://ehr.test:0/fhir", "https://[broken/fhir"),
]


@pytest.mark.parametrize("url", BAD_ADDRESSES)
async def test_an_address_that_can_not_be_called_is_not_called_and_not_repeated(room, url):
    report = await check_connection(room, a_connection(url))
    assert "no plain http or https address" in report.problems[0].what
    assert "secret" not in str(report)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/fhir", "https://10.0.0.1", "https://[::1]/fhir", "http://localhost:80", "http://a.localhost"],
)
async def test_a_private_address_is_refused_where_none_is_meant(room, url):
    report = await check_connection(room, a_connection(url, private_network=False))
    assert "private network" in report.problems[0].what
    assert "--private-network" in report.problems[0].cure


@pytest.mark.parametrize("host", ["0x7f.1", "127.1"])
async def test_a_name_that_turns_out_to_be_private_is_refused_when_it_is_called(room, host):
    assert not is_private(host)
    report = await check_connection(room, a_connection(f"http://{host}:9/fhir", private_network=False))
    assert "private network" in report.problems[0].what
    assert "--private-network" in report.problems[0].cure


def test_a_public_host_is_not_private():
    assert not is_private("ehr.example")
    assert not is_private("8.8.8.8")


# --- checked --------------------------------------------------------------------------------------------------------


async def checked(sandbox, room, **more):
    return await check_connection(room, a_connection(sandbox, **more))


async def test_a_check_tells_how_each_type_is_pulled_and_in_which_form_each_concept_is_written(served, room):
    async with served() as sandbox:
        report = await checked(sandbox, room)
    goal = next(row for row in report.types if row.type == "Goal")
    assert report.is_usable
    assert (goal.offers, goal.pulling) == (("read", "search", "create", "update"), "all")
    assert {row.concept: row.forms for row in report.concepts}["care_plan"] == (("native", "CarePlan"), ("none", ""))
    assert (report.skew, report.profile["fhir_version"]) == (timedelta(0), "4.0.1")


async def test_a_check_asks_for_the_statement_and_a_number_and_for_nobody(served, room):
    async with served() as sandbox:
        await checked(sandbox, room)
        async with httpx.AsyncClient() as client:
            log = (await client.get(f"{sandbox.control}/log", params={"ehr": "iop"})).json()
    assert [row["path"] for row in log] == ["/iop/fhir/metadata", "/iop/fhir/Patient?_count=200"]


async def test_a_check_tells_of_an_ehr_that_asks_for_a_sign_in_which_the_connection_does_not_bring(served, room):
    async with served("smart = true") as sandbox:
        report = await checked(sandbox, room)
    assert "sign-in (status 401)" in report.problems[0].what
    assert "--smart" in report.problems[0].cure


async def test_a_check_names_what_is_not_offered_and_what_no_form_can_tell(served, room):
    offer = f'\n[capability]\nPatient = {READ}\nObservation = ["create"]\n'
    async with served(offer=offer) as sandbox:
        report = await checked(sandbox, room)
    whats = " ".join(one.what for one in report.problems)
    assert "EpisodeOfCare" in whats
    assert "enrollment, care_plan, goal, medication, stay-proposal" in whats
    assert all(one.cure for one in report.problems)


OFFER_ALL = "\n[capability]\n" + "".join(
    f'{one} = ["read", "search-type", "create"]\n'
    for one in (*("Patient", "EpisodeOfCare", "Encounter", "CarePlan", "Goal", "MedicationRequest"), "Communication")
)
SCOPES = ("system/Patient.rs", "system/*.rs")


async def test_nothing_is_wrong_where_nothing_is(served, room):
    async with served(SMART, offer=OFFER_ALL + 'MedicationStatement = ["read", "create"]\n') as sandbox:
        assert (await checked(sandbox, room, key="ec")).problems == ()


async def test_a_check_names_the_scopes_that_were_not_granted(served, room):
    personality = SMART + 'granted_scopes = ["system/Patient.rs"]\n'
    async with served(personality, offer=OFFER_ALL) as sandbox:
        report = await checked(sandbox, room, key="ec", scopes=SCOPES)
    told = [one.what for one in report.problems if "token does not cover" in one.what]
    assert "search of EpisodeOfCare, Encounter, CarePlan, Goal, MedicationRequest, Communication" in told[1]
    assert "asked for: system/Patient.rs system/*.rs" in told[1]


async def test_a_check_tells_of_scopes_for_a_part_and_of_scopes_for_nobody(served, room):
    part = ("system/*.cruds?category=x",)
    async with served(SMART, offer=OFFER_ALL) as sandbox:
        narrowed = await checked(sandbox, room, key="ec", scopes=part)
        personal = await checked(sandbox, room, key="ec", scopes=("user/*.rs",))
    assert any("only a part of Patient" in one.what for one in narrowed.problems)
    assert any("None of the granted scopes is for a system" in one.what for one in personal.problems)


async def test_a_check_tells_of_clocks_that_differ(served, room, clock):
    async with served() as sandbox:
        clock.move(seconds=90)
        [problem] = [one for one in (await checked(sandbox, room)).problems if one.cause is Cause.CLOCK]
    assert problem.what == "The EHR's clock is 90 s behind ours."
    assert "NTP" in problem.cure


async def test_a_check_asks_for_a_roster_where_the_ehr_lists_no_patients(httpx_mock, room):
    httpx_mock.add_response(json={**R4, "software": {"name": "Epic"}}, is_reusable=True)
    url = "https://ehr.test/fhir"
    without = await check_connection(room, a_connection(url))
    given = await check_connection(room, a_connection(url, roster="file:f", patients=("p-1",)))
    assert (without.vendor, without.skew) == ("epic", None)
    assert any("does not list its patients" in one.what for one in without.problems)
    assert not any("does not list its patients" in one.what for one in given.problems)


DATES = {
    "on time": ("Tue, 07 Apr 2026 12:00:00 GMT", timedelta(0)),
    "ahead": ("Tue, 07 Apr 2026 12:01:30 GMT", timedelta(seconds=90)),
    "without zone": ("Tue, 07 Apr 2026 11:59:30", timedelta(seconds=-30)),
    "no date": ("now", None),
    "none": ("", None),
}


@pytest.mark.parametrize(("date", "skew"), DATES.values(), ids=DATES.keys())
def test_how_far_clocks_differ_is_read_from_the_date_of_an_answer(date, skew):
    assert skew_of(answer({}, date=date), NOW) == skew


def test_a_difference_of_clocks_in_words():
    told = [skew_words(timedelta(seconds=one)) for one in (90, -90, 7199, 7200, -172_800)]
    assert told == ["90 s ahead of", "90 s behind", "7199 s ahead of", "2 h ahead of", "2 days behind"]


# --- each captured statement, served --------------------------------------------------------------------------------

REFUSALS = {
    "azure-api-for-fhir-r4": "breaks off before the letter P",
    "cerner-dstu2": "DSTU2 (1.0.2)",
    "epic-dstu2": "DSTU2 (1.0.2)",
}


@pytest.mark.parametrize("name", sorted(personalities()))
async def test_an_ehr_that_acts_a_real_one_is_worked_with_or_refused_with_a_clear_word(served, room, name):
    async with served(f'capability = "{name}"\n', offer="") as sandbox:
        report = await checked(sandbox, room)
    assert report.is_usable == (name not in REFUSALS)
    if name in REFUSALS:
        assert REFUSALS[name] in report.problems[0].what
        assert report.problems[0].cure
