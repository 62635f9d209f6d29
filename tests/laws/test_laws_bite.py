"""The laws find faults: ways to reconcile with one planted fault each break the law that is there for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from coordinator.fhir import Interval
from coordinator.reconcile import Account, Evidence, Presence, reconcile
from coordinator.reconcile.medication.model import Course
from tests.builders import document
from tests.laws import account_laws as laws
from tests.laws import evidence_laws, memory_laws
from tests.laws.idle_records import ECHOES, UNRELATED, an_echo
from tests.laws.lives import History, histories

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Generating overly large repr")]


def _newest_first(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Believe whoever spoke last: of the doses only those of the EHR whose record came last count."""
    last = evidence[-1].ehr
    kept = [one for one in evidence if not one.document.type.startswith("Medication") or one.ehr == last]
    return reconcile(kept, *rest, **more)


def _as_many_as_arrive(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Take a record that arrives twice for two."""
    twice: list[Evidence] = []
    for one in evidence:
        again = any(other.ref == one.ref for other in twice)
        tree = dict(one.document.tree) | ({"id": f"{one.document.id}-again"} if again else {})
        twice.append(replace(one, document=document(tree)))
    return reconcile(twice, *rest, **more)


def _invented_day(evidence: Any, *rest: Any, **more: Any) -> Account:
    """End each stay without an end on a day of the calendar that nobody told."""
    account = reconcile(evidence, *rest, **more)
    day = date(2026, 4, 2)
    stays = [one if one.end else replace(one, end=Interval(first=day, last=day)) for one in account.timeline.stays]
    return replace(account, timeline=replace(account.timeline, stays=tuple(stays)))


def _stacked(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Stack refills without a cap: each adds a week on top of what there was."""
    account = reconcile(evidence, *rest, **more)
    return replace(account, courses=tuple(_with_a_week_more(one) for one in account.courses))


def _with_a_week_more(course: Course) -> Course:
    return replace(course, covered=tuple(replace(one, last=one.last + timedelta(weeks=1)) for one in course.covered))


def _uncited(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Conclude from a record that is not there."""
    account = reconcile(evidence, *rest, **more)
    stays = [replace(one, evidence=("iop/EpisodeOfCare/nobody@1",)) for one in account.timeline.stays]
    return replace(account, timeline=replace(account.timeline, stays=tuple(stays)))


def _quiet(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Say nothing of what is at odds."""
    return replace(reconcile(evidence, *rest, **more), findings=())


def _forgetful(evidence: Any, agreed: Any, decisions: Any, **more: Any) -> Account:
    """Forget what people decided as soon as there is anything that they had not seen."""
    known = not any("unrelated" in one.document.id for one in evidence)
    return reconcile(evidence, agreed, decisions if known else (), **more)


def _undead(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Go on believing what was entered in error."""
    return reconcile([replace(one, presence=Presence.PRESENT) for one in evidence], *rest, **more)


def _echoing(evidence: Any, *rest: Any, **more: Any) -> Account:
    """Take what we wrote ourselves for evidence."""
    return reconcile([replace(one, ours=False) for one in evidence], *rest, **more)


def _idle(how: Any, history: History) -> None:
    laws.uninformative_records_change_nothing(how, history, [an_echo(tree) for tree in ECHOES])


def _unrelated(how: Any, history: History) -> None:
    memory_laws.decisions_survive(how, history, UNRELATED)


def _withdrawn(how: Any, history: History) -> None:
    memory_laws.what_is_withdrawn_was_never_there(how, history, deleted=False)


FAULTS: dict[str, tuple[Callable[..., Account], Callable[[Any, History], None]]] = {
    "last write wins": (_newest_first, lambda how, one: laws.order_does_not_matter(how, one, Random(1))),
    "a copy is a second record": (
        _as_many_as_arrive,
        lambda how, one: laws.duplicates_change_nothing(how, one, Random(1)),
    ),
    "an invented day": (_invented_day, evidence_laws.no_day_is_invented),
    "refills stacked without a cap": (_stacked, evidence_laws.coverage_keeps_to_supply),
    "a citation of nothing": (_uncited, evidence_laws.nothing_is_concluded_without_evidence),
    "silence about two levels": (_quiet, evidence_laws.two_primary_levels_are_a_finding),
    "decisions forgotten": (_forgetful, _unrelated),
    "errors believed": (_undead, _withdrawn),
    "our echo as evidence": (_echoing, _idle),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    """Law of laws: with the fault the law breaks; without it, it holds for the very lives that showed the fault."""
    faulty, law = FAULTS[fault]
    shown: list[History] = []

    @settings(settings.get_profile("lives"), max_examples=1000, phases=[Phase.generate], derandomize=True)
    @given(histories(least=2))
    def live(history: History) -> None:
        shown.append(history)
        law(faulty, history)

    with pytest.raises(AssertionError):
        live()
    law(reconcile, shown[-1])
