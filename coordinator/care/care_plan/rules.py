"""Questions about goals: how alike are two of them, may a state follow another, what is the code of an achievement."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from coordinator.care.care_plan.model import GoalRecord
from coordinator.care.csv_table import packaged_rows
from coordinator.fhir import CodeableConcept, Coding

_PACKAGE = "coordinator.care.care_plan"
_WORD = re.compile(r"[^\W_]+")
_REMEMBERED = 8_192  # texts: each goal is held against all goals of the other EHRs


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two goals are, and by what: `words` tells it to a person."""

    total: float = 0.0
    words: str = ""


def likeness(a: GoalRecord, b: GoalRecord) -> Likeness:
    """Return how alike two goals are: by their words, helped by a shared code, and little by their dates.

    Goals of which one has no words are alike by a shared code alone. Goals coded in one system by other codes are less
    alike than their words. The weights stand in goal_features.csv.
    """
    weights = goal_features()
    shared, apart = _codes(a, b)
    if not (a.text and b.text):
        return Likeness(total=weights["code_alone"], words="code") if shared else Likeness()
    words = same_text(a.text, b.text) * weights["words"]
    total = words + (weights["code_shared"] if shared else weights["code_other"] if apart else 0.0)
    if words:
        total += weights["same_due"] if a.due and a.due == b.due else 0.0
        total += weights["same_start"] if a.start and a.start == b.start else 0.0
    told = f"words {words:.2f}" + (", code" if shared else ", another code" if apart else "")
    return Likeness(total=total, words=told)


def held_in(a: str, b: str) -> float:
    """Return which part of the words of one text stands in another, from 0 to 1."""
    one, other = _words(a), _words(b)
    return (one & other).total() / one.total() if one else 0.0


def is_in_order(name: str, before: str, after: str) -> bool:
    """Say whether a goal's state may move so; a state that the table does not know may come from and go anywhere."""
    moves = goal_moves().get(name, {})
    return before == after or before not in moves or after not in moves or after in moves[before]


def _codes(a: GoalRecord, b: GoalRecord) -> tuple[bool, bool]:
    """Return whether two goals share a code, and whether each has another code of one system."""
    one, other = {coding.key for coding in a.codings}, {coding.key for coding in b.codings}
    shared = bool(one & other)
    return shared, not shared and bool({system for system, _ in one} & {system for system, _ in other})


def same_text(a: str, b: str) -> float:
    """Return how alike two texts are by their words, from 0 to 1: the part of the words that both share.

    Letter case, accents, punctuation, order and the small words of the language do not count; numbers do, as a goal of
    30 days is not one of 90.
    """
    one, other = _words(a), _words(b)
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def achievement_code(goal: GoalRecord) -> str | None:
    """Return the HL7 code of a goal's achievement status, None where it has none of that system."""
    if goal.achievement is None:
        return None
    for coding in goal.achievement.codings:
        known = achievement_codings().get(coding.code or "")
        if known is not None and coding.key[0] in {"", known.key[0]}:
            return known.code
    return None


def achievement_concept(code: str) -> CodeableConcept:
    """Return the full concept of an HL7 achievement code. Raises KeyError for a code that HL7 does not have."""
    return CodeableConcept(codings=(achievement_codings()[code],))


@cache
def achievement_codings() -> Mapping[str, Coding]:
    """Return the HL7 achievement codes with their system and display."""
    rows = packaged_rows(_PACKAGE, "goal_codes.csv", ("system", "code", "display", "source"))
    return {
        row.text("code"): Coding(system=row.text("system"), code=row.text("code"), display=row.text("display"))
        for row in rows
    }


@cache
def goal_features() -> Mapping[str, float]:
    """Return the weight of each feature by which goals are compared."""
    rows = packaged_rows(_PACKAGE, "goal_features.csv", ("feature", "weight", "lowers", "source", "status"))
    found: dict[str, float] = {}
    for row in rows:
        weight = row.decimal("weight")
        if weight is None:
            raise row.bad("weight", "is empty")
        found[row.text("feature")] = -float(weight) if row.flag("lowers") else float(weight)
    return found


@cache
def goal_moves() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return by field and state the states that may follow."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for row in packaged_rows(_PACKAGE, "goal_moves.csv", ("field", "state", "next", "source", "status")):
        found.setdefault(row.text("field"), {})[row.text("state")] = frozenset(row.words("next"))
    return found


@cache
def _plain_words() -> frozenset[str]:
    return frozenset(row.text("word") for row in packaged_rows(_PACKAGE, "plain_words.csv", ("word",)))


@lru_cache(maxsize=_REMEMBERED)
def _words(text: str) -> Counter[str]:
    """Return the words that carry the meaning; a text of small words only keeps them."""
    folded = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = [_stem(word) for word in _WORD.findall(folded.casefold())]
    telling = [word for word in words if word not in _plain_words()]
    return Counter(telling or words)


def _stem(word: str) -> str:
    """Return a word without the s of a plural or of the third person."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
