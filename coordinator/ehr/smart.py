"""SMART Backend Services: a signed assertion for a token, kept and renewed (HL7 SMART App Launch 2.x)."""

import asyncio
import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self
from urllib.parse import quote_plus, urlencode

from joserfc import jwt

from coordinator.clock import Clock
from coordinator.ehr.exchange import Again, Answer, Asked, Base, Lost, Reply, Wire
from coordinator.ehr.keys import KeyFolder, algorithm_of
from coordinator.ehr.protocols.retry import BUSY
from coordinator.ehr.protocols.trouble import trouble
from coordinator.ehr.wire import ask, ask_anew
from coordinator.errors import ConfigurationError, EhrError, InvalidInput, PermanentEhrError
from coordinator.fhir import Json, parse
from coordinator.sync.records import SmartAuth

ASSERTION_LIFE = timedelta(minutes=4)  # the profile allows five; clocks differ
RENEW_AT = 0.8  # of a token's life
DEFAULT_LIFE = 300.0
LONGEST_LIFE = 86_400.0
SCOPES_OF_VERSION = {
    "v1": ("system/*.read", "system/*.write"),
    "v2": ("system/*.rs", "system/*.cruds"),
}
_PLACE = "token endpoint"
_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as granted: its scopes and when to renew it."""

    value: str
    scopes: tuple[str, ...]
    renew_at: datetime


@dataclass(slots=True)
class Kept:
    """The token of one client at one EHR, kept from one opening to the next: some EHRs count each that they give."""

    token: Token | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TokenWire:
    """A wire that carries the token of one EHR with each request to it."""

    def __init__(self, wire: Wire, *, base: Base, auth: SmartAuth, keys: KeyFolder, clock: Clock) -> None:
        self._wire, self._base, self._auth, self._keys, self._clock = wire, base, auth, keys, clock
        self._kept = Kept()
        self._failure: EhrError | ConfigurationError | None = None
        self._url = auth.token_url
        self._found = Discovered()

    def keeping(self, kept: Kept) -> Self:
        """Return this wire with a token that others use, too."""
        self._kept = kept
        return self

    async def start(self) -> Sequence[str]:
        """Get the first token; return the granted scopes. Raises EhrError, ConfigurationError."""
        return (await self._valid()).scopes

    async def __call__(self, asked: Asked) -> Reply:
        """Carry a request with the token, renewed once when the EHR says 401.

        What changes something is not sent anew from here: whoever drives it must first ask again whether it may leave.
        """
        try:
            token = await self._valid()
            reply = await self._wire(_with(asked, token))
            if not isinstance(reply, Answer) or reply.status != 401:
                return reply
            token = await self._renewed(instead_of=token)
        except (EhrError, ConfigurationError) as problem:
            return Lost(reason=str(problem), sent=False, again=Again.NEVER, hint=problem.hint)
        if not asked.is_safe:
            return Lost(reason="the EHR did not take our token", sent=False, again=Again.AT_ONCE)
        return await self._wire(_with(asked, token))

    async def signed(self, asked: Asked) -> Asked:
        """Return a request with the token, for a body that is read as it comes. Raises EhrError."""
        return _with(asked, await self._valid())

    async def _valid(self) -> Token:
        token = self._kept.token
        if token is not None and self._clock.now() < token.renew_at:
            return token
        return await self._renewed(instead_of=token)

    async def _renewed(self, *, instead_of: Token | None) -> Token:
        """Return a new token; of many who ask at once only one fetches it.

        One that was refused stays refused for as long as this wire lives: a run makes hundreds of requests, and each
        of them asking again would lock the client out.
        """
        async with self._kept.lock:
            if self._failure is not None:
                raise self._failure
            token = self._kept.token
            if token is None or token is instead_of:
                try:
                    token = self._kept.token = await self._fetched()
                except (EhrError, ConfigurationError) as problem:
                    self._failure = problem
                    raise
            return token

    async def _fetched(self) -> Token:
        if not self._url or self._auth.audience == "issuer":
            self._found = await discovered(self._base, self._wire)
            self._url = self._url or self._found.token_endpoint
        return _granted(await ask_anew(self._wire, self._request, at_token=True), self._clock.now())

    def _request(self) -> Asked:
        """Return a request for a token with an assertion of its own, as a server refuses one that it has seen."""
        audience = audience_of(self._auth, self._url, base=self._base, issuer=self._found.issuer)
        return token_request(self._auth, self._url, audience=audience, keys=self._keys, now=self._clock.now())


def token_request(auth: SmartAuth, url: str, *, audience: str, keys: KeyFolder, now: datetime) -> Asked:
    """Return a request for a token, by the method of the client. Raises ConfigurationError."""
    told = {"grant_type": "client_credentials", "scope": " ".join(asked_scopes(auth))}
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    match auth.method:
        case "client_secret_basic":  # RFC 6749, 2.3.1: each half is form-encoded before both are joined
            pair = f"{quote_plus(auth.client_id)}:{quote_plus(keys.secret(auth.key_id))}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        case "client_secret_post":
            told |= {"client_id": auth.client_id, "client_secret": keys.secret(auth.key_id)}
        case _:
            told |= {"client_assertion_type": _TYPE, "client_assertion": _assertion(auth, audience, keys, now)}
    return Asked(method="POST", url=url, place=_PLACE, headers=headers, body=urlencode(told).encode())


def _assertion(auth: SmartAuth, audience: str, keys: KeyFolder, now: datetime) -> str:
    kid, key = keys.signing(auth.key_id, now)
    algorithm = algorithm_of(key)
    claims: dict[str, Json] = {
        "iss": auth.client_id,
        "sub": auth.client_id,
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LIFE).timestamp()),
        "jti": secrets.token_urlsafe(24),
    }
    return jwt.encode({"alg": algorithm, "kid": kid, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def audience_of(auth: SmartAuth, url: str, *, base: Base, issuer: str) -> str:
    """Return what an assertion is for: the profile says the token endpoint, some servers want another address."""
    known = {"": url, "token": url, "base": base.url, "issuer": issuer or url}
    return known.get(auth.audience, auth.audience)


def asked_scopes(auth: SmartAuth) -> tuple[str, ...]:
    """Return the scopes that are asked for."""
    if len(auth.scopes) == 1 and auth.scopes[0] in SCOPES_OF_VERSION:
        return SCOPES_OF_VERSION[auth.scopes[0]]
    return auth.scopes or SCOPES_OF_VERSION["v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What an EHR's SMART configuration names; empty where it says nothing."""

    token_endpoint: str = ""
    issuer: str = ""


