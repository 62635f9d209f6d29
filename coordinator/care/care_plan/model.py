"""A care plan with its goals and activities."""

from dataclasses import dataclass

from coordinator.fhir import CodeableConcept, Coding, Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRecord:
    """One Goal. `due` is the first target's date; `codings` describe it where words are not all.

    `status_date` is since when it stands as it does, `expressed_by` a reference to whose goal it is.
    """

    identifiers: tuple[Identifier, ...] = ()
    status: str | None = None
    achievement: CodeableConcept | None = None
    text: str | None = None
    subject: str | None = None
    start: str | None = None
    due: str | None = None
    codings: tuple[Coding, ...] = ()
    status_date: str | None = None
    expressed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecord:
    """One activity of a plan, from its detail; a referenced activity has only `reference`."""

    text: str | None = None
    kind: str | None = None
    status: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarePlanRecord:
    """One CarePlan; goals are references in its own order."""

    identifiers: tuple[Identifier, ...] = ()
    status: str | None = None
    intent: str | None = None
    title: str | None = None
    categories: tuple[CodeableConcept, ...] = ()
    subject: str | None = None
    start: str | None = None
    end: str | None = None
    goals: tuple[str, ...] = ()
    activities: tuple[ActivityRecord, ...] = ()
