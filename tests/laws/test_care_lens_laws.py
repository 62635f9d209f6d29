"""The laws of a lens, for every concept of care: reading and writing lose nothing and invent nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.laws.care_strategies import CASES, Case

LAWS = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@LAWS
@given(data=st.data())
def test_writing_what_was_read_changes_no_byte(case: Case, data):
    document = data.draw(case.documents)

    written = case.write(case.read(document), document)

    assert written.raw == document.raw


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@LAWS
@given(data=st.data())
def test_reading_what_was_written_gives_it_back(case: Case, data):
    document = data.draw(case.documents)
    record = data.draw(case.records(document))

    assert case.read(case.write(record, document)) == record


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@LAWS
@given(data=st.data())
def test_writing_twice_is_writing_once(case: Case, data):
    document = data.draw(case.documents)
    once = case.write(data.draw(case.records(document)), document)

    assert case.write(case.read(once), once).raw == once.raw


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@LAWS
@given(data=st.data())
def test_what_the_lens_does_not_know_survives_a_write(case: Case, data):
    document = data.draw(case.documents)
    record = data.draw(case.records(document))

    written = case.write(record, document)

    strange = {name: value for name, value in document.tree.items() if name[0] in "x_" or name in {"id", "meta"}}
    assert {name: written.tree.get(name) for name in strange} == strange
