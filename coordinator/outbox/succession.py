"""How an entry of the outbox goes on when its need is stated again, and when the outcome of a write comes in.

    stands as                   wanted, same matter      wanted, other matter   no longer wanted
    (nothing)                   -                        owed                   -
    owed, refused               stays, takes the rest    owed                   obsolete
    withheld                    owed: it may go now      owed                   stays
    conflict                    as above, but owed once  owed                   obsolete
                                the base has moved, and
                                not for ever (below)
    in flight, unknown          stays, takes the rest    stays, takes it over   stays
    applied, verified           stays untouched          owed                   stays: it is history
    obsolete                    owed                     owed                   stays

Somebody who saves whenever we write would have us try for ever: after `MOST_CONTESTED` conflicts in a row the need
stays where it is, for a person, until one says to try again.

The matter of an intent is its form and its material. In flight and unknown are read back before anything else is sent,
so a new matter waits in them until the outcome of the old one is known. What a write left behind (id and version in the
EHR, hash of what was sent, what the EHR made of it) stays with the entry for as long as it lives: the next write starts
from it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from coordinator.outbox.model import Entry, Intent, Status

MOST_CONTESTED: Final = 5
_CONTESTED: Final = "contested"


def succeeded(entries: Sequence[Entry], intents: Sequence[Intent], at: datetime) -> list[Entry]:
    """Return the entries that change when these become the wanted intents of a person towards an EHR."""
    before = {entry.intent.key: entry for entry in entries}
    wanted = {intent.key: intent for intent in intents}
    changed = [_restated(before.get(key), intent, at) for key, intent in wanted.items()]
    changed += [_unwanted(entry, at) for key, entry in before.items() if key not in wanted]
    return [entry for entry in changed if entry is not None]


def withheld(entry: Entry | None, intent: Intent, reason: str, *, at: datetime) -> Entry | None:
    """Return the entry of a need that consent holds back, without its body; None where that is what stands already.

    What is in flight or unknown stays: it is read back before anything else. What is there already stays, too: it was
    disclosed when it could be, and that is history.
    """
    bare = replace(intent, body=b"", base_hash=b"")
    if entry is None:
        return Entry(intent=bare, status=Status.WITHHELD, reason=reason, updated_at=at)
    if entry.status in {Status.IN_FLIGHT, Status.UNKNOWN}:
        return None
    if entry.status in {Status.APPLIED, Status.VERIFIED} and _matter(entry.intent) == _matter(intent):
        return None
    kept = replace(entry, intent=bare, status=Status.WITHHELD, reason=reason)
    return None if kept == entry else replace(kept, updated_at=at)


def settled(stored: Entry, reported: Entry) -> Entry:
    """Return what to keep when a run reports on the intent that it took.

    If another matter is wanted by now, what the EHR was told is kept, but the new matter is still owed (or waits, where
    the outcome is not known).
    """
    told = replace(reported, intent=stored.intent, updated_at=reported.updated_at or stored.updated_at)
    if _matter(stored.intent) == _matter(reported.intent) or reported.status in {Status.IN_FLIGHT, Status.UNKNOWN}:
        return stored if replace(told, updated_at=stored.updated_at) == stored else told
    return replace(told, status=Status.OWED, reason="", attempts=0)


def _restated(entry: Entry | None, intent: Intent, at: datetime) -> Entry | None:
    if entry is None:
        return Entry(intent=intent, status=Status.OWED, updated_at=at)
    is_same = _matter(entry.intent) == _matter(intent)
    match entry.status:
        case Status.IN_FLIGHT | Status.UNKNOWN:
            return _taken_over(entry, intent, at)
        case Status.APPLIED | Status.VERIFIED:
            return None if is_same else _owed_anew(entry, intent, at)
        case Status.OBSOLETE:
            return _owed_anew(entry, intent, at)
        case Status.CONFLICT if is_stuck(entry):
            return _taken_over(entry, intent, at)
        case Status.CONFLICT if entry.intent.base_hash != intent.base_hash:
            return _owed_anew(entry, intent, at)
        case Status.WITHHELD:
            return _owed_anew(entry, intent, at)
        case Status.OWED | Status.REFUSED | Status.CONFLICT:
            return _taken_over(entry, intent, at) if is_same else _owed_anew(entry, intent, at)
        case _:
            assert_never(entry.status)


def contested(entry: Entry) -> Entry:
    """Return an entry that met somebody's edit once more."""
    return replace(entry, facts={**entry.facts, _CONTESTED: conflicts(entry) + 1})


def uncontested(entry: Entry) -> Entry:
    """Return an entry whose conflicts are over: it went through, or a person said to try again."""
    return replace(entry, facts={name: value for name, value in entry.facts.items() if name != _CONTESTED})


def conflicts(entry: Entry) -> int:
    """Return how many times in a row a write for this need met somebody's edit."""
    told = entry.facts.get(_CONTESTED)
    return told if isinstance(told, int) else 0


def is_stuck(entry: Entry) -> bool:
    """Tell whether a need met so many edits that a person must say when to try again."""
    return entry.status is Status.CONFLICT and conflicts(entry) >= MOST_CONTESTED


def _unwanted(entry: Entry, at: datetime) -> Entry | None:
    if entry.status in {Status.OWED, Status.CONFLICT, Status.REFUSED}:
        return replace(entry, status=Status.OBSOLETE, updated_at=at)
    return None


def _taken_over(entry: Entry, intent: Intent, at: datetime) -> Entry | None:
    return None if entry.intent == intent else replace(entry, intent=intent, updated_at=at)


def _owed_anew(entry: Entry, intent: Intent, at: datetime) -> Entry:
    return replace(entry, intent=intent, status=Status.OWED, reason="", attempts=0, updated_at=at)


def _matter(intent: Intent) -> tuple[object, bytes]:
    # an intent that names no material is told apart by its whole body
    return intent.form, intent.material or intent.body
