"""Dues: what one EHR is owed of a person, by what its organization may receive, and what is held back from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from coordinator.fhir import Identifier
from coordinator.outbox import Intent, Receiver, owed
from coordinator.outbox.held_already import held_already
from coordinator.outbox.kept import kept_of
from coordinator.outbox.notices import owed_notices
from coordinator.reconcile import Account, Agreed, Decision, Finding, reconcile
from coordinator.reconcile.rule_book import adopted_rules
from coordinator.sync.gather import Dossier, Setting, sight_for
from coordinator.sync.ports import Ehr

_DISPUTES = frozenset({"plan.goal-differs", "plan.activity-differs", "plan.status-differs", "mat.dose-differs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dues:
    """What is owed, what consent holds back with its reason, and the states now agreed in this view.

    `held` are by key the EHR's own records that say already what it would be owed.
    """

    intents: tuple[Intent, ...]
    held: Mapping[str, tuple[str, ...]]
    held_back: tuple[tuple[Intent, str], ...]
    agreed: Agreed
    disputes: tuple[Finding, ...] = ()


def dues_of(dossier: Dossier, account: Account, ehr: Ehr, *, setting: Setting, now: datetime) -> Dues:
    """Reconcile again over what this recipient may receive, and return that difference. Keeps nothing."""
    seen = sight_for(dossier, ehr.name, setting, now=now)
    agreed = dossier.agreed.get(ehr.name, Agreed())
    view = reconcile(seen.evidence, agreed, seen.decisions, policy=setting.policy, as_of=now)
    receiver = _receiver(ehr, dossier, adopted_rules(setting.policy.options))
    intents = owed(dossier.person, view, receiver)
    wanted = {one.key for one in intents}
    more = [one for one in owed(dossier.person, account, receiver) if one.key not in wanted]
    reasons = [(one, seen.reason(one.evidence)) for one in more]
    held_back = tuple((one, reason) for one, reason in reasons if reason)
    disputes = disputes_among(view.findings, dossier, account) if more else ()
    if all(reason for _, reason in reasons):  # what is held back is shown with its reason, unless a person was asked
        disputes = tuple(one for one in disputes if _is_answered_elsewhere(one, dossier.decisions, seen.decisions))
    held = held_already(view, receiver, wanted)
    intents += owed_notices(
        dossier.person, ehr.name, _revoked_after(dossier, ehr.name, setting), own=_own(dossier, ehr)
    )
    return Dues(intents=intents, held=held, held_back=held_back, agreed=view.agreed, disputes=disputes)


def _revoked_after(dossier: Dossier, ehr: str, setting: Setting) -> set[str]:
    """Return the consents that were revoked after something from their disclosers was sent to an EHR, if it is told."""
    if setting.policy.options.get("revocation_notice") is not True:
        return set()
    known = setting.policy.organizations
    to = known.get(setting.connections[ehr].organization)
    told = [one.intent.evidence for one in dossier.entries if one.intent.ehr == ehr and one.result_id]
    places = {ref.partition("@")[0] for refs in told for ref in refs}
    sources = {
        known[one.organization].identifier
        for one in dossier.evidence
        if one.place in places and one.organization in known
    }
    return {
        one.record.consent_id
        for one in dossier.consents
        if one.record.revoked_at is not None
        and to is not None
        and to.identifier in _pairs(one.record.recipients)
        and sources & _pairs(one.record.disclosers)
    }


def _pairs(named: Iterable[Identifier]) -> set[tuple[str, str]]:
    return {(one.system or "", one.value or "") for one in named}


def _own(dossier: Dossier, ehr: Ehr) -> tuple[str, ...]:
    return tuple(one.ref for one in dossier.evidence if one.document.type == "Patient" and one.ehr == ehr.name)


def disputes_among(findings: Iterable[Finding], dossier: Dossier, account: Account) -> tuple[Finding, ...]:
    """Return what differs in a recipient's view alone, which keeps from it what the account would tell it.

    An EHR that is met later than others has nothing agreed with it: where the account knows who changed a value, its
    view knows only that two values differ. Without a question nobody would ever see that it is not told.
    """
    latest = {one.key: one for one in sorted(dossier.decisions, key=lambda one: one.decided_at)}
    asked = {_matter(one) for one in account.findings}  # what is one goal may have another key there
    asked_by_key = {one.key for one in account.findings}  # that question comes first: a key is one question
    return tuple(
        one
        for one in findings
        if one.code in _DISPUTES
        and not (one.key in latest and latest[one.key].facts.get("values") == one.facts.get("values"))
        and one.key not in asked_by_key
        and _matter(one) not in asked
    )


def _is_answered_elsewhere(dispute: Finding, decisions: Iterable[Decision], heard: Iterable[Decision]) -> bool:
    """Tell whether a person decided what differs here by more records than this recipient may know.

    Then the answer ends nothing here, and whoever gave it would else believe that it did.
    """
    code, field, places = _matter(dispute)
    unheard = [_matter(one) for one in decisions if one not in heard]
    return any((code, field) == other[:2] and places <= other[2] for other in unheard)


def _matter(finding: Finding | Decision) -> tuple[str, str, frozenset[str]]:
    places = frozenset(ref.partition("@")[0] for ref in finding.evidence)
    return finding.code, str(finding.facts.get("field")), places


def _receiver(ehr: Ehr, dossier: Dossier, adopted: frozenset[str]) -> Receiver:
    return Receiver(
        ehr=ehr.name,
        patient=dossier.patient_at(ehr.name) or "",
        forms=ehr.forms,
        types=ehr.carrier,
        can_store=ehr.can_store,
        keeps=ehr.keeps,
        echoes=tuple(one for one in dossier.evidence if one.ours and one.ehr == ehr.name),
        adopted=adopted,
        kept={one.intent.key: kept_of(one) for one in dossier.entries if one.intent.ehr == ehr.name},
    )
