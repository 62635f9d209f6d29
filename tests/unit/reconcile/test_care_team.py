"""Who takes part in care now, as each EHR knows them."""

import pytest

from tests.builders import a_care_team, evidence

COUNSELOR = {"Practitioner/c-1": "Counselor"}


def team(account):
    return [(one.member, one.roles, one.organization, one.evidence) for one in account.care_team]


def test_each_member_is_told_once_with_all_roles_and_the_teams_that_say_so(account):
    made = account(
        evidence(a_care_team("T-1", members=COUNSELOR)),
        evidence(a_care_team("T-2", members={"Practitioner/c-1": "Care manager"})),
        evidence(a_care_team("T-3", members=COUNSELOR), ehr="ced"),
    )
    assert team(made) == [
        ("ced/Practitioner/c-1", ("Counselor",), "ced", ("ced/CareTeam/T-3@1",)),
        ("iop/Practitioner/c-1", ("Care manager", "Counselor"), "iop", ("iop/CareTeam/T-1@1", "iop/CareTeam/T-2@1")),
    ]
    assert made.content["care_team"][0] == {
        "member": "ced/Practitioner/c-1",
        "roles": ["Counselor"],
        "organization": "ced",
        "evidence": ["ced/CareTeam/T-3@1"],
        "key": "ced/Practitioner/c-1",
        "rules": ["CT-01"],
    }


ROLES = {
    "its text": ({"text": "Nurse", "coding": [{"code": "224535009", "display": "Registered nurse"}]}, ("Nurse",)),
    "the display": ({"coding": [{"code": "224535009", "display": "Registered nurse"}]}, ("Registered nurse",)),
    "the first that says anything": ({"coding": [{"system": "urn:x"}, {"code": "224535009"}]}, ("224535009",)),
    "nothing": ({"coding": [{"system": "urn:x"}]}, ()),
}


@pytest.mark.parametrize(("role", "told"), ROLES.values(), ids=ROLES)
def test_a_role_is_told_as_a_person_reads_it(account, role, told):
    tree = a_care_team(members={})
    tree["participant"] = [{"member": {"reference": "Practitioner/c-1"}, "role": [role]}]
    assert [one.roles for one in account(evidence(tree)).care_team] == [told]


TEAMS = {
    "at work": ({}, 1),
    "suspended for a while": ({"status": "suspended"}, 1),
    "proposed": ({"status": "proposed"}, 0),
    "no more": ({"status": "inactive"}, 0),
    "entered in error": ({"status": "entered-in-error"}, 0),
    "over": ({"end": "2026-04-06"}, 0),
    "on its last day": ({"end": "2026-04-07"}, 1),
    "perhaps over": ({"end": "2026-04"}, 1),
    "still to begin": ({"start": "2026-04-08"}, 0),
}


@pytest.mark.parametrize(("members", "count"), TEAMS.values(), ids=TEAMS)
def test_only_teams_that_may_be_at_work_now_are_told(account, members, count):
    assert len(team(account(evidence(a_care_team(members=COUNSELOR, **members))))) == count


def test_a_member_s_own_time_counts_and_the_person_in_care_is_none(account):
    tree = a_care_team(members={"Patient/p-1": "Patient", "RelatedPerson/m-1": "Mother"})
    tree["participant"] += [
        {"member": {"reference": "Practitioner/gone"}, "period": {"end": "2026-01-31"}},
        {"role": [{"coding": [{"code": "17561000"}]}], "member": {"reference": "Practitioner/here"}},
        {"role": [{"text": "Sponsor"}]},
    ]
    assert [(member, roles) for member, roles, *_ in team(account(evidence(tree)))] == [
        ("iop/Practitioner/here", ("17561000",)),
        ("iop/RelatedPerson/m-1", ("Mother",)),
    ]
