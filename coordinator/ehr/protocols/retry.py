"""Whether a request is asked again, and when: a decision as a value."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from coordinator.ehr.exchange import BROKEN_OFF, Again, Answer, Lost, Reply

BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long we try. Waits double from `first_wait`; what an EHR asks for is clamped to `longest_wait`."""

    tries: int = 4
    first_wait: float = 0.25
    longest_wait: float = 30.0
    total: float = 120.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Ask again at this moment of the driver's time."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """What came is what there is. `retry_after` repeats the seconds that the EHR asked for."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was tried so far: how often, since when, and what time it is, all of the driver's clock."""

    times: int
    since: float
    now: float


Decision: TypeAlias = RetryAt | GiveUp | None


def decide(reply: Reply, tried: Tried, *, patience: Patience = PATIENCE, at_token: bool = False) -> Decision:
    """Return when to ask a safe request again, that we give up, or None where the reply is an answer.

    `at_token`: EHRs were seen to answer a bare 400 at the token endpoint by chance, the same as for bad credentials.
    """
    if isinstance(reply, Lost):
        if reply.again is Again.NEVER:
            return GiveUp(reason=reply.reason)
        return _later(reply.reason, None, tried, patience)
    if reply.fault == BROKEN_OFF:
        return _later(reply.fault, None, tried, patience)
    if reply.status in BUSY or (reply.status == 500 and tried.times < 2):
        # A 500 can be a record that the server can't render; it gets one more chance, no more.
        return _later(f"status {reply.status}", retry_after(reply), tried, patience)
    if at_token and reply.status == 400 and not reply.body.strip():
        return _later("status 400 without a word", None, tried, patience)
    return None


def retry_after(answer: Answer) -> float | None:
    """Return the seconds that an EHR asks us to wait, whether it told seconds or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    asked, told = _instant(text), _instant(answer.headers.get("date", ""))
    if asked is None or told is None:
        return None
    return max(0.0, (asked - told).total_seconds())


def _instant(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _later(reason: str, asked_for: float | None, tried: Tried, patience: Patience) -> RetryAt | GiveUp:
    wait = patience.first_wait * 2 ** (tried.times - 1) if asked_for is None else max(asked_for, patience.first_wait)
    is_over = tried.times >= patience.tries or tried.now + wait > tried.since + patience.total
    if is_over or wait > patience.longest_wait:
        # EHRs were seen to ask for hours: that is for the next run, not for this one.
        return GiveUp(reason=reason, retry_after=asked_for)
    return RetryAt(at=tried.now + wait)
