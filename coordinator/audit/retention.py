"""How long events are kept, and what a prune took: the body and columns of an event go, its hash stays in the tree."""

from coordinator.fhir import parse


def pruned_places(body: bytes) -> set[tuple[int, int]]:
    """Return the places, (first, last), whose events a prune took, as its own event tells."""
    event = parse(body)
    entities = event.get("entity") if isinstance(event, dict) else None
    found: set[tuple[int, int]] = set()
    for one in entities if isinstance(entities, list) else ():
        details = one.get("detail") if isinstance(one, dict) else None
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, dict) and detail.get("type") == "places":
                first, _, last = str(detail.get("valueString")).partition("-")
                found.add((int(first), int(last)))
    return found
