"""A patient record as matching looks at it: what can be compared, and which records its EHR says it was merged with."""

from dataclasses import dataclass, replace

from coordinator.care.patient.keys import matching_keys, wider_keys
from coordinator.care.patient.mapping import read_patient
from coordinator.care.patient.traits import Traits, traits
from coordinator.fhir import Absolute, Document, Relative, read_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPatient:
    """A patient record: `merged` are the places of the records of the same EHR that are said to be the same person.

    `into` is the one that took its place, if one did.
    """

    ehr: str
    patient: str
    traits: Traits
    keys: frozenset[str]
    merged: frozenset[str] = frozenset()
    into: str | None = None

    @property
    def place(self) -> str:
        """Return `ehr/Patient/id`, which names the record."""
        return place_of(self.ehr, self.patient)

    def without(self, crowded: frozenset[str]) -> "KnownPatient":
        """Return the record without the identifiers that too many records carry to name a person."""
        kept = frozenset(one for one in self.traits.identifiers if f"i|{one[0]}|{one[1]}" not in crowded)
        return replace(self, traits=replace(self.traits, identifiers=kept))


def known_patient(ehr: str, document: Document) -> KnownPatient:
    """Return a Patient as matching looks at it, with the keys under which it meets others.

    `m|place` is a key of a record that was merged into the one at that place, and of that one.
    """
    record = read_patient(document)
    into = _local(ehr, record.replaced_by)
    merged = {place for one in record.replaces if (place := _local(ehr, one))} | ({into} if into else set())
    own = place_of(ehr, document.id)
    keys = {*matching_keys(record), *wider_keys(record), *(f"m|{place}" for place in merged)}
    return KnownPatient(
        ehr=ehr,
        patient=document.id,
        traits=traits(record),
        keys=frozenset(keys),
        merged=frozenset(merged - {own}),
        into=into if into != own else None,
    )


def place_of(ehr: str, patient: str) -> str:
    """Return `ehr/Patient/id`, which names the record."""
    return f"{ehr}/Patient/{patient}"


def _local(ehr: str, reference: str | None) -> str | None:
    """Return the place of a Patient of the same EHR; what else a link points to is not followed."""
    read = read_reference({"reference": reference})
    if isinstance(read, Relative | Absolute) and read.type == "Patient":
        return place_of(ehr, read.id)
    return None
