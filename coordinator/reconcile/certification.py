"""Recertification: until when a clinician has certified the level of a stay, and whether that is due again.

What an outpatient program has of it differs by EHR: an order of the level for a time, a plan of treatment for a time,
or a signed document that only the connection's mapping table can tell (concept `certification`). An order without an
end is a referral or a wish and certifies nothing. Where no certification was ever seen nothing is said: many payers ask
for none, and many programs keep it on paper.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from coordinator.care.certification.model import CertificationRecord
from coordinator.care.certification.rules import certifies_from, stands
from coordinator.care.level_of_care.mapping import says
from coordinator.care.level_of_care.model import Level, Role
from coordinator.care.level_of_care.rules import hours_asked, same_level
from coordinator.fhir import Interval, Json, day_of
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.level_of_care.stated import Statement
from coordinator.reconcile.model import Finding, Grade, Policy
from coordinator.reconcile.rules import limit

CONCEPT = "certification"
RUNNING = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """A level certified for a stay: from when, and until when at the latest. `rule` tells by what."""

    seen: Seen[CertificationRecord]
    start: Interval
    until: date
    rule: str


def certifications_due(
    chart: Chart, stays: Sequence[Stay], statements: Sequence[Statement], *, policy: Policy, as_of: date
) -> list[Finding]:
    """Return a finding for each stay that goes on and whose last certification ends soon, or has ended."""
    levels: dict[str, list[Level]] = {}
    for one in statements:
        levels.setdefault(one.ref, []).append(one.level)
    running = [one for one in stays if one.end is None and one.status == RUNNING]
    asking = [one for one in running if hours_asked(one.level, adolescent=False) is not None]
    found: list[Finding] = []
    for stay in asking:
        own = [one for one in chart.certifying if one.evidence.organization == stay.organization]
        held = [each for one in own for each in _certification(one, stay, levels.get(one.ref, ()), policy=policy)]
        found += _due(stay, held, policy=policy, as_of=as_of)
    return found


def _certification(
    seen: Seen[CertificationRecord], stay: Stay, levels: Sequence[Level], *, policy: Policy
) -> Iterator[Certification]:
    """Yield what a record certifies: for its own time, but no longer than the limit from its first day."""
    document, record = seen.evidence.document, seen.record
    first = certifies_from(record)
    if first is None or not stands(document.type, record):
        return
    mapped = says(document, policy.mappings.get(seen.ehr, ()), CONCEPT)
    stated = [one for one in levels if one.role is not Role.AUTHORIZED and same_level(one, stay.level)]
    if not mapped and (record.end is None or not stated):
        return
    start = day_of(first, policy.zone)
    until = start.last + timedelta(days=int(limit("recertify_days", policy.options)))
    if record.end is not None:
        until = min(until, day_of(record.end, policy.zone).last)
    if until >= start.first and until >= stay.start.first:
        yield Certification(seen=seen, start=start, until=until, rule="CE-02" if mapped else "CE-01")


def _due(stay: Stay, held: Sequence[Certification], *, policy: Policy, as_of: date) -> list[Finding]:
    """Return the finding where the last certification ends within the notice; only complete pulls show no later one."""
    if not held or not all(_saw_all(one, policy) for one in held):
        return []
    last = max(held, key=lambda one: (one.until, one.start.first, one.seen.ref))
    notice = timedelta(days=int(limit("recertify_notice_days", policy.options)))
    if as_of <= last.until - notice:
        return []
    is_over = as_of > last.until
    facts: dict[str, Json] = {"certified_from": str(last.start.first), "until": str(last.until), "overdue": is_over}
    made = finding(
        "certification.due",
        f"{stay.key}:{last.until}",
        facts=facts,
        evidence=(*stay.evidence, last.seen.ref),
        urgency="soon" if is_over else "",
    ).drawn_by(last.rule, "CE-03")
    rises = datetime.combine(last.until + timedelta(days=1), time(), tzinfo=policy.zone)
    return [replace(made, due_at=None if is_over else rises)]


def _saw_all(one: Certification, policy: Policy) -> bool:
    place = (one.seen.ehr, one.seen.evidence.document.type)
    return policy.grades.get(place, Grade.COMPLETE) is Grade.COMPLETE
