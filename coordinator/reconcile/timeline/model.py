"""The timeline of levels: stays in order, the moves between them, and what is open about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from coordinator.care.level_of_care.model import TransitionRule
from coordinator.fhir import Interval, Json
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.model import Finding

Kind = Literal[
    "admission",
    "step-down",
    "step-up",
    "transfer",
    "readmission",
    "continuing-care",
    "leave",
    "return",
    "discharge",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A move: into a stay, out of it, from one into another, or a leave and the return from it.

    `on` are the days on which it may have been. `gap` is the least and most days between two stays, or away;
    `in_time` is None where it can't be told. `certain` is false where another reading of partial dates gives another
    move. `reason` is how a stay ended, or why somebody was away, where that is recorded.
    """

    kind: Kind
    before: Stay | None
    after: Stay | None
    on: Interval
    gap: tuple[int, int] | None = None
    in_time: bool | None = None
    certain: bool = True
    reason: str | None = None
    rule: TransitionRule | None = None
    evidence: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names the move: the stays it leads out of and into, and the day of a leave or return."""
        ends = f"{self.before.key if self.before else ''}>{self.after.key if self.after else ''}"
        return f"{self.kind}:{ends}:{self.on.first}" if self.kind in ("leave", "return") else ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Stays in order of start, the transitions between them, what is open about them, and what is now told of them.

    `agreed` is what the next look at this timeline must know of this one: the days that were told.
    """

    stays: tuple[Stay, ...]
    transitions: tuple[Transition, ...]
    findings: tuple[Finding, ...]
    agreed: Mapping[str, Mapping[str, Mapping[str, Json]]] = field(default_factory=dict)
