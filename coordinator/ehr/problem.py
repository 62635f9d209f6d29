"""What can be wrong with a connection: a word for programs, and a sentence for its cause and one for its cure."""

from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """What is wrong; each has its row in docs/reference/ehr-check.md."""

    ADDRESS = "address"
    """The address can't be called at all, or not by this connection."""
    UNREACHABLE = "unreachable"
    """Nobody answers there."""
    WRONG_BASE = "wrong-base"
    """Something answers, and it is no FHIR base."""
    WEB_PAGE = "web-page"
    """A web page comes in the place of FHIR: a portal, or a gateway in between."""
    FHIR_VERSION = "fhir-version"
    """It speaks a version of FHIR that we do not read."""
    STATEMENT = "statement"
    """What it says of itself can't be used."""
    CERTIFICATE = "certificate"
    """TLS does not hold: the certificate has ended, names another host, or nobody whom we trust issued it."""
    PACKING = "packing"
    """Answers are not packed as they say they are."""
    RATE_LIMIT = "rate-limit"
    """It refuses requests because too many came."""
    CLOCK = "clock"
    """Its clock and ours differ so far that assertions are refused."""
    SIGN_IN = "sign-in"
    """It does not let us in, and all that we can see from here is right; or it asks for a sign-in that we lack."""
    TOKEN_ENDPOINT = "token-endpoint"  # noqa: S105 - no secret
    """Tokens come from another address than the one we ask."""
    KEY = "key"
    """The key with which we sign is not here, or not among those that the EHR can fetch."""
    JWKS = "jwks"
    """Our public keys can't be fetched where the EHR looks for them."""
    AUDIENCE = "audience"
    """Our assertions name another audience than this EHR takes."""
    SCOPE = "scope"
    """What was granted is less than what is offered or was asked for."""
    ROSTER = "roster"
    """It answers only about a patient whom we name, and no roster says whom."""
    PAGE_CAP = "page-cap"
    """It gives fewer records a page than we ask for, or leaves the rest out."""
    READ_ONLY = "read-only"
    """It takes no writes from us."""
    NOT_OFFERED = "not-offered"
    """It does not offer what we would pull."""
    UNTOLD = "untold"
    """There is no form in which it could be told of something."""
    NOT_KEPT = "not-kept"
    """It takes writes and does not keep all of what they say."""
    DRIFT = "drift"
    """Its statement is not the one that was accepted."""
    OTHER = "other"
    """Something else, told in the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and what to do about it, a sentence each."""

    what: str
    cure: str
    cause: Cause = Cause.OTHER


def cause_of(code: str) -> Cause:
    """Return the cause that an error's code names."""
    return next((one for one in Cause if one.value == code), Cause.OTHER)
