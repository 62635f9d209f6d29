"""Agreed states as canonical JSON bytes for the store, and back."""

from coordinator.errors import InvalidInput
from coordinator.fhir import Json, canonical, parse
from coordinator.reconcile import Agreed


def write_agreed(agreed: Agreed) -> bytes:
    """Return agreed states as canonical JSON."""
    items: dict[str, Json] = {
        item: {name: dict(states) for name, states in fields.items()} for item, fields in agreed.items.items()
    }
    return canonical(items)


def read_agreed(body: bytes) -> Agreed:
    """Return agreed states from JSON. Raises InvalidInput for anything that this product did not write."""
    tree = parse(body)
    if not isinstance(tree, dict):
        raise InvalidInput("A stored shadow is no JSON object.", operation="read shadow")
    items: dict[str, dict[str, dict[str, Json]]] = {}
    for item, fields in tree.items():
        named = fields if isinstance(fields, dict) else {}
        items[item] = {name: dict(states) for name, states in named.items() if isinstance(states, dict)}
    return Agreed(items=items)
