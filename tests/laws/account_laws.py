"""The laws of an account, each a function of the way to reconcile: so that tests can also show what breaks them.

A law raises AssertionError for a history that it does not hold for.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from coordinator.fhir import canonical
from coordinator.reconcile import Account, Evidence
from tests.laws.lives import History

How = Callable[..., Account]
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def same(one: Account, other: Account) -> None:
    """Hold two accounts equal, part by part, with the states agreed."""
    for name, part in one.content.items():
        assert canonical(part) == canonical(other.content[name]), name
    assert one.agreed == other.agreed


# ---- order, repetition -----------------------------------------------------------------------------------------------
def order_does_not_matter(how: How, history: History, chance: Random) -> None:
    """Law: reconcile(shuffled evidence, shuffled decisions) = reconcile(evidence, decisions)."""
    first = history.account(how)
    evidence, decisions = list(history.now), list(history.decisions)
    chance.shuffle(evidence)
    chance.shuffle(decisions)
    same(history.account(how, evidence=evidence, decisions=decisions), first)


def duplicates_change_nothing(how: How, history: History, chance: Random) -> None:
    """Law: evidence that arrives twice, and a decision that is told twice, count once."""
    evidence = [*history.now, *(one for one in history.now if chance.random() < 0.5)]
    decisions = [*history.decisions, *(one for one in history.decisions if chance.random() < 0.5)]
    same(history.account(how, evidence=evidence, decisions=decisions), history.account(how))


def uninformative_records_change_nothing(how: How, history: History, others: Sequence[Evidence]) -> None:
    """Law: what is about nothing we reconcile, not done, somebody else's or our own echo changes nothing."""
    same(history.account(how, evidence=[*history.now, *others]), history.account(how))


# ---- time and names --------------------------------------------------------------------------------------------------
def shifted(value: Any, weeks: int) -> Any:
    """Return JSON with each day in it so many weeks later."""

    def later(found: re.Match[str]) -> str:
        return str(date.fromisoformat(found.group()) + timedelta(weeks=weeks))

    return _mapped(value, lambda text: DAY.sub(later, text))


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return JSON with each place, EHR and organization under its other name."""
    longest = sorted(names, key=len, reverse=True)
    found = re.compile("|".join(rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in longest))
    return _mapped(value, lambda text: found.sub(lambda one: names[one.group()], text))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {change(key): _mapped(below, change) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(below, change) for below in value]
    return change(value) if isinstance(value, str) else value


def shifting_shifts(how: How, here: History, later: History, weeks: int) -> None:
    """Law: all that is said of a life that is lived weeks later is the same, weeks later."""
    expected = shifted(_without_marks(here.account(how).content), weeks)
    assert canonical(_without_marks(later.account(how).content)) == canonical(expected)


def renaming_renames(how: How, here: History, other: History) -> None:
    """Law: under other names, in the same order, the same is said under the other names."""
    names = {one.place: its.place for one, its in zip(here.now, other.now, strict=True)}
    names |= {one.place: its.place for one, its in zip(here.before, other.before, strict=True)}
    names |= {one.ehr: its.ehr for one, its in zip(here.before, other.before, strict=True)}
    expected = renamed(_without_marks(here.account(how).content), names)
    assert canonical(_without_marks(other.account(how).content)) == canonical(expected)


def _without_marks(value: Any) -> Any:
    """Return JSON without the marks of versions that an EHR does not number: they are made from the content."""
    return _mapped(value, lambda text: re.sub(r"@~[0-9a-f]{12}", "@~", text))
