"""The law of the checker: what fhir.resources refuses it refuses, over real resources with one thing broken in each."""

import copy
import gzip
import json
import random
from pathlib import Path

import pytest

from coordinator.fhir import check, read_document, validate

FIXTURES = Path(__file__).parent.parent / "fixtures"
SEED = 4711
MUTANTS_OF_EACH = 14

WRONG = [
    12,
    -1,
    1.5,
    3_000_000_000,
    True,
    None,
    "",
    " ",
    "\u00a0",
    "bad code",
    "two  spaces",
    "entered in error",
    "2026-02-30",
    "2026-13",
    "0000",
    "2025-02-29",
    "2026-03-02T10:00:00",
    "2026-03-02T24:00:00Z",
    "2026-03-02T10:00:00+15:00",
    "24:00:00",
    "10:00",
    "12",
    "true",
    "a_b",
    "x" * 256,
    "http://[",
    "=",
    "QQ=",
    "urn:oid:3.1",
    "urn:uuid:1",
    "ok\n",
    {},
    {"zzz": 1},
    {"id": "x"},
    {"reference": 7},
    {"extension": []},
    {"extension": [{"valueString": "x"}]},
    {"url": "u", "valueString": "a", "valueCode": "b"},
    {"value": "1.0"},
    {"resourceType": "Patient", "gender": "neither"},
    {"resourceType": "Nothing"},
    [],
    [None],
    [{}],
    ["a"],
    [["a"]],
]


def resources():
    """Return all examples and some of the synthetic resources of each type."""
    found = [path.read_bytes() for path in sorted((FIXTURES / "fhir/examples").rglob("*.json"))]
    for path in sorted((FIXTURES / "synthea").glob("*.gz")):
        found.extend(gzip.decompress(path.read_bytes()).splitlines()[:3])
    return found


def places(value, path=()):
    """Return the path of every member and element."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, below in items:
        found.append((*path, key))
        found.extend(places(below, (*path, key)))
    return found


def holder_of(tree, path):
    for part in path[:-1]:
        tree = tree[part]
    return tree


def wrong_type(tree, path, chance):
    holder_of(tree, path)[path[-1]] = copy.deepcopy(chance.choice(WRONG))


def missing(tree, path, chance):
    del holder_of(tree, path)[path[-1]]


def unknown(tree, path, chance):
    holder = holder_of(tree, path)
    if isinstance(holder, dict):
        holder[chance.choice(["zzz", "resourceType", "value", "Status", "_status", "extension", "fhir_comments"])] = "x"


def another_choice(tree, path, chance):
    """Put a second member of a choice beside the first, where this is one."""
    holder = holder_of(tree, path)
    if isinstance(holder, dict) and isinstance(path[-1], str):
        for name in (
            "value",
            "medication",
            "effective",
            "onset",
            "deceased",
            "multipleBirth",
            "occurrence",
            "performed",
        ):
            if path[-1].startswith(name):
                holder[f"{name}{chance.choice(['String', 'Boolean', 'DateTime', 'Period'])}"] = "2026"


def wrapped(tree, path, chance):
    holder = holder_of(tree, path)
    value = holder[path[-1]]
    holder[path[-1]] = value[0] if isinstance(value, list) and value else [value]


def without_value(tree, path, chance):
    """Leave an extension where the value stood, or nothing that counts as one."""
    holder = holder_of(tree, path)
    if isinstance(holder, dict) and isinstance(path[-1], str):
        del holder[path[-1]]
        reasons = [{"extension": [{"url": "u", "valueCode": "unknown"}]}, {"id": "x"}, {}, {"extension": []}]
        holder[f"_{path[-1]}"] = chance.choice(reasons)


MUTATIONS = [wrong_type, wrong_type, wrong_type, missing, missing, unknown, another_choice, wrapped, without_value]


def mutants():
    """Yield damaged resources, the same in every run."""
    chance = random.Random(SEED)
    for raw in resources():
        whole = json.loads(raw)
        paths = [path for path in places(whole) if path != ("resourceType",)]
        for _ in range(MUTANTS_OF_EACH):
            tree = copy.deepcopy(whole)
            mutation, path = chance.choice(MUTATIONS), chance.choice(paths)
            mutation(tree, path, chance)
            yield f"{whole['resourceType']} {mutation.__name__} {path}", read_document(json.dumps(tree).encode())


@pytest.mark.slow
def test_what_the_models_refuse_the_checker_refuses():
    """The fast checker stands in for fhir.resources on the hot path; what it lets through must be as sound."""
    refused = [(name, mutant) for name, mutant in mutants() if validate(mutant)]

    laxer = [name for name, mutant in refused if not any(issue.blocks for issue in check(mutant))]

    assert len(refused) > 700, "the mutants must be broken often enough to show anything"
    assert laxer == []
