"""A patient record as matching sees it, and which records its EHR says are the same person."""

from datetime import UTC, datetime

import pytest

from coordinator.matching import known_patient
from coordinator.matching.links import IdentityLink
from tests.builders import a_patient, document


def linked(*links):
    """Return the Patient `p-1` with links as (type, what it points to)."""
    return known_patient(
        "iop",
        document(a_patient(link=[{"type": type_, **({"other": other} if other else {})} for type_, other in links])),
    )


def to(reference):
    return {"reference": reference}


P_1, P_2, P_3 = "iop/Patient/p-1", "iop/Patient/p-2", "iop/Patient/p-3"
LINKS = {
    "none": ([], set(), None),
    "replaced by another": ([("replaced-by", to("Patient/p-2"))], {P_2}, P_2),
    "replaced by another, by its address": ([("replaced-by", to("https://iop.example/fhir/Patient/p-2"))], {P_2}, P_2),
    "in the place of two": ([("replaces", to("Patient/p-2")), ("replaces", to("Patient/p-3"))], {P_2, P_3}, None),
    "in the place of one, and replaced": (
        [("replaces", to("Patient/p-2")), ("replaced-by", to("Patient/p-3"))],
        {P_2, P_3},
        P_3,
    ),
    "replaced by itself": ([("replaced-by", to("Patient/p-1"))], set(), None),
    "in the place of itself and of another": (
        [("replaces", to("Patient/p-1")), ("replaces", to("Patient/p-2"))],
        {P_2},
        None,
    ),
    "in the place of what is no patient": (
        [("replaces", to("RelatedPerson/p-2")), ("replaces", to("Patient/p-3"))],
        {P_3},
        None,
    ),
    "replaced by what is no patient": ([("replaced-by", to("RelatedPerson/p-2"))], set(), None),
    "replaced by what only a name tells": ([("replaced-by", {"display": "Ana R."})], set(), None),
    "replaced by nothing": ([("replaced-by", None)], set(), None),
    "like another": ([("seealso", to("Patient/p-2"))], set(), None),
}


@pytest.mark.parametrize(("links", "merged", "into"), LINKS.values(), ids=LINKS)
def test_a_record_is_merged_with_the_patients_of_its_ehr_that_it_replaces_or_that_replaced_it(links, merged, into):
    one = linked(*links)
    assert (one.place, one.merged, one.into) == (P_1, merged, into)
    assert {key for key in one.keys if key.startswith("m|")} >= {f"m|{place}" for place in merged}


def test_a_record_that_names_no_other_has_no_key_of_a_merge():
    assert not [key for key in linked().keys if key.startswith("m|")]


def test_a_link_names_its_record_as_matching_does():
    since = datetime(2026, 4, 7, tzinfo=UTC)
    link = IdentityLink(ehr="iop", patient="p-1", person="P", since=since, by="casey", matched_hash=b"")
    assert link.place == linked().place
