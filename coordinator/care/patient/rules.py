"""Questions about identity: by which keys a person may be found, and whether two records are about one person.

The rules, from the top; the first that speaks decides:
1. A shared identifier of a person is CERTAIN, but POSSIBLE where birth dates differ, or where there is no birth date
   and the names have nothing in common: numbers are mistyped and cards are lent.
2. Family name, first given name and full birth date agree: CERTAIN with a phone or an address in common, else
   POSSIBLE; also POSSIBLE when each has another number of a kind of which a person has one, or another suffix (Jr, Sr).
3. Same family name and birth date, another given name: NONE. That is how twins look, who share the phone as well. A
   given name that differs by a letter or is only an initial is POSSIBLE with a phone or an address in common.
4. Same birth date and phone, another name: POSSIBLE. So is the same given name and address, as surnames change.
5. Name agrees with a phone or an address, and the birth date is partial and fits, has day and month swapped, or is one
   digit off: POSSIBLE. Without a phone or an address such dates are NONE: among many people they are common.
6. All else is NONE. What is masked, a placeholder or absent agrees with nothing.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from coordinator.care.patient.model import Address, PatientRecord
from coordinator.care.patient.tables import address_words, identifier_types, name_suffixes, placeholders
from coordinator.fhir import BadDate, Identifier, PartialDate, normal_system

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['\u2019\u02bc-]")
_EXTENSION = re.compile(r"(?i)(?:;|,|#|x|ext).*$")


class Agreement(Enum):
    """How far two records are about one person."""

    CERTAIN = "certain"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    """What of a record can be compared, normalized; None and empty sets agree with nothing."""

    identifiers: frozenset[tuple[str, str]]
    singles: frozenset[tuple[str, str]]
    family: str | None
    suffix: str | None
    given: str | None
    born: PartialDate | None
    phones: frozenset[str]
    addresses: frozenset[tuple[str, str]]


def matching_keys(record: PatientRecord) -> tuple[str, ...]:
    """Return the keys under which records that may be about one person meet, sorted.

    `i|system|value` for each identifier of a person, `d|family|given|birth date` for a name with a full birth date.
    """
    traits = _traits(record)
    keys = {f"i|{system}|{value}" for system, value in traits.identifiers}
    if traits.family and traits.given and traits.born and _is_full(traits.born):
        keys.add(f"d|{traits.family}|{traits.given}|{traits.born}")
    return tuple(sorted(keys))


def wider_keys(record: PatientRecord) -> tuple[str, ...]:
    """Return further keys, sorted, under which records meet that agree in part: what rules 3 to 5 may call possible.

    `b|phone|birth date` finds a changed or misspelled name, `n|family|given|` with phone or address a birth date that
    differs, `s|given|birth date|address` a changed surname, `t|family|birth date|address` a misspelled given name.
    """
    traits = _traits(record)
    places = {f"{street}, {place}" for street, place in traits.addresses}
    keys: set[str] = set()
    if traits.born and _is_full(traits.born):
        keys |= {f"b|{phone}|{traits.born}" for phone in traits.phones}
        keys |= {f"s|{traits.given}|{traits.born}|{place}" for place in places if traits.given}
        keys |= {f"t|{traits.family}|{traits.born}|{place}" for place in places if traits.family}
    if traits.family and traits.given:
        keys |= {f"n|{traits.family}|{traits.given}|{reach}" for reach in traits.phones | places}
    return tuple(sorted(keys))


def agreement(a: PatientRecord, b: PatientRecord) -> Agreement:
    """Return whether two records are about one person, by the rules at the top."""
    one, other = _traits(a), _traits(b)
    if one.identifiers & other.identifiers:
        return _by_identifier(one, other)
    if one.born is None or other.born is None:
        return Agreement.NONE
    if _is_full(one.born) and one.born == other.born:
        return _by_birth_date(one, other)
    if _same_name(one, other) and _reached_alike(one, other) and _nearly(one.born, other.born):
        return Agreement.POSSIBLE
    return Agreement.NONE


# --- the rules ---------------------------------------------------------------------------------------------------


def _by_identifier(one: _Traits, other: _Traits) -> Agreement:
    if one.born is None or other.born is None:
        strangers = _differs(one.family, other.family) and _differs(one.given, other.given)
        return Agreement.POSSIBLE if strangers else Agreement.CERTAIN
    return Agreement.CERTAIN if one.born.interval.overlaps(other.born.interval) else Agreement.POSSIBLE


def _by_birth_date(one: _Traits, other: _Traits) -> Agreement:
    if None in (one.family, other.family, one.given, other.given):
        return Agreement.NONE
    alike = _reached_alike(one, other)
    if _same_name(one, other):
        doubtful = _differs(one.suffix, other.suffix) or _other_single(one, other)
        return Agreement.CERTAIN if alike and not doubtful else Agreement.POSSIBLE
    if one.family == other.family:
        return Agreement.POSSIBLE if alike and _nearly_named(one.given or "", other.given or "") else Agreement.NONE
    same_phone, same_given = bool(one.phones & other.phones), one.given == other.given
    return Agreement.POSSIBLE if same_phone or (same_given and alike) else Agreement.NONE


def _same_name(one: _Traits, other: _Traits) -> bool:
    return None not in (one.family, one.given) and (one.family, one.given) == (other.family, other.given)


def _reached_alike(one: _Traits, other: _Traits) -> bool:
    return bool(one.phones & other.phones or one.addresses & other.addresses)


def _other_single(one: _Traits, other: _Traits) -> bool:
    """Say whether both have a number of a kind of which a person has one, and not the same."""
    systems = {system for system, _ in one.singles} & {system for system, _ in other.singles}
    return any(
        {value for system, value in one.singles if system == shared}
        != {value for system, value in other.singles if system == shared}
        for shared in systems
    )


def _differs(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _nearly(one: PartialDate, other: PartialDate) -> bool:
    if not (_is_full(one) and _is_full(other)):
        return one.interval.overlaps(other.interval)
    swapped = (one.first.year, one.first.month, one.first.day) == (other.first.year, other.first.day, other.first.month)
    return swapped or sum(a != b for a, b in zip(one.text, other.text, strict=True)) == 1


def _nearly_named(one: str, other: str) -> bool:
    """Say whether two given names differ by one letter, or one is the initial of the other."""
    short, long = sorted((one, other), key=len)
    if len(short) == 1:
        return long.startswith(short)
    if len(short) < 3 or len(long) - len(short) > 1:
        return False
    start = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    exchanged = short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    return exchanged or short[start + 1 :] == long[start + 1 :]


# --- what can be compared ----------------------------------------------------------------------------------------


def _traits(record: PatientRecord) -> _Traits:
    persons = [identifier for identifier in record.identifiers if _is_persons(identifier)]
    family, suffix = _family(record.family)
    return _Traits(
        identifiers=frozenset(_identifier_key(one) for one in persons),
        singles=frozenset(_identifier_key(one) for one in persons if _is_single(one)),
        family=family,
        suffix=suffix,
        given=_given(record.given),
        born=_born(record.birth_date),
        phones=frozenset(filter(None, map(_phone, record.phones))),
        addresses=frozenset(filter(None, map(_address, record.addresses))),
    )


def _is_full(born: PartialDate) -> bool:
    return born.interval.is_day


def _folded(text: str) -> str:
    bare = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(bare).casefold()


def _words(text: str) -> list[str]:
    return _WORD.findall(_APOSTROPHE.sub("", _folded(text)))


def _is_masked(word: str) -> bool:
    """Say whether a word hides a name: a placeholder, no letter at all, or one letter over and over."""
    return word in placeholders("name") or not any(map(str.isalpha, word)) or (len(word) > 2 and len(set(word)) == 1)


def _family(text: str | None) -> tuple[str | None, str | None]:
    words = _words(text or "")
    suffix = words.pop() if len(words) > 1 and words[-1] in name_suffixes() else None
    if not words or any(map(_is_masked, words)):
        return None, suffix
    return "".join(words), suffix


def _given(names: tuple[str, ...]) -> str | None:
    words = _words(names[0]) if names else []
    return words[0] if words and not _is_masked(words[0]) else None


def _born(text: str | None) -> PartialDate | None:
    if text is None or text in placeholders("date"):
        return None
    try:
        return PartialDate.parse(text)
    except BadDate:
        return None


def _is_persons(identifier: Identifier) -> bool:
    if not (identifier.system or "").strip() or identifier.use == "temp":
        return False
    known = identifier_types().get(identifier.type_code or "")
    if identifier.type_code and (known is None or not known.is_persons):
        return False
    value = "".join(_WORD.findall((identifier.value or "").casefold()))
    is_filler = len(value) > 2 and len(set(value)) == 1
    return bool(value) and not is_filler and value not in placeholders("identifier")


def _is_single(identifier: Identifier) -> bool:
    known = identifier_types().get(identifier.type_code or "")
    return known is not None and known.one_per_person


def _identifier_key(identifier: Identifier) -> tuple[str, str]:
    return normal_system(identifier.system or ""), (identifier.value or "").strip()


def _phone(text: str) -> str | None:
    """Return the ten digits of a phone number of the North American plan, or all digits of a longer one."""
    digits = "".join(letter for letter in _EXTENSION.sub("", text) if letter.isdigit())
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    return digits if len(digits) >= 10 and len(set(digits)) > 2 else None


def _address(address: Address) -> tuple[str, str] | None:
    """Return street and place of an address in short words; without a street or a place it is none."""
    words = [address_words().get(word, word) for word in _words(" ".join(address.lines))]
    street = " ".join(word for word in words if word)
    zip_code = "".join(letter for letter in address.postal_code if letter.isdigit())[:5]
    place = zip_code if len(zip_code) == 5 else " ".join(_words(f"{address.city} {address.state}"))
    known = any(map(str.isdigit, street)) and any(map(str.isalpha, street))
    return (street, place) if known and place else None
