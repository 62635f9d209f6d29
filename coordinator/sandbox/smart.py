"""Who may ask a simulated EHR: SMART Backend Services with signed assertions, or clients with a secret."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from coordinator.errors import InvalidInput
from coordinator.fhir.json_text import Json, parse
from coordinator.sandbox.exchange import Answer, Asked, Refusal, answer_json
from coordinator.sandbox.personality import Personality
from coordinator.sandbox.world_clock import WorldClock

ALGORITHMS = ("RS384", "ES384")
LONGEST_ASSERTION = timedelta(minutes=5)
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LETTERS = {
    "history-type": "s",
    "history-instance": "r",
    "read": "r",
    "vread": "r",
    "search-type": "s",
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
}
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    scopes: tuple[str, ...]
    ends: datetime


class _Rejected(Exception):
    """The token endpoint says no, with an error of OAuth."""

    def __init__(self, status: int, error: str, *, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.error = error


class Smart:
    """Who may ask one EHR for what."""

    def __init__(self, personality: Personality, clock: WorldClock, *, issuer: str, base: str) -> None:
        self._personality = personality
        self._clock = clock
        self.token_endpoint = f"{issuer}/oauth/token"
        self._audiences = {"token": self.token_endpoint, "issuer": issuer, "base": base}
        self._clients: dict[str, KeySet] = {}
        self._secrets: dict[str, str] = {}
        self._used: set[tuple[str, str]] = set()
        self._tokens: dict[str, _Token] = {}
        self._given = 0

    def register(self, client_id: str, jwks: Json) -> None:
        """Remember a client's public keys; raises InvalidInput when they are none."""
        keys: Any = jwks  # what it holds is for the library to judge
        try:
            self._clients[client_id] = KeySet.import_key_set(keys)
        except (JoseError, KeyError, TypeError, ValueError) as cause:
            raise InvalidInput(
                "jwks is not a JSON Web Key Set.", operation="register client", hint='Send {"keys": [public keys]}.'
            ) from cause

    def register_secret(self, client_id: str, secret: str) -> None:
        """Remember a client that shows a secret."""
        self._secrets[client_id] = secret

    def public_keys(self, client_id: str) -> Json:
        """Return the key set of a client, as the client would publish it; an empty one for a client without."""
        held = self._clients.get(client_id)
        keys: Any = held.as_dict(private=False) if held is not None else {"keys": []}
        return {"keys": [dict(key) for key in keys["keys"]]}

    @property
    def has_tokens(self) -> bool:
        """Say whether there is a token endpoint."""
        return self._personality.smart and self._personality.client_auth != "basic"

    def configuration(self) -> dict[str, Json]:
        """Return what .well-known/smart-configuration says."""
        return {
            "issuer": self._audiences["issuer"],
            "token_endpoint": self.token_endpoint,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": [self._personality.client_auth],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "scopes_supported": list(self._personality.granted_scopes or ("system/*.cruds", "system/*.rs")),
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        }

    def token(self, asked: Asked) -> Answer:
        """Answer a request for a token."""
        try:
            form = dict(parse_qsl(asked.body.decode("utf-8", "replace")))
            return self._granted(form, asked.headers.get("authorization", ""))
        except _Rejected as no:
            return answer_json(no.status, {"error": no.error, "error_description": str(no)})

    def expire(self) -> None:
        """End every token now, as a server does that was started anew."""
        self._tokens.clear()

    def check(self, asked: Asked, resource_type: str | None, *, interaction: str | None) -> None:
        """Raise Refusal for a request without a token (401) or without the scope (403)."""
        if self._personality.client_auth == "basic":
            self._check_password(asked.headers.get("authorization", ""))
            return
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(value.strip()) if scheme.lower() == "bearer" else None
        if token is None or token.ends <= self._clock.now():
            headers = (("www-authenticate", 'Bearer error="invalid_token"'),)
            raise Refusal(401, "login", text="A valid access token is needed.", headers=headers)
        if resource_type is not None and interaction is not None:
            letter = _LETTERS[interaction]
            if not any(_covers(scope, resource_type, letter=letter) for scope in token.scopes):
                raise Refusal(
                    403, "forbidden", text=f"The token's scopes do not cover {interaction} of {resource_type}."
                )

    def _check_password(self, authorization: str) -> None:
        client_id, secret = _basic(authorization)
        if not secret or self._secrets.get(client_id) != secret:
            headers = (("www-authenticate", 'Basic realm="sandbox"'),)
            raise Refusal(401, "login", text="Name and password are needed.", headers=headers)

    def _granted(self, form: Mapping[str, str], authorization: str) -> Answer:
        if form.get("grant_type") != "client_credentials":
            raise _Rejected(400, "unsupported_grant_type", why="grant_type must be client_credentials")
        self._authenticate(form, authorization)
        versions = self._personality.scope_versions
        scopes = [one for one in form.get("scope", "").split() if _version_of(one) in versions]
        most = self._personality.granted_scopes
        granted = tuple(scope for scope in scopes if not most or scope in most)
        if not granted:
            raise _Rejected(400, "invalid_scope", why="none of these scopes can be granted")
        self._given += 1
        value = f"sandbox-token-{self._given}"
        ends = self._clock.now() + timedelta(seconds=self._personality.token_seconds)
        self._tokens[value] = _Token(scopes=granted, ends=ends)
        told: Json = {
            "access_token": value,
            "token_type": "bearer",
            "expires_in": self._personality.token_seconds,
            "scope": " ".join(granted),
        }
        return answer_json(200, told, ("cache-control", "no-store"))

    def _authenticate(self, form: Mapping[str, str], authorization: str) -> None:
        if self._personality.client_auth == "private_key_jwt":
            if form.get("client_assertion_type") != _ASSERTION_TYPE:
                raise _Rejected(400, "invalid_request", why=f"client_assertion_type must be {_ASSERTION_TYPE}")
            self._verify(form.get("client_assertion", ""))
            return
        shown = (form.get("client_id", ""), form.get("client_secret", ""))
        if self._personality.client_auth == "client_secret_basic":
            shown = _basic(authorization)
        if not shown[1] or self._secrets.get(shown[0]) != shown[1]:
            raise _Rejected(401, "invalid_client", why="client id and secret do not belong together")

    def _verify(self, assertion: str) -> None:
        """Check an assertion as RFC 7523 and SMART Backend Services ask: key, signature, then each claim."""
        client_id = self._issuer(assertion)
        try:
            token = jwt.decode(assertion, self._clients[client_id], algorithms=list(ALGORITHMS))
        except (JoseError, ValueError) as cause:
            raise _Rejected(
                401, "invalid_client", why="the signature does not verify with the client's keys"
            ) from cause
        claims = token.claims
        now = self._clock.now().timestamp()
        ends, jti, audience = claims.get("exp"), claims.get("jti"), claims.get("aud")
        if claims.get("sub") != client_id:
            raise _Rejected(401, "invalid_client", why="iss and sub must both be the client id")
        wanted = self._audiences[self._personality.audience]
        if wanted not in (audience if isinstance(audience, list) else [audience]):
            raise _Rejected(401, "invalid_client", why=f"aud must be the address of: {self._personality.audience}")
        if not isinstance(ends, int | float) or not now < ends <= now + LONGEST_ASSERTION.total_seconds():
            raise _Rejected(401, "invalid_client", why="exp must lie at most five minutes ahead")
        if not isinstance(jti, str) or not jti or (client_id, jti) in self._used:
            raise _Rejected(401, "invalid_client", why="jti must be new")
        self._used.add((client_id, jti))

    def _issuer(self, assertion: str) -> str:
        """Return the registered client that an assertion names, once its key is known, too."""
        try:
            unverified = jws.extract_compact(assertion.encode())
            claims = parse(unverified.payload)
            header = unverified.headers()
        except (JoseError, InvalidInput, ValueError) as cause:
            raise _Rejected(401, "invalid_client", why="client_assertion is not a JWT") from cause
        client_id = claims.get("iss") if isinstance(claims, dict) else None
        if not isinstance(client_id, str) or client_id not in self._clients:
            raise _Rejected(401, "invalid_client", why="the client is not registered")
        if header.get("kid") not in [key.kid for key in self._clients[client_id].keys]:
            raise _Rejected(401, "invalid_client", why="kid is not among the client's keys")
        return client_id


def _basic(authorization: str) -> tuple[str, str]:
    """Return name and password of an Authorization header; a client's are form-encoded first (RFC 6749, 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    try:
        told = base64.b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        told = ""
    name, _, secret = told.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _version_of(scope: str) -> str:
    """Return the version of SMART scopes in which a scope is written: letters of cruds are v2, words v1."""
    return "v2" if re.fullmatch(r"[^.]+\.c?r?u?d?s?(\?.*)?", scope) else "v1"


def _covers(scope: str, resource_type: str, *, letter: str) -> bool:
    """Say whether a scope such as system/Goal.rs or system/*.read allows an interaction on a type."""
    context, _, rest = scope.partition("/")
    kind, _, permission = rest.partition("?")[0].partition(".")
    letters = _FIRST_VERSION.get(permission, permission)
    return context == "system" and kind in ("*", resource_type) and letter in letters
