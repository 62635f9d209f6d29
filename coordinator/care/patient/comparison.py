"""Feature by feature, how far two patient records agree: words for a person to read, never the values themselves."""

from enum import Enum

import jellyfish

from coordinator.care.patient.tables import nicknames
from coordinator.care.patient.traits import Traits, numbers_clash
from coordinator.fhir import PartialDate

_SHORTEST = 3  # in a name of two letters, one letter is half of it
_COARSEST = 2  # a sound of one letter is shared by thousands of names


class Feature(Enum):
    """What is compared."""

    IDENTIFIER = "identifier"
    SINGLE = "number that a person has once"
    FAMILY = "family name"
    GIVEN = "given name"
    SECOND = "second given name"
    SUFFIX = "suffix"
    BORN = "birth date"
    SEX = "sex"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"


class Level(Enum):
    """How far a feature agrees, from the best."""

    SAME = "same"
    FORMER = "former name"
    PART = "part of a name of two"
    NICKNAME = "short form"
    TRANSPOSED = "two letters exchanged"
    ONE_LETTER = "one letter apart"
    SOUND = "sounds alike"
    INITIAL = "initial"
    PARTIAL = "fits as far as known"
    SWAPPED = "day and month swapped"
    ONE_DIGIT = "one digit apart"
    PLACE = "same place"
    DIFFERS = "differs"
    UNKNOWN = "not known"


Comparison = dict[Feature, Level]


def compare(one: Traits, other: Traits) -> Comparison:
    """Return how far each feature agrees; it does not matter which of the two comes first."""
    return {
        Feature.IDENTIFIER: Level.SAME if one.identifiers & other.identifiers else Level.UNKNOWN,
        Feature.SINGLE: _single(one, other),
        Feature.FAMILY: _family(one, other),
        Feature.GIVEN: _given(one.given, other.given),
        Feature.SECOND: _second(one.second, other.second),
        Feature.SUFFIX: _plain(one.suffix, other.suffix),
        Feature.BORN: _born(one.born, other.born),
        Feature.SEX: _plain(one.sex, other.sex),
        Feature.PHONE: _shared(one.phones, other.phones),
        Feature.EMAIL: _shared(one.emails, other.emails),
        Feature.ADDRESS: _address(one, other),
    }


def sound(name: str) -> str | None:
    """Return the sound of a name, None where it says too little: Metaphone knows Latin letters only."""
    code: str = jellyfish.metaphone(name)
    return code if len(code) >= _COARSEST else None


def called(given: str) -> frozenset[str]:
    """Return the names that a given name may be written as: itself and what it is short for, or is shortened to."""
    return nicknames().get(given, frozenset()) | {given}


# ---- one feature -----------------------------------------------------------------------------------------------------


def _plain(one: str | None, other: str | None) -> Level:
    if one is None or other is None:
        return Level.UNKNOWN
    return Level.SAME if one == other else Level.DIFFERS


def _single(one: Traits, other: Traits) -> Level:
    if numbers_clash((one,), (other,)):
        return Level.DIFFERS
    return Level.SAME if one.singles & other.singles else Level.UNKNOWN


def _family(one: Traits, other: Traits) -> Level:
    if one.family is None or other.family is None:
        return Level.UNKNOWN
    if one.family == other.family:
        return Level.SAME
    if one.family in other.former or other.family in one.former or one.former & other.former:
        return Level.FORMER
    whole, others = one.families | {one.family}, other.families | {other.family}
    if (one.families or other.families) and whole & others:
        return Level.PART
    return _misspelled(one.family, other.family)


def _given(one: str | None, other: str | None) -> Level:
    if one is None or other is None or one == other:
        return _plain(one, other)
    short, long = sorted((one, other), key=len)
    if len(short) == 1:
        return Level.INITIAL if long.startswith(short) else Level.DIFFERS
    if other in called(one):
        return Level.NICKNAME
    return _misspelled(one, other)


def _second(one: str | None, other: str | None) -> Level:
    found = _given(one, other)
    return Level.DIFFERS if found is Level.SOUND else found  # in a second name, two of one sound are two


def _misspelled(one: str, other: str) -> Level:
    if min(len(one), len(other)) < _SHORTEST:
        return Level.DIFFERS
    if jellyfish.damerau_levenshtein_distance(one, other) == 1:
        is_exchange = len(one) == len(other) and sorted(one) == sorted(other)
        return Level.TRANSPOSED if is_exchange else Level.ONE_LETTER
    code = sound(one)
    return Level.SOUND if code is not None and code == sound(other) else Level.DIFFERS


def _born(one: PartialDate | None, other: PartialDate | None) -> Level:
    if one is None or other is None:
        return Level.UNKNOWN
    if not (one.interval.is_day and other.interval.is_day):
        return Level.PARTIAL if one.interval.overlaps(other.interval) else Level.DIFFERS
    if one == other:
        return Level.SAME
    if (one.first.year, one.first.month, one.first.day) == (other.first.year, other.first.day, other.first.month):
        return Level.SWAPPED
    return Level.ONE_DIGIT if sum(a != b for a, b in zip(one.text, other.text, strict=True)) == 1 else Level.DIFFERS


def _shared(one: frozenset[str], other: frozenset[str]) -> Level:
    if not one or not other:
        return Level.UNKNOWN
    return Level.SAME if one & other else Level.DIFFERS


def _address(one: Traits, other: Traits) -> Level:
    if not one.addresses or not other.addresses:
        return Level.UNKNOWN
    if one.addresses & other.addresses:
        return Level.SAME
    shared = {place for _, place in one.addresses} & {place for _, place in other.addresses}
    return Level.PLACE if shared else Level.DIFFERS
