"""Loads named queries: SQL is text in `.sql` files beside the module that asks.

A query begins with `-- name: word`; comment lines after it say what it is for. Modules ask for a query by its file
and name when they first use it, so nothing is read at import.
"""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def query(file: str, name: str) -> bytes:
    """Return a query of `coordinator/store/<file>.sql`, without its comments."""
    return _queries(file)[name]


def names(file: str) -> tuple[str, ...]:
    """Return the names of a file's queries, in its order."""
    return tuple(_queries(file))


@cache
def _queries(file: str) -> dict[str, bytes]:
    text = files("coordinator.store").joinpath(f"{file}.sql").read_text("utf-8")
    _head, *parts = _NAME.split(text)
    found: dict[str, bytes] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"{file}.sql has two queries named {name}")
        lines = (line for line in body.splitlines() if not line.lstrip().startswith("--"))
        found[name] = "\n".join(lines).strip().encode()
    return found
