"""SMART Backend Services: a signed assertion for a token, kept and renewed (HL7 SMART App Launch 2.x)."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from joserfc import jwt

from coordinator.clock import Clock
from coordinator.ehr.exchange import Again, Answer, Asked, Base, Lost, Reply, Wire
from coordinator.ehr.keys import KeyFolder, algorithm_of
from coordinator.ehr.protocols.trouble import trouble
from coordinator.ehr.wire import ask, ask_anew
from coordinator.errors import ConfigurationError, EhrError, InvalidInput, PermanentEhrError, TemporaryEhrError
from coordinator.fhir import Json, parse
from coordinator.sync.records import SmartAuth

ASSERTION_LIFE = timedelta(minutes=4)  # the profile allows five; clocks differ
RENEW_AT = 0.8  # of a token's life
DEFAULT_LIFE = 300.0
LONGEST_LIFE = 86_400.0
DEFAULT_SCOPES = ("system/*.rs", "system/*.cruds")
_PLACE = "token endpoint"
_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as granted: its scopes and when to renew it."""

    value: str
    scopes: tuple[str, ...]
    renew_at: datetime


class TokenWire:
    """A wire that carries the token of one EHR with each request to it."""

    def __init__(self, wire: Wire, *, base: Base, auth: SmartAuth, keys: KeyFolder, clock: Clock) -> None:
        self._wire, self._base, self._auth, self._keys, self._clock = wire, base, auth, keys, clock
        self._token: Token | None = None
        self._failure: EhrError | ConfigurationError | None = None
        self._url = auth.token_url
        self._lock = asyncio.Lock()

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
        token = self._token
        if token is not None and self._clock.now() < token.renew_at:
            return token
        return await self._renewed(instead_of=token)

    async def _renewed(self, *, instead_of: Token | None) -> Token:
        """Return a new token; of many who ask at once only one fetches it.

        One that was refused stays refused for as long as this wire lives: a run makes hundreds of requests, and each
        of them asking again would lock the client out.
        """
        async with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._token is None or self._token is instead_of:
                try:
                    self._token = await self._fetched()
                except (EhrError, ConfigurationError) as problem:
                    self._failure = problem
                    raise
            return self._token

    async def _fetched(self) -> Token:
        if not self._url:
            self._url = await token_endpoint(self._base, self._wire)
        return _granted(await ask_anew(self._wire, self._request, at_token=True), self._clock.now())

    def _request(self) -> Asked:
        """Return a request for a token with an assertion of its own, as a server refuses one that it has seen."""
        told = {
            "grant_type": "client_credentials",
            "scope": " ".join(asked_scopes(self._auth)),
            "client_assertion_type": _TYPE,
            "client_assertion": self._assertion(),
        }
        return Asked(
            method="POST",
            url=self._url,
            place=_PLACE,
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            body=urlencode(told).encode(),
        )

    def _assertion(self) -> str:
        key = self._keys.private(self._auth.key_id)
        algorithm = algorithm_of(key)
        now = self._clock.now()
        claims: dict[str, Json] = {
            "iss": self._auth.client_id,
            "sub": self._auth.client_id,
            "aud": self._url,
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
            "jti": secrets.token_urlsafe(24),
        }
        header = {"alg": algorithm, "kid": self._auth.key_id, "typ": "JWT"}
        return jwt.encode(header, claims, key, algorithms=[algorithm])


def asked_scopes(auth: SmartAuth) -> tuple[str, ...]:
    """Return the scopes that are asked for."""
    return auth.scopes or DEFAULT_SCOPES


async def token_endpoint(base: Base, wire: Wire) -> str:
    """Return the token endpoint that an EHR's SMART configuration names. Raises EhrError."""
    asked = Asked(method="GET", url=f"{base.url}/.well-known/smart-configuration", place="SMART configuration")
    tree = _tree(await ask(wire, asked), "SMART configuration")
    url = tree.get("token_endpoint")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise PermanentEhrError(
            "The SMART configuration names no token endpoint.",
            operation="get token",
            hint="Give it with --smart CLIENT_ID,token=URL.",
        )
    if url.startswith("http://") and base.url.startswith("https://"):
        raise PermanentEhrError(
            "The SMART configuration names a token endpoint without TLS, to which no assertion is sent.",
            operation="get token",
            hint="Ask the EHR's operator for the right one and give it with --smart CLIENT_ID,token=URL.",
        )
    return url


def _granted(reply: Reply, now: datetime) -> Token:
    tree = _tree(reply, _PLACE)
    value, scope = tree.get("access_token"), tree.get("scope")
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
        raise PermanentEhrError(
            "The token endpoint answered without a token.",
            operation="get token",
            hint="Check that the address is that of the token endpoint, and not of the page where users sign in.",
        )
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
    code = told.get("error")
    word = code if isinstance(code, str) and code.replace("_", "").isalpha() and len(code) < 40 else ""
    kind = TemporaryEhrError if reply.status in (429, 502, 503, 504) else PermanentEhrError
    raise kind(
        f"{place}: the EHR answered {reply.status}{f' ({word})' if word else ''}.",
        operation="get token",
        subject=place,
        hint=_HINTS.get(word, "Check the address of the token endpoint and that the client is enabled at this site."),
    )


_HINTS = {
    "invalid_client": "Check the client id, that the key is in the JWKS the EHR knows, and this machine's clock.",
    "unauthorized_client": "The credentials are right; the grant client_credentials is not enabled for this client.",
    "invalid_scope": "None of the asked scopes can be granted: give others with --smart CLIENT_ID,scopes=...",
    "invalid_grant": "Check that `aud` is the token endpoint to the letter, and this machine's clock.",
}


def _with(asked: Asked, token: Token) -> Asked:
    return replace(asked, headers={**asked.headers, "authorization": f"Bearer {token.value}"})
