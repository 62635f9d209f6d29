"""SMART Backend Services: a signed assertion for a token, kept and renewed once (HL7 SMART App Launch 2.x)."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from joserfc import jwt

from coordinator.clock import Clock
from coordinator.ehr.exchange import Answer, Asked, Base, Lost, Reply, Wire
from coordinator.ehr.keys import KeyFolder
from coordinator.ehr.wire import ask
from coordinator.errors import EhrError, InvalidInput, PermanentEhrError, TemporaryEhrError
from coordinator.fhir import Json, parse
from coordinator.sync.records import SmartAuth

ASSERTION_LIFE = timedelta(minutes=4)  # the profile allows five; clocks differ
RENEW_AT = 0.8  # of a token's life
DEFAULT_LIFE = 300.0
DEFAULT_SCOPES = ("system/*.rs", "system/*.cruds")
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
        self._url = auth.token_url
        self._lock = asyncio.Lock()

    async def start(self) -> Sequence[str]:
        """Get the first token; return the granted scopes. Raises EhrError, ConfigurationError."""
        return (await self._valid()).scopes

    async def __call__(self, asked: Asked) -> Reply:
        """Carry a request with the token, renewed once when the EHR says 401."""
        try:
            token = await self._valid()
            reply = await self._wire(_with(asked, token))
            if isinstance(reply, Answer) and reply.status == 401:
                token = await self._renewed(instead_of=token)
                reply = await self._wire(_with(asked, token))
        except EhrError as problem:
            return Lost(reason=str(problem), sent=False)
        return reply

    async def _valid(self) -> Token:
        token = self._token
        if token is not None and self._clock.now() < token.renew_at:
            return token
        return await self._renewed(instead_of=token)

    async def _renewed(self, *, instead_of: Token | None) -> Token:
        """Return a new token; of many who ask at once only one fetches it."""
        async with self._lock:
            if self._token is None or self._token is instead_of:
                self._token = await self._fetched()
            return self._token

    async def _fetched(self) -> Token:
        if not self._url:
            self._url = await token_endpoint(self._base, self._wire)
        body = urlencode(
            {
                "grant_type": "client_credentials",
                "scope": " ".join(self._auth.scopes or DEFAULT_SCOPES),
                "client_assertion_type": _TYPE,
                "client_assertion": self._assertion(),
            }
        )
        asked = Asked(
            method="POST",
            url=self._url,
            place="token endpoint",
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            body=body.encode(),
        )
        return _granted(await ask(self._wire, asked, at_token=True), self._clock.now())

    def _assertion(self) -> str:
        """Return a signed assertion; each has a new `jti`, as a server refuses one that it has seen."""
        key = self._keys.private(self._auth.key_id)
        algorithm = str(key.as_dict(private=False).get("alg") or "RS384")
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


async def token_endpoint(base: Base, wire: Wire) -> str:
    """Return the token endpoint that an EHR's SMART configuration names. Raises EhrError."""
    asked = Asked(method="GET", url=f"{base.url}/.well-known/smart-configuration", place="SMART configuration")
    tree = _tree(await ask(wire, asked), "SMART configuration")
    url = tree.get("token_endpoint")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise PermanentEhrError(
            "The SMART configuration names no token endpoint.", hint="Give it with --smart CLIENT_ID,token=URL."
        )
    return url


def _granted(reply: Reply, now: datetime) -> Token:
    tree = _tree(reply, "token endpoint")
    value, life, scope = tree.get("access_token"), tree.get("expires_in"), tree.get("scope")
    if not isinstance(value, str) or not value:
        raise PermanentEhrError("The token endpoint answered without a token.", operation="get token")
    seconds = float(life) if isinstance(life, int) and not isinstance(life, bool) and life > 0 else DEFAULT_LIFE
    return Token(
        value=value,
        scopes=tuple(scope.split()) if isinstance(scope, str) else (),
        renew_at=now + timedelta(seconds=seconds * RENEW_AT),
    )


def _tree(reply: Reply, place: str) -> dict[str, Json]:
    """Return the JSON object of an answer. Raises EhrError with the OAuth error code, never with words of the body."""
    if isinstance(reply, Lost):
        raise TemporaryEhrError(f"{place}: no answer ({reply.reason}).", operation="get token", subject=place)
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
