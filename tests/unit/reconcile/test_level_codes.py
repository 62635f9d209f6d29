"""What is open about the codes of levels: two editions of one, codes that their edition lacks or that can't be read."""

import pytest

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.errors import ConfigurationError
from tests.builders import a_level, a_policy, a_request, an_encounter, an_episode, an_observation, evidence

CUTOVER = {"level_edition_cutover": "2025-07-01"}


def told(account):
    return [(one.code, one.evidence) for one in account.findings if one.code.startswith("level.")]


def codes(account):
    return [one.code for one in account.findings if one.code.startswith("level.")]


def a_row(*, type_="ServiceRequest", path="orderDetail", edition="4e", code="3.7", **more):
    return MappingRow(
        type=type_,
        path=(path,),
        system=None,
        value="now",
        concept="level",
        edition=Edition(edition) if edition else None,
        code=code,
        role=more.get("role", Role.PROVIDED),
        organization=more.get("organization", "res"),
    )


def a_stay(start="2026-02-02", level="3e 3.7", **more):
    return evidence(an_episode("R-150", level=level, start=start, **more), ehr="res")


def named(start="2026-02-02", *, status="active"):
    return evidence(a_request("S-310", details=["now"], start=start, status=status), ehr="iop")


# ---- two editions ----------------------------------------------------------------------------------------------------
def test_a_request_that_names_the_stay_in_the_other_edition_differs_in_edition_only(account):
    made = account(a_stay(), named(), policy=a_policy(mappings={"iop": (a_row(),)}))

    (found,) = [one for one in made.findings if one.code == "level.edition-differs"]

    assert found.evidence == ("iop/ServiceRequest/S-310@1", "res/EpisodeOfCare/R-150@1")
    assert found.facts == {
        "lossy": True,
        "levels": [
            {"edition": "3e", "code": "3.7", "by": "res"},
            {"edition": "4e", "code": "3.7", "by": "iop"},
        ],
    }
    assert found.rules == ("LV-05",)
    assert [one.level.edition for one in made.timeline.stays] == [Edition.THIRD]
    assert [one.kind for one in made.timeline.transitions] == ["admission"]


MIXED = {
    "the same code in both, nothing lost": ("3e 2.1", {"code": "2.1"}, "2026-02-02", [False]),
    "a level that the 4th folded into another": ("3e 3.3", {"code": "3.5"}, "2026-02-10", [True]),
    "the same edition": ("4e 3.7", {}, "2026-02-02", []),
    "the roman form of the same edition": ("3e 3.7", {"edition": "ppc2r", "code": "III.7"}, "2026-02-02", []),
    "the roman form and the 4th": ("4e 3.7", {"edition": "ppc2r", "code": "III.7"}, "2026-02-02", [True]),
    "another level": ("3e 3.7", {"code": "2.5"}, "2026-02-02", []),
    "of another organization": ("3e 3.7", {"organization": "ced"}, "2026-02-02", []),
    "long before the stay": ("3e 3.7", {}, "2025-12-01", []),
    "just before the stay": ("3e 3.7", {}, "2026-01-31", [True]),
    "only recommended": ("3e 3.7", {"role": Role.INDICATED}, "2026-02-02", []),
    "only authorized": ("3e 3.7", {"role": Role.AUTHORIZED}, "2026-02-02", []),
    "of no known edition, but the same in both": ("3e 2.1", {"edition": None, "code": "2.1"}, "2026-02-02", []),
}


@pytest.mark.parametrize(("level", "row", "when", "lossy"), MIXED.values(), ids=MIXED)
def test_only_the_same_level_of_the_same_care_in_another_edition_is_a_mix(account, level, row, when, lossy):
    made = account(a_stay(level=level), named(when), policy=a_policy(mappings={"iop": (a_row(**row),)}))
    mixed = [one.facts["lossy"] for one in made.findings if one.code == "level.edition-differs"]
    assert mixed == lossy


def test_a_request_after_the_stay_ended_speaks_of_something_else(account):
    policy = a_policy(mappings={"iop": (a_row(),)})
    assert codes(account(a_stay(end="2026-02-20"), named("2026-03-20"), policy=policy)) == []


ENDED = {
    "in its time": ("2026-02-10", ["level.edition-differs"]),
    "three days after its end": ("2026-02-23", ["level.edition-differs"]),
    "four days after its end": ("2026-02-24", []),
    "a day nobody told": (None, []),
}


@pytest.mark.parametrize(("when", "found"), ENDED.values(), ids=ENDED)
def test_a_request_speaks_of_a_stay_until_some_days_after_its_end(account, when, found):
    request = a_request("S-310", details=["now"], start=when, authored=None)
    policy = a_policy(mappings={"iop": (a_row(),)})
    assert codes(account(a_stay(end="2026-02-20"), evidence(request), policy=policy)) == found


def test_all_who_name_another_edition_are_told_in_the_order_of_levels_and_names(account):
    rows = {"ced": (a_row(code="3.7-BIO"),), "iop": (a_row(),)}
    request = a_request("S-311", details=["now"], start="2026-02-03")
    made = account(a_stay(), evidence(request, ehr="ced"), evidence(request), policy=a_policy(mappings=rows))
    (found,) = [one for one in made.findings if one.code == "level.edition-differs"]
    assert [(one["code"], one["by"]) for one in found.facts["levels"]] == [
        ("3.7", "res"),
        ("3.7", "iop"),
        ("3.7-BIO", "ced"),
    ]


