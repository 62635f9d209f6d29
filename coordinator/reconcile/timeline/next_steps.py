"""What should have followed: service in a stay that goes on, a next step after a discharge, an order of one day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from coordinator.care.level_of_care.rules import asks_for_hours, is_overnight, rank
from coordinator.fhir import Json, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding, Grade, Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.session.sessions import has_declined
from coordinator.reconcile.timeline.model import Transition
from coordinator.reconcile.timeline.transitions import READMISSION

_DECEASED = "deceased"
_TO_COME = frozenset({"proposed", "pending", "booked", "arrived", "checked-in", "fulfilled", "waitlist"})
_ASKED = frozenset({"active", "on-hold", "completed"})
_MUST_BE_SEEN = ("EpisodeOfCare", "Encounter", "Appointment", "ServiceRequest")


def with_stale(stay: Stay, policy: Policy, *, as_of: date) -> Stay:
    """Return the stay with the day of its last service where it goes on and none was seen for long: only a flag.

    An EHR that never tells of services says nothing by its silence, nor does one that did not answer in full.
    """
    last = stay.last_service
    away = any(one.end is None for one in stay.pauses)
    asked = {(one.ehr, "Encounter") for one in stay.told}
    seen = all(policy.grades.get(one, Grade.COMPLETE) is Grade.COMPLETE for one in asked)
    if stay.end is not None or last is None or away or not seen:
        return stay
    if as_of - last.day <= timedelta(days=int(limit("stale_days", policy.options))):
        return stay
    return replace(stay, stale_since=last.day)


def same_days(transitions: Sequence[Transition]) -> list[Finding]:
    """Return a finding for each discharge and readmission of one day whose order no instant tells."""
    found: list[Finding] = []
    for one in transitions:
        before, after = one.before, one.after
        if one.kind != READMISSION or one.gap != (0, 0) or before is None or after is None or before.end is None:
            continue
        told = before.ended is not None and after.began is not None and before.ended <= after.began
        if before.end == after.start and not told:
            facts: dict[str, Json] = {"day": str(after.start.first)}
            made = finding("transition.same-day", f"{before.key}+{after.key}", facts=facts, evidence=one.evidence)
            found.append(made.drawn_by("TL-14"))
    return found


def no_next_steps(
    chart: Chart, stays: Sequence[Stay], transitions: Sequence[Transition], *, policy: Policy, as_of: date
) -> list[Finding]:
    """Return a finding where the last thing known is a discharge from a program, and nothing followed in time.

    A stay that nobody closed and in which nobody was seen for long is no next step.
    """
    main = [stay for stay in stays if rank(stay.level) is not None]
    last = max((stay.end.last for stay in main if stay.end), default=as_of)
    goes_on = any(stay.end is None and (stay.stale_since is None or stay.start.last >= last) for stay in main)
    if goes_on or not _saw_all(chart, policy):
        return []
    days = timedelta(days=int(limit("next_step_days", policy.options)))
    out = [one for one in transitions if one.kind == "discharge" and one.reason != _DECEASED]
    found: list[Finding] = []
    for stay, end in ((one.before, one.on) for one in out if one.before):
        is_open = end.last == last and as_of > last + days and not _followed(chart, end.first, policy)
        if is_open and _is_program(stay) and _shows_appointments(chart, stay):
            facts: dict[str, Json] = {"since": str(last), "days": days.days}
            made = finding("stay.no-next-step", stay.key, facts=facts, evidence=stay.evidence)
            found.append(made.drawn_by("TL-15"))
    return found


def _saw_all(chart: Chart, policy: Policy) -> bool:
    """Say whether no EHR of the person is known to have left out what could be the next step."""
    ehrs = {one.ehr for one in chart.patients} | {one.ehr for one in chart.episodes}
    ehrs |= {one.ehr for one in chart.encounters} | {one.ehr for one in chart.appointments}
    wanted = ((ehr, type_) for ehr in ehrs for type_ in _MUST_BE_SEEN)
    return all(policy.grades.get(one, Grade.COMPLETE) is Grade.COMPLETE for one in wanted)


def _is_program(stay: Stay) -> bool:
    return asks_for_hours(stay.level) or is_overnight(stay.level)


def _shows_appointments(chart: Chart, stay: Stay) -> bool:
    """Say whether the EHR that discharged the person shows any of their appointments: many keep them elsewhere."""
    return any(one.ehr == stay.key.partition("/")[0] for one in chart.appointments)


def _followed(chart: Chart, end: date, policy: Policy) -> bool:
    """Say whether an appointment lies after the end of a stay, or somebody asked for more care around it."""
    near = end - timedelta(days=int(limit("next_step_days", policy.options)))
    people = {(one.ehr, one.evidence.document.id) for one in chart.patients}
    kept = (
        one.record.start
        for one in chart.appointments
        if one.record.status in _TO_COME and not has_declined(one, people)
    )
    asked = (one.record.authored for one in chart.requests if one.record.status in _ASKED)
    return any(day_of(text, policy.zone).last >= end for text in kept if text) or any(
        day_of(text, policy.zone).last >= near for text in asked if text
    )
