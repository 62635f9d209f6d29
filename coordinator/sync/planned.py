"""A plan that was read by a person: what they agreed to send, held to what is owed now.

A plan names each write by what it is for and by a hash of what matters in it, and holds no content. What has moved
since is told, write by write; then nothing at all is sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.errors import InvalidInput
from coordinator.fhir import BadJson, Json, dumps, parse
from coordinator.outbox import Entry, Form, Status
from coordinator.outbox.delivery import delivery_key, matter_of

_FORMAT: Final = "coordinator-plan-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One planned write: whose key it has, to which EHR, from which version, and what matters in it, as a hash."""

    key: str
    ehr: str
    base: str | None
    matter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A planned write that can't be sent as it was planned, and why."""

    line: Line
    why: str


def planned(entries: Iterable[Entry]) -> tuple[Line, ...]:
    """Return the lines of what could be sent now: nothing that is withheld, unknown, or for a person to tell."""
    return tuple(_line(one) for one in entries if _can_be_sent(one))


def _can_be_sent(entry: Entry) -> bool:
    return entry.status is Status.OWED and entry.intent.form is not Form.NONE


def _line(entry: Entry) -> Line:
    return Line(key=delivery_key(entry), ehr=entry.intent.ehr, base=entry.intent.base, matter=matter_of(entry))


def write_plan(lines: Sequence[Line], tenant: str) -> bytes:
    """Return a plan as JSON bytes."""
    rows: list[Json] = [{"key": one.key, "ehr": one.ehr, "base": one.base, "matter": one.matter} for one in lines]
    return dumps({"format": _FORMAT, "tenant": tenant, "writes": rows}) + b"\n"


def read_plan(raw: bytes, tenant: str) -> tuple[Line, ...]:
    """Return the lines of a plan. Raises InvalidInput for what is none, is of another tenant, or plans nothing."""
    try:
        tree = parse(raw)
    except BadJson as problem:
        raise _refused(f"The plan is not sound JSON: {problem.reason} at {problem.place}.") from problem
    if not isinstance(tree, dict) or tree.get("format") != _FORMAT or not isinstance(tree.get("writes"), list):
        raise _refused("This is no plan of coordinator.")
    if tree.get("tenant") != tenant:
        raise _refused("This plan was made for another tenant.")
    rows = tree["writes"]
    assert isinstance(rows, list)  # noqa: S101  # asked above
    lines = tuple(_read(row, number) for number, row in enumerate(rows, 1))
    if not lines:
        raise _refused("This plan has no writes.")
    return lines


def _read(row: Json, number: int) -> Line:
    told: Mapping[str, Json] = row if isinstance(row, dict) else {}
    key, ehr, base, matter = (told.get(name) for name in ("key", "ehr", "base", "matter"))
    if not (isinstance(key, str) and isinstance(ehr, str) and isinstance(matter, str)):
        raise _refused(f"Write {number} of the plan lacks key, ehr or matter.")
    return Line(key=key, ehr=ehr, base=base if isinstance(base, str) else None, matter=matter)


def moved(lines: Iterable[Line], entries: Iterable[Entry]) -> list[Moved]:
    """Return the planned writes that are not owed in the same way now."""
    held = {delivery_key(one): one for one in entries}
    return [Moved(line=one, why=why) for one in lines if (why := _why(one, held.get(one.key)))]


def _why(line: Line, entry: Entry | None) -> str:
    if entry is None or entry.status is Status.OBSOLETE:
        return "it is owed no longer"
    if entry.status is Status.WITHHELD:
        return f"it is withheld: {entry.reason}"
    if entry.status in (Status.APPLIED, Status.VERIFIED):
        return "it was sent since"
    if not _can_be_sent(entry):
        return f"it is {entry.status.value} now"
    if _line(entry).matter != line.matter:
        return "something else is owed now"
    return "" if entry.intent.base == line.base else "the record it would change has moved"


def _refused(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, operation="read plan", hint="Make one with `coordinator plan --out FILE`.")
