"""Derive the sandbox's table of personalities from real CapabilityStatements: what each EHR offers, type by type.

    python tools/personalities.py FOLDER_OF_STATEMENTS > coordinator/sandbox/tables/personalities.csv

Kept are facts only: interactions, search parameters, the sets of parameters without which a search is refused, what is
said on versions, conditional create and create by update. No text of a statement is copied. One that is cut off and those
of DSTU2 are there to be refused.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

INTERACTIONS = ("read", "vread", "search-type", "create", "update", "patch", "delete")
METADATA_OF_ATHENA = "https://fhir.athena.io/StructureDefinition/ah-search-parameter-metadata"
ONE_OF = re.compile(r"required field if|is required if|^Either the|\(Required\)", re.IGNORECASE)
BESIDE_PATIENT = re.compile(r"This is a required search parameter", re.IGNORECASE)

# What the vendors' developer pages say and their statements don't.
DOCUMENTED = {
    ("epic-r4", "EpisodeOfCare"): "patient+type;_id",
    ("oracle-millennium-r4", "CarePlan"): "patient+category;_id",
    ("oracle-millennium-open-r4", "CarePlan"): "patient+category;_id",
    ("oracle-millennium-r4", "Appointment"): "patient+date;_id",
    ("oracle-millennium-open-r4", "Appointment"): "patient+date;_id",
}
COLUMNS = (
    "personality",
    "type",
    "interactions",
    "parameters",
    "required",
    "versioning",
    "conditional_create",
    "update_create",
)


def required(personality: str, resource: dict) -> str:
    """Return the sets of parameters of which a search needs one, as `a+b;c`; nothing where none is asked."""
    if (said := DOCUMENTED.get((personality, resource["type"]))) is not None:
        return said
    published = [
        part["valueString"].replace(", ", "+")
        for extension in resource.get("extension", [])
        if extension["url"] == METADATA_OF_ATHENA
        for part in extension["extension"]
        if part["url"] == "requiredAnySearchParams"
    ]
    if published:
        return ";".join(published)
    parameters = {one["name"]: one.get("documentation", "") for one in resource.get("searchParam", [])}
    beside = [name for name, text in parameters.items() if BESIDE_PATIENT.search(text)]
    if beside:
        return "+".join(["patient", *beside]) + ";_id"
    alone = [name for name, text in parameters.items() if ONE_OF.search(text)]
    if alone and "_id" in parameters and "_id" not in alone:
        alone.append("_id")
    if alone == ["_id"] and "patient" in parameters:  # Oracle, DiagnosticReport: said of one of the two only
        alone.append("patient")
    return ";".join(alone)


def rows(personality: str, statement: dict) -> Iterator[tuple[str, ...]]:
    """Yield a row for each type which the statement offers for anything that the sandbox can do."""
    for resource in statement["rest"][0]["resource"]:
        codes = {one["code"] for one in resource.get("interaction", [])}
        yield (
            personality,
            resource["type"],
            " ".join(code for code in INTERACTIONS if code in codes),
            " ".join(one["name"] for one in resource.get("searchParam", [])),
            required(personality, resource),
            resource.get("versioning", ""),
            str(resource.get("conditionalCreate", "")).lower(),
            str(resource.get("updateCreate", "")).lower(),
        )


def main() -> None:
    """Print the table."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(COLUMNS)
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        table.writerows(sorted(rows(path.stem, json.loads(path.read_text()))))


if __name__ == "__main__":
    main()
