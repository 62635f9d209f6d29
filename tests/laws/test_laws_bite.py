"""The laws find faults: each law is broken by a way with one planted fault, and holds for the same life without it."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from coordinator.disclosure import sight
from coordinator.reconcile import reconcile
from coordinator.reconcile.merge import merge
from coordinator.sync.gather import gather
from tests.laws import account_laws, evidence_laws, faults, memory_laws, merge_laws
from tests.laws.idle_records import ECHOES, UNRELATED, an_echo
from tests.laws.known_at_laws import what_was_known_is_what_was_computed
from tests.laws.lives import History, Telling, histories, history
from tests.laws.recipient_laws import what_may_not_be_received_changes_nothing
from tests.laws.test_merge_laws import AGREED, SIDES
from tests.laws.test_shift_and_rename_laws import STEADY

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Generating overly large repr")]
FIRST = settings(settings.get_profile("lives"), max_examples=1000, phases=[Phase.generate], derandomize=True)

Law = Callable[[Any, History], None]


def _idle(how: Any, life: History) -> None:
    account_laws.uninformative_records_change_nothing(how, life, [an_echo(tree) for tree in ECHOES])


def _shifted(how: Any, life: History) -> None:
    steady = (history(life.life, Telling(zone=STEADY, vague=False, weeks=weeks)) for weeks in (0, 10))
    account_laws.shifting_shifts(how, *steady, 10)


def _renamed(how: Any, life: History) -> None:
    account_laws.renaming_renames(how, life, history(life.life, Telling(prefix="x-")))


def _known(how: Any, life: History) -> None:
    asyncio.run(what_was_known_is_what_was_computed(how, life))


FAULTS: dict[str, tuple[Any, Law]] = {
    "last write wins": (faults.newest_first, lambda how, one: account_laws.order_does_not_matter(how, one, Random(1))),
    "a copy is a second record": (
        faults.as_many_as_arrive,
        lambda how, one: account_laws.duplicates_change_nothing(how, one, Random(1)),
    ),
    "our echo as evidence": (faults.echoing, _idle),
    "a day of the calendar": (faults.invented_day, _shifted),
    "a name that counts": (faults.deaf, _renamed),
    "an invented day": (faults.invented_day, evidence_laws.no_day_is_invented),
    "a citation of nothing": (faults.uncited, evidence_laws.nothing_is_concluded_without_evidence),
    "a move by no rule": (faults.unnamed, evidence_laws.nothing_is_concluded_without_evidence),
    "silence about two levels": (faults.quiet, evidence_laws.two_primary_levels_are_a_finding),
    "silence about two levels of one program": (faults.blind_within, evidence_laws.two_primary_levels_are_a_finding),
    "days added to supplies": (faults.stacked, evidence_laws.coverage_keeps_to_supply),
    "refills stacked without a cap": (faults.uncapped, evidence_laws.coverage_keeps_to_supply),
    "incomplete pulls believed": (faults.credulous, evidence_laws.less_seen_ends_nothing),
    "nothing agreed": (faults.amnesiac, memory_laws.doing_it_twice_changes_nothing),
    "our own writes as news": (faults.echoing, memory_laws.what_was_sent_is_not_sent_again),
    "decisions forgotten": (faults.forgetful, lambda how, one: memory_laws.decisions_survive(how, one, UNRELATED)),
    "decisions never asked again": (faults.stubborn, memory_laws.new_evidence_reopens),
    "errors believed": (
        faults.undead,
        lambda how, one: memory_laws.what_is_withdrawn_was_never_there(how, one, deleted=False),
    ),
    "silence about errors": (faults.quiet, memory_laws.what_was_agreed_and_sent_of_an_error_leaves),
    "one EHR counts less": (faults.deaf, merge_laws.it_does_not_matter_which_ehr_said_it),
}
AROUND: dict[str, tuple[Any, Any, Law]] = {
    "what is known now for what was known then": (faults.timeless, gather, _known),
    "everybody sees everything": (faults.open_handed, sight, what_may_not_be_received_changes_nothing),
}
MERGES: dict[str, tuple[Any, Callable[..., None]]] = {
    "a person is asked whenever anybody changes": (faults.quarrelsome, merge_laws.identical_edits_are_no_conflict),
    "the last one wins": (faults.last_wins, merge_laws.the_order_of_sides_does_not_matter),
    "the first of the alphabet wins": (
        faults.ranked,
        lambda how, sides, agreed: merge_laws.names_do_not_matter(how, sides, agreed, Random(1)),
    ),
    "what was agreed is forgotten": (faults.unlearning, merge_laws.merging_again_changes_nothing),
    "a value of two": (faults.inventive, merge_laws.no_value_is_made_up),
}


@pytest.mark.parametrize(
    ("faulty", "right", "law"),
    [*((faulty, reconcile, law) for faulty, law in FAULTS.values()), *AROUND.values()],
    ids=[*FAULTS, *AROUND],
)
def test_a_planted_fault_is_found(faulty, right, law):
    """Law of laws: with the fault the law breaks; without it, it holds for the very life that showed the fault."""
    shown: list[History] = []

    @FIRST
    @given(histories(least=2))
    def live(life: History) -> None:
        shown.append(life)
        law(faulty, life)

    with pytest.raises(AssertionError):
        live()
    law(right, shown[-1])


@pytest.mark.parametrize("fault", MERGES)
def test_a_planted_fault_of_merging_is_found(fault):
    """Law of laws, for merging."""
    faulty, law = MERGES[fault]
    shown: list[Any] = []

    @FIRST
    @given(SIDES, AGREED)
    def merged(sides, agreed) -> None:
        shown.append((sides, agreed))
        law(faulty, sides, agreed)

    with pytest.raises(AssertionError):
        merged()
    law(merge, *shown[-1])
