"""Referrals: to which organization they went, and which were accepted without anybody being admitted."""

from collections.abc import Sequence
from datetime import date, timedelta

from coordinator.care.referral.model import TaskRecord
from coordinator.care.referral.rules import is_accepted, is_referral
from coordinator.fhir import Json, day_of
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding, Grade, Policy
from coordinator.reconcile.rules import limit

_WAITING = frozenset({"planned", "waitlist"})


def receiver_of(task: Seen[TaskRecord], policy: Policy) -> str | None:
    """Return the organization that a referral went to: its owner by identifier, else the program in whose EHR it is."""
    owner = task.record.owner
    if owner is not None:
        return policy.organization_named(owner)
    here = policy.organizations.get(task.evidence.organization)
    return here.key if here is not None and here.part2 else None


def never_admitted(chart: Chart, stays: Sequence[Stay], *, policy: Policy, as_of: date) -> list[Finding]:
    """Return a finding for each referral accepted long ago by an organization whose records show no stay since."""
    days = timedelta(days=int(limit("referral_admission_days", policy.options)))
    found: dict[str, Finding] = {}
    for task in chart.tasks:
        organization = receiver_of(task, policy)
        if organization is None or not (is_referral(task.record) and is_accepted(task.record)):
            continue
        learned = task.evidence.learned_at.astimezone(policy.zone).date()
        accepted = day_of(task.record.modified, policy.zone).last if task.record.modified else learned
        if as_of <= accepted + days or _came(organization, task, chart, stays, policy=policy):
            continue
        about = f"{organization}:{_name(task)}"
        evidence = (*found[about].evidence, task.ref) if about in found else (task.ref,)
        facts: dict[str, Json] = {"organization": organization, "days": days.days}
        found[about] = finding("referral.not-admitted", about, facts=facts, evidence=evidence).drawn_by("TL-17")
    return list(found.values())


def _name(task: Seen[TaskRecord]) -> str:
    """Return what names a referral in every EHR that holds it: its identifier, else the record."""
    return min((f"{one.system}|{one.value}" for one in task.record.identifiers), default=task.evidence.place)


def _came(organization: str, task: Seen[TaskRecord], chart: Chart, stays: Sequence[Stay], *, policy: Policy) -> bool:
    """Say whether the person came, waits for a place, or may have come: only whole records tell that nobody did."""
    asked = day_of(task.record.authored, policy.zone).first if task.record.authored else None
    here = [stay for stay in stays if stay.organization == organization]
    if any(stay.end is None or asked is None or stay.end.last >= asked for stay in here):
        return True
    own = [one for one in chart.episodes if one.evidence.organization == organization]
    if any(one.record.status in _WAITING for one in own):
        return True
    ehrs = {one.ehr for one in chart.patients if one.evidence.organization == organization}
    wanted = [policy.grades.get((ehr, type_)) for ehr in ehrs for type_ in ("EpisodeOfCare", "Encounter")]
    return not wanted or any(one is not Grade.COMPLETE for one in wanted)
