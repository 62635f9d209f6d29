"""What of a patient record can be compared, normalized: what is masked, a placeholder or absent agrees with nothing."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from coordinator.care.patient.model import Address, PatientRecord
from coordinator.care.patient.tables import address_words, identifier_types, name_suffixes, placeholders
from coordinator.fhir import BadDate, Identifier, PartialDate, normal_system

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['\u2019\u02bc]")
_HYPHEN = re.compile(r"[-\u2010\u2011]")
_EXTENSION = re.compile(r"(?i)(?:;|,|#|x|ext).*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What of a record can be compared; None and empty sets agree with nothing.

    `families` are the parts of a family name of several words, beside the whole of it.
    """

    identifiers: frozenset[tuple[str, str]]
    singles: frozenset[tuple[str, str]]
    family: str | None
    families: frozenset[str]
    former: frozenset[str]
    suffix: str | None
    given: str | None
    second: str | None
    born: PartialDate | None
    sex: str | None
    phones: frozenset[str]
    emails: frozenset[str]
    addresses: frozenset[tuple[str, str]]

    @property
    def is_fully_dated(self) -> bool:
        """Say whether the day of birth is known."""
        return self.born is not None and self.born.interval.is_day

    @property
    def homes(self) -> frozenset[str]:
        """Return street and place in one text each."""
        return frozenset(f"{street}, {place}" for street, place in self.addresses)


def traits(record: PatientRecord) -> Traits:
    """Return what of a record can be compared."""
    persons = [identifier for identifier in record.identifiers if _is_persons(identifier)]
    family, parts, suffix = _family(record.family)
    given, second = _given(record.given)
    return Traits(
        identifiers=frozenset(_identifier_key(one) for one in persons),
        singles=frozenset(_identifier_key(one) for one in persons if _is_single(one)),
        family=family,
        families=parts,
        former=frozenset(filter(None, (_family(one)[0] for one in record.former_families))) - {family},
        suffix=suffix or next(iter(_suffixes(record.suffixes)), None),
        given=given,
        second=second,
        born=_born(record.birth_date),
        sex=record.gender if record.gender in {"female", "male"} else None,
        phones=frozenset(filter(None, map(_phone, record.phones))),
        emails=frozenset(filter(None, map(_email, record.emails))),
        addresses=frozenset(filter(None, map(_address, record.addresses))),
    )


def numbers_clash(here: Iterable[Traits], there: Iterable[Traits]) -> bool:
    """Say whether two sets of records have a number of a kind of which a person has one, and none in common."""
    one, other = _by_system(here), _by_system(there)
    return any(not one[system] & other[system] for system in one.keys() & other.keys())


def births_clash(here: Iterable[Traits], there: Iterable[Traits]) -> bool:
    """Say whether two sets of records know when the person was born, and no two of them agree."""
    one, other = ([each.born.interval for each in side if each.born] for side in (here, there))
    return bool(one and other) and not any(each.overlaps(its) for each in one for its in other)


def _by_system(records: Iterable[Traits]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in records:
        for system, value in one.singles:
            found.setdefault(system, set()).add(value)
    return found


# ---- normal forms ----------------------------------------------------------------------------------------------------


def _folded(text: str) -> str:
    bare = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(bare).casefold()


def _words(text: str, *, hyphen: str = "") -> list[str]:
    return _WORD.findall(_HYPHEN.sub(hyphen, _APOSTROPHE.sub("", _folded(text))))


def _is_masked(word: str) -> bool:
    """Say whether a word hides a name: a placeholder, no letter at all, or one letter over and over."""
    return word in placeholders("name") or not any(map(str.isalpha, word)) or (len(word) > 2 and len(set(word)) == 1)


def _family(text: str | None) -> tuple[str | None, frozenset[str], str | None]:
    """Return the family name in one word, its parts where it has several of some length, and a suffix in it."""
    words = _words(text or "", hyphen=" ")
    suffix = words.pop() if len(words) > 1 and words[-1] in name_suffixes() else None
    if not words or any(map(_is_masked, words)):
        return None, frozenset(), suffix
    parts = frozenset(word for word in words if len(word) > 3) if len(words) > 1 else frozenset()
    return "".join(words), parts, suffix


def _suffixes(texts: tuple[str, ...]) -> list[str]:
    return [word for text in texts for word in _words(text) if word in name_suffixes()]


def _given(names: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the first and the second given name; what stands for a child that has no name yet is none."""
    words = [word for name in names for word in _words(name)]
    if not words or _is_masked(words[0]) or words[0] in placeholders("given"):
        return None, None
    second = words[1] if len(words) > 1 and not _is_masked(words[1]) else None
    return words[0], second


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


def _email(text: str) -> str | None:
    """Return an address of mail in small letters; one of a placeholder's name is none."""
    bare = text.strip().casefold()
    name, at, host = bare.partition("@")
    return bare if at and name and "." in host and not _is_masked(name) else None


def _address(address: Address) -> tuple[str, str] | None:
    """Return street and place of an address in short words; without a street or a place it is none."""
    words = [address_words().get(word, word) for word in _words(" ".join(address.lines))]
    street = " ".join(word for word in words if word)
    zip_code = "".join(letter for letter in address.postal_code if letter.isdigit())[:5]
    place = zip_code if len(zip_code) == 5 else " ".join(_words(f"{address.city} {address.state}"))
    known = any(map(str.isdigit, street)) and any(map(str.isalpha, street))
    return (street, place) if known and place else None
