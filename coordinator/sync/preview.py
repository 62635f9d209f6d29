"""Preview: what would follow at each EHR if a person decided so; deciding's own functions are asked, nothing kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.access import HeldConsent
from coordinator.outbox import Entry, Status
from coordinator.outbox.succession import succeeded, withheld
from coordinator.reconcile import Decision
from coordinator.sync.dues import dues_of
from coordinator.sync.gather import Dossier, Setting, account_of, gather
from coordinator.sync.ports import Ehr, Transaction

_TOLD = frozenset({Status.OWED, Status.OBSOLETE, Status.WITHHELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A decision that may be made about a person, and the persons whose records it would join to theirs."""

    person: str
    decision: Decision
    joined: tuple[str, ...] = ()


async def preview(
    tx: Transaction, supposed: Supposed, setting: Setting, *, ehrs: Mapping[str, Ehr], now: datetime
) -> list[Entry]:
    """Return the entries of the outbox that would change, as they would stand, in order of EHR and key.

    Only EHRs that are open can be told of: what another one takes is not known.
    """
    dossiers = [await gather(tx, one, setting) for one in (supposed.person, *supposed.joined)]
    dossier = _supposed(dossiers, supposed)
    account = account_of(dossier, setting, now)
    changed: list[Entry] = []
    for name in sorted(ehrs):
        if dossier.patient_at(name) is not None:
            dues = dues_of(dossier, account, ehrs[name], setting=setting, now=now)
            entries = [one for one in dossier.entries if one.intent.ehr == name]
            changed += _after(entries, succeeded(entries, dues.intents, now))
            held = {one.intent.key: one for one in entries}
            news = [withheld(held.get(one.key), one, reason, at=now) for one, reason in dues.held_back]
            changed += [one for one in news if one is not None]
    return [one for one in changed if one.status in _TOLD]


def _after(entries: Sequence[Entry], changed: Sequence[Entry]) -> list[Entry]:
    """Return what changed without that of which only the evidence would be another."""
    before = {one.intent.key: one for one in entries}
    return [one for one in changed if _meaning(one) != _meaning(before.get(one.intent.key))]


def _meaning(entry: Entry | None) -> object:
    return entry and (entry.status, entry.intent.form, entry.intent.material or entry.intent.body)


def _supposed(dossiers: Sequence[Dossier], supposed: Supposed) -> Dossier:
    """Return the dossier of the person with the decision made, and the records of the joined persons beside theirs."""
    first = dossiers[0]
    links = [replace(link, person=first.person) for one in dossiers for link in one.links]
    consents: list[HeldConsent] = []
    for one in (one for each in dossiers for one in each.consents):
        consents += [one] if one not in consents else []
    return replace(
        first,
        links=tuple(sorted(links, key=lambda one: (one.ehr, one.patient))),
        evidence=tuple(one for each in dossiers for one in each.evidence),
        consents=tuple(consents),
        decisions=(*first.decisions, supposed.decision),
    )
