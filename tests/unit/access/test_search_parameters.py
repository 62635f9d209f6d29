"""The table of search parameters: each is of a served type, reads something, and leads to what is served."""

import pytest

from coordinator.access import search_parameters, served_types
from coordinator.access.search_parameters import elements_of, parameters_in
from coordinator.care.csv_table import Row
from coordinator.errors import ConfigurationError

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


CELLS = {
    "type": "Goal",
    "parameter": "subject",
    "kind": "reference",
    "elements": "subject description.text",
    "targets": "Patient Group",
    "source": "HL7 FHIR R4",
}


def rows(*changed):
    return [Row(file="search_parameters.csv", line=n + 2, cells=CELLS | one) for n, one in enumerate(changed)]


def test_a_row_tells_a_parameter_with_its_elements_and_targets():
    (found,) = parameters_in(rows({}))["Goal"].values()
    assert (found.type, found.name, found.kind) == ("Goal", "subject", "reference")
    assert (found.elements, found.targets) == ((("subject",), ("description", "text")), {"Patient", "Group"})


BAD = {
    "a kind that is not known": ([{"kind": "wish"}], "line 2: kind is none of: date, reference, string, token"),
    "a parameter that stands twice": ([{}, {}], "line 3: parameter stands twice"),
    "a row without its source": ([{"source": ""}], "line 2: source is empty"),
}


@pytest.mark.parametrize(("told", "words"), BAD.values(), ids=BAD)
def test_a_bad_row_names_file_and_line(told, words):
    with pytest.raises(ConfigurationError, match=words):
        parameters_in(rows(*told))


def test_the_elements_of_parameters_are_the_top_ones():
    found = parameters_in(rows({}, {"parameter": "text", "elements": "note.text", "kind": "string"}))["Goal"]
    assert elements_of(found) == {"subject", "description", "note"}
