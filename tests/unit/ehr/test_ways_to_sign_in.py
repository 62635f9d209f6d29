"""Each way in which an EHR wants to be told who we are, against a server that wants it so."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from coordinator.ehr import EhrRoom, KeyFolder, check_connection, create_key, public_keys
from coordinator.ehr.exchange import Asked, base_of
from coordinator.ehr.password import with_password
from coordinator.errors import ConfigurationError
from coordinator.sync.ports import Found
from coordinator.sync.records import SmartAuth
from tests.unit.ehr.conftest import a_connection

SMART = "smart = true\n"
SECRET = "päss word+1"  # each letter of it must be encoded somewhere on the way


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "our"
    create_key(folder, "main", "ES384")
    KeyFolder(folder).put_secret("s", SECRET)
    KeyFolder(folder).put_secret("wrong", "guess")
    return folder


async def tell(sandbox, **body):
    async with httpx.AsyncClient() as client:
        (await client.post(f"{sandbox.control}/client", json={"ehr": "iop", **body})).raise_for_status()


WAYS = {
    "secret in the header": ('client_auth = "client_secret_basic"\n', {"method": "client_secret_basic"}),
    "secret in the body": ('client_auth = "client_secret_post"\n', {"method": "client_secret_post"}),
}


@pytest.mark.parametrize(("personality", "changed"), WAYS.values(), ids=WAYS.keys())
async def test_a_client_with_a_secret_gets_a_token(served, clock, secrets, personality, changed):
    room = EhrRoom(clock=clock, keys=secrets)
    smart = SmartAuth(client_id="us:1", key_id="s", **changed)
    async with served(SMART + personality) as sandbox:
        await tell(sandbox, client_id="us:1", secret=SECRET)
        async with room.open(a_connection(sandbox, smart=smart)) as ehr:
            assert isinstance(await ehr.read("Goal", "g-1"), Found)
        wrong = SmartAuth(client_id="us:1", key_id="wrong", **changed)
        report = await check_connection(room, a_connection(sandbox, smart=wrong))
        asked = [row.body or "" for row in sandbox.app.served.log("iop") if "oauth" in row.path]
    assert "invalid_client" in report.problems[0].what
    assert "with the secret" in report.problems[0].what
    assert all("client_assertion" not in one for one in asked)


PASSWORDS = {
    "the right one": ({"kind": "basic", "user": "me", "secret": "s"}, True),
    "a wrong one": ({"kind": "basic", "user": "me", "secret": "wrong"}, False),
    "another user": ({"kind": "basic", "user": "you", "secret": "s"}, False),
}


@pytest.mark.parametrize(("sign_in", "is_let_in"), PASSWORDS.values(), ids=PASSWORDS.keys())
async def test_a_test_server_is_shown_name_and_password(served, clock, secrets, sign_in, is_let_in):
    KeyFolder(secrets).put_secret("s", "plain")
    room = EhrRoom(clock=clock, keys=secrets)
    async with served(SMART + 'client_auth = "basic"\n') as sandbox:
        await tell(sandbox, client_id="me", secret="plain")
        report = await check_connection(room, a_connection(sandbox, options={"sign_in": sign_in}))
    refused = [one for one in report.problems if "does not take the name and secret" in one.what]
    assert bool(refused) != is_let_in


async def test_a_lasting_token_goes_with_each_request_to_the_ehr(httpx_mock, clock, secrets):
    httpx_mock.add_response(status_code=404, is_reusable=True)
    room = EhrRoom(clock=clock, keys=secrets)
    connection = a_connection("https://ehr.test/fhir", options={"sign_in": {"kind": "bearer", "secret": "wrong"}})
    await check_connection(room, connection)
    assert {one.headers["authorization"] for one in httpx_mock.get_requests()} == {"Bearer guess"}


async def test_what_is_asked_of_another_place_does_not_carry_it(httpx_mock, clock, secrets):
    httpx_mock.add_response(status_code=404)
    room = EhrRoom(clock=clock, keys=secrets)
    connection = a_connection("https://ehr.test/fhir", options={"sign_in": {"kind": "bearer", "secret": "wrong"}})
    async with room.reach(connection) as plain:
        wire = with_password(plain, base_of(connection.url), connection, keys=KeyFolder(secrets))
        await wire(_asked("https://files.test/1.ndjson"))
    assert "authorization" not in httpx_mock.get_requests()[0].headers


def _asked(url):
    return Asked(method="GET", url=url, place="file")


async def test_a_secret_that_is_not_there_is_a_matter_of_set_up(served, room):
    async with served() as sandbox:
        with pytest.raises(ConfigurationError, match="no secret 's'"):
            async with room.open(a_connection(sandbox, options={"sign_in": {"kind": "bearer", "secret": "s"}})):
                pass


@pytest.mark.parametrize("audience", ["token", "issuer", "base"])
async def test_an_assertion_is_for_the_audience_that_the_connection_names(served, room, audience):
    smart = SmartAuth(client_id="us", key_id="ec", audience=audience)
    async with served(SMART + f'audience = "{audience}"\n') as sandbox:
        async with room.open(a_connection(sandbox, smart=smart)) as ehr:
            assert ehr.granted
        literal = SmartAuth(
            client_id="us", key_id="ec", audience=sandbox.app.served.ehr("iop").smart._audiences[audience]
        )
        async with room.open(a_connection(sandbox, smart=literal)) as ehr:
            assert ehr.granted


@pytest.mark.parametrize(("version", "asked"), [("v1", "system/*.read"), ("v2", "system/*.rs")])
async def test_scopes_are_asked_in_the_version_of_the_registration(served, room, version, asked):
    async with served(SMART + f'scope_versions = ["{version}"]\n') as sandbox:
        async with room.open(a_connection(sandbox, key="ec", scopes=(version,))) as ehr:
            assert isinstance(await ehr.read("Goal", "g-1"), Found)
            assert asked in ehr.granted
            assert bool(ehr.statement.of("Goal").create)
        [form] = [parse_qs(row.body) for row in sandbox.app.served.log("iop") if "oauth" in row.path]
    assert asked in form["scope"][0].split()


async def test_a_rotated_key_signs_once_its_overlap_is_over(served, clock, tmp_path):
    folder = tmp_path / "our"
    create_key(folder, "main", "ES384", now=clock.now())
    room = EhrRoom(clock=clock, keys=folder)
    async with served(SMART) as sandbox:
        KeyFolder(folder).rotate("main", overlap=timedelta(hours=1), now=clock.now())
        await tell(sandbox, client_id="us", jwks=public_keys(folder))
        for hours in (0, 2):
            clock.move(hours=hours)
            sandbox.app.served.move(clock.now())
            async with room.open(a_connection(sandbox, key="main")) as ehr:
                assert ehr.granted
        forms = [parse_qs(row.body) for row in sandbox.app.served.log("iop") if "oauth" in row.path]
    heads = [form["client_assertion"][0].split(".")[0] for form in forms]
    assert [_header(one)["kid"] for one in heads] == ["main", "main-2"]


def _header(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
