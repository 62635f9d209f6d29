"""Codes and the names of code systems."""

import pytest

from coordinator.fhir import CodeableConcept, Coding, normal_system

HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (HCPCS, HCPCS),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets/", HCPCS),
        ("urn:oid:2.16.840.1.113883.6.285", HCPCS),
        ("http://www.nlm.nih.gov/research/umls/hcpcs", HCPCS),
        (" urn:oid:2.16.840.1.113883.6.88 ", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ("URN:OID:2.16.840.1.113883.6.96", "http://snomed.info/sct"),
        ("http://ehr.example/codes/", "http://ehr.example/codes/"),
        ("", ""),
    ],
)
def test_a_code_system_has_one_name(uri, expected):
    assert normal_system(uri) == expected


def test_a_concept_is_known_by_any_name_of_its_system():
    concept = CodeableConcept(
        codings=(Coding(system="urn:oid:2.16.840.1.113883.6.285", code="H0015"), Coding(code="x"), Coding(system=HCPCS))
    )

    assert concept.has(HCPCS, "H0015")
    assert not concept.has(HCPCS, "H2036")
    assert concept.codes_of("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets") == ("H0015",)


def test_a_coding_keeps_what_the_ehr_wrote():
    coding = Coding(system="urn:oid:2.16.840.1.113883.6.285", code="H0015", display="IOP")

    assert coding.system == "urn:oid:2.16.840.1.113883.6.285"
    assert coding.key == (HCPCS, "H0015")
