"""Questions about goals: are two of them the same by what they say, what is the code of an achievement."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache

from coordinator.care.care_plan.model import GoalRecord
from coordinator.care.csv_table import packaged_rows
from coordinator.fhir import CodeableConcept, Coding

_PACKAGE = "coordinator.care.care_plan"
_WORD = re.compile(r"[^\W_]+")


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
def _plain_words() -> frozenset[str]:
    return frozenset(row.text("word") for row in packaged_rows(_PACKAGE, "plain_words.csv", ("word",)))


def _words(text: str) -> Counter[str]:
    """Return the words that carry the meaning; a text of small words only keeps them."""
    folded = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = [_stem(word) for word in _WORD.findall(folded.casefold())]
    telling = [word for word in words if word not in _plain_words()]
    return Counter(telling or words)


def _stem(word: str) -> str:
    """Return a word without the s of a plural or of the third person."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
