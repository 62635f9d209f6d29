"""Read a person out of a Patient and write them back."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from coordinator.care.patient.model import Address, PatientRecord
from coordinator.fhir import Document, Field, Json, Lens, kinds, once

# Which of several names is the person's, from the best; a former, maiden or assumed name never is.
_NAME_USES: Final = ("official", "usual", None)
_GONE: Final = "old"
_FORMER_USES: Final = ("old", "maiden")
_REPLACED: Final = "replaced-by"
_REPLACES: Final = "replaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What stands in the same lists as the rest of the record: a second lens reads and writes it."""

    former_families: tuple[str, ...]
    emails: tuple[str, ...]
    replaces: tuple[str, ...]


@once
def read_patient(document: Document) -> PatientRecord:
    """Return the person as the Patient shows them: values as they are written, nothing normalized."""
    beside = _BESIDE.read(document)
    return replace(
        _lens(_name_at(document)).read(document),
        former_families=beside.former_families,
        emails=beside.emails,
        replaces=beside.replaces,
    )


def write_patient(record: PatientRecord, document: Document) -> Document:
    """Return the Patient with the person written into it, everything else as it came."""
    beside = _Beside(former_families=record.former_families, emails=record.emails, replaces=record.replaces)
    return _BESIDE.write(beside, _lens(_name_at(document)).write(record, document))


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _name_at(document: Document) -> int:
    """Return the place of the name that is the person's, the place behind the last where there is none."""
    names = document.get("name")
    listed = names if isinstance(names, list) else []
    uses = {place: _object(name).get("use") for place, name in enumerate(listed)}
    fitting = [place for place, use in uses.items() if use in _NAME_USES]
    return min(fitting, key=lambda place: (_NAME_USES.index(_text(uses[place])), place), default=len(listed))


def _read_former(value: Json) -> str | None:
    name = _object(value)
    return _text(name.get("family")) if name.get("use") in _FORMER_USES else None


def _write_former(value: str, old: Json) -> Json:
    return kinds.overlaid(old, {"use": _object(old).get("use") or _GONE, "family": value})


def _telecom(system: str) -> kinds.Kind:
    """Return the kind of the values of one system among the ways to reach somebody; former ones are not shown."""

    def read(value: Json) -> str | None:
        telecom = _object(value)
        is_fitting = telecom.get("system") == system and telecom.get("use") != _GONE
        return _text(telecom.get("value")) if is_fitting else None

    def write(value: str, old: Json) -> Json:
        return kinds.overlaid(old, {"system": system, "value": value})

    return kinds.Kind(read=read, write=write)


def _read_address(value: Json) -> Address | None:
    if not isinstance(value, dict) or value.get("use") == _GONE:
        return None
    return Address(
        lines=kinds.TEXTS.read(value.get("line")),
        city=_text(value.get("city")) or "",
        state=_text(value.get("state")) or "",
        postal_code=_text(value.get("postalCode")) or "",
    )


def _write_address(value: Address, old: Json) -> Json:
    before = _read_address(old) or Address()
    known: dict[str, Json] = {
        "city": value.city or None,
        "state": value.state or None,
        "postalCode": value.postal_code or None,
    }
    if value.lines != before.lines:
        known["line"] = list(value.lines) or None
    return kinds.overlaid(old, known)


def _read_replacement(value: Json) -> str | None:
    """Return the record that took the place of this one, when the EHR merged the two."""
    links = value if isinstance(value, list) else []
    found = (kinds.REFERENCE.read(_object(link).get("other")) for link in links if _is_replacement(link))
    return next((reference for reference in found if isinstance(reference, str)), None)


def _write_replacement(value: str, old: Json) -> Json:
    links = old if isinstance(old, list) else []
    link: Json = {"other": {"reference": value}, "type": _REPLACED}
    return [*(one for one in links if not _is_replacement(one)), link]


def _is_replacement(link: Json) -> bool:
    return _object(link).get("type") == _REPLACED


def _read_replaces(value: Json) -> str | None:
    link = _object(value)
    found = kinds.REFERENCE.read(link.get("other")) if link.get("type") == _REPLACES else None
    return _text(found)


def _write_replaces(value: str, old: Json) -> Json:
    return kinds.overlaid(old, {"other": {"reference": value}, "type": _REPLACES})


_PHONES: Final = kinds.many(_telecom("phone"))
_ADDRESSES: Final = kinds.many(
    kinds.Kind(read=_read_address, write=_write_address), key=lambda address: (address.lines, address.postal_code)
)
_REPLACEMENT: Final = kinds.Kind(read=_read_replacement, write=_write_replacement)
_BESIDE: Final = Lens(
    _Beside,
    "Patient",
    (
        Field("former_families", ("name",), kinds.many(kinds.Kind(read=_read_former, write=_write_former))),
        Field("emails", ("telecom",), kinds.many(_telecom("email"))),
        Field("replaces", ("link",), kinds.many(kinds.Kind(read=_read_replaces, write=_write_replaces))),
    ),
)


@cache
def _lens(name: int) -> Lens[PatientRecord]:
    return Lens(
        PatientRecord,
        "Patient",
        (
            Field("identifiers", ("identifier",), kinds.IDENTIFIERS),
            Field("active", ("active",), kinds.BOOLEAN),
            Field("family", ("name", name, "family"), kinds.TEXT),
            Field("given", ("name", name, "given"), kinds.TEXTS),
            Field("suffixes", ("name", name, "suffix"), kinds.TEXTS),
            Field("gender", ("gender",), kinds.TEXT),
            Field("birth_date", ("birthDate",), kinds.TEXT),
            Field("phones", ("telecom",), _PHONES),
            Field("addresses", ("address",), _ADDRESSES),
            Field("replaced_by", ("link",), _REPLACEMENT),
        ),
    )
