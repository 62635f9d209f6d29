"""Why an EHR gives us no token: most say `invalid_client` to everything, so what can be seen from here is looked at.

In this order: the address of the token endpoint, our published keys, the clock, the audience, the secret's way. What is
left when all of it is right is the EHR's own: a key it has not fetched, a client of another environment, a site that
has not enabled us. Each look fetches what is public or asks for a token; nobody is searched, nothing is changed.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coordinator.ehr.exchange import Answer, Asked, Base, Lost, Wire, base_of, origin
from coordinator.ehr.keys import KeyFolder
from coordinator.ehr.problem import Cause, Problem, cause_of
from coordinator.ehr.smart import Discovered, audience_of, discovered, token_request
from coordinator.errors import CoordinatorError, EhrError, InvalidInput
from coordinator.fhir import Json, parse
from coordinator.sync.records import EhrConnection, SmartAuth

MUCH_SKEW = timedelta(seconds=60)  # from here on an assertion of four minutes begins to be refused
_AUDIENCES = {"token": "the token endpoint", "issuer": "the issuer", "base": "the FHIR base"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A sign-in that was refused: where, by what error, and by how much the EHR's clock is ahead of ours."""

    connection: EhrConnection
    auth: SmartAuth
    error: CoordinatorError
    skew: timedelta | None
    now: datetime

    @property
    def base(self) -> Base:
        """Return the FHIR base of the EHR."""
        return base_of(self.connection.url)


async def why_refused(refused: Refused, wire: Wire, *, jwks_wire: Wire, keys: KeyFolder) -> Problem:
    """Return the most likely cause of a refused sign-in, with its cure; `jwks_wire` may go where our keys are."""
    error = refused.error
    if not isinstance(error, EhrError) or error.code in ("rate-limit", "scope", "unreachable", "web-page", "clock"):
        return _as_told(error)
    try:
        named = await discovered(refused.base, wire)
    except EhrError:
        named = Discovered()
    asked_of = refused.auth.token_url or named.token_endpoint
    looks: tuple[AsyncIterator[Problem], ...] = (
        _at_endpoint(refused, named, wire, keys=keys),
        _at_keys(refused, jwks_wire, keys=keys),
        _at_audience(refused, replace(named, token_endpoint=asked_of), wire, keys=keys),
    )
    for look in looks:
        async for problem in look:
            return problem
    if error.code != "sign-in":
        return _as_told(error)
    return _left(refused)


def _as_told(error: CoordinatorError) -> Problem:
    return Problem(what=str(error), cure=error.hint or _ASK, cause=cause_of(getattr(error, "code", "")))


def _left(refused: Refused) -> Problem:
    auth = refused.auth
    shown = f"key {auth.key_id}" if auth.method == "private_key_jwt" else "the secret"
    what = (
        f"{refused.error} Address, audience and clock are right as far as can be seen from here: "
        f"the EHR does not know client {auth.client_id} with {shown}."
    )
    cure = (
        "Give its operator `coordinator keys jwks` anew, and ask whether the client id is of this environment, whether "
        "the site has enabled it, and how long a change takes there (hours to days); if keys are fetched from an "
        "address, tell it to us with --smart …,jwks=URL and it is looked at, too."
    )
    return Problem(what=what, cure=cure, cause=Cause.KEY if auth.method == "private_key_jwt" else Cause.SIGN_IN)


async def _at_endpoint(refused: Refused, named: Discovered, wire: Wire, *, keys: KeyFolder) -> AsyncIterator[Problem]:
    """Look whether the EHR itself names another address for tokens than we were given."""
    ours = refused.auth.token_url
    if not ours or not named.token_endpoint or ours == named.token_endpoint:
        return
    theirs = replace(refused.auth, token_url=named.token_endpoint)
    works = await _is_taken(replace(refused, auth=theirs), named, wire, keys=keys)
    remark = " There our client gets a token." if works else ""
    yield Problem(
        what=f"{refused.error} Tokens are asked of {ours}; the EHR names {named.token_endpoint}.{remark}",
        cure="Register it anew with --replace and --smart without token=, or with token= that address to the letter.",
        cause=Cause.TOKEN_ENDPOINT,
    )


