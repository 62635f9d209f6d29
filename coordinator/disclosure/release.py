"""The release of one body: asked at each try, labeled, and in the audit log before a byte leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from coordinator.audit import AuditRow, Happening, audit_row
from coordinator.disclosure.marking import labeled
from coordinator.disclosure.view import Recipient, Sight


class AuditLog(Protocol):
    """Where events are kept before anything leaves."""

    async def append(self, rows: Sequence[AuditRow]) -> None:
        """Keep rows; raises when they can't be kept, and then nothing may leave."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What would go out: the body, the citations it rests on, to which EHR, about whom, asked by whom.

    The body is empty where a person tells it in their own words.
    """

    body: bytes
    citations: tuple[str, ...]
    person: str
    ehr: str
    actor: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Bytes that may leave, on these consents."""

    body: bytes
    consents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Nothing may leave, for this reason."""

    reason: str


def prepared(request: Request, seen: Sight) -> Released | Withheld:
    """Return what a release would come to at this moment: nothing is kept of it, and nothing may leave by it."""
    reason = seen.reason(request.citations)
    if reason:
        return Withheld(reason=reason)
    marking = seen.marking(request.citations)
    body = labeled(request.body, marking) if request.body else request.body
    return Released(body=body, consents=marking.consents)


async def release(
    request: Request, recipient: Recipient, seen: Sight, *, log: AuditLog, now: datetime
) -> Released | Withheld:
    """Return the labeled bytes after the event is kept, or the reason for withholding them after that is kept."""
    result = prepared(request, seen)
    reason = result.reason if isinstance(result, Withheld) else ""
    consents = result.consents if isinstance(result, Released) else ()
    happening = Happening(
        kind="refusal" if reason else "disclosure",
        at=now,
        actor=request.actor,
        subject=request.subject,
        person=request.person,
        ehr=request.ehr,
        recipient=recipient.organization,
        consent=",".join(consents) or None,
        purpose=recipient.purpose,
        outcome="4" if reason else "0",
        reason=reason,
        entities=request.citations,
    )
    await log.append([audit_row(happening)])
    return result
