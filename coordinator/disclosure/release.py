"""The release of one body: asked at each try, labeled, and in the audit log before a byte leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from coordinator.audit import AuditRow, Happening, audit_row
from coordinator.disclosure.view import Recipient, Sight
from coordinator.fhir import Append, Edit, Json, patched, read_document

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_DS4P = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition"
_CONSENT = "https://coordinator.example/fhir/Consent"
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."  # 42 CFR 2.32(a)(2)


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
    consents = seen.consents(request.citations)
    return Released(
        body=labeled(request.body, consents) if consents and request.body else request.body, consents=consents
    )


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


def labeled(body: bytes, consents: Sequence[str]) -> bytes:
    """Return the body with the Part 2 label, confidentiality, notice (2.32(a)) and scope of consent (2.32(b))."""
    document = read_document(body)
    present = set(document.all("meta", "security", "code"))
    edits: list[Edit] = []
    if "42CFRPart2" not in present:
        edits.append(Append(("meta", "security"), _part2_label(consents)))
    if not present & {"R", "V"}:
        label: Json = {"system": _CONFIDENTIALITY, "code": "R", "display": "restricted"}
        edits.append(Append(("meta", "security"), label))
    notice = _notice(consents)
    if notice not in document.all("meta", "extension"):  # another text, or another consent's scope, is not this
        edits.append(Append(("meta", "extension"), notice))
    return patched(document, edits).raw


def _part2_label(consents: Sequence[str]) -> Json:
    return {
        "extension": [
            {
                "url": f"{_DS4P}/extension-sec-label-related-artifact",
                "valueRelatedArtifact": {"type": "justification", "url": f"{_CONSENT}/{one}"},
            }
            for one in consents
        ],
        "system": _ACT_CODE,
        "code": "42CFRPart2",
        "display": "42 CFR Part2",
    }


def _notice(consents: Sequence[str]) -> Json:
    scope = f"Disclosed for treatment under the written consent {', '.join(consents)}, within its terms, until revoked."
    annotation: Json = {"authorString": "coordinator", "text": f"{NOTICE} {scope}"}
    return {"url": f"{_DS4P}/extension-display", "valueAnnotation": annotation}
