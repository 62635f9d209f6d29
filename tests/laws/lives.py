"""Lives: a person's months of treatment as two to four EHRs tell them, before and after something happened.

A life is a few chapters, each a handful of bytes that say what happened, where, when, and what became of the records
since. Bytes are cheap to draw and shrink to nothing happening. `told` makes evidence of them; what it is told with (the
week, the zone, names) is no part of the life, so that one life can be told shifted or renamed.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property, lru_cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from coordinator.reconcile import Account, Agreed, Decision, Evidence, Policy, Presence, reconcile
from tests.builders import NOW, ZONE, Tree, a_decision, a_patient, a_policy, an_organization, evidence
from tests.laws.life_events import HAPPENINGS

EHRS = ("iop", "res", "ced", "pcp")
MONDAY = date(2026, 1, 5)
BEFORE = NOW - timedelta(days=5)  # when we looked the time before


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How many EHRs tell of the person, what happened, and how people answer what is asked."""

    ehrs: int
    chapters: tuple[bytes, ...]
    answers: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """With what a life is told: weeks later, in which zone, under which names, whether months may lack their day."""

    weeks: int = 0
    zone: ZoneInfo = ZONE
    prefix: str = ""
    vague: bool = True

    @property
    def now(self) -> datetime:
        """Return the instant of looking."""
        return NOW + timedelta(weeks=self.weeks)

    @property
    def policy(self) -> Policy:
        """Return the policy of a tenant who knows the EHRs by these names."""
        known = [an_organization(self.prefix + one, part2=one != "pcp") for one in EHRS]
        return a_policy(zone=self.zone, organizations=known)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class History:
    """What was known before and what is known now, with what was agreed and decided between.

    Its own account is made once: every law of this life begins with it.
    """

    life: Life
    before: tuple[Evidence, ...]
    now: tuple[Evidence, ...]
    agreed: Agreed
    decisions: tuple[Decision, ...]
    telling: Telling

    def __repr__(self) -> str:
        """Return what to call to have this history again."""
        return f"history({self.life!r}, {self.telling!r})"

    def account(self, how: Any = reconcile, **instead: Any) -> Account:
        """Return the account of now; `instead` takes the place of evidence, agreed states, decisions or the policy."""
        return self.first if how is reconcile and not instead else self._reconciled(how, instead)

    @cached_property
    def first(self) -> Account:
        """Return the account of now."""
        return self._reconciled(reconcile, {})

    @property
    def chance(self) -> Random:
        """Return the chance of this life: what a law draws beside the life is the same whenever it is told."""
        return Random(repr(self.life))

    def _reconciled(self, how: Any, instead: Mapping[str, Any]) -> Account:
        return how(
            instead.get("evidence", self.now),
            instead.get("agreed", self.agreed),
            instead.get("decisions", self.decisions),
            policy=instead.get("policy", self.telling.policy),
            as_of=instead.get("as_of", self.telling.now),
        )


@dataclass(slots=True)
class Chapter:
    """The bytes of a chapter, read one by one, and the records that it leaves in the EHRs."""

    told: bytes
    number: int
    ehrs: tuple[str, ...]
    telling: Telling
    before: list[Evidence] = field(default_factory=list)
    now: list[Evidence] = field(default_factory=list)
    at: int = 0

    def pick(self, *choices: Any) -> Any:
        """Return one of the choices; the first one when nothing more is told."""
        word = self.told[self.at] if self.at < len(self.told) else 0
        self.at += 1
        return choices[word % len(choices)]

    def number_to(self, most: int) -> int:
        """Return a number from 0 to `most`."""
        word = self.told[self.at] if self.at < len(self.told) else 0
        self.at += 1
        return word % (most + 1)

    def ehr(self) -> str:
        """Return one of the EHRs."""
        return self.pick(*self.ehrs)

    def two(self) -> tuple[str, str]:
        """Return two different EHRs."""
        one = self.number_to(len(self.ehrs) - 1)
        other = (one + 1 + self.number_to(len(self.ehrs) - 2)) % len(self.ehrs)
        return self.ehrs[one], self.ehrs[other]

    def id(self, letter: str, *more: object) -> str:
        """Return an id that no other chapter uses."""
        return "-".join([f"{self.telling.prefix}{letter}", str(self.number), *map(str, more)])

    @property
    def patient(self) -> str:
        """Return the id of the person in every EHR."""
        return f"{self.telling.prefix}p-1"

    def day(self, number: int) -> str:
        """Return a day of the life."""
        return str(MONDAY + timedelta(days=number, weeks=self.telling.weeks))

    def vague_day(self, number: int) -> str:
        """Return a day, sometimes only its month or a moment of it."""
        how = self.pick("day", "day", "month", "moment")
        if how == "month" and self.telling.vague:
            return self.day(number)[:7]
        return self.moment(number, 22) if how == "moment" else self.day(number)

    def moment(self, number: int, hour: float, clock: str = "") -> str:
        """Return an instant by the clock of the program's wall, written with the offset that an EHR likes."""
        day = date.fromisoformat(self.day(number))
        wall = datetime(day.year, day.month, day.day, tzinfo=self.telling.zone) + timedelta(hours=hour)
        clock = clock or self.pick("local", "utc", "west")
        if clock == "utc":
            return wall.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return (wall if clock == "local" else wall.astimezone(timezone(timedelta(hours=-8)))).isoformat()

    def add(self, ehr: str, tree: Tree, *, became: Tree | str | None = "", of: str = "") -> None:
        """Write a record, and what became of it: "" is what the chapter says, None nothing, a tree an edit.

        It is the record `of` another organization where one is named: an EHR may tell of care that it did not give.
        """
        whose = {"organization": self.telling.prefix + of} if of else {}
        fate = self.pick("", "", "", "", "", "late", "deleted", "error", "hidden") if became == "" else became
        versions = self.pick("1", "1", None)
        one = self._evidence(ehr, tree, version=versions, **whose)
        if fate != "late":
            self.before.append(one)
        if isinstance(fate, dict):
            self.now.append(self._evidence(ehr, fate, version="2" if versions else None, **whose))
        elif fate == "error":
            name = "lifecycleStatus" if tree["resourceType"] == "Goal" else "status"
            wrong = tree | {name: "entered-in-error"}
            self.now.append(self._evidence(ehr, wrong, version="2" if versions else None, **whose))
        elif fate in ("deleted", "hidden"):
            presence = Presence.DELETED if fate == "deleted" else Presence.HIDDEN
            self.now.append(self._evidence(ehr, tree, version=versions, presence=presence, **whose))
        else:
            self.now.append(one)

    def _evidence(self, ehr: str, tree: Tree, **more: Any) -> Evidence:
        learned = self.telling.now - timedelta(days=2)
        return evidence(tree, ehr=self.telling.prefix + ehr, learned_at=learned, **more)


