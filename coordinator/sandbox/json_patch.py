"""JSON Patch (RFC 6902): the operations of a client, applied to a record."""

from copy import deepcopy

from coordinator.fhir.document import Document
from coordinator.fhir.json_text import Json, parse, same
from coordinator.fhir.patch import Edit, Remove, Set, patched
from coordinator.sandbox.exchange import Refusal


def patched_by(document: Document, raw: bytes) -> Document:
    """Return the document after the operations; elements of it that none touches keep their bytes.

    Raises Refusal (422) where an operation doesn't fit, a test fails, or type and id would change; BadJson where the
    patch is not JSON.
    """
    operations = parse(raw)
    if not isinstance(operations, list):
        raise _misfit("a JSON Patch is a list of operations")
    tree: Json = deepcopy(document.tree)
    for operation in operations:
        tree = _applied(tree, operation)
    if not isinstance(tree, dict) or any(tree.get(key) != document.tree.get(key) for key in ("resourceType", "id")):
        raise _misfit("resourceType and id can't change")
    edits: list[Edit] = [Remove((key,)) for key in document.tree if key not in tree]
    edits += [
        Set((key,), value)
        for key, value in tree.items()
        if key not in document.tree or not same(value, document.tree[key])
    ]
    return patched(document, edits)


def _misfit(text: str) -> Refusal:
    return Refusal(422, "processing", text=f"The patch can't be applied: {text}.")


def _applied(tree: Json, operation: Json) -> Json:
    if not isinstance(operation, dict):
        raise _misfit("an operation is an object")
    path = _pointer(operation.get("path"))
    match operation.get("op"):
        case "add":
            return _added(tree, path, value=_value(operation))
        case "remove":
            return _removed(tree, path)[0]
        case "replace":
            return _added(_removed(tree, path)[0], path, value=_value(operation))
        case "move":
            rest, moved = _removed(tree, _pointer(operation.get("from")))
            return _added(rest, path, value=moved)
        case "copy":
            return _added(tree, path, value=deepcopy(_at(tree, _pointer(operation.get("from")))))
        case "test":
            if not same(_at(tree, path), _value(operation)):
                raise _misfit("a test failed")
            return tree
        case _:
            raise _misfit("an unknown op")


def _value(operation: dict[str, Json]) -> Json:
    if "value" not in operation:
        raise _misfit("an operation lacks its value")
    return operation["value"]


def _pointer(text: Json) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _misfit("a path is a JSON Pointer such as /status")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(tree: Json, path: list[str]) -> Json:
    for part in path:
        if isinstance(tree, dict) and part in tree:
            tree = tree[part]
        elif isinstance(tree, list):
            tree = tree[_index(part, len(tree) - 1)]
        else:
            raise _misfit("a path leads nowhere")
    return tree


def _index(part: str, last: int) -> int:
    if not part.isdecimal() or int(part) > last:
        raise _misfit("a path leads beyond the end of a list")
    return int(part)


def _added(tree: Json, path: list[str], *, value: Json) -> Json:
    if not path:
        return value
    holder = _at(tree, path[:-1])
    if isinstance(holder, list):
        at = len(holder) if path[-1] == "-" else _index(path[-1], len(holder))
        holder.insert(at, value)
    elif isinstance(holder, dict):
        holder[path[-1]] = value
    else:
        raise _misfit("a path leads nowhere")
    return tree


def _removed(tree: Json, path: list[str]) -> tuple[Json, Json]:
    """Return the tree without what is at the path, and what was there."""
    if not path:
        return None, tree
    gone = _at(tree, path)
    holder = _at(tree, path[:-1])
    if isinstance(holder, list):
        del holder[_index(path[-1], len(holder) - 1)]
    elif isinstance(holder, dict):
        del holder[path[-1]]
    return tree, gone
