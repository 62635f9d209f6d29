"""A person as one EHR knows them."""

from dataclasses import dataclass

from coordinator.fhir import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; empty parts are absent."""

    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    """One Patient resource. `birth_date` is the FHIR date text, which may be partial.

    `former_families` are family names of the past, `replaced_by` and `replaces` what the EHR says of its own merges.
    """

    identifiers: tuple[Identifier, ...] = ()
    active: bool | None = None
    family: str | None = None
    given: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    former_families: tuple[str, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    replaced_by: str | None = None
    replaces: tuple[str, ...] = ()
