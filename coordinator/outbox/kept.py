"""What an EHR made of what it took: kept, put into its own words, changed, or dropped without a word.

Verification compares only the paths that a write was about. A value in the EHR's own words (other case or spacing, a
display added, the same instant in another zone) is the value that was sent. One that was changed or dropped is never
coerced into agreement: it stays owed, and what stands there instead is nobody's edit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from coordinator.fhir import Document, Json, instant_in, same
from coordinator.outbox.model import Entry

FACT: Final = "kept_as"
_WORDS: Final = frozenset({"display", "text", "userSelected", "version", "id"})  # what tells no more than the codes do
_MARKUP: Final = re.compile(r"<[^>]*>")


class Made(Enum):
    """What an EHR made of a value."""

    REWORDED = "reworded"
    """It says the same in its own words."""
    CHANGED = "changed"
    """It says something else."""
    DROPPED = "dropped"
    """It holds nothing there, or what it held before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAs:
    """A path of a write that does not hold what was sent: the values sent, the values held, and what that makes."""

    path: str
    sent: tuple[Json, ...]
    held: tuple[Json, ...]
    made: Made

    def is_of(self, document: Document) -> bool:
        """Tell whether a record still holds what the EHR made of the write: nobody has touched it since."""
        return _are_same(document.all(*_parts(self.path)), self.held)


def differences(sent: Document, held: Document, paths: Iterable[str], *, before: Document | None) -> list[KeptAs]:
    """Return the paths at which a record does not hold, value by value, what was sent; `before` is what it held."""
    found = []
    for path in paths:
        wanted, there = sent.all(*_parts(path)), held.all(*_parts(path))
        if not _are_same(wanted, there):
            old = before.all(*_parts(path)) if before is not None else ()
            found.append(KeptAs(path=path, sent=wanted, held=there, made=_made(wanted, there, old)))
    return found


def _made(sent: Sequence[Json], held: Sequence[Json], old: Sequence[Json]) -> Made:
    if len(sent) == len(held) and all(map(says_the_same, sent, held)):
        return Made.REWORDED
    return Made.DROPPED if not held or _are_same(held, old) else Made.CHANGED


def says_the_same(sent: Json, held: Json) -> bool:
    """Tell whether a held value says what was sent, in whatever words; it may add words and codings, no more."""
    if isinstance(sent, dict) and isinstance(held, dict):
        is_whole = all(name in held and says_the_same(value, held[name]) for name, value in sent.items())
        return is_whole and held.keys() - sent.keys() <= _WORDS
    if isinstance(sent, list) and isinstance(held, list):
        added = [other for other in held if not any(says_the_same(one, other) for one in sent)]
        return all(any(says_the_same(one, other) for other in held) for one in sent) and all(map(_is_coding, added))
    if isinstance(sent, str) and isinstance(held, str):
        return _plain(sent) == _plain(held) or _is_one_instant(sent, held)
    if isinstance(sent, int | Decimal) and isinstance(held, int | Decimal):
        return sent == held and isinstance(sent, bool) == isinstance(held, bool)
    return same(sent, held)


def _is_coding(value: Json) -> bool:
    return isinstance(value, dict) and "code" in value


def _plain(text: str) -> str:
    """Return a text without markup, case and spacing: EHRs turn notes into RTF or XHTML and back."""
    return "".join(_MARKUP.sub(" ", text).casefold().split())


def _is_one_instant(one: str, other: str) -> bool:
    moment = instant_in(one)
    return moment is not None and moment == instant_in(other)


def _are_same(some: Sequence[Json], others: Sequence[Json]) -> bool:
    return len(some) == len(others) and all(map(same, some, others))


def _parts(path: str) -> list[str]:
    return path.split(".")[1:]


# ---- kept with the entry ---------------------------------------------------------------------------------------------


def with_kept(entry: Entry, found: Sequence[KeptAs]) -> dict[str, Json]:
    """Return the facts of an entry with what its EHR made of the write; of paths not written now, what it made before.

    A path that was written and kept is no longer told.
    """
    told: dict[str, Json] = {path: row for path, row in _rows(entry).items() if path not in entry.intent.paths}
    told |= {one.path: {"sent": list(one.sent), "held": list(one.held), "made": one.made.value} for one in found}
    rest = {name: value for name, value in entry.facts.items() if name != FACT}
    return {**rest, FACT: told} if told else rest


def kept_of(entry: Entry) -> list[KeptAs]:
    """Return what an EHR made of what an entry wrote, in order of the paths."""
    return [_read(path, row) for path, row in sorted(_rows(entry).items()) if isinstance(row, dict)]


def _rows(entry: Entry) -> Mapping[str, Json]:
    told = entry.facts.get(FACT)
    return told if isinstance(told, dict) else {}


def _read(path: str, row: Mapping[str, Json]) -> KeptAs:
    sent, held = row.get("sent"), row.get("held")
    return KeptAs(
        path=path,
        sent=tuple(sent) if isinstance(sent, list) else (),
        held=tuple(held) if isinstance(held, list) else (),
        made=Made(row.get("made")),
    )
