"""The account of a person, and the one function that makes it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.fhir import Json, canonical
from coordinator.reconcile.account_json import (
    activity_json,
    course_json,
    enrollment_json,
    finding_json,
    goal_json,
    session_json,
    stay_json,
    transition_json,
    week_json,
)
from coordinator.reconcile.assessment import assessments_of, unassessed_changes
from coordinator.reconcile.bridging import medication_at_moves
from coordinator.reconcile.care_plan import Plan, plan_of
from coordinator.reconcile.care_team import Member, care_team_of, member_json
from coordinator.reconcile.certification import certifications_due
from coordinator.reconcile.chart import Chart, chart_of, distinct
from coordinator.reconcile.eligibility import Eligibility, eligibility_json, eligibility_of
from coordinator.reconcile.enrollment import Stay, in_order
from coordinator.reconcile.enrollment.possible import possible_stays
from coordinator.reconcile.enrollment.sources import settled
from coordinator.reconcile.enrollment.stays import stays_of
from coordinator.reconcile.level_of_care.bills import billed_statements
from coordinator.reconcile.level_of_care.codes import level_findings
from coordinator.reconcile.level_of_care.roles import authorized_differs
from coordinator.reconcile.level_of_care.stated import statements_of
from coordinator.reconcile.medication.courses import courses_of
from coordinator.reconcile.medication.model import Course
from coordinator.reconcile.model import Agreed, Decision, Evidence, Finding, Policy
from coordinator.reconcile.session.attendance import attendance_of
from coordinator.reconcile.session.continuing_care import placed
from coordinator.reconcile.session.sessions import Session, sessions_of
from coordinator.reconcile.session.weeks import Week
from coordinator.reconcile.timeline import Timeline, timeline_of
from coordinator.reconcile.timeline.states import Enrollment, enrollments_of
from coordinator.reconcile.timeline.told import told_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What holds of a person's treatment, as far as the given evidence shows it, with what is open and agreed.

    `possible` stays are shown beside the timeline and take no part in it.
    """

    chart: Chart
    timeline: Timeline
    enrollments: tuple[Enrollment, ...]
    possible: tuple[Stay, ...]
    courses: tuple[Course, ...]
    plan: Plan
    sessions: tuple[Session, ...]
    weeks: tuple[Week, ...]
    eligibility: tuple[Eligibility, ...]
    care_team: tuple[Member, ...]
    findings: tuple[Finding, ...]
    agreed: Agreed

    @property
    def content(self) -> dict[str, Json]:
        """Return the account as JSON, without names of the person: the same evidence always gives the same."""
        return {
            "timeline": [stay_json(one) for one in in_order((*self.timeline.stays, *self.possible))],
            "enrollments": [enrollment_json(one) for one in self.enrollments],
            "transitions": [transition_json(one) for one in self.timeline.transitions],
            "courses": [course_json(one) for one in self.courses],
            "plan": {
                "goals": [goal_json(one) for one in self.plan.goals],
                "activities": [activity_json(one) for one in self.plan.activities],
            },
            "sessions": [session_json(one) for one in self.sessions],
            "weeks": [week_json(one) for one in self.weeks],
            "eligibility": [eligibility_json(one) for one in self.eligibility],
            "care_team": [member_json(one) for one in self.care_team],
            "referrals": [],
            "findings": [finding_json(one) for one in self.findings],
        }

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the canonical content."""
        return hashlib.sha256(canonical(self.content)).hexdigest()


def reconcile(
    evidence: Sequence[Evidence],
    agreed: Agreed,
    decisions: Sequence[Decision],
    *,
    policy: Policy,
    as_of: datetime,
) -> Account:
    """Return the one account of a person. Pure: the order of evidence and decisions does not matter."""
    day = as_of.astimezone(policy.zone).date()
    versions = distinct(evidence)
    chart = chart_of(versions)
    statements = (*statements_of(chart, policy), *billed_statements(chart, policy))
    told = settled(stays_of(chart, statements, policy, as_of=day), decisions)
    timeline = timeline_of(chart, told.stays, decisions, policy=policy, as_of=day)
    assessed = assessments_of(chart, statements, policy.zone)
    courses = courses_of(chart, agreed, decisions, policy=policy, as_of=day)
    plan = plan_of(chart, agreed, decisions, policy=policy)
    sessions = placed(sessions_of(chart, policy), timeline.stays)
    attendance = attendance_of(chart, timeline.stays, sessions, policy=policy, as_of=day)
    memory = told_before(chart, versions, agreed, decisions=decisions, policy=policy)
    findings = (
        *memory.findings,
        *timeline.findings,
        *told.findings,
        *level_findings(statements, timeline.stays, policy),
        *authorized_differs(statements, timeline.stays, policy, as_of=day),
        *unassessed_changes(assessed, timeline.transitions, policy, as_of=day),
        *courses.findings,
        *medication_at_moves(timeline, courses.courses, chart, policy=policy, as_of=day),
        *plan.findings,
        *attendance.findings,
        *certifications_due(chart, timeline.stays, statements, policy=policy, as_of=day),
    )
    return Account(
        chart=chart,
        timeline=timeline,
        enrollments=enrollments_of(chart, timeline.transitions, policy),
        possible=possible_stays(chart, statements, timeline.stays, policy=policy, as_of=day),
        courses=courses.courses,
        plan=plan,
        sessions=sessions,
        weeks=attendance.weeks,
        eligibility=eligibility_of(chart, timeline.stays, statements, policy=policy, as_of=day),
        care_team=care_team_of(chart, policy.zone, as_of=day),
        findings=tuple(sorted(findings, key=lambda one: one.key)),
        agreed=Agreed(items={**courses.agreed, **plan.agreed, **memory.agreed}),
    )
