"""How a person stands with each program: a state machine over what is known of referral, stays and moves.

The rules: what happened is taken in the order of its days, and the table says to which state it leads from the state
before. What the table does not name changes nothing: an assessment during a stay is no new beginning, and nobody comes
back from a leave that never began. On one day the order is the one in which the happenings stand in `Happened`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from coordinator.care.referral.rules import may_lead_to_care
from coordinator.fhir import Interval, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.model import Policy
from coordinator.reconcile.timeline.model import Transition
from coordinator.reconcile.timeline.referrals import receiver_of

State = Literal[
    "referred",
    "assessed",
    "waitlisted",
    "enrolled",
    "on-leave",
    "stepped-up",
    "stepped-down",
    "transferred",
    "discharged",
    "continuing-care",
]


class Happened(IntEnum):
    """What may change how a person stands with a program, in the order of one day."""

    REFERRED = 1
    ASSESSED = 2
    WAITLISTED = 3
    ADMITTED = 4
    CONTINUED = 5
    LEFT_FOR_A_WHILE = 6
    CAME_BACK = 7
    DISCHARGED = 8
    WENT_UP = 9
    WENT_DOWN = 10
    WENT_ACROSS = 11


_OUTSIDE: tuple[State | None, ...] = (None, "discharged", "stepped-up", "stepped-down", "transferred")
_WAITING: tuple[State | None, ...] = ("referred", "assessed", "waitlisted")
_INSIDE: tuple[State | None, ...] = ("enrolled", "on-leave", "continuing-care")

_TABLE: dict[Happened, tuple[tuple[State | None, ...], State]] = {
    Happened.REFERRED: (_OUTSIDE, "referred"),
    Happened.ASSESSED: ((*_OUTSIDE, "referred"), "assessed"),
    Happened.WAITLISTED: ((*_OUTSIDE, "referred", "assessed"), "waitlisted"),
    Happened.ADMITTED: ((*_OUTSIDE, *_WAITING, *_INSIDE), "enrolled"),
    Happened.CONTINUED: ((*_OUTSIDE, *_WAITING, *_INSIDE), "continuing-care"),
    Happened.LEFT_FOR_A_WHILE: (("enrolled", "continuing-care"), "on-leave"),
    Happened.CAME_BACK: (("on-leave",), "enrolled"),
    Happened.DISCHARGED: (_INSIDE, "discharged"),
    Happened.WENT_UP: (("enrolled", "continuing-care", "discharged"), "stepped-up"),
    Happened.WENT_DOWN: (("enrolled", "continuing-care", "discharged"), "stepped-down"),
    Happened.WENT_ACROSS: (("enrolled", "continuing-care", "discharged"), "transferred"),
}

_OUT = {
    "leave": Happened.LEFT_FOR_A_WHILE,
    "discharge": Happened.DISCHARGED,
    "step-up": Happened.WENT_UP,
    "step-down": Happened.WENT_DOWN,
    "transfer": Happened.WENT_ACROSS,
}
_IN = {"return": Happened.CAME_BACK, "continuing-care": Happened.CONTINUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """How a person stands with the program of an organization, since when, and by what that is known."""

    organization: str
    state: State
    since: Interval
    evidence: tuple[str, ...]
    rules: tuple[str, ...] = ("TL-16",)

    @property
    def key(self) -> str:
        """Return what names the line: the organization."""
        return self.organization


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    organization: str
    what: Happened
    on: Interval
    evidence: tuple[str, ...]


def enrollments_of(chart: Chart, transitions: Sequence[Transition], policy: Policy) -> tuple[Enrollment, ...]:
    """Return how the person stands with each organization of which something is known, in their order."""
    events = [*_before_a_stay(chart, policy), *(each for one in transitions for each in _of_move(one))]
    now: dict[str, Enrollment] = {}
    for one in sorted(events, key=lambda each: (each.on.first, each.on.last, each.what, each.evidence)):
        held = now.get(one.organization)
        sources, state = _TABLE[one.what]
        if (held.state if held else None) in sources:
            now[one.organization] = Enrollment(
                organization=one.organization, state=state, since=one.on, evidence=one.evidence
            )
    return tuple(now[name] for name in sorted(now))


def _before_a_stay(chart: Chart, policy: Policy) -> Iterator[_Event]:
    for task in chart.tasks:
        on, receiver = task.record.authored, receiver_of(task, policy)
        if on and receiver and may_lead_to_care(task.record):
            yield _Event(
                organization=receiver, what=Happened.REFERRED, on=day_of(on, policy.zone), evidence=(task.ref,)
            )
    for seen in chart.assessing:
        on_day = day_of(seen.record.start or "", policy.zone)
        organization = seen.evidence.organization
        yield _Event(organization=organization, what=Happened.ASSESSED, on=on_day, evidence=(seen.ref,))
    for episode in chart.episodes:
        if episode.record.status == "waitlist":
            learned = episode.evidence.learned_at.astimezone(policy.zone).date()
            yield _Event(
                organization=episode.evidence.organization,
                what=Happened.WAITLISTED,
                on=Interval(first=learned, last=learned),
                evidence=(episode.ref,),
            )


def _of_move(move: Transition) -> Iterator[_Event]:
    """Yield what a move means for the organizations on both of its sides."""
    if move.before is not None:
        yield from _out_of(move.before, move)
    if move.after is not None:
        what = _IN.get(move.kind, Happened.ADMITTED)
        yield _Event(organization=move.after.organization, what=what, on=move.on, evidence=move.evidence)


def _out_of(stay: Stay, move: Transition) -> Iterator[_Event]:
    """Yield how a stay was left; who goes on at another level of the same program has not left it."""
    what = _OUT.get(move.kind)
    if what is None or (move.after is not None and move.after.organization == stay.organization):
        return
    on = stay.end or move.on if move.after is not None else move.on
    yield _Event(organization=stay.organization, what=what, on=on, evidence=move.evidence)
