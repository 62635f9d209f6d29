"""The keys under which patient records meet: only records that meet are compared, so each pair that may be one must."""

from coordinator.care.patient.comparison import called, sound
from coordinator.care.patient.model import PatientRecord
from coordinator.care.patient.traits import Traits, traits


def matching_keys(record: PatientRecord) -> tuple[str, ...]:
    """Return the keys under which records that may be about one person for certain meet, sorted.

    `i|system|value` for each identifier of a person, `d|family|given|birth date` for a name with a full birth date.
    """
    own = traits(record)
    keys = {f"i|{system}|{value}" for system, value in own.identifiers}
    if own.family and own.given and own.born and own.is_fully_dated:
        keys.add(f"d|{own.family}|{own.given}|{own.born}")
    return tuple(sorted(keys))


def wider_keys(record: PatientRecord) -> tuple[str, ...]:
    """Return further keys, sorted, under which records meet that agree in part.

    `b|phone or email|birth date` finds another name, `f|sound of a family name|birth date` another given name,
    `g|sound of a given name|birth date` another family name, `n|family|given|` with phone, email or home a birth date
    that differs, `s|birth date|home` names that do not even sound alike.
    """
    own = traits(record)
    reaches = own.phones | own.emails
    keys: set[str] = set()
    if own.born and own.is_fully_dated:
        keys |= {f"b|{reach}|{own.born}" for reach in reaches}
        keys |= {f"f|{name}|{own.born}" for name in _families(own)}
        keys |= {f"g|{name}|{own.born}" for name in _givens(own)}
        keys |= {f"s|{own.born}|{home}" for home in own.homes if own.given and own.family}
    if own.family and own.given:
        keys |= {f"n|{own.family}|{name}|{reach}" for name in called(own.given) for reach in reaches | own.homes}
    return tuple(sorted(keys))


def _families(own: Traits) -> set[str]:
    """Return the sounds of the whole family name, of its parts, and of those of the past."""
    names = own.families | own.former | ({own.family} if own.family else frozenset())
    return {sound(name) or name for name in names}


def _givens(own: Traits) -> set[str]:
    return {sound(name) or name for name in called(own.given)} if own.given else set()
