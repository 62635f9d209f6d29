"""The life of a finding: opened, seen, assigned, answered, resolved, reopened; each with time and actor.

Events are only ever added. How a finding stands follows from them: what came back after it was resolved is the same
finding, reopened, with its whole story.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from coordinator.reconcile.model import Finding

DECIDING = "system:sync"  # who opens, and who resolves what nobody answered
RESOLVED = "resolved"


class Turn(Enum):
    """What happened to a finding."""

    OPENED = "opened"
    SEEN = "seen"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class Cause(Enum):
    """By what a finding was resolved; what was resolved before this was kept is unrecorded."""

    NONE = ""
    PERSON = "person"
    EVIDENCE = "evidence"
    UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEvent:
    """One turn in the life of a finding. `assignee` is told by an assignment alone, `cause` where it was resolved."""

    key: str
    turn: Turn
    at: datetime
    actor: str
    cause: Cause = Cause.NONE
    assignee: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How a finding stands: its state, since when it is open (this time), to whom it is assigned, and its story."""

    state: str
    since: datetime | None
    assignee: str
    events: tuple[FindingEvent, ...]

    def was_seen_by(self, actor: str) -> bool:
        """Tell whether an actor has seen it since it was last opened."""
        return any(one.turn is Turn.SEEN and one.actor == actor for one in _since_open(self.events))

    @property
    def cause(self) -> Cause:
        """Return by what it was resolved, if it is."""
        return self.events[-1].cause if self.events else Cause.NONE


_STATES = {
    Turn.OPENED: "open",
    Turn.REOPENED: "reopened",
    Turn.SEEN: "seen",
    Turn.ASSIGNED: "assigned",
    Turn.ANSWERED: "answered",
    Turn.RESOLVED: RESOLVED,
}
_RANKS = {state: rank for rank, state in enumerate(("open", "reopened", "seen", "assigned", "answered", RESOLVED))}


def life_of(events: Sequence[FindingEvent]) -> Life:
    """Return how a finding stands after these events, which come in their order.

    A look at what is assigned leaves it assigned; an assignment stays through a reopening.
    """
    running = _since_open(events)
    state = max((_STATES[one.turn] for one in running), key=lambda one: _RANKS[one], default="open")
    assigned = [one.assignee for one in events if one.turn is Turn.ASSIGNED]
    since = next((one.at for one in running if one.turn in (Turn.OPENED, Turn.REOPENED)), None)
    return Life(state=state, since=since, assignee=assigned[-1] if assigned else "", events=tuple(events))


def lives(events: Iterable[tuple[str, FindingEvent]]) -> dict[tuple[str, str], Life]:
    """Return how each finding stands, by (person, key)."""
    sorted_out: dict[tuple[str, str], list[FindingEvent]] = {}
    for person, one in events:
        sorted_out.setdefault((person, one.key), []).append(one)
    return {place: life_of(told) for place, told in sorted_out.items()}


def _since_open(events: Sequence[FindingEvent]) -> Sequence[FindingEvent]:
    starts = [number for number, one in enumerate(events) if one.turn in (Turn.OPENED, Turn.REOPENED)]
    return events[starts[-1] :] if starts else events


def turned(before: Mapping[str, Finding], found: Sequence[Finding]) -> tuple[list[Finding], dict[str, Turn]]:
    """Return which findings change when these are found, and the turn that a change is.

    One that is found no longer becomes resolved; a change of facts alone is no turn.
    """
    wanted = {key: replace(one, status=RESOLVED) for key, one in before.items()} | {one.key: one for one in found}
    changed = [one for key, one in wanted.items() if before.get(key) != one]
    turns: dict[str, Turn] = {}
    for one in changed:
        old = before.get(one.key)
        if old is None:
            turns[one.key] = Turn.OPENED
        elif (old.status == RESOLVED) != (one.status == RESOLVED):
            turns[one.key] = Turn.RESOLVED if one.status == RESOLVED else Turn.REOPENED
    return changed, turns


def events_of(turns: Mapping[str, Turn], told: Sequence[FindingEvent], at: datetime) -> list[FindingEvent]:
    """Return the events of turns; what a person answered since it was opened is resolved by that person."""
    return [_event(key, turn, [one for one in told if one.key == key], at) for key, turn in sorted(turns.items())]


def _event(key: str, turn: Turn, told: Sequence[FindingEvent], at: datetime) -> FindingEvent:
    if turn is not Turn.RESOLVED:
        return FindingEvent(key=key, turn=turn, at=at, actor=DECIDING)
    answers = [one for one in _since_open(told) if one.turn is Turn.ANSWERED]
    if answers:
        return FindingEvent(key=key, turn=turn, at=at, actor=answers[-1].actor, cause=Cause.PERSON)
    return FindingEvent(key=key, turn=turn, at=at, actor=DECIDING, cause=Cause.EVIDENCE)
