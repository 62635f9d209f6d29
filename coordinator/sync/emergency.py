"""Access in a medical emergency (42 CFR 2.51): recorded with all that the law names before anything is shown."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from coordinator.audit import Happening, audit_row
from coordinator.disclosure import Recipient, Ruling, sight
from coordinator.errors import InvalidInput
from coordinator.fhir import BadJson, parse
from coordinator.reconcile import Agreed
from coordinator.sync.gather import WHOLE, Dossier, Setting
from coordinator.sync.ports import Transaction

PURPOSE: Final = "ETREAT"  # HL7 v3-ActReason: emergency treatment
_WORDS: Final = ("name", "affiliation", "nature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Who of the medical personnel received it, where they work, and the nature of the emergency (2.51(c))."""

    name: str
    affiliation: str
    nature: str


def read_emergency(text: str) -> Emergency:
    """Return what a JSON object tells. Raises InvalidInput where it lacks what 2.51(c) asks to record."""
    try:
        told = parse(text.encode())
    except BadJson:
        told = None
    words = told if isinstance(told, dict) else {}
    found = {name: value.strip() for name in _WORDS if isinstance(value := words.get(name), str)}
    missing = [name for name in _WORDS if not found.get(name)]
    if missing or set(words) - set(_WORDS):
        raise InvalidInput(
            f"The record of an emergency lacks {missing[0]}." if missing else "The record of an emergency says more.",
            operation="emergency access",
            hint='Give {"name": "…", "affiliation": "…", "nature": "…"}: who receives it, where, and what happened.',
        )
    return Emergency(**found)


async def shown_in_emergency(
    tx: Transaction, dossier: Dossier, emergency: Emergency, setting: Setting, *, actor: str, now: datetime
) -> Dossier:
    """Return the dossier as medical personnel may know it in an emergency, after the record of it is kept.

    Consents are not asked; notes of counseling and psychotherapy stay apart. The disclosers are the organizations whose
    records it is made of.
    """
    ruling = Ruling(actor=actor, consents=dossier.consents, policy=setting.policy, now=now)
    recipient = Recipient(organization="", purpose=PURPOSE, emergency=True)
    seen = sight(dossier.evidence, dossier.decisions, recipient, ruling=ruling)
    disclosers = sorted({one.organization for one in seen.evidence if one.organization})
    happening = Happening(
        kind="emergency",
        at=now,
        actor=actor,
        subject="account",
        person=dossier.person,
        recipient=emergency.affiliation,
        purpose=PURPOSE,
        entities=tuple(sorted(one.ref for one in seen.evidence)),
        details=(
            ("name", emergency.name),
            ("affiliation", emergency.affiliation),
            ("nature", emergency.nature),
            *(("discloser", one) for one in disclosers),
        ),
    )
    await tx.audit.append([audit_row(happening)])
    return replace(
        dossier, evidence=seen.evidence, decisions=seen.decisions, agreed={WHOLE: dossier.agreed.get(WHOLE, Agreed())}
    )
