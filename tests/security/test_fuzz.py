"""Mutated searches over mutated records: each is answered or refused, and nothing else happens."""

import json
import os
import random

import pytest

from coordinator.access import search_parameters
from coordinator.disclosure import Recipient, Ruling, served, shelf_of, sight
from coordinator.errors import CoordinatorError
from coordinator.fhir import found_by, included_by, read_document, read_query
from coordinator.reconcile import Evidence
from tests.builders import NOW, a_policy
from tests.security.search_world import SOURCES, probes, records

TABLE = search_parameters()
PARAMETERS = [one for rows in TABLE.values() for one in rows.values()]
TRIES = int(os.environ.get("FUZZ", "3000"))  # `make fuzz` tries 20,000
ROUNDS = 20
ODD = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    " ",
    "\x00",
    "9999-99-99",
    "0000",
    "x" * 400,
    [],
    {},
    [None],
    [[]],
    {"reference": "#"},
]
ODD += [{"reference": 7}, {"reference": "Patient/" + "a" * 300}, {"coding": "x"}, {"coding": [None, 7]}, {"start": []}]
WORDS = [
    ":",
    ".",
    "|",
    ",",
    "\\",
    "-",
    "_has:",
    "_id",
    ":missing",
    ":not",
    "T",
    "Z",
    "+14:00",
    "gt",
    "9",
    "é",
    "\x00",
    "%00",
    "'",
]


def mutated_text(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    match chance.randrange(4):
        case 0:
            return text[:at] + chance.choice(WORDS) + text[at:]
        case 1:
            return text[:at] + text[at + chance.randrange(1, 4) :]
        case 2:
            return text[at:] + text[:at]
        case _:
            return text * chance.randrange(1, 4)


def mutated_record(chance: random.Random, record: Evidence) -> Evidence:
    tree = json.loads(record.document.raw)
    here = tree
    while True:
        key = chance.choice(list(here) if isinstance(here, dict) else range(len(here)))
        below = here[key]
        if isinstance(below, dict | list) and below and chance.random() < 0.7:
            here = below
            continue
        here[key] = chance.choice(ODD)
        break
    try:
        document = read_document(json.dumps(tree).encode())
    except CoordinatorError:
        return record  # it would be in quarantine
    return Evidence(ehr=record.ehr, document=document, organization=record.organization, learned_at=NOW)


def a_query(chance: random.Random) -> tuple[str, list[tuple[str, str]]]:
    parameter = chance.choice(PARAMETERS)
    value = next(probes(parameter, chance.choice(SOURCES)))
    pair = chance.choice(
        [
            (parameter.name, value),
            (f"{parameter.name}:missing", "true"),
            ("_sort", parameter.name),
            ("_include", f"{parameter.type}:{parameter.name}"),
            ("_revinclude", f"{parameter.type}:{parameter.name}"),
            (f"_has:{parameter.type}:patient:{parameter.name}", value),
            ("_count", "5"),
        ]
    )
    mutated = tuple(mutated_text(chance, one) if chance.random() < 0.6 else one for one in pair)
    return parameter.type, [(mutated[0], mutated[1])]


@pytest.mark.slow
def test_no_search_over_any_records_is_more_than_answered_or_refused():
    answered, refused = 0, 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        world = [mutated_record(chance, one) if chance.random() < 0.5 else one for one in records()]
        ruling = Ruling(actor="system:app", consents=(), policy=a_policy(), now=NOW)
        shelf = shelf_of(served(sight(world, [], Recipient(organization=chance.choice(SOURCES)), ruling=ruling), b"k"))
        for _ in range(TRIES // ROUNDS):
            type_, pairs = a_query(chance)
            try:
                query = read_query(type_, pairs, TABLE)
            except CoordinatorError:
                refused += 1
                continue
            included_by(query.includes, found_by(query, shelf), shelf)
            answered += 1
    print(f"{answered} answered, {refused} refused")
    assert answered + refused == TRIES // ROUNDS * ROUNDS
    assert min(answered, refused) > TRIES // 20
