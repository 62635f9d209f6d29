"""Missed contact: somebody is enrolled in a program they come to by day, and for days nobody there has seen them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from coordinator.fhir import Json
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding
from coordinator.reconcile.rules import limit
from coordinator.reconcile.session.sessions import Session
from coordinator.reconcile.session.weeks import Around, away_from, saw_all

RUNNING = "active"


def missed_contacts(stays: Sequence[Stay], sessions: Mapping[str, Sequence[Session]], around: Around) -> list[Finding]:
    """Return a finding for each stay that goes on without a contact for longer than the limit."""
    return [one for stay in stays if stay.key in sessions for one in _missed(stay, sessions[stay.key], around)]


def _missed(stay: Stay, sessions: Sequence[Session], around: Around) -> list[Finding]:
    """Return the finding of one stay; none where not all was seen, or the person is on leave or overnight elsewhere.

    Somebody who is said to have left, or to be away, is not missed.
    """
    if stay.end is not None or stay.status != RUNNING or not saw_all(stay, sessions, around.policy):
        return []
    seen = [one for one in sessions if one.attended or one.minutes is None]
    last = max((one.days.last for one in seen), default=stay.start.last)
    since = max([last, *(one.days.last for one in away_from(stay, around))])
    days = (around.as_of - since).days
    if days <= int(limit("missed_contact_days", around.policy.options)):
        return []
    lost = since + timedelta(days=int(limit("lost_contact_days", around.policy.options)) + 1)
    is_lost = around.as_of >= lost
    recent = [one for one in seen if one.days.last == last]
    facts: dict[str, Json] = {"since": str(since), "days": days}
    found = finding(
        "attendance.missed-contact",
        f"{stay.key}:{since}",
        facts=facts,
        evidence=(*stay.evidence, *(ref for one in recent for ref in one.evidence)),
        urgency="urgent" if is_lost else "",
    ).drawn_by("SE-07")
    rises = None if is_lost else datetime.combine(lost, time(), tzinfo=around.policy.zone)
    return [replace(found, due_at=rises)]
