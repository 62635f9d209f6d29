"""The surface of the room: what others may import."""

import coordinator.fhir


def test_the_surface_is_what_the_room_promises():
    """A name that comes or goes here is a change for every room above."""
    assert sorted(coordinator.fhir.__all__) == sorted(
        [
            *["BadJson", "DecimalText", "Json", "JsonPath", "LIMITS", "Limits"],
            *["canonical", "dumps", "parse", "place_of", "same"],
            *["Document", "NotAResource", "read_document"],
            *["Append", "BadEdit", "Edit", "Remove", "Set", "difference", "patched"],
            *["Field", "Kind", "Lens", "WrongType", "kinds"],
            *["BadDate", "Interval", "PartialDate", "certainly_before", "day_of", "instant_in", "instant_of"],
            *["Absolute", "Conditional", "Contained", "Logical", "Reference", "Relative", "Unreadable", "Urn"],
            *["parse_reference", "read_reference", "references_in", "target_types"],
            *["Issue", "Look", "check", "look", "validate"],
            *["as_r4", "check_r5", "is_r5", "is_r5_consent"],
            *["Head", "NotABundle", "Outcome", "Page", "head", "id_of", "may_name", "read_outcomes", "split_page"],
            *["CodeableConcept", "Coding", "Identifier", "Quantity", "normal_system"],
            *["BadQuery", "Chain", "Condition", "Has", "Include", "Parameter", "ParameterKind", "Parameters", "Query"],
            *["Test", "names_of", "read_query", "Shelf", "found_by", "included_by"],
            "once",
        ]
    )
    assert all(hasattr(coordinator.fhir, name) for name in coordinator.fhir.__all__)