async def _at_keys(refused: Refused, wire: Wire, *, keys: KeyFolder) -> AsyncIterator[Problem]:
    """Look whether our key is where the EHR fetches it."""
    auth = refused.auth
    if auth.method != "private_key_jwt" or not auth.jwks_url:
        return
    kid, key = keys.signing(auth.key_id, refused.now)
    held = await _published(auth.jwks_url, wire)
    if isinstance(held, str):
        yield Problem(
            what=f"Our public keys can't be fetched from {auth.jwks_url}: {held}.",
            cure="Serve them there with `coordinator serve` or put `coordinator keys jwks` there; "
            "the EHR must reach that address, too.",
            cause=Cause.JWKS,
        )
    elif kid not in held:
        there = ", ".join(sorted(held)) or "none"
        yield Problem(
            what=f"The key {kid} with which we sign is not in {auth.jwks_url}, which has: {there}.",
            cure="Publish `coordinator keys jwks` there, and wait until the EHR has fetched it.",
            cause=Cause.KEY,
        )
    else:
        ours = key.as_dict(private=False)
        if any(held[kid].get(part) != ours.get(part) for part in ("kty", "n", "e", "x", "y")):
            yield Problem(
                what=f"In {auth.jwks_url} the key {kid} is another one than ours.",
                cure="Publish `coordinator keys jwks` there, and give each installation keys with names of their own.",
                cause=Cause.KEY,
            )


async def _published(url: str, wire: Wire) -> dict[str, Mapping[str, Json]] | str:
    """Return the keys at an address by their id, or why they are not there."""
    asked = Asked(method="GET", url=url, place="JWKS", headers={"accept": "application/json"})
    reply = await wire(asked)
    if isinstance(reply, Lost):
        return reply.reason
    if reply.status != 200 or reply.is_html:
        return f"status {reply.status}{', a web page' if reply.is_html else ''}"
    try:
        tree = parse(reply.body)
    except InvalidInput:
        return "what is there is no JSON"
    keys = tree.get("keys") if isinstance(tree, dict) else None
    if not isinstance(keys, list):
        return "what is there is no JWKS"
    return {str(one["kid"]): one for one in keys if isinstance(one, dict) and isinstance(one.get("kid"), str)}


async def _at_audience(refused: Refused, named: Discovered, wire: Wire, *, keys: KeyFolder) -> AsyncIterator[Problem]:
    """Look whether an assertion for another audience is taken: the profile says the token endpoint, not all do."""
    auth = refused.auth
    is_clear = refused.skew is None or abs(refused.skew) < MUCH_SKEW
    if auth.method != "private_key_jwt" or not is_clear or not named.token_endpoint:
        return
    sent = audience_of(auth, named.token_endpoint, base=refused.base, issuer=named.issuer)
    for word, called in _AUDIENCES.items():
        tried = replace(auth, audience=word)
        wanted = audience_of(tried, named.token_endpoint, base=refused.base, issuer=named.issuer)
        if wanted != sent and await _is_taken(replace(refused, auth=tried), named, wire, keys=keys):
            yield Problem(
                what=f"{refused.error} Our assertions have aud {sent}; this EHR takes {called}, {wanted}.",
                cure=f"Register it anew with --replace and --smart {auth.client_id},aud={word}; "
                "where you give the address itself, a slash at its end counts.",
                cause=Cause.AUDIENCE,
            )
            return


async def _is_taken(refused: Refused, named: Discovered, wire: Wire, *, keys: KeyFolder) -> bool:
    """Say whether a sign-in gets a token; asked once."""
    auth = refused.auth
    url = auth.token_url or named.token_endpoint
    if origin(url)[0] == "http" and origin(refused.base.url)[0] == "https":
        return False
    audience = audience_of(auth, url, base=refused.base, issuer=named.issuer)
    reply = await wire(token_request(auth, url, audience=audience, keys=keys, now=refused.now))
    return isinstance(reply, Answer) and reply.status == 200 and b'"access_token"' in reply.body


_ASK = "Check the address and the set-up of this connection, and ask the EHR's operator if it stays so."
