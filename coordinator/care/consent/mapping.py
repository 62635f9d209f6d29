"""Read a written consent out of a FHIR Consent; what was signed is never rewritten, only its status and dates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from coordinator.care.consent.model import ConsentRecord, Denial
from coordinator.care.consent.tables import consent_codes
from coordinator.errors import InvalidInput
from coordinator.fhir import Coding, Document, Field, Identifier, Json, Lens, kinds, once

RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"

_READ_HERE: Final = frozenset(
    {"id", "type", "period", "actor", "action", "securityLabel", "purpose", "class", "code", "provision"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    """The elements of a consent that may be written."""

    status: str | None = None
    signed_at: str | None = None
    start: str | None = None
    end: str | None = None
    form: str | None = None


CONSENT: Final = Lens(
    _Plain,
    "Consent",
    (
        Field("status", ("status",), kinds.TEXT),
        Field("signed_at", ("dateTime",), kinds.TEXT),
        Field("start", ("provision", "period", "start"), kinds.TEXT),
        Field("end", ("provision", "period", "end"), kinds.TEXT),
        Field("form", ("sourceAttachment", "url"), kinds.TEXT),
    ),
)


class SignedContent(InvalidInput):
    """What a person has signed can't be changed by writing over it."""

    def __init__(self) -> None:
        super().__init__(
            "The signed content of a consent can't be rewritten.",
            operation="write record",
            subject="Consent",
            hint="Ask for a new consent, or revoke this one.",
        )


@once
def read_consent(document: Document) -> ConsentRecord:
    """Return the consent that a Consent holds. Raises WrongType."""
    plain = CONSENT.read(document)
    root = _object(document.get("provision"))
    roles = tuple(_actors(root))
    disclosers = _in_role(roles, "discloser") or _identifiers(document.get("organization"))
    return ConsentRecord(
        consent_id=document.id or next((found.value or "" for found in _all_identifiers(document)), ""),
        status=plain.status,
        patient=_identifier(document.get("patient")),
        disclosers=disclosers,
        recipients=_in_role(roles, "recipient"),
        purposes=_codes(root, "purpose"),
        types=_types(root),
        codes=_content(root),
        start=plain.start,
        end=plain.end,
        signed_at=plain.signed_at,
        verified=document.get("verification", 0) is not None
        and set(document.all("verification", "verified")) == {True},
        form=plain.form,
        permits=root.get("type") == "permit",
        actions=frozenset(coding.code for coding in _concept_codings(root.get("action")) if coding.code),
        labels=_codes(root, "securityLabel"),
        denials=tuple(_denials(root)),
        limits=frozenset(_limits(document, root)),
        signed=bool(document.get("performer")),
        patient_reference=kinds.REFERENCE.read(document.get("patient")),
    )


def write_consent(record: ConsentRecord, document: Document) -> Document:
    """Return the Consent with status, dates and form of the record. Raises SignedContent where the record says more.

    `revoked_at` is kept by our registry and has no place in the resource.
    """
    plain = CONSENT.read(document)
    wanted = _Plain(
        status=record.status, signed_at=record.signed_at, start=record.start, end=record.end, form=record.form
    )
    before = replace(read_consent(document), revoked_at=record.revoked_at)
    known = {name: getattr(wanted, name) for name in (field.name for field in CONSENT.fields)}
    if replace(before, **known) != record:
        raise SignedContent
    return document if wanted == plain else CONSENT.write(wanted, document)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _identifier(reference: Json) -> Identifier | None:
    """Return the business identifier of a reference; an id of some server names nobody outside it."""
    found: Identifier | None = kinds.IDENTIFIER.read(_object(reference).get("identifier"))
    return found if found is not None and found.system and found.value else None


def _identifiers(references: Json) -> tuple[Identifier, ...]:
    return tuple(found for one in _list(references) if (found := _identifier(one)) is not None)


def _all_identifiers(document: Document) -> tuple[Identifier, ...]:
    found: tuple[Identifier, ...] = kinds.IDENTIFIERS.read(document.get("identifier"))
    return found


def _codings(value: Json) -> Iterator[Coding]:
    for one in _list(value):
        coding = kinds.CODING.read(one)
        if coding is not None:
            yield coding


def _concept_codings(value: Json) -> Iterator[Coding]:
    for one in _list(value):
        yield from _codings(_object(one).get("coding"))


def _codes(provision: dict[str, Json], name: str) -> frozenset[str]:
    return frozenset(coding.code for coding in _codings(provision.get(name)) if coding.code)


def _types(provision: dict[str, Json]) -> frozenset[str]:
    found = [coding for coding in _codings(provision.get("class")) if coding.key[0] == RESOURCE_TYPES]
    return frozenset(coding.code for coding in found if coding.code)


def _content(provision: dict[str, Json]) -> tuple[Coding, ...]:
    return tuple(coding for coding in _concept_codings(provision.get("code")) if coding.code)


def _actors(provision: dict[str, Json]) -> Iterator[tuple[frozenset[str], Identifier | None]]:
    """Yield the role codes and the identifier of each actor."""
    for actor in _list(provision.get("actor")):
        role = _object(_object(actor).get("role"))
        codes = frozenset(coding.code for coding in _codings(role.get("coding")) if coding.code)
        yield codes, _identifier(_object(actor).get("reference"))


def _in_role(roles: tuple[tuple[frozenset[str], Identifier | None], ...], meaning: str) -> tuple[Identifier, ...]:
    wanted = consent_codes(meaning)
    return tuple(identifier for codes, identifier in roles if identifier is not None and codes & wanted)


def _denials(provision: dict[str, Json]) -> Iterator[Denial]:
    """Yield each denial below a provision, however deep. What can't be read of it narrows it in nothing."""
    for nested in _list(provision.get("provision")):
        below = _object(nested)
        if below.get("type") != "permit":
            actors = tuple(_actors(below))
            recipients = tuple(identifier for _, identifier in actors if identifier is not None)
            yield Denial(
                labels=_codes(below, "securityLabel") if _all_coded(below, "securityLabel") else frozenset(),
                types=_types(below) if _all_types(below) else frozenset(),
                purposes=_codes(below, "purpose") if _all_coded(below, "purpose") else frozenset(),
                codes=_plain_content(below),
                recipients=recipients if len(recipients) == len(actors) else (),
            )
        yield from _denials(below)


def _all_coded(provision: dict[str, Json], name: str) -> bool:
    return all(isinstance(_object(one).get("code"), str) for one in _list(provision.get(name)))


def _all_types(provision: dict[str, Json]) -> bool:
    return all(
        _object(one).get("system") == RESOURCE_TYPES and isinstance(_object(one).get("code"), str)
        for one in _list(provision.get("class"))
    )


def _plain_content(provision: dict[str, Json]) -> frozenset[str]:
    concepts = _list(provision.get("code"))
    if not all(any(coding.code for coding in _codings(_object(one).get("coding"))) for one in concepts):
        return frozenset()
    return frozenset(coding.code for coding in _content(provision) if coding.code)


def _limits(document: Document, root: dict[str, Json]) -> Iterator[str]:
    """Yield the elements that change what the consent means and that are not read here: unknown means no."""
    if document.get("modifierExtension") or document.get("implicitRules"):
        yield "modifierExtension"
    yield from (name for name in root if name not in _READ_HERE and not name.startswith("_"))
    if root.get("class") and not _types(root):
        yield "class"
    if root.get("code") and not _content(root):
        yield "code"
    for name in ("securityLabel", "purpose"):
        if root.get(name) and not _codes(root, name):
            yield name
