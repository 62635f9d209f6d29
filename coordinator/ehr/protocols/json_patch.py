"""A JSON Patch (RFC 6902) of a record: for EHRs that take changes of a record and no whole one.

It replaces the elements that differ and leaves all others to the EHR. Where no version guards it, each element that it
replaces is first tested to be what we have seen, so that the patch fails as a whole where somebody has saved since.
"""

from collections.abc import Iterator
from typing import Final

from coordinator.fhir import Document, Json, dumps, same

JSON_PATCH: Final = "application/json-patch+json"
_OF_THE_SERVER: Final = frozenset({"versionId", "lastUpdated", "source"})


def patch_of(current: Document, wanted: Document, *, is_guarded: bool) -> bytes:
    """Return the operations that make one record the other, with tests before them where no version guards them."""
    changes = [*_changes(current.tree, wanted.tree, "", skip=frozenset({"id", "meta", "resourceType"}))]
    changes += _of_meta(current.tree.get("meta"), wanted.tree.get("meta"))
    tests: list[Json] = [] if is_guarded else [_test(path, old) for path, old, _ in changes if old is not None]
    return dumps([*tests, *(_operation(path, old, new) for path, old, new in changes)])


def _of_meta(old: Json, new: Json) -> list[tuple[str, Json, Json]]:
    if not isinstance(new, dict):
        return []
    if not isinstance(old, dict):
        return [("/meta", None, {name: value for name, value in new.items() if name not in _OF_THE_SERVER})]
    return [*_changes(old, new, "/meta", skip=_OF_THE_SERVER)]


def _changes(
    old: dict[str, Json], new: dict[str, Json], place: str, *, skip: frozenset[str]
) -> Iterator[tuple[str, Json, Json]]:
    for name in sorted((old.keys() | new.keys()) - skip):
        before, after = old.get(name), new.get(name)
        if not same(before, after):
            yield f"{place}/{name}", before, after


def _test(path: str, value: Json) -> Json:
    return {"op": "test", "path": path, "value": value}


def _operation(path: str, old: Json, new: Json) -> Json:
    if new is None:
        return {"op": "remove", "path": path}
    return {"op": "add" if old is None else "replace", "path": path, "value": new}
