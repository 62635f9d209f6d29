"""SMART Backend Services from end to end: our key, their token, and what becomes of both with time."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from coordinator.ehr import EhrRoom, KeyFolder, create_key, public_keys
from coordinator.ehr.exchange import Again, Answer, Asked, Lost
from coordinator.ehr.smart import TokenWire, token_endpoint
from coordinator.errors import ConfigurationError, EhrError, PermanentEhrError, TemporaryEhrError
from coordinator.fhir import read_document
from coordinator.sync.ports import Applied, Found, WriteRequest
from coordinator.sync.records import SmartAuth
from tests.unit.ehr.conftest import a_connection
from tests.unit.ehr.talk import BASE, NOT_SENT, answer

SMART = "smart = true\n"
TOKEN_URL = "https://auth.test/token"


async def log_of(sandbox):
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{sandbox.control}/log", params={"ehr": "iop"})).json()


async def move(sandbox, clock, **by):
    """Move both clocks."""
    clock.move(**by)
    async with httpx.AsyncClient() as client:
        (await client.post(f"{sandbox.control}/clock", json={"now": clock.now().isoformat()})).raise_for_status()


async def yes():
    return True


# --- against the sandbox --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["rsa", "ec"])
async def test_a_signed_assertion_opens_the_records(served, room, key):
    async with served(SMART) as sandbox, room.open(a_connection(sandbox, key=key)) as ehr:
        assert isinstance(await ehr.read("Goal", "g-1"), Found)
        assert ehr.granted == ("system/*.rs", "system/*.cruds")


async def test_one_token_serves_many_requests_and_is_renewed_before_it_ends(served, room, clock):
    async with served(SMART + "token_seconds = 100\n") as sandbox, room.open(a_connection(sandbox, key="ec")) as ehr:
        for _ in range(3):
            await ehr.read("Goal", "g-1")
        await move(sandbox, clock, seconds=79)
        await ehr.read("Goal", "g-1")
        before = [row["path"] for row in await log_of(sandbox)].count("/iop/oauth/token")
        await move(sandbox, clock, seconds=2)
        await ehr.read("Goal", "g-1")
        log = await log_of(sandbox)
    assert before == 1
    assert [row["path"] for row in log].count("/iop/oauth/token") == 2
    assert 401 not in [row["status"] for row in log]


async def test_a_token_is_kept_from_one_opening_to_the_next_and_is_one_clients_alone(served, room, clock):
    """An EHR that counts tokens among its requests would be asked for hundreds an hour by a worker."""
    async with served(SMART + "token_seconds = 100\n") as sandbox:
        for _ in range(3):
            async with room.open(a_connection(sandbox, key="ec")) as ehr:
                assert isinstance(await ehr.read("Goal", "g-1"), Found)
        once = [row["path"] for row in await log_of(sandbox)].count("/iop/oauth/token")
        async with room.open(a_connection(sandbox, key="rsa")):
            pass
        await move(sandbox, clock, seconds=81)
        async with room.open(a_connection(sandbox, key="ec")):
            pass
        paths = [row["path"] for row in await log_of(sandbox)]
    assert (once, paths.count("/iop/oauth/token")) == (1, 3)


async def test_a_refusal_is_not_kept_from_one_opening_to_the_next(served, clock, tmp_path, keys):
    """What was wrong may be mended meanwhile."""
    create_key(tmp_path / "k", "late", "ES384")
    late = EhrRoom(clock=clock, keys=tmp_path / "k")
    async with served(SMART) as sandbox:
        with pytest.raises(PermanentEhrError):
            async with late.open(a_connection(sandbox, key="late")):
                pass
        async with httpx.AsyncClient() as client:
            told = {"ehr": "iop", "client_id": "us", "jwks": public_keys(tmp_path / "k")}
            (await client.post(f"{sandbox.control}/client", json=told)).raise_for_status()
        async with late.open(a_connection(sandbox, key="late")) as ehr:
            assert ehr.granted


async def test_a_token_that_the_ehr_lets_end_early_is_renewed_once(served, room, clock):
    """Our clock stands still, theirs goes on: the token looks good to us, and is not."""
    async with served(SMART + "token_seconds = 100\n") as sandbox, room.open(a_connection(sandbox, key="ec")) as ehr:
        held = await ehr.read("Goal", "g-1")
        await move(sandbox, clock, seconds=101)
        clock.move(seconds=-101)
        assert isinstance(await ehr.read("Goal", "g-1"), Found)
        assert [row["status"] for row in await log_of(sandbox)][-3:] == [401, 200, 200]
        await move(sandbox, clock, seconds=202)
        clock.move(seconds=-202)
        goal = read_document(held.body)
        body = json.dumps({**json.loads(held.body), "note": [{"text": "x"}]}).encode()
        request = WriteRequest(type="Goal", target="g-1", body=body, base_hash=goal.canonical_hash, claim=None)
        assert await ehr.write(request, yes) == Applied(id="g-1", version="2")


async def test_a_write_turned_away_for_its_token_asks_again_whether_it_may_leave(served, room, clock):
    async with served(SMART + "token_seconds = 100\n") as sandbox, room.open(a_connection(sandbox, key="ec")) as ehr:
        held = await ehr.read("Goal", "g-1")
        answers = [True, False]

        async def until_the_token_ends():
            if len(answers) == 2:
                await move(sandbox, clock, seconds=101)
                clock.move(seconds=-101)
            return answers.pop(0)

        body = json.dumps({**json.loads(held.body), "note": [{"text": "x"}]}).encode()
        base = read_document(held.body).canonical_hash
        request = WriteRequest(type="Goal", target="g-1", body=body, base_hash=base, claim=None)
        outcome = await ehr.write(request, until_the_token_ends)
        writes = [row["status"] for row in await log_of(sandbox) if row["method"] == "PUT"]
    assert (outcome.reason, writes) == ("withheld", [401])


async def test_a_wrong_key_is_told_with_what_to_check(served, room, tmp_path, clock):
    stranger = tmp_path / "other-keys"
    create_key(stranger, "ec", "ES384")
    other = type(room)(clock=clock, keys=stranger)
    async with served(SMART) as sandbox:
        with pytest.raises(PermanentEhrError, match="invalid_client") as problem:
            async with other.open(a_connection(sandbox, key="ec")):
                pass
    assert "JWKS" in problem.value.hint


async def test_a_client_that_is_not_registered_is_told_in_the_same_way(served, room):
    smart = SmartAuth(client_id="nobody", key_id="ec")
    async with served(SMART) as sandbox:
        with pytest.raises(PermanentEhrError, match="invalid_client"):
            async with room.open(a_connection(sandbox, smart=smart)):
                pass


async def test_where_the_clocks_differ_the_refusal_names_them(served, room, clock):
    async with served(SMART) as sandbox:
        clock.move(minutes=-10)
        with pytest.raises(PermanentEhrError, match="clock is 600 s ahead of ours") as problem:
            async with room.open(a_connection(sandbox, key="ec")):
                pass
    assert "NTP" in problem.value.hint


async def test_granted_scopes_that_are_narrower_than_asked_take_types_away(served, room):
    personality = SMART + 'granted_scopes = ["system/Patient.rs", "system/Goal.rs"]\n'
    asked = ("system/Patient.rs", "system/Goal.rs", "system/CarePlan.rs")
    async with served(personality) as sandbox, room.open(a_connection(sandbox, key="ec", scopes=asked)) as ehr:
        assert ehr.granted == ("system/Patient.rs", "system/Goal.rs")
        goal, plan = ehr.statement.of("Goal"), ehr.statement.of("CarePlan")
        assert (bool(goal.search), bool(goal.create), bool(plan.read)) == (True, False, False)


async def test_a_key_that_is_not_there_is_a_matter_of_set_up(served, room):
    async with served(SMART) as sandbox:
        for key in ("none", "../x"):
            with pytest.raises(ConfigurationError, match="no key"):
                async with room.open(a_connection(sandbox, key=key)):
                    pass


async def test_an_ehr_without_smart_tells_where_a_token_would_come_from(served, room):
    async with served() as sandbox:
        with pytest.raises(PermanentEhrError, match="SMART configuration: the EHR answered 404"):
            async with room.open(a_connection(sandbox, key="ec")):
                pass


# --- against answers of all kinds -----------------------------------------------------------------------------------


class Told:
    """A wire that answers from a list."""

    def __init__(self, *replies):
        self.waiting, self.asked = list(replies), []

    async def __call__(self, asked):
        self.asked.append(asked)
        await asyncio.sleep(0)
        return self.waiting.pop(0)


GRANTED = {"access_token": "t-1", "token_type": "bearer", "expires_in": 100, "scope": "system/*.rs"}
GET = Asked(method="GET", url="https://ehr.test/fhir/Goal/1", place="Goal read")
POST = Asked(method="POST", url="https://ehr.test/fhir/Goal", place="Goal create", body=b"{}")


def a_token_wire(keys, clock, *replies, url=TOKEN_URL, key="ec"):
    wire = Told(*replies)
    auth = SmartAuth(client_id="us", key_id=key, token_url=url)
    return TokenWire(wire, base=BASE, auth=auth, keys=KeyFolder(keys), clock=clock), wire


async def test_an_assertion_says_who_to_whom_and_for_how_long(keys, clock):
    tokens, wire = a_token_wire(keys, clock, answer(GRANTED))
    await tokens.start()
    form = dict(part.split("=") for part in wire.asked[0].body.decode().split("&"))
    token = jwt.decode(form["client_assertion"], KeySet.import_key_set(public_keys(keys)), algorithms=["ES384"])
    now = int(clock.now().timestamp())
    jti = token.claims.pop("jti")
    assert token.claims == {"iss": "us", "sub": "us", "aud": TOKEN_URL, "iat": now, "exp": now + 240}
    assert (token.header["kid"], len(jti) > 20) == ("ec", True)
    assert form["grant_type"] == "client_credentials"


async def test_a_bare_400_by_chance_is_asked_again_with_an_assertion_of_its_own(keys, clock):
    """Epic answers one now and then; the same `jti` again would be refused as a replay."""
    tokens, wire = a_token_wire(keys, clock, answer(b"", 400), answer(GRANTED))
    assert await tokens.start() == ("system/*.rs",)
    assert wire.asked[0].body != wire.asked[1].body


LIVES = {
    "a number": (100, 80),
    "a text": ("100", 80),
    "a fraction": (100.5, 80.4),
    "nothing": (None, 240),
    "zero": (0, 240),
    "negative": (-1, 240),
    "a word": ("soon", 240),
    "true": (True, 240),
    "a list": ([1], 240),
    "a century": (3_000_000_000, 69_120),
}


@pytest.mark.parametrize(("told", "seconds"), LIVES.values(), ids=LIVES.keys())
async def test_a_token_is_renewed_when_four_fifths_of_its_life_are_over(keys, clock, told, seconds):
    grant = answer({**GRANTED, "expires_in": told})
    tokens, wire = a_token_wire(keys, clock, grant, answer({}), answer({}), grant, answer({}))
    await tokens(GET)
    clock.move(seconds=seconds - 0.5)
    await tokens(GET)
    clock.told += timedelta(seconds=1)
    await tokens(GET)
    assert [one.url for one in wire.asked].count(TOKEN_URL) == 2


BAD = {
    "no token": (answer({"scope": "x"}), PermanentEhrError, "without a token"),
    "an empty one": (answer({**GRANTED, "access_token": ""}), PermanentEhrError, "without a token"),
    "one that no header holds": (answer({**GRANTED, "access_token": "a\nb"}), PermanentEhrError, "without a token"),
    "no JSON": (answer(b"<html>"), PermanentEhrError, "got a web page"),
    "a list": (answer([]), PermanentEhrError, "answered 200"),
    "wrong secret": (answer({"error": "invalid_client"}, 401), PermanentEhrError, "401 (invalid_client)"),
    "grant not enabled": (answer({"error": "unauthorized_client"}, 400), PermanentEhrError, "unauthorized_client"),
    "words instead of a code": (answer({"error": "Dear Ms. Ruiz!"}, 400), PermanentEhrError, "answered 400."),
    "wrong tenant": (answer({}, 403), PermanentEhrError, "answered 403"),
    "no answer": (Lost(reason="gone", sent=False, again=Again.NEVER), PermanentEhrError, "gone"),
}


@pytest.mark.parametrize(("reply", "kind", "words"), BAD.values(), ids=BAD.keys())
async def test_a_refused_token_is_told_by_its_code_and_never_by_its_words(keys, clock, reply, kind, words):
    tokens, _ = a_token_wire(keys, clock, reply)
    with pytest.raises(kind) as problem:
        await tokens.start()
    assert words in str(problem.value)
    assert problem.value.hint
    assert "Ruiz" not in problem.value.sentence


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_token_endpoint_may_be_asked_later(keys, clock, status):
    tokens, _ = a_token_wire(keys, clock, answer(b"", status, retry_after="3600"))
    with pytest.raises(TemporaryEhrError):
        await tokens.start()


async def test_a_token_that_was_refused_is_not_asked_for_with_each_request(keys, clock):
    """Hundreds of refused assertions in a minute would lock the client out."""
    tokens, wire = a_token_wire(keys, clock, answer({"error": "invalid_client"}, 401))
    for _ in range(3):
        lost = await tokens(GET)
        assert (lost.sent, lost.again) == (False, Again.NEVER)
        assert "invalid_client" in lost.reason
    assert len(wire.asked) == 1


async def test_a_key_that_goes_away_during_a_run_is_no_crash(tmp_path, clock):
    create_key(tmp_path, "ec", "ES384")
    tokens, _ = a_token_wire(tmp_path, clock, answer(GRANTED))
    await tokens.start()
    (tmp_path / "ec.jwk.json").unlink()
    clock.move(seconds=90)
    assert "no key" in (await tokens(GET)).reason


async def test_a_read_is_repeated_once_after_a_401_and_a_write_is_left_to_whoever_drives_it(keys, clock):
    no = answer(b"", 401)
    tokens, wire = a_token_wire(keys, clock, answer(GRANTED), no, answer(GRANTED), no)
    assert (await tokens(GET)).status == 401
    assert wire.waiting == []
    tokens, wire = a_token_wire(keys, clock, answer(GRANTED), no, answer(GRANTED))
    told = await tokens(POST)
    assert (told.sent, told.again, wire.waiting) == (False, Again.AT_ONCE, [])


async def test_of_many_who_find_the_token_ended_one_fetches_a_new_one(keys, clock):
    tokens, wire = a_token_wire(keys, clock, answer(GRANTED), *[answer({})] * 5)
    await asyncio.gather(*(tokens(GET) for _ in range(5)))
    assert [one.url for one in wire.asked].count(TOKEN_URL) == 1


async def test_trouble_below_is_passed_on(keys, clock):
    tokens, _ = a_token_wire(keys, clock, answer(GRANTED), NOT_SENT)
    assert await tokens(GET) == NOT_SENT


async def test_the_token_goes_with_each_request_and_to_the_token_endpoint_none(keys, clock):
    tokens, wire = a_token_wire(keys, clock, answer(GRANTED), answer({}))
    await tokens(GET)
    assert "authorization" not in wire.asked[0].headers
    assert wire.asked[1].headers["authorization"] == "Bearer t-1"


# --- discovery ------------------------------------------------------------------------------------------------------


async def test_the_token_endpoint_is_found_by_discovery(keys, clock):
    tokens, wire = a_token_wire(keys, clock, answer({"token_endpoint": TOKEN_URL}), answer(GRANTED), url="")
    await tokens.start()
    assert [one.url for one in wire.asked] == ["https://ehr.test/fhir/.well-known/smart-configuration", TOKEN_URL]


NO_ENDPOINT = {
    "unnamed": answer({}),
    "no address": answer({"token_endpoint": "/token"}),
    "no text": answer({"token_endpoint": 7}),
    "in clear": answer({"token_endpoint": "http://auth.test/token"}),
    "not there": answer(b"", 404),
    "a web page": Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>"),
}


@pytest.mark.parametrize("reply", NO_ENDPOINT.values(), ids=NO_ENDPOINT.keys())
async def test_a_configuration_that_names_no_usable_endpoint_is_refused(reply):
    with pytest.raises(EhrError) as problem:
        await token_endpoint(BASE, Told(reply))
    assert problem.value.hint
