"""SMART Backend Services: a token is given for a signed assertion that is right in every part, and for nothing less."""

from datetime import UTC, datetime

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

TOKEN_URL = "http://sandbox.test/iop/oauth/token"
NOW = int(datetime(2026, 4, 7, 12, tzinfo=UTC).timestamp())
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SMART = "smart = true\n"


@pytest.fixture(scope="module")
def keys():
    return {
        "RS384": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS384"}),
        "ES384": ECKey.generate_key("P-384", {"kid": "ec", "use": "sig", "alg": "ES384"}),
        "stranger": RSAKey.generate_key(2048, {"kid": "rsa"}),
    }


def claims(**changed):
    told = {"iss": "us", "sub": "us", "aud": TOKEN_URL, "exp": NOW + 300, "jti": "1", **changed}
    return {key: value for key, value in told.items() if value is not None}


def form(assertion, **changed):
    told = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": "system/Goal.rs",
    }
    return {**told, **changed}


def signed(keys, *, algorithm="RS384", key=None, kid="", told=None):
    header = {"alg": algorithm, "kid": kid or {"RS384": "rsa", "ES384": "ec"}[algorithm]}
    return jwt.encode(header, told or claims(), keys[key or algorithm], algorithms=[algorithm])


async def register(client, keys):
    public = KeySet([keys["RS384"], keys["ES384"]]).as_dict(private=False)
    return await client.post("/_sandbox/client", json={"ehr": "iop", "client_id": "us", "jwks": public})


async def token_for(client, keys, scope, jti="1"):
    answer = await client.post("/iop/oauth/token", data=form(signed(keys, told=claims(jti=jti)), scope=scope))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a_signed_assertion_is_answered_with_a_token_that_opens_the_records(a_world, asking, keys, algorithm):
    async with asking(a_world(SMART)) as client:
        registered = await register(client, keys)
        told = await client.get("/iop/fhir/.well-known/smart-configuration")
        answer = await client.post("/iop/oauth/token", data=form(signed(keys, algorithm=algorithm)))
        token = answer.json()
        without = await client.get("/iop/fhir/Goal")
        with_token = await client.get("/iop/fhir/Goal", headers={"Authorization": f"Bearer {token['access_token']}"})

    assert registered.json()["token_endpoint"] == told.json()["token_endpoint"] == TOKEN_URL
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("bearer", 300, "system/Goal.rs")
    assert (without.status_code, with_token.status_code) == (401, 200)
    assert without.headers["www-authenticate"].startswith("Bearer")


WRONG_CLAIMS = {
    "another client": {"iss": "them", "sub": "them"},
    "subject of another": {"sub": "them"},
    "for the FHIR base": {"aud": "http://sandbox.test/iop/fhir"},
    "too long": {"exp": NOW + 301},
    "over": {"exp": NOW},
    "without end": {"exp": None},
    "without jti": {"jti": None},
}


@pytest.mark.parametrize("changed", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
async def test_an_assertion_with_a_wrong_claim_is_an_invalid_client(a_world, asking, keys, changed):
    async with asking(a_world(SMART)) as client:
        await register(client, keys)
        answer = await client.post("/iop/oauth/token", data=form(signed(keys, told=claims(**changed))))

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.json()["error_description"]


async def test_an_assertion_of_a_strangers_key_or_an_unknown_kid_or_no_jwt_is_an_invalid_client(a_world, asking, keys):
    wrong = [signed(keys, key="stranger"), signed(keys, kid="other"), "no.jwt.here", "", signed(keys) + "x"]
    async with asking(a_world(SMART)) as client:
        await register(client, keys)
        answers = [await client.post("/iop/oauth/token", data=form(one)) for one in wrong]

    assert [answer.json()["error"] for answer in answers] == ["invalid_client"] * 5


async def test_an_assertion_serves_once(a_world, asking, keys):
    async with asking(a_world(SMART)) as client:
        await register(client, keys)
        assertion = signed(keys)
        answers = [await client.post("/iop/oauth/token", data=form(assertion)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert "jti" in answers[1].json()["error_description"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_a_wrong_request_for_a_token_is_told_by_its_oauth_error(a_world, asking, keys, changed, error):
    async with asking(a_world(SMART)) as client:
        await register(client, keys)
        answer = await client.post("/iop/oauth/token", data=form(signed(keys), **changed))

    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_token_ends_by_the_worlds_clock(a_world, asking, keys):
    async with asking(a_world(SMART + "token_seconds = 60\n")) as client:
        await register(client, keys)
        headers = await token_for(client, keys, "system/*.read")
        seen = []
        for second in ("00:59", "01:00"):
            await client.post("/_sandbox/clock", json={"now": f"2026-04-07T12:{second}Z"})
            seen.append((await client.get("/iop/fhir/Goal", headers=headers)).status_code)

    assert seen == [200, 401]


async def test_scopes_may_be_granted_narrower_than_asked(a_world, asking, keys):
    personality = SMART + 'granted_scopes = ["system/Goal.rs", "system/Task.crus"]\n'
    async with asking(a_world(personality)) as client:
        await register(client, keys)
        assertion = signed(keys)
        answer = await client.post("/iop/oauth/token", data=form(assertion, scope="system/Goal.rs system/Patient.rs"))
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        goal = await client.get("/iop/fhir/Goal", headers=headers)
        patient = await client.get("/iop/fhir/Patient/p-1", headers=headers)

    assert answer.json()["scope"] == "system/Goal.rs"
    assert (goal.status_code, patient.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("system/Goal.read", {"GET"}),
        ("system/Goal.write", {"POST"}),
        ("system/Goal.*", {"GET", "POST"}),
        ("system/*.rs", {"GET"}),
        ("system/Goal.cruds", {"GET", "POST"}),
        ("system/Goal.rs?category=x", {"GET"}),
        ("patient/Goal.rs", set()),
        ("system/Task.rs", set()),
    ],
)
async def test_a_scope_allows_what_it_says_in_either_version(a_world, asking, keys, goal, scope, allowed):
    async with asking(a_world(SMART)) as client:
        await register(client, keys)
        headers = await token_for(client, keys, scope)
        read = await client.get("/iop/fhir/Goal", headers=headers)
        created = await client.post("/iop/fhir/Goal", json=goal(), headers=headers)

    assert {read.request.method} & allowed == ({"GET"} if read.status_code == 200 else set())
    assert {created.request.method} & allowed == ({"POST"} if created.status_code == 201 else set())


async def test_the_statement_is_open_and_names_the_token_endpoint_and_a_plain_ehr_has_none(a_world, asking):
    async with asking(a_world(SMART)) as client:
        statement = await client.get("/iop/fhir/metadata")
    async with asking(a_world()) as client:
        plain = await client.get("/iop/fhir/metadata")
        discovery = await client.get("/iop/fhir/.well-known/smart-configuration")
        token = await client.post("/iop/oauth/token", data=form(""))

    assert statement.status_code == 200
    assert TOKEN_URL in statement.text
    assert "security" not in plain.json()["rest"][0]
    assert (discovery.status_code, token.status_code) == (404, 404)


@pytest.mark.parametrize("jwks", [None, {"keys": [{"kty": "none"}]}, {}, "text", {"keys": 1}])
async def test_keys_that_are_none_are_refused_at_registration(a_world, asking, jwks):
    async with asking(a_world(SMART)) as client:
        answer = await client.post("/_sandbox/client", json={"ehr": "iop", "client_id": "us", "jwks": jwks})

    assert (answer.status_code, "Key Set" in answer.json()["error"]) == (400, True)
