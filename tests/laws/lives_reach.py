"""What a life reaches, by name: what happened in it, what is told and asked of it, what people answered."""

from collections.abc import Iterator

from coordinator.care.level_of_care.rules import may_run_beside
from tests.laws.life_events import HAPPENINGS
from tests.laws.lives import History


def reached(history: History) -> set[str]:
    """Return what a life reaches."""
    return {*_happened(history), *_told(history), *_agreed(history)}


def _happened(history: History) -> Iterator[str]:
    yield f"{history.life.ehrs} EHRs"
    for chapter in history.life.chapters:
        yield f"event: {HAPPENINGS[chapter[0] % len(HAPPENINGS)].__name__}"
    for one in history.now:
        yield f"record: {one.document.type}, {one.presence.value}"
    known = {one.place for one in history.before}
    yield from ("record: came late" for one in history.now if one.place not in known)


def _told(history: History) -> Iterator[str]:
    account = history.first
    for stay in account.timeline.stays:
        yield f"stay: {stay.status}"
        yield from (f"stay: {rule}" for rule in stay.rules)
        yield from (f"stay: away, {pause.why}" for pause in stay.pauses)
        yield from ("stay: told by two EHRs" for _ in stay.told[1:])
        yield from ("stay: stale" for _ in [stay.stale_since] if stay.stale_since)
    yield from ("stay: possible" for _ in account.possible)
    yield from (f"enrollment: {one.state}" for one in account.enrollments)
    for move in account.timeline.transitions:
        yield f"move: {move.kind}"
        yield f"move: {'certain' if move.certain else 'possible'}"
    for one in account.timeline.stays:
        if any(may_run_beside(one.level, other.level) for other in account.timeline.stays if other is not one):
            yield "stay: beside another that it may run with"
    for course in account.courses:
        yield f"course: {course.status}"
        yield f"course: taking {course.taking.status}"
        yield from (f"course: {name}" for name in ("covered", "gaps", "bridged", "trend") if getattr(course, name))
        yield from ("course: switched" for _ in [1] if course.switched_from)
        yield from ("course: disputed" for _ in [1] if course.disputed)
    for goal in account.plan.goals:
        yield f"goal: {goal.values['lifecycleStatus']}"
        yield from (f"goal: disputed {name}" for name in goal.disputed)
        yield from ("goal: held" for _ in [1] if goal.held)
        yield from ("goal: in several EHRs" for _ in [1] if len(goal.members) > 1)
    yield from (f"session: {one.attended}" for one in account.sessions)
    yield from (f"week: {one.status}" for one in account.weeks)
    yield from (f"finding: {one.code}" for one in account.findings)


def _agreed(history: History) -> Iterator[str]:
    asked = {one.key for one in history.first.findings}
    for one in history.decisions:
        yield f"decided: {one.code}"
        yield f"decision: {'asked anew' if one.key in asked else 'holds'}"
    for item in history.first.agreed.items:
        yield f"agreed: {item.partition(':')[0]}"
