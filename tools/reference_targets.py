"""Write the table of reference targets anew from the metadata of the FHIR R4B models.

Usage: python tools/reference_targets.py > coordinator/fhir/tables/reference_targets.csv
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import fhir.resources.R4B

from coordinator.fhir.models import Shape, shape_of

HEAD = """\
# Which types each reference may point at; "Resource" is any. Types and paths are those of HL7 FHIR R4 and R4B
# (https://hl7.org/fhir/R4, CC0), taken from the metadata of fhir.resources by tools/reference_targets.py.
type,path,targets
"""


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield type, path and targets of every reference of every resource and data type."""
    for module in sorted(Path(fhir.resources.R4B.__file__).parent.glob("*.py")):
        name = _class_name(module.stem)
        shape = shape_of(name) if name else None
        if shape is not None and not shape.is_part:
            yield from sorted(_below(shape, shape.name, "", frozenset()))


def _class_name(module: str) -> str | None:
    found = __import__(f"fhir.resources.R4B.{module}", fromlist=["_"])
    return next((name for name in vars(found) if name.lower() == module and name != module), None)


def _below(shape: Shape, owner: str, path: str, seen: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    for slot in shape.slots:
        place = f"{path}.{slot.key}" if path else slot.key
        if slot.type == "Reference":
            yield owner, place, " ".join(sorted(slot.targets)) or "Resource"
        part = shape_of(slot.type) if slot.type[0].isupper() else None
        if part is not None and part.is_part and part.name not in seen:
            yield from _below(part, owner, place, seen | {part.name})


if __name__ == "__main__":
    sys.stdout.write(HEAD)
    for row in rows():
        sys.stdout.write(",".join(row) + "\n")