@pytest.mark.parametrize("status", ["draft", "revoked", "entered-in-error"])
def test_a_request_that_does_not_stand_says_nothing(account, status):
    made = account(a_stay(), named(status=status), policy=a_policy(mappings={"iop": (a_row(),)}))
    assert codes(made) == []


def test_two_records_of_one_stay_in_two_editions_are_one_stay_and_one_mix(account):
    made = account(
        evidence(an_episode("I-1", level="4e 3.7", start="2026-02-03"), ehr="iop", organization="res"), a_stay()
    )
    assert told(made) == [("level.edition-differs", ("iop/EpisodeOfCare/I-1@1", "res/EpisodeOfCare/R-150@1"))]
    assert len(made.timeline.stays) == 1


# ---- codes that can't be read ----------------------------------------------------------------------------------------
def unmarked(code, start):
    row = a_row(type_="EpisodeOfCare", path="type", edition=None, code=code, organization=None)
    episode = an_episode("E-1", level=None, start=start) | {"type": [{"text": "now"}]}
    return evidence(episode), a_policy(mappings={"iop": (row,)}, options=CUTOVER)


UNMARKED = {
    "after the cut-over": ("3.7", "2025-08-01", Edition.FOURTH, []),
    "before the cut-over": ("3.7", "2025-06-01", Edition.THIRD, []),
    "in its year, where both mean another thing": ("1.0", "2025", None, ["level.unresolved"]),
    "in its year, where both mean the same": ("2.1", "2025", None, []),
    "not in the 4th, after the cut-over": ("3.3", "2026-01-28", Edition.FOURTH, ["level.not-in-edition"]),
    "a roman form": ("III.3", "2026-01-28", Edition.PPC2R, []),
}


@pytest.mark.parametrize(("code", "start", "edition", "found"), UNMARKED.values(), ids=UNMARKED)
def test_an_unmarked_code_is_read_by_the_day_of_its_record(account, code, start, edition, found):
    record, policy = unmarked(code, start)
    made = account(record, policy=policy)
    assert [stay.level.edition for stay in made.timeline.stays] == [edition]
    assert codes(made) == found


@pytest.mark.parametrize(("start", "rule"), [("2025-08-01", "LV-01"), ("2025", None)], ids=["read", "left open"])
def test_a_stay_names_the_rule_by_which_its_edition_was_told(account, start, rule):
    record, policy = unmarked("2.1", start)
    (stay,) = account(record, policy=policy).timeline.stays
    assert [one for one in stay.rules if one.startswith("LV")] == ([rule] if rule else [])


def test_a_cut_over_that_is_no_date_is_refused(account):
    with pytest.raises(ConfigurationError, match="level_edition_cutover"):
        account(a_stay(), policy=a_policy(options={"level_edition_cutover": "soon"}))


@pytest.mark.parametrize("status", ["final", "amended", "preliminary", "entered-in-error"])
def test_a_recommended_level_that_its_edition_lacks_is_a_finding_and_no_stay(account, status):
    made = account(evidence(an_observation("O-33", result=a_level("4e 3.3"), status=status)))
    stands = status in {"final", "amended"}
    assert told(made) == ([("level.not-in-edition", ("iop/Observation/O-33@1",))] if stands else [])
    assert made.timeline.stays == ()


def test_many_records_with_one_unreadable_code_are_one_finding(account):
    visits = [an_encounter(f"N-{day}", level="4e 3.3", start=f"2026-03-{day}T09:00:00-05:00") for day in range(10, 20)]
    made = account(*(evidence(one) for one in visits))
    assert told(made) == [("level.not-in-edition", ("iop/Encounter/N-10@1", "iop/Encounter/N-19@1"))]


@pytest.mark.parametrize(
    ("first", "cited"), [("2026-03-10", ("N-2", "N-3")), (None, ("N-2", "N-3"))], ids=["a day", "no day"]
)
def test_of_many_records_with_one_unreadable_code_the_earliest_and_the_latest_are_cited(account, first, cited):
    days = {"N-1": "2026-03-15", "N-2": first, "N-3": "2026-03-20", "N-4": "2026-03-12"}
    visits = [an_encounter(id_, level="4e 3.3", start=day and f"{day}T09:00:00-05:00") for id_, day in days.items()]
    made = account(*(evidence(one) for one in visits))
    assert told(made) == [("level.not-in-edition", tuple(f"iop/Encounter/{id_}@1" for id_ in cited))]


def test_the_next_stay_in_another_edition_names_its_own_level_and_not_the_last_ones(account):
    """Who is admitted again after the program changed its edition has two stays, and no stay of two editions."""
    first = evidence(an_episode("I-1", level="3e 2.1", start="2026-01-12", end="2026-03-20"))
    second = evidence(an_episode("I-2", level="4e 2.1", start="2026-03-21"))
    assert "level.edition-differs" not in [one.code for one in account(first, second).findings]
