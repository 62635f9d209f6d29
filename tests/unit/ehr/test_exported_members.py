"""What other rooms may use of this one."""

import coordinator.ehr


def test_the_room_exports_its_surface_and_nothing_else():
    assert sorted(coordinator.ehr.__all__) == [
        *(
            "Cause",
            "ConceptRow",
            "EhrRoom",
            "ExportPatience",
            "Fact",
            "KeyFolder",
            "KeyName",
            "OVERLAP",
            "OpenEhr",
            "Problem",
            "Pulling",
            "Report",
            "Says",
        ),
        *("Statement", "Strategy", "TypeFacts", "TypeRow", "check_connection", "create_key", "public_keys"),
        "read_statement",
    ]