def _binary(least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=least, max_size=most)


CHAPTER = _binary(20, 20)


def lives(*, least: int = 1, most: int = 7) -> st.SearchStrategy[Life]:
    """Return lives of so many chapters over two to four EHRs."""
    return st.builds(
        Life,
        ehrs=st.integers(2, len(EHRS)),
        chapters=st.lists(CHAPTER, min_size=least, max_size=most).map(tuple),
        answers=_binary(4, 4),
    )


def histories(telling: Telling = Telling(), **size: int) -> st.SearchStrategy[History]:
    """Return what lives leave in the EHRs, told in one way."""
    return lives(**size).map(lambda life: history(life, telling))


def of_lives(law: Callable[[History], None]) -> Callable[[], None]:
    """Hold a law to 1,000 lives, the same ones as every other law: what was made of a life is made once.

    With EXAMPLES in the environment the lives are others each time.
    """
    told = settings.get_profile("lives")(given(histories())(law))
    return told if os.environ.get("EXAMPLES") else seed(2)(told)


@lru_cache(maxsize=3000)
def history(life: Life, telling: Telling = Telling()) -> History:
    """Return what a life leaves in the EHRs, with what was agreed before and what people answered."""
    before, now = told(life, telling)
    first = reconcile(before, Agreed(), (), policy=telling.policy, as_of=telling.now - (NOW - BEFORE))
    asked = reconcile(now, first.agreed, (), policy=telling.policy, as_of=telling.now)
    decisions = answered(asked, life.answers, telling)
    return History(life=life, before=before, now=now, agreed=first.agreed, decisions=decisions, telling=telling)


def told(life: Life, telling: Telling = Telling()) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Return the evidence of before and of now."""
    ehrs = EHRS[: life.ehrs]
    patient = f"{telling.prefix}p-1"
    before = [evidence(a_patient(patient), ehr=telling.prefix + ehr, learned_at=telling.now) for ehr in ehrs]
    now = list(before)
    for number, bytes_ in enumerate(life.chapters):
        chapter = Chapter(bytes_[1:], number, ehrs, telling)
        HAPPENINGS[bytes_[0] % len(HAPPENINGS)](chapter)
        before += chapter.before
        now += chapter.now
    return tuple(before), tuple(now)


def answered(account: Account, words: bytes, telling: Telling = Telling()) -> tuple[Decision, ...]:
    """Return what people answered to the findings, as many as there are words."""
    made: list[Decision] = []
    for number, (word, one) in enumerate(zip(words, account.findings, strict=False)):
        if word % 4 == 0:
            continue
        places = sorted({ref.partition("@")[0] for ref in one.evidence})
        made.append(
            a_decision(
                one.key,
                _value(one.code, one.facts, word, places, telling),
                facts=one.facts,
                evidence=one.evidence,
                decided_at=telling.now + timedelta(minutes=word % 3),
                reason=f"reason {number}",
            )
        )
    return tuple(made)


def _value(code: str, facts: Mapping[str, Any], word: int, places: Sequence[str], telling: Telling) -> Tree:
    if code.startswith("stay."):
        return {"end": str(MONDAY + timedelta(days=word % 90, weeks=telling.weeks))}
    if code in ("plan.goal-split", "plan.goal-merged") or facts.get("field") == "presence":
        return {"keep": word % 2 == 0}
    return {"accept": places[word % len(places)]}
