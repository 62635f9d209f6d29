"""The table of billing codes: facts alone, and only what names one level is read."""

import pytest

from coordinator.care.csv_table import Row
from coordinator.care.level_of_care.billing import billed_levels, billing_codes, billing_row
from coordinator.care.level_of_care.model import Edition, Level, Role, StatedLevel
from coordinator.errors import ConfigurationError
from tests.builders import document

HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LINE = {
    "system": HCPCS,
    "code": "H0015",
    "kind": "service",
    "edition": "",
    "levels": "2.1",
    "role": "provided",
    "ambiguous": "no",
    "source": "x",
    "status": "verified",
}


def coded(*codes):
    return {"coding": [{"system": HCPCS, "code": code} for code in codes]}


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "guess"},
        {"levels": ""},
        {"levels": "3.3"},
        {"edition": "4e", "levels": "3.3"},
        {"levels": "2.1 2.5"},
        {"ambiguous": "perhaps"},
        {"edition": "5e"},
        {"role": "wanted"},
        {"status": "seen"},
    ],
    ids=str,
)
def test_a_bad_billing_code_stops_the_start(changes):
    with pytest.raises(ConfigurationError, match=r"t\.csv, line 2"):
        billing_row(Row(file="t.csv", line=2, cells={**LINE, **changes}))


def test_a_code_of_several_levels_or_of_a_place_is_never_read():
    known = billing_codes().values()
    assert all(one.ambiguous for one in known if len(one.levels) > 1 or one.kind == "place")
    assert {one.kind for one in known} == {"service", "revenue", "place"}


def test_a_contact_is_read_by_its_type_and_service_each_level_once():
    contact = document(
        {
            "resourceType": "Encounter",
            "id": "N-1",
            "type": [coded("H0015"), coded("h0015", "H2036")],
            "serviceType": coded("G2067"),
        }
    )
    assert {(one.level.edition, one.level.code, one.level.role) for one in billed_levels(contact)} == {
        (None, "2.1", Role.PROVIDED),
        (Edition.THIRD, "OTP", Role.PROVIDED),
    }


def test_an_order_by_the_code_of_its_bill_asks_and_gives_nothing():
    order = document({"resourceType": "ServiceRequest", "id": "S-1", "code": coded("H0015")})
    level = Level(edition=None, code="2.1", role=Role.INDICATED)
    assert billed_levels(order) == (StatedLevel(level=level, organization=None, path="ServiceRequest.code"),)


def test_what_carries_no_bill_tells_none():
    assert billed_levels(document({"resourceType": "Goal", "id": "G-1"})) == ()