async def discovered(base: Base, wire: Wire) -> Discovered:
    """Return what an EHR's SMART configuration names. Raises EhrError, also where it names no token endpoint."""
    asked = Asked(method="GET", url=f"{base.url}/.well-known/smart-configuration", place="SMART configuration")
    reply = await ask(wire, asked)
    if isinstance(reply, Answer) and reply.status == 404:
        raise PermanentEhrError(
            "SMART configuration: the EHR answered 404: it tells nobody where tokens come from.",
            operation="get token",
            hint="Give the token endpoint with --smart CLIENT_ID,token=URL; where none is wanted, leave --smart off.",
        ).coded("token-endpoint")
    tree = _tree(reply, "SMART configuration")
    url, issuer = tree.get("token_endpoint"), tree.get("issuer")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise PermanentEhrError(
            "The SMART configuration names no token endpoint.",
            operation="get token",
            hint="Give it with --smart CLIENT_ID,token=URL.",
        ).coded("token-endpoint")
    if url.startswith("http://") and base.url.startswith("https://"):
        raise PermanentEhrError(
            "The SMART configuration names a token endpoint without TLS, to which no assertion is sent.",
            operation="get token",
            hint="Ask the EHR's operator for the right one and give it with --smart CLIENT_ID,token=URL.",
        ).coded("token-endpoint")
    return Discovered(token_endpoint=url, issuer=issuer if isinstance(issuer, str) else "")


async def token_endpoint(base: Base, wire: Wire) -> str:
    """Return the token endpoint that an EHR's SMART configuration names. Raises EhrError."""
    return (await discovered(base, wire)).token_endpoint


def _granted(reply: Reply, now: datetime) -> Token:
    tree = _tree(reply, _PLACE)
    value, scope = tree.get("access_token"), tree.get("scope")
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
        raise PermanentEhrError(
            "The token endpoint answered without a token.",
            operation="get token",
            hint="Check that the address is that of the token endpoint, and not of the page where users sign in.",
        ).coded("token-endpoint")
    return Token(
        value=value,
        scopes=tuple(scope.split()) if isinstance(scope, str) else (),
        renew_at=now + timedelta(seconds=_life(tree.get("expires_in")) * RENEW_AT),
    )


def _life(told: Json) -> float:
    """Return for how many seconds a token is good; some servers tell a text, some nothing."""
    if isinstance(told, bool) or not isinstance(told, int | Decimal | str):
        return DEFAULT_LIFE
    try:
        seconds = float(told)
    except ValueError:
        return DEFAULT_LIFE
    return min(seconds, LONGEST_LIFE) if seconds > 0 else DEFAULT_LIFE


def _tree(reply: Reply, place: str) -> dict[str, Json]:
    """Return the JSON object of an answer. Raises EhrError with the OAuth error code, never with words of the body."""
    if isinstance(reply, Lost):
        raise trouble(reply, operation="get token", subject=place)
    try:
        tree = parse(reply.body)
    except InvalidInput:
        tree = None
    told = tree if isinstance(tree, dict) else {}
    if reply.status == 200 and isinstance(tree, dict):
        return told
    if reply.is_html or reply.status in BUSY:
        raise trouble(reply, operation="get token", subject=place)
    code = told.get("error")
    word = code if isinstance(code, str) and code.replace("_", "").isalpha() and len(code) < 40 else ""
    raise PermanentEhrError(
        f"{place}: the EHR answered {reply.status}{f' ({word})' if word else ''}.",
        operation="get token",
        subject=place,
        hint=_HINTS.get(word, "Check the address of the token endpoint and that the client is enabled at this site."),
    ).coded(_code(reply, word))


def _code(reply: Answer, word: str) -> str:
    """Return the code of a refusal; a place that knows no POST or has no errors of OAuth is no token endpoint."""
    if word == "invalid_scope":
        return "scope"
    return "sign-in" if word or reply.status in (400, 401, 403) else "token-endpoint"


_HINTS = {
    "invalid_client": "Check the client id, that the key is in the JWKS the EHR knows, and this machine's clock.",
    "unauthorized_client": "The credentials are right; the grant client_credentials is not enabled for this client.",
    "invalid_scope": "None of the asked scopes can be granted: give others with --smart CLIENT_ID,scopes=...",
    "invalid_grant": "Check that `aud` is the token endpoint to the letter, and this machine's clock.",
}


def _with(asked: Asked, token: Token) -> Asked:
    return replace(asked, headers={**asked.headers, "authorization": f"Bearer {token.value}"})
