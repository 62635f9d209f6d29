"""Doubts about consents that a person has to settle: two contradict each other, or nobody has checked a signature."""

from collections.abc import Sequence
from datetime import datetime

from coordinator.access import Denied
from coordinator.disclosure import CONFLICT, UNVERIFIED
from coordinator.fhir import Json
from coordinator.reconcile import Finding
from coordinator.reconcile.findings import finding
from coordinator.sync.gather import Dossier, Setting, sight_for

_CODES = {"consent-conflict": CONFLICT, "consent-unverified": UNVERIFIED}


def consent_findings(dossier: Dossier, setting: Setting, *, now: datetime) -> list[Finding]:
    """Return a finding for each doubt by which something is held back from an organization that knows the person.

    Until it is answered nothing leaves by these consents. A finding cites the records by which they are the person's.
    """
    asked: dict[tuple[str, frozenset[str]], set[str]] = {}
    for ehr in sorted(dossier.ehrs & set(setting.connections)) if dossier.consents else ():
        for denied in sight_for(dossier, ehr, setting, now=now).verdicts.values():
            if isinstance(denied, Denied) and denied.consents:
                asked.setdefault((_CODES[denied.reason], denied.consents), set()).add(ehr)
    patients = [one.ref for one in dossier.evidence if one.document.type == "Patient"]
    return [_finding(code, consents, sorted(ehrs), patients) for (code, consents), ehrs in asked.items()]


def _finding(code: str, consents: frozenset[str], ehrs: Sequence[str], patients: Sequence[str]) -> Finding:
    facts: dict[str, Json] = {"consents": list[Json](sorted(consents)), "held_back_from": list[Json](ehrs)}
    return finding(code, "+".join(sorted(consents)), facts=facts, evidence=patients)
