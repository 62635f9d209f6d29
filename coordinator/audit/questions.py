"""Saved questions to the log: pure definitions by a table, for commands, API and pages.

A question names kinds of events and columns; a filter narrows it. Answers come in order of time, page by page. The
next page begins behind the place of the last event of the one before, whatever was logged meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from coordinator.audit.answer import told
from coordinator.audit.model import LoggedEvent
from coordinator.care.csv_table import Row, by_text, packaged_rows
from coordinator.errors import InvalidInput
from coordinator.fhir import Json

_YEAR: Final = timedelta(days=366)  # never a day less than a year
MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that is asked again and again. No kinds are all kinds."""

    name: str
    kinds: tuple[str, ...]
    title: str
    columns: tuple[str, ...]
    years: int | None
    needs: str
    is_after_revocation: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is asked of the store: events that match, after a place, so many at most."""

    kinds: tuple[str, ...] = ()
    person: str | None = None
    actor: str | None = None
    ehr: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_after_revocation: bool = False
    after: int | None = None
    limit: int | None = None


@cache
def questions() -> Mapping[str, Question]:
    """Return the saved questions, by name."""
    columns = ("name", "kinds", "title", "columns", "years", "needs", "cut", "note", "source")
    return by_text(packaged_rows("coordinator.audit", "questions.csv", columns), "name", _question)


def question_of(name: str) -> Question:
    """Return a saved question. Raises InvalidInput where there is none of that name."""
    found = questions().get(name)
    if found is None:
        raise InvalidInput(
            "There is no such question to the log.",
            operation="query audit",
            hint=f"Ask for one of: {', '.join(questions())}.",
        )
    return found


def narrowed(question: Question, given: Filter, *, now: datetime) -> Filter:
    """Return what to ask of the store for a question. Raises InvalidInput where it needs a word that is not given."""
    words = {"person": given.person, "actor": given.actor, "ehr": given.ehr}
    if question.needs and not words[question.needs]:
        raise InvalidInput(
            f"The question {question.name} is asked about one {question.needs}.",
            operation="query audit",
            hint=f"Add --{question.needs}.",
        )
    since = given.since
    if question.years is not None and since is None:
        since = (given.until or now) - question.years * _YEAR
    return Filter(
        kinds=question.kinds,
        person=given.person,
        actor=given.actor,
        ehr=given.ehr,
        since=since,
        until=given.until,
        is_after_revocation=question.is_after_revocation,
        after=given.after,
        limit=given.limit,
    )


def words_of(question: Question, given: Filter) -> str:
    """Return a question in one line, as the log keeps that it was asked."""
    named = {
        "person": given.person,
        "actor": given.actor,
        "ehr": given.ehr,
        "since": given.since.isoformat() if given.since else None,
        "until": given.until.isoformat() if given.until else None,
        "after": given.after,
        "limit": given.limit,
    }
    return "&".join([question.name, *(f"{name}={value}" for name, value in named.items() if value is not None)])


def answered(events: Sequence[LoggedEvent]) -> list[dict[str, Json]]:
    """Return the events of an answer, each with all that a reader may ask for."""
    return [told(one) for one in events]


def _question(row: Row) -> Question:
    return Question(
        name=row.text("name"),
        kinds=row.words("kinds"),
        title=row.text("title"),
        columns=row.words("columns"),
        years=row.whole("years"),
        needs=row.cells["needs"],
        is_after_revocation=row.flag("cut", yes="revoked", no=""),
        note=row.cells["note"],
    )
