"""Codes, quantities and identifiers as frozen records, and the one name of each code system."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files

_REMEMBERED = 8_192  # codings, and the names of their systems


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """A code of a code system, kept as the EHR wrote it."""

    system: str | None = None
    code: str | None = None
    display: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return the normalized system and the code: what two codings are compared by."""
        return normal_system(self.system or ""), self.code or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeableConcept:
    """One meaning, in words and in any number of code systems."""

    codings: tuple[Coding, ...] = ()
    text: str | None = None

    def has(self, system: str, code: str) -> bool:
        """Say whether one of the codings is this code, by whatever name the system goes."""
        return (normal_system(system), code) in {coding.key for coding in self.codings}

    def codes_of(self, system: str) -> tuple[str, ...]:
        """Return the codes of one system in their order."""
        wanted = normal_system(system)
        return tuple(coding.code for coding in self.codings if coding.code and coding.key[0] == wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An amount with its unit; the number keeps its written precision."""

    value: Decimal | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None
    comparator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A business identifier: the system that gives it, the value, what kind it is and what it is used for."""

    system: str | None = None
    value: str | None = None
    type_code: str | None = None
    use: str | None = None


@lru_cache(maxsize=_REMEMBERED)
def coding_of(system: str | None, code: str | None, display: str | None) -> Coding:
    """Return a coding; one that was made before is the same one, as few different ones stand in all records."""
    return Coding(system=system, code=code, display=display)


@lru_cache(maxsize=_REMEMBERED)
def normal_system(uri: str) -> str:
    """Return the one name of a code system: EHRs write HCPCS, ICD-10-CM and others by several addresses."""
    return _aliases().get(uri.strip().rstrip("/").casefold(), uri.strip())


@cache
def _aliases() -> dict[str, str]:
    with files("coordinator.fhir").joinpath("tables/code_systems.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    names = {row["system"].rstrip("/").casefold(): row["system"] for row in rows}
    return names | {row["alias"].rstrip("/").casefold(): row["system"] for row in rows}
