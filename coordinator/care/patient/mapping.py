"""Read a person out of a Patient and write them back."""

from functools import cache
from typing import Final

from coordinator.care.patient.model import Address, PatientRecord
from coordinator.fhir import Document, Field, Json, Lens, kinds

# Which of several names is the person's, from the best; a former, maiden or assumed name never is.
_NAME_USES: Final = ("official", "usual", None)
_GONE: Final = "old"
_REPLACED: Final = "replaced-by"


def read_patient(document: Document) -> PatientRecord:
    """Return the person as the Patient shows them: values as they are written, nothing normalized."""
    return _lens(_name_at(document)).read(document)


def write_patient(record: PatientRecord, document: Document) -> Document:
    """Return the Patient with the person written into it, everything else as it came."""
    return _lens(_name_at(document)).write(record, document)


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


def _read_phone(value: Json) -> str | None:
    telecom = _object(value)
    is_phone = telecom.get("system") == "phone" and telecom.get("use") != _GONE
    return _text(telecom.get("value")) if is_phone else None


def _write_phone(value: str, old: Json) -> Json:
    return kinds.overlaid(old, {"system": "phone", "value": value})


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


_PHONES: Final = kinds.many(kinds.Kind(read=_read_phone, write=_write_phone))
_ADDRESSES: Final = kinds.many(
    kinds.Kind(read=_read_address, write=_write_address), key=lambda address: (address.lines, address.postal_code)
)
_REPLACEMENT: Final = kinds.Kind(read=_read_replacement, write=_write_replacement)


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
            Field("gender", ("gender",), kinds.TEXT),
            Field("birth_date", ("birthDate",), kinds.TEXT),
            Field("phones", ("telecom",), _PHONES),
            Field("addresses", ("address",), _ADDRESSES),
            Field("replaced_by", ("link",), _REPLACEMENT),
        ),
    )
