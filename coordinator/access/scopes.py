"""SMART scopes of version 2 for systems: what one allows, and what of the asked ones a registered system gets.

A scope narrows what the system's organization may receive; it never widens it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from coordinator.access.search_parameters import search_parameters
from coordinator.fhir import BadQuery, Condition, read_query

LETTERS = "cruds"
ANY_TYPE = "*"
_FORM = re.compile(r"system/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<letters>c?r?u?d?s?)(?:\?(?P<query>[^\s?]{1,300}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A scope: a type or `*`, letters of `cruds`, and constraints (parameter, value) that a record must meet."""

    type: str
    letters: frozenset[str]
    constraints: frozenset[tuple[str, str]] = frozenset()

    def __str__(self) -> str:
        """Return the scope as it is written, constraints in order."""
        letters = "".join(one for one in LETTERS if one in self.letters)
        query = f"?{urlencode(sorted(self.constraints))}" if self.constraints else ""
        return f"system/{self.type}.{letters}{query}"

    def allows(self, type_: str, letter: str) -> bool:
        """Say whether it allows an interaction on a type, for the records that meet its constraints."""
        return self.type in {ANY_TYPE, type_} and letter in self.letters

    def conditions(self, type_: str) -> tuple[Condition, ...]:
        """Return what a record of a type must meet. Raises BadQuery where the type has no such parameter."""
        return read_query(type_, sorted(self.constraints), search_parameters()).conditions


def read_scope(text: str) -> Scope | None:
    """Return the scope that a text is; None for any other, and for words of version 1, whose `write` is not told apart.

    A constraint must be a parameter of the type: one that is not understood would narrow nothing. Chains and _has are
    none, nor is a parameter of the answer such as _count.
    """
    found = _FORM.fullmatch(text)
    if found is None or not found["letters"]:
        return None
    pairs = parse_qsl(found["query"] or "", keep_blank_values=True)
    if bool(found["query"]) is not bool(pairs):
        return None
    if any(name not in search_parameters().get(found["type"], {}) for name, _ in pairs):
        return None
    try:
        read_query(found["type"], pairs, search_parameters())
    except BadQuery:
        return None
    return Scope(type=found["type"], letters=frozenset(found["letters"]), constraints=frozenset(pairs))


def granted(asked: Iterable[str], registered: Sequence[Scope]) -> tuple[Scope, ...]:
    """Return what of the asked scopes a system gets: each meets each registered one, and what both allow is granted.

    Constraints add up: who is registered for `category=a` and asks for `category=b` gets what is both.
    """
    found: dict[str, Scope] = {}
    for text in asked:
        scope = read_scope(text)
        for other in registered if scope is not None else ():
            both = _both(scope, other) if scope is not None else None
            if both is not None:
                found[str(both)] = both
    return tuple(found[name] for name in sorted(found))


def _both(one: Scope, other: Scope) -> Scope | None:
    """Return what two scopes allow both; None where that is nothing or can't be told."""
    if ANY_TYPE not in {one.type, other.type} and one.type != other.type:
        return None
    type_ = other.type if one.type == ANY_TYPE else one.type
    letters = one.letters & other.letters
    constraints = one.constraints | other.constraints
    if not letters or len(constraints) > _MOST_CONSTRAINTS:
        return None
    return Scope(type=type_, letters=letters, constraints=constraints)


_MOST_CONSTRAINTS = 20  # as many parameters as a search may have


def allowing(scopes: Iterable[Scope], type_: str, letter: str) -> tuple[Scope, ...]:
    """Return the scopes that allow an interaction on a type: a record is allowed where it meets all of any of them."""
    return tuple(one for one in scopes if one.allows(type_, letter))
