"""Levels are found by canonical codes and by a connection's mapping table, and nowhere else."""

import json

import pytest

from coordinator.care.level_of_care.mapping import levels_in, read_mapping
from coordinator.care.level_of_care.model import Edition, Level, Role, StatedLevel
from coordinator.errors import ConfigurationError
from coordinator.fhir import Document, read_document

HEAD = "type,path,system,value,concept,edition,code,role,organization\n"
ASAM = "https://coordinator.example/fhir/CodeSystem/asam-"


def document(resource_type: str, **members: object) -> Document:
    return read_document(json.dumps({"resourceType": resource_type, "id": "1", **members}).encode())


def canonical(edition: str, code: str) -> dict[str, object]:
    return {"coding": [{"system": f"{ASAM}{edition}", "code": code}]}


def rows(*lines: str):
    return read_mapping(HEAD + "\n".join(lines), "levels.csv")


@pytest.mark.parametrize(
    ("found", "path", "role"),
    [
        (
            document("EpisodeOfCare", type=[{"text": "x"}, canonical("4e", "2.1")]),
            "EpisodeOfCare.type[1]",
            Role.PROVIDED,
        ),
        (document("Encounter", type=[canonical("4e", "2.1")]), "Encounter.type[0]", Role.PROVIDED),
        (document("CarePlan", category=[canonical("4e", " 2.1 ")]), "CarePlan.category[0]", Role.PROVIDED),
        (document("ServiceRequest", code=canonical("4e", "2.1")), "ServiceRequest.code", Role.INDICATED),
        (
            document("ServiceRequest", orderDetail=[canonical("4e", "2.1")]),
            "ServiceRequest.orderDetail[0]",
            Role.INDICATED,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_canonical_code_states_a_level(found: Document, path: str, role: Role):
    level = Level(edition=Edition.FOURTH, code="2.1", role=role)

    assert levels_in(found, ()) == (StatedLevel(level=level, organization=None, path=path),)


def test_old_codes_keep_their_edition():
    found = levels_in(document("EpisodeOfCare", type=[canonical("ppc2r", "II.1")]), ())

    assert [one.level for one in found] == [Level(edition=Edition.PPC2R, code="II.1")]


def test_a_code_elsewhere_or_of_another_system_states_nothing():
    assert levels_in(document("EpisodeOfCare", diagnosis=[{"role": canonical("4e", "2.1")}]), ()) == ()
    assert (
        levels_in(
            document("Encounter", type=[{"coding": [{"system": "https://x", "code": "2.1"}]}, {"coding": [7]}, 3]), ()
        )
        == ()
    )
    assert levels_in(document("Encounter", type=[{"coding": [{"system": f"{ASAM}4e"}]}]), ()) == ()


def test_a_mapping_row_reads_a_coded_value_and_leaves_an_unknown_edition_unknown():
    found = levels_in(
        document("EpisodeOfCare", type=[{"coding": [{"system": "https://cedar.example/level", "code": "1.0"}]}]),
        rows("EpisodeOfCare,type,https://cedar.example/level,1.0,level,,1.0,provided,cedar"),
    )

    level = Level(edition=None, code="1.0")
    assert found == (StatedLevel(level=level, organization="cedar", path="EpisodeOfCare.type[0]"),)


@pytest.mark.parametrize(
    "value",
    [
        {"text": " residential  TREATMENT "},
        {"coding": [{"system": "https://x", "code": "9", "display": "Residential treatment"}]},
        {"coding": [{"code": "Residential treatment"}]},
    ],
    ids=["text", "display", "code without a system"],
)
def test_a_row_without_a_system_reads_words(value: object):
    mapping = rows("Encounter,type,,Residential treatment,level,3e,3.5,,")

    assert [one.level.code for one in levels_in(document("Encounter", type=[value]), mapping)] == ["3.5"]


def test_a_row_walks_through_lists_and_single_codings_and_plain_words():
    mapping = rows(
        "Encounter,class,https://x,RES,level,3e,3.5,provided,",
        "CarePlan,activity.detail.code,,IOP,level,4e,2.1,authorized,",
        "CarePlan,title,,php plan,level,4e,2.5,provided,",
    )
    plan = document("CarePlan", title="PHP plan", activity=[{}, {"detail": {"code": {"text": "iop"}}}])

    assert [
        one.level.code
        for one in levels_in(document("Encounter", **{"class": {"system": "https://x", "code": "RES"}}), mapping)
    ] == ["3.5"]
    assert [(one.level.code, one.level.role.value, one.path) for one in levels_in(plan, mapping)] == [
        ("2.1", "authorized", "CarePlan.activity[1].detail.code"),
        ("2.5", "provided", "CarePlan.title"),
    ]


def test_values_of_another_shape_state_nothing():
    mapping = rows("Encounter,type,,IOP,level,4e,2.1,provided,", "Encounter,length,,IOP,level,4e,2.1,provided,")

    assert levels_in(document("Encounter", type=[{"coding": [7, "IOP"]}, 3, None], length=3), mapping) == ()


def test_rows_about_other_concepts_types_and_values_state_nothing():
    mapping = rows(
        "EpisodeOfCare,type,https://x,1,enrollment,4e,2.1,provided,",
        "Encounter,type,https://x,1,level,4e,2.1,provided,",
        "EpisodeOfCare,type,https://x,2,level,4e,2.1,provided,",
        "EpisodeOfCare,type,https://y,1,level,4e,2.1,provided,",
    )

    assert (
        levels_in(document("EpisodeOfCare", type=[{"coding": [{"system": "https://x", "code": "1"}]}]), mapping) == ()
    )


def test_a_level_told_twice_is_one_and_the_row_that_names_the_organization_counts():
    stated = document("EpisodeOfCare", type=[canonical("4e", "2.1"), canonical("4e", "2.1"), {"text": "iop"}])
    mapping = rows(
        "EpisodeOfCare,type,,IOP,level,4e,2.1,provided,riverbend", "EpisodeOfCare,type,,iop,level,4e,2.1,provided,"
    )

    assert [(one.organization, one.path) for one in levels_in(stated, mapping)] == [
        ("riverbend", "EpisodeOfCare.type[2]")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Encounter,type,,x,level,5e,2.1,provided,",
        "Encounter,type,,x,level,4e,2.1,guessed,",
        "Encounter,type,,,level,4e,2.1,provided,",
        "Encounter,,,x,level,4e,2.1,provided,",
        "Encounter,type,,x,level,4e,,provided,",
        ",type,,x,level,4e,2.1,provided,",
        "Encounter,type,,x,level",
    ],
)
def test_a_mapping_line_that_can_not_be_used_is_refused_by_its_place(line: str):
    with pytest.raises(ConfigurationError, match=r"levels\.csv, line 2"):
        rows(line)
