"""SMART Backend Services of a simulated EHR: clients with their public keys, and tokens for signed assertions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

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

    def __init__(self, personality: Personality, clock: WorldClock, *, token_endpoint: str) -> None:
        self._personality = personality
        self._clock = clock
        self.token_endpoint = token_endpoint
        self._clients: dict[str, KeySet] = {}
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

    def configuration(self) -> dict[str, Json]:
        """Return what .well-known/smart-configuration says."""
        return {
            "token_endpoint": self.token_endpoint,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "scopes_supported": list(self._personality.granted_scopes or ("system/*.cruds", "system/*.rs")),
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        }

    def token(self, asked: Asked) -> Answer:
        """Answer a request for a token."""
        try:
            return self._granted(dict(parse_qsl(asked.body.decode("utf-8", "replace"))))
        except _Rejected as no:
            return answer_json(no.status, {"error": no.error, "error_description": str(no)})

    def expire(self) -> None:
        """End every token now, as a server does that was started anew."""
        self._tokens.clear()

    def check(self, asked: Asked, resource_type: str | None, *, interaction: str | None) -> None:
        """Raise Refusal for a request without a token (401) or without the scope (403)."""
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

    def _granted(self, form: Mapping[str, str]) -> Answer:
        if form.get("grant_type") != "client_credentials":
            raise _Rejected(400, "unsupported_grant_type", why="grant_type must be client_credentials")
        if form.get("client_assertion_type") != _ASSERTION_TYPE:
            raise _Rejected(400, "invalid_request", why=f"client_assertion_type must be {_ASSERTION_TYPE}")
        self._verify(form.get("client_assertion", ""))
        scopes = form.get("scope", "").split()
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
        if self.token_endpoint not in (audience if isinstance(audience, list) else [audience]):
            raise _Rejected(401, "invalid_client", why="aud must be the token endpoint")
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


def _covers(scope: str, resource_type: str, *, letter: str) -> bool:
    """Say whether a scope such as system/Goal.rs or system/*.read allows an interaction on a type."""
    context, _, rest = scope.partition("/")
    kind, _, permission = rest.partition("?")[0].partition(".")
    letters = _FIRST_VERSION.get(permission, permission)
    return context == "system" and kind in ("*", resource_type) and letter in letters
