"""The table of search parameters: each is of a served type, reads something, and leads to what is served."""

import pytest

from coordinator.access import search_parameters, served_types

ROWS = [one for rows in search_parameters().values() for one in rows.values()]


def test_the_types_that_are_served():
    assert served_types() == tuple(sorted(search_parameters()))
    assert {"Patient", "EpisodeOfCare", "CarePlan", "MedicationStatement"} <= set(served_types())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.type}.{row.name}")
def test_a_parameter_reads_elements_and_a_reference_leads_to_a_served_type(row):
    assert row.elements
    assert bool(row.targets) is (row.kind == "reference")
    assert row.targets <= set(served_types())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.type}.{row.name}")
def test_no_parameter_reads_labels_or_what_we_add(row):
    assert {path[0] for path in row.elements}.isdisjoint({"meta", "extension", "contained", "text"})
