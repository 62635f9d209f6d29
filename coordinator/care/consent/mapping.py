"""Read a written consent out of a FHIR Consent; what was signed is never rewritten, only its status and dates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from coordinator.care.consent.model import ConsentRecord, Provision
from coordinator.care.consent.tables import consent_codes
from coordinator.errors import InvalidInput
from coordinator.fhir import Coding, Document, Field, Identifier, Json, Lens, as_r4, is_r5_consent, kinds, once

RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
RECIPIENT_CLASS: Final = "https://coordinator.example/fhir/CodeSystem/recipient-class"
EXPIRY_EVENT: Final = "https://coordinator.example/fhir/StructureDefinition/consent-expiry-event"
AUTHORITY: Final = "https://coordinator.example/fhir/StructureDefinition/representative-authority"

_READ_HERE: Final = frozenset(
    {"id", "type", "period", "actor", "action", "securityLabel", "purpose", "class", "code", "provision"}
)
_READ_IN_EXCEPTIONS: Final = _READ_HERE - {"period", "action"}


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
    """Return the consent that a Consent holds, one of R5 through its lens. Raises WrongType."""
    document = as_r4(document) if is_r5_consent(document) else document
    plain = CONSENT.read(document)
    root = _object(document.get("provision"))
    roles = tuple(_actors(root))
    disclosers = _in_role(roles, "discloser") or _identifiers(document.get("organization"))
    through = _members(root)
    permits = root.get("type") == "permit"
    return ConsentRecord(
        consent_id=document.id or next((found.value or "" for found in _all_identifiers(document)), ""),
        status=plain.status,
        patient=_identifier(document.get("patient")),
        disclosers=disclosers,
        recipients=_named(_in_role(roles, "recipient")),
        purposes=_codes(root, "purpose"),
        types=_types(root),
        codes=_content(root),
        start=plain.start,
        end=plain.end,
        signed_at=plain.signed_at,
        verified=document.get("verification", 0) is not None
        and set(document.all("verification", "verified")) == {True},
        form=plain.form,
        permits=permits,
        actions=frozenset(coding.code for coding in _concept_codings(root.get("action")) if coding.code),
        labels=_codes(root, "securityLabel"),
        exceptions=tuple(_exceptions(root, but=_members_below(root))),
        limits=frozenset(_limits(document, root)),
        signed=bool(document.get("performer")),
        patient_reference=kinds.REFERENCE.read(document.get("patient")),
        classes=_classes(_in_role(roles, "recipient")),
        members=_named(through),
        member_classes=_classes(through),
        ends_with=_event(_object(root.get("period"))),
        restriction=_provision(root) if root.get("type") == "deny" else None,
        signed_by_patient=any(_is_patient(one, document) for one in _list(document.get("performer"))),
        signed_by_other=any(_is_other(one, document) for one in _list(document.get("performer"))),
        has_authority=AUTHORITY in document.all("extension", "url"),
    )


def write_consent(record: ConsentRecord, document: Document) -> Document:
    """Return the Consent with status, dates and form of the record. Raises SignedContent where the record says more.

    `revoked_at` is kept by our registry and has no place in the resource.
    """
    plain = CONSENT.read(as_r4(document) if is_r5_consent(document) else document)
    wanted = _Plain(
        status=record.status, signed_at=record.signed_at, start=record.start, end=record.end, form=record.form
    )
    before = replace(read_consent(document), revoked_at=record.revoked_at)
    known = {name: getattr(wanted, name) for name in (field.name for field in CONSENT.fields)}
    if replace(before, **known) != record or (wanted != plain and is_r5_consent(document)):
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


def _named(recipients: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    return tuple(one for one in recipients if one.system != RECIPIENT_CLASS)


def _classes(recipients: tuple[Identifier, ...]) -> frozenset[str]:
    return frozenset(one.value for one in recipients if one.system == RECIPIENT_CLASS and one.value)


def _event(period: dict[str, Json]) -> str | None:
    """Return the event with which a period ends, if it tells one."""
    for one in _list(period.get("extension")):
        if _object(one).get("url") == EXPIRY_EVENT:
            return str(_object(one).get("valueCode") or "")
    return None


# ---- who signed ------------------------------------------------------------------------------------------------------
def _is_patient(performer: Json, document: Document) -> bool:
    """Say whether somebody who signed is certainly the person whom the consent is about."""
    patient, signer = _identifier(document.get("patient")), _identifier(performer)
    if signer is not None and patient is not None:
        return signer == patient
    reference = _object(performer).get("reference")
    return reference is not None and reference == _object(document.get("patient")).get("reference")


def _is_other(performer: Json, document: Document) -> bool:
    """Say whether somebody who signed is certainly another than the person: a parent, a guardian, a representative."""
    kind = _object(performer).get("type")
    reference = str(_object(performer).get("reference") or "")
    is_related = kind in {"RelatedPerson", "Practitioner"} or reference.startswith(("RelatedPerson/", "Practitioner/"))
    return is_related and not _is_patient(performer, document)


# ---- provisions in provisions ----------------------------------------------------------------------------------------
def _members_below(provision: dict[str, Json]) -> tuple[dict[str, Json], ...]:
    """Return the permits below a permit that name nothing but recipients: to whom an intermediary passes it on."""
    if provision.get("type") != "permit":
        return ()
    below = (_object(one) for one in _list(provision.get("provision")))
    return tuple(
        one
        for one in below
        if one.get("type") == "permit" and set(one) <= {"id", "type", "actor"} and _all_recipients(one)
    )


def _all_recipients(provision: dict[str, Json]) -> bool:
    actors = tuple(_actors(provision))
    wanted = consent_codes("recipient")
    return bool(actors) and all(identifier is not None and codes & wanted for codes, identifier in actors)


def _members(root: dict[str, Json]) -> tuple[Identifier, ...]:
    found = (identifier for one in _members_below(root) for _, identifier in _actors(one))
    return tuple(one for one in found if one is not None)


def _exceptions(provision: dict[str, Json], *, but: tuple[dict[str, Json], ...] = ()) -> Iterator[Provision]:
    for nested in _list(provision.get("provision")):
        if not any(nested is one for one in but):
            yield _provision(_object(nested))


def _provision(found: dict[str, Json]) -> Provision:
    """Return a provision as an exception: what can't be read of it narrows it in nothing, and makes it vague."""
    actors = tuple(_actors(found))
    sides = [_in_role((one,), side) for one in actors for side in ("discloser", "recipient")]
    is_clear = all(_in_role((one,), "discloser") or _in_role((one,), "recipient") for one in actors)
    readable = {
        "securityLabel": _all_coded(found, "securityLabel"),
        "purpose": _all_coded(found, "purpose"),
        "class": _all_types(found),
        "code": _all_content(found),
        "actor": is_clear and not any(_classes(one) for one in sides),
    }
    strange = [name for name in found if name not in _READ_IN_EXCEPTIONS]
    return Provision(
        permits=found.get("type") == "permit",
        labels=_codes(found, "securityLabel") if readable["securityLabel"] else frozenset(),
        types=_types(found) if readable["class"] else frozenset(),
        purposes=_codes(found, "purpose") if readable["purpose"] else frozenset(),
        codes=frozenset(one.code for one in _content(found) if one.code) if readable["code"] else frozenset(),
        disclosers=_in_role(actors, "discloser") if readable["actor"] else (),
        recipients=_in_role(actors, "recipient") if readable["actor"] else (),
        is_vague=bool(strange) or not all(readable.values()),
        exceptions=tuple(_exceptions(found)),
    )


def _all_coded(provision: dict[str, Json], name: str) -> bool:
    return all(isinstance(_object(one).get("code"), str) for one in _list(provision.get(name)))


def _all_types(provision: dict[str, Json]) -> bool:
    return all(
        _object(one).get("system") == RESOURCE_TYPES and isinstance(_object(one).get("code"), str)
        for one in _list(provision.get("class"))
    )


def _all_content(provision: dict[str, Json]) -> bool:
    concepts = _list(provision.get("code"))
    return all(any(coding.code for coding in _codings(_object(one).get("coding"))) for one in concepts)


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
    period = _object(root.get("period"))
    if not set(period) <= {"start", "end", "extension"} or any(
        _object(one).get("url") != EXPIRY_EVENT for one in _list(period.get("extension"))
    ):
        yield "period"
    if any(_object(one).get("type") == "permit" for one in _others(root)):
        yield "provision"  # a permit below a permit may narrow it or add to it: nobody can tell


def _others(root: dict[str, Json]) -> list[Json]:
    members = _members_below(root)
    return [one for one in _list(root.get("provision")) if not any(one is each for each in members)]
