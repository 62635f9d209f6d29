"""Search may not tell: what a caller may not read does not answer, whatever they ask, and however they ask it.

Every (caller, consent state, type, parameter, source) is asked in several ways, and each answer is compared with that
of a second model. The number of cells is printed and asserted, so that none gets lost.
"""

from collections.abc import Iterator

import pytest

from coordinator.access import search_parameters
from coordinator.disclosure import Recipient, Ruling, own_id, served, shelf_of, sight
from coordinator.fhir import Document, Parameter, Shelf, found_by, included_by, read_query
from tests.builders import NOW, a_policy, an_organization
from tests.security.search_model import may_use
from tests.security.search_world import SOURCES, STATES, consents, probes, records

KEY = b"k" * 32
WORLD = records()
TABLE = search_parameters()
POLICY = a_policy(organizations=[an_organization("plan", part2=False, type="payer")])
CALLERS = [
    (one, purpose) for one in ("pcp", "iop", "ced", "plan", "nobody") for purpose in ("TREAT", "HPAYMT", "HOPERAT")
]
CELLS = 202_095


def shelf_for(caller: tuple[str, str], state: str) -> Shelf:
    organization, purpose = caller
    ruling = Ruling(actor="system:app", consents=consents(state, organization), policy=POLICY, now=NOW)
    return shelf_of(served(sight(WORLD, [], Recipient(organization=organization, purpose=purpose), ruling=ruling), KEY))


def our_id(type_: str, source: str) -> str:
    return own_id(f"{source}/{type_}/{source}-1", KEY)


def ids(shelf: Shelf, type_: str, *pairs: tuple[str, str]) -> set[str]:
    return {one.id for one in found_by(read_query(type_, pairs, TABLE), shelf)}


def beside(shelf: Shelf, type_: str, *pairs: tuple[str, str]) -> set[str]:
    query = read_query(type_, pairs, TABLE)
    return {one.id for one in included_by(query.includes, found_by(query, shelf), shelf)}


def differences(caller: tuple[str, str], state: str, parameter: Parameter, shelf: Shelf) -> Iterator[str | None]:
    """Yield for each cell what differs from the model, None where nothing does."""
    for source in SOURCES:
        may = may_use(caller, source, (parameter.type, parameter.elements[0][0]), state)
        told = list(
            _of_reference(caller, state, parameter, source=source, shelf=shelf)
            if parameter.kind == "reference"
            else _of_value(parameter, source, may=may, shelf=shelf)
        )
        for way, answer, wanted in told:
            same = answer == wanted
            yield None if same else f"{caller} {state} {source} {parameter.type}.{parameter.name} {way}: {answer}"


def _of_value(parameter: Parameter, source: str, *, may: bool, shelf: Shelf) -> Iterator[tuple[str, bool, bool]]:
    type_, name, id_ = parameter.type, parameter.name, our_id(parameter.type, source)
    if name == "active":
        yield "present", id_ in ids(shelf, type_, ("active:missing", "false")), may
        return
    for probe in probes(parameter, source):
        yield "match", ids(shelf, type_, (name, probe)) == {id_}, may
        yield "present", id_ in ids(shelf, type_, (f"{name}:missing", "false")), may
        yield "sorted first", id_ in ids(shelf, type_, ("_sort", name), (name, probe)), may
        chained = f"_has:Encounter:patient:{name}" if type_ == "Encounter" else ""
        if chained:
            patient = may and our_id("Patient", source) in ids(shelf, "Patient")
            yield "_has", our_id("Patient", source) in ids(shelf, "Patient", (chained, probe)), patient


def _of_reference(
    caller: tuple[str, str], state: str, parameter: Parameter, *, source: str, shelf: Shelf
) -> Iterator[tuple[str, bool, bool]]:
    """A reference can be used only where both of its ends can be read."""
    type_, name, id_ = parameter.type, parameter.name, our_id(parameter.type, source)
    target = max(parameter.targets)
    ends = ((type_, parameter.elements[0][0]), (target, "id"))
    may = all(may_use(caller, source, end, state) for end in ends)
    other = our_id(target, source)
    yield "match", ids(shelf, type_, (name, f"{target}/{other}")) == {id_}, may
    yield "present", id_ in ids(shelf, type_, (f"{name}:missing", "false")), may
    yield "include", other in beside(shelf, type_, ("_id", id_), ("_include", f"{type_}:{name}")), may
    yield "revinclude", id_ in beside(shelf, target, ("_id", other), ("_revinclude", f"{type_}:{name}")), may
    yield "chain", ids(shelf, type_, (f"{name}:{target}._id", other)) == {id_}, may
    yield "_has", ids(shelf, target, (f"_has:{type_}:{name}:_id", id_)) == {other}, may


@pytest.mark.slow
def test_no_search_tells_what_the_caller_may_not_read():
    cells, wrong = 0, []
    for caller in CALLERS:
        for state in STATES:
            shelf = shelf_for(caller, state)
            for parameter in (one for rows in TABLE.values() for one in rows.values()):
                told = list(differences(caller, state, parameter, shelf))
                cells += len(told)
                wrong += [one for one in told if one is not None]
    print(f"{cells} cells, {len(wrong)} differences")
    assert wrong[:10] == []
    assert cells == CELLS


@pytest.mark.slow
@pytest.mark.parametrize("purpose", ["TREAT", "HPAYMT"])
def test_the_comparison_finds_a_search_that_runs_over_everything(purpose):
    """A caller without consent, answered from the world of the one who holds the records: each source is told."""
    everything: dict[str, Document] = {}
    for source in SOURCES:
        everything |= shelf_for((source, "TREAT"), "none").documents
    parameters = [one for rows in TABLE.values() for one in rows.values()]
    told = [d for one in parameters for d in differences(("ced", purpose), "none", one, Shelf(everything)) if d]
    assert {d.split()[3] for d in told} == set(SOURCES)
    assert len(told) > len(parameters)
