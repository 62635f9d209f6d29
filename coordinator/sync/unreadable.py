"""What could not be read of a person: kept whole, and told, as the account goes on without it."""

import re
from collections.abc import Sequence
from typing import Final

from coordinator.fhir import Json
from coordinator.reconcile import Finding
from coordinator.reconcile.findings import finding
from coordinator.sync.gather import Dossier
from coordinator.sync.ports import Transaction
from coordinator.sync.records import PatientKey, Quarantined

_CODE: Final = "source.incomplete"
_WHOSE: Final = re.compile(
    rb'"(?:subject|patient|for|beneficiary)"\s*:\s*\{[^{}]*"reference"\s*:\s*"(?:[^"]*/)?Patient/([A-Za-z0-9\-.]{1,128})'
)


def patient_told(raw: bytes, type_: str, id_: str) -> str | None:
    """Return whose record it is, as far as bytes that can't be read tell: a broken record still names its patient."""
    if type_ == "Patient":
        return id_ or None
    found = _WHOSE.search(raw)
    return found[1].decode() if found else None


async def set_aside(tx: Transaction, rows: Sequence[Quarantined]) -> int:
    """Keep what could not be read, and wake those whose it is; return how many were new."""
    new: int = await tx.pulls.quarantine(rows)
    if new:
        linked = await tx.people.linked({(one.ehr, one.patient) for one in rows if one.patient})
        await tx.wakes.wake({one.person for one in linked.values()})
    return new


async def unreadable_findings(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Return a finding for each record of a person that its EHR shows in a form that can't be read now."""
    keys: set[PatientKey] = {(one.ehr, one.patient) for one in dossier.links}
    latest = {(one.ehr, one.type, one.id): one for one in await tx.pulls.unread_of(keys)}
    held = {one.place: one for one in dossier.evidence}
    found = []
    for (ehr, type_, id_), row in sorted(latest.items()):
        known = held.get(f"{ehr}/{type_}/{id_}")
        patient = held.get(f"{ehr}/Patient/{row.patient}")
        if known is not None and known.learned_at > row.learned_at:
            continue  # it could be read since
        cited = known or patient
        if cited is not None:
            facts: dict[str, Json] = {
                "ehr": ehr,
                "type": type_,
                "place": row.place,
                "stands": "as it was before" if known is not None else "not known",
            }
            found.append(finding(_CODE, f"{ehr}/{type_}/{id_}", facts=facts, evidence=[cited.ref]))
    return found
