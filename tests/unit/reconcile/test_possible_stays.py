"""Bills and requests show a stay where nothing better does; it is possible, of unknown status, and moves nothing."""

import pytest

from coordinator.care.level_of_care.model import Edition, Level, MappingRow, Role
from tests.builders import a_policy, a_request, an_encounter, an_episode, evidence

HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
NUBC = "https://www.nubc.org/CodeSystem/RevenueCodes"
IOP = Level(edition=None, code="2.1")


def a_bill(code="H0015", *, day="2026-03-02", system=HCPCS, number=1, status="finished", **more):
    kind = {"coding": [{"system": system, "code": code}]}
    return an_encounter(f"B-{number}", start=f"{day}T09:00:00-05:00", status=status, kind=kind, **more)


def possible(account):
    return [(one.key, one.level, one.status, one.end) for one in account.possible]


def test_a_billed_contact_shows_a_possible_stay_that_moves_nothing(account):
    made = account(evidence(a_bill()))

    (stay,) = made.possible

    assert possible(made) == [("iop/Encounter/B-1", IOP, "unknown", None)]
    assert stay.rules == ("ST-06", "LV-06")
    assert (made.timeline.stays, made.timeline.transitions, made.findings) == ((), (), ())
    assert [(one["key"], one["possible"]) for one in made.content["timeline"]] == [("iop/Encounter/B-1", True)]


@pytest.mark.parametrize(
    "system",
    [
        HCPCS,
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "http://www.nlm.nih.gov/research/umls/hcpcs",
        "urn:oid:2.16.840.1.113883.6.285",
        "http://terminology.hl7.org/CodeSystem/HCPCS",
    ],
)
def test_hcpcs_is_one_system_under_all_its_addresses(account, system):
    assert [level for _, level, *_ in possible(account(evidence(a_bill(system=system))))] == [IOP]


CODES = {
    "a bundle of an OTP": (HCPCS, "G2067", Level(edition=Edition.THIRD, code="OTP")),
    "office treatment, a level of the 4th alone": (HCPCS, "G2086", Level(edition=Edition.FOURTH, code="1.7")),
    "a revenue code": (NUBC, "0906", IOP),
    "a revenue code by its old address": ("http://terminology.hl7.org/CodeSystem/nubc-UB92", "0906", IOP),
    "a code of several levels": (HCPCS, "H2036", None),
    "counseling, which is part of many levels": (HCPCS, "H0005", None),
    "a code for mental health too": (NUBC, "0905", None),
    "the same number in another system": ("https://local.example", "H0015", None),
    "a code of no level": (HCPCS, "H0006", None),
}


@pytest.mark.parametrize(("system", "code", "level"), CODES.values(), ids=CODES)
def test_only_a_code_that_names_one_level_shows_a_stay(account, system, code, level):
    found = [one for _, one, *_ in possible(account(evidence(a_bill(code, system=system))))]
    assert found == ([level] if level else [])


NOT_BETTER = {
    "the program's own episode covers it": an_episode("E-1", start="2026-03-01", level="4e 2.1"),
    "an episode at another level covers it": an_episode("E-1", start="2026-03-01", level="4e 2.5"),
    "the episode ended just before": an_episode("E-1", start="2026-01-01", end="2026-02-28"),
    "the episode ended three days before": an_episode("E-1", start="2026-01-01", end="2026-02-27"),
    "the episode began just after": an_episode("E-1", start="2026-03-04"),
}


@pytest.mark.parametrize("episode", NOT_BETTER.values(), ids=NOT_BETTER)
def test_a_bill_never_outweighs_an_episode_of_the_same_organization(account, episode):
    made = account(evidence(episode), evidence(a_bill(), ehr="payer", organization="iop"))
    assert (len(made.timeline.stays), possible(made)) == (1, [])


BEYOND = {
    "of another organization": ("ced", an_episode("E-1", start="2026-03-01")),
    "four days after the episode ended": ("iop", an_episode("E-1", start="2026-01-01", end="2026-02-26")),
    "four days before the episode began": ("iop", an_episode("E-1", start="2026-03-06")),
    "long after the episode ended": ("iop", an_episode("E-1", start="2026-01-01", end="2026-02-01")),
}


@pytest.mark.parametrize(("organization", "episode"), BEYOND.values(), ids=BEYOND)
def test_a_bill_shows_what_no_stay_of_its_organization_covers(account, organization, episode):
    made = account(evidence(episode), evidence(a_bill(), ehr="payer", organization=organization))
    assert [key for key, *_ in possible(made)] == ["payer/Encounter/B-1"]


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
def test_a_contact_that_did_not_take_place_shows_no_stay_by_its_bill(account, status):
    assert possible(account(evidence(a_bill(status=status)))) == []


def test_bills_close_to_each_other_are_one_stay_and_a_long_silence_begins_another(account):
    days = ("2026-01-05", "2026-01-12", "2026-01-26", "2026-02-20")
    made = account(*(evidence(a_bill(day=day, number=number)) for number, day in enumerate(days)))
    assert [one.evidence for one in made.possible] == [
        ("iop/Encounter/B-0@1", "iop/Encounter/B-2@1"),
        ("iop/Encounter/B-3@1",),
    ]


def test_a_long_stay_covers_a_bill_after_a_short_one_within_it(account):
    made = account(
        evidence(an_episode("E-1", start="2026-01-01", end="2026-03-30", level="4e 2.1")),
        evidence(an_episode("E-2", start="2026-02-01", end="2026-02-10", level="4e 1.5")),
        evidence(a_bill(), ehr="payer", organization="iop"),
    )
    assert possible(made) == []


def test_bills_are_told_in_the_order_of_their_days_and_each_level_by_itself(account):
    made = account(
        evidence(a_bill(day="2026-03-09", number=1)),
        evidence(a_bill(day="2026-03-02", number=9)),
        evidence(a_bill("G2086", day="2026-03-05", number=5)),
    )
    assert {one.key: one.evidence for one in made.possible} == {
        "iop/Encounter/B-5": ("iop/Encounter/B-5@1",),
        "iop/Encounter/B-9": ("iop/Encounter/B-9@1", "iop/Encounter/B-1@1"),
    }
    assert not any(one.confirmed for one in made.possible)


def test_a_bill_of_today_shows_a_stay(account):
    assert len(possible(account(evidence(a_bill(day="2026-04-07"))))) == 1


def test_a_bill_still_to_come_shows_nothing(account):
    assert possible(account(evidence(a_bill(day="2026-05-01")))) == []


def test_a_request_that_names_where_the_person_is_shows_a_possible_stay(account):
    row = MappingRow(
        type="ServiceRequest",
        path=("orderDetail",),
        system=None,
        value="now at res",
        concept="level",
        edition=Edition.THIRD,
        code="3.5",
        role=Role.PROVIDED,
        organization="res",
    )
    policy = a_policy(mappings={"iop": (row,)})
    request = evidence(a_request(details=["Now at RES"], start="2026-02-02"))
    assert [key for key, *_ in possible(account(request, policy=policy))] == ["iop/ServiceRequest/S-1"]
    stay = evidence(an_episode("R-1", start="2026-02-01", level="3e 3.5"), ehr="res")
    assert possible(account(request, stay, policy=policy)) == []
