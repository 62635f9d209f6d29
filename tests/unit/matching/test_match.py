"""Whose record it is: certain for one person and nobody else, else possible, else nobody."""

import pytest

from coordinator.care.patient.mapping import read_patient
from coordinator.matching import Candidate, Certain, NoMatch, Possible, match
from tests.builders import a_patient, document


def record(**more):
    return read_patient(document(a_patient(**more)))


OTHER_NUMBER = {"mrn": "B2"}
STRANGER = {"mrn": "Z9", "name": [{"family": "Okafor", "given": ["Ben"]}], "birthDate": "1985-11-30", "telecom": []}
UNREACHED = OTHER_NUMBER | {"telecom": []}


def candidate(person, place="iop/Patient/1", **more):
    return Candidate(person=person, place=place, record=record(**more))


CASES = {
    "nobody near": ([], NoMatch()),
    "only strangers near": ([candidate("pe-1", **STRANGER)], NoMatch()),
    "full agreement": ([candidate("pe-1", **OTHER_NUMBER)], Certain(person="pe-1")),
    "the same number": ([candidate("pe-1")], Certain(person="pe-1")),
    "two records of one person": (
        [candidate("pe-1"), candidate("pe-1", "ced/Patient/2", **OTHER_NUMBER)],
        Certain(person="pe-1"),
    ),
    "certain beside a doubtful other": (
        [candidate("pe-1"), candidate("pe-2", "ced/Patient/2", **UNREACHED)],
        Certain(person="pe-1"),
    ),
    "name and birth date alone": (
        [candidate("pe-1", **UNREACHED)],
        Possible(candidates=(candidate("pe-1", **UNREACHED),)),
    ),
    "certain of two persons": (
        [candidate("pe-1"), candidate("pe-2", "ced/Patient/2")],
        Possible(candidates=(candidate("pe-1"), candidate("pe-2", "ced/Patient/2"))),
    ),
    "certain of a record that is nobody's yet": ([candidate(None)], Possible(candidates=(candidate(None),))),
}


@pytest.mark.parametrize(("candidates", "found"), CASES.values(), ids=CASES)
def test_whose_record_it_is(candidates, found):
    assert match(record(), candidates) == found


@pytest.mark.parametrize("candidates", [one for one, _ in CASES.values()], ids=CASES)
def test_the_order_of_candidates_does_not_decide(candidates):
    one, other = match(record(), candidates), match(record(), list(reversed(candidates)))
    if isinstance(one, Possible) and isinstance(other, Possible):
        assert set(one.candidates) == set(other.candidates)
    else:
        assert one == other
