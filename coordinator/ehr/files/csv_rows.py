"""Rows of a CSV file as FHIR documents, by a mapping that says which column is which element.

    zone = "America/Chicago"          # of the days and times in the file; the tenant's where it is not told
    delimiter = ","                   # also ";" or "|"

    [[record]]                        # one for each document that a row makes
    type = "EpisodeOfCare"
    id = ["Admission No"]             # the columns that name it
    only = { "Program" = ["RES"] }    # rows that make it, where not all do
    [record.fields]
    "status" = { column = "Status", values = { "Open" = "active", "Closed" = "finished" } }
    "patient.reference" = { column = "Client No", reference = "Patient" }
    "period.start" = { column = "Admitted", date = "%m/%d/%Y" }
    "period.end" = { column = "Discharged", date = "%m/%d/%Y", optional = true }
    "type[0].text" = { column = "Program" }
    "type[0].coding[0].system" = { constant = "https://programs.example/unit" }

A row that has too few or too many columns, lacks a value that is not optional, or holds one that can't be read is a
fault as a whole: none of its documents is made.
"""

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coordinator.ehr.files.provenance import Unreadable, local_instant, meta, record_id
from coordinator.errors import ConfigurationError, InvalidInput
from coordinator.fhir import Json, check, dumps, read_document
from coordinator.sync.intake import Line

_STEP = re.compile(r"([A-Za-z]+)(?:\[(\d{1,2})\])?")
_FIELD_KEYS: Final = frozenset({"column", "constant", "values", "date", "datetime", "reference", "optional", "prefix"})
_MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    path: tuple[tuple[str, int | None], ...]
    column: str = ""
    constant: Json = None
    values: Mapping[str, str] | None = None
    date: str = ""
    datetime: str = ""
    reference: str = ""
    prefix: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    type: str
    id: tuple[str, ...]
    fields: tuple[_Field, ...]
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMap:
    """How the rows of a connection's files are read; `text` is what it was read from."""

    text: str
    records: tuple[_Record, ...]
    zone: ZoneInfo | None = None
    delimiter: str = ","

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns that it needs."""
        named = {one.column for record in self.records for one in record.fields if one.column}
        return frozenset(named | {one for record in self.records for one in (*record.id, *record.only)})


def read_csv_map(text: str) -> CsvMap:
    """Return a mapping from its TOML. Raises ConfigurationError that names the key."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise _bad(f"it is not TOML ({problem})") from problem
    if unknown := set(tree) - {"zone", "delimiter", "record"}:
        raise _bad(f"the key {min(unknown)!r} is not known")
    records = tree.get("record")
    if not isinstance(records, list) or not records:
        raise _bad("it has no [[record]]")
    delimiter = tree.get("delimiter", ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise _bad("'delimiter' is one sign")
    return CsvMap(
        text=text,
        records=tuple(_record(one) for one in records),
        zone=_zone(tree.get("zone")),
        delimiter=delimiter,
    )


def _zone(name: object) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise _bad("'zone' is none of the IANA list, such as America/New_York") from problem


def _record(told: object) -> _Record:
    tree = cast("dict[str, object]", told) if isinstance(told, dict) else {}
    type_, ids, fields, only = tree.get("type"), tree.get("id"), tree.get("fields"), tree.get("only", {})
    if unknown := set(tree) - {"type", "id", "fields", "only"}:
        raise _bad(f"a [[record]] has no key {min(unknown)!r}")
    if not isinstance(type_, str) or not type_.isalpha():
        raise _bad("a [[record]] needs a 'type' such as EpisodeOfCare")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise _bad(f"the record {type_} needs 'id', a list of columns")
    if not isinstance(fields, dict) or not fields:
        raise _bad(f"the record {type_} needs [record.fields]")
    if not isinstance(only, dict) or not all(isinstance(one, list) for one in only.values()):
        raise _bad(f"'only' of the record {type_} names lists of values by column")
    return _Record(
        type=type_,
        id=tuple(ids),
        fields=tuple(_field(type_, path, one) for path, one in fields.items()),
        only={name: tuple(map(str, values)) for name, values in only.items()},
    )


def _field(type_: str, path: str, told: object) -> _Field:
    where = f"{type_}, {path!r}"
    tree = {"column": told} if isinstance(told, str) else told
    if not isinstance(tree, dict) or set(tree) - _FIELD_KEYS:
        raise _bad(f"{where}: known are {', '.join(sorted(_FIELD_KEYS))}")
    if ("column" in tree) == ("constant" in tree):
        raise _bad(f"{where}: give either 'column' or 'constant'")
    steps = [_STEP.fullmatch(step) for step in path.split(".")]
    if any(step is None or int(step[2] or 0) > _MOST for step in steps):
        raise _bad(f"{where}: a path looks like type[0].coding[0].code")
    values = tree.get("values")
    return _Field(
        path=tuple((step[1], int(step[2]) if step[2] else None) for step in steps if step),
        column=str(tree.get("column", "")),
        constant=cast("Json", tree.get("constant")),
        values={str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else None,
        date=str(tree.get("date", "")),
        datetime=str(tree.get("datetime", "")),
        reference=str(tree.get("reference", "")),
        prefix=str(tree.get("prefix", "")),
        optional=bool(tree.get("optional", False)),
    )


def _bad(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The mapping of the CSV file can't be used: {what}.",
        operation="read mapping",
        hint="docs/how-to/connect-by-files.md shows one.",
    )


# --- rows -----------------------------------------------------------------------------------------------------------


def read_rows_of_csv(lines: Iterator[str], how: CsvMap, *, name: str, zone: ZoneInfo) -> Iterator[Line]:
    """Yield the documents of each row, or the row as a fault. Raises InvalidInput where the columns are others."""
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    rows = csv.reader(noted(), delimiter=how.delimiter, strict=True)
    header = [one.strip() for one in _header(rows, name)]
    if lacking := how.columns - set(header):
        raise InvalidInput(
            f"{name} lacks the columns {', '.join(sorted(lacking))}.",
            operation="import",
            hint="The first line names the columns; the mapping names those that it needs.",
        )
    taken.clear()
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            row = []
        raw = "".join(taken).rstrip("\r\n").encode()
        taken.clear()
        if raw.strip():
            yield from _documents(row, header, how, Line(place=f"{name} line {number}", raw=raw), zone=how.zone or zone)


def _header(rows: Iterator[list[str]], name: str) -> list[str]:
    try:
        return next(rows)
    except (StopIteration, csv.Error) as problem:
        raise InvalidInput(f"{name} has no line that names its columns.", operation="import") from problem


def _documents(row: Sequence[str], header: Sequence[str], how: CsvMap, line: Line, *, zone: ZoneInfo) -> list[Line]:
    if len(row) != len(header):
        told = f"{len(row)} columns where the first line has {len(header)}" if row else "not CSV"
        return [Line(place=line.place, raw=line.raw, fault=told)]
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    try:
        made = [_document(record, cells, zone) for record in how.records if _is_for(record, cells)]
    except Unreadable as problem:
        return [Line(place=line.place, raw=line.raw, fault=str(problem))]
    return [Line(place=line.place, raw=raw) for raw in made]


def _is_for(record: _Record, cells: Mapping[str, str]) -> bool:
    return all(cells[name] in values for name, values in record.only.items())


def _document(record: _Record, cells: Mapping[str, str], zone: ZoneInfo) -> bytes:
    named = [cells[one] for one in record.id]
    if not all(named):
        raise Unreadable(f"{record.type}: the row does not name it")
    tree: dict[str, Json] = {"resourceType": record.type, "id": record_id(*named), "meta": meta("csv")}
    for one in record.fields:
        value = one.constant if one.constant is not None else _value(one, cells[one.column], zone)
        if value is not None:
            _put(tree, one.path, value)
    raw = dumps(tree)
    for issue in check(read_document(raw)):
        if issue.blocks:
            raise Unreadable(f"{issue.path}: {issue.text}")
    return raw


def _value(one: _Field, cell: str, zone: ZoneInfo) -> Json:
    if not cell:
        if one.optional:
            return None
        raise Unreadable(f"{one.column}: there is no value")
    if one.values is not None:
        if cell not in one.values:
            raise Unreadable(f"{one.column}: the mapping does not know this value")
        return one.values[cell]
    if one.date:
        return _time(one, cell, one.date).date().isoformat()
    if one.datetime:
        return local_instant(_time(one, cell, one.datetime), zone, field=one.column)
    return f"{one.reference}/{record_id(cell)}" if one.reference else one.prefix + cell


def _time(one: _Field, cell: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(cell, pattern)  # noqa: DTZ007  # a time on the wall, whose zone is the file's
    except ValueError as problem:
        raise Unreadable(f"{one.column}: this is no date or time like {pattern}") from problem


def _put(tree: dict[str, Json], path: Sequence[tuple[str, int | None]], value: Json) -> None:
    """Put a value at a path, making what is on the way."""
    held = tree
    for name, index in path[:-1]:
        held = _child(held, name, index)
    name, index = path[-1]
    if index is None:
        held[name] = value
        return
    listed = held.setdefault(name, list[Json]())
    if isinstance(listed, list):
        listed.append(value)


def _child(held: dict[str, Json], name: str, index: int | None) -> dict[str, Json]:
    if index is None:
        below = held.setdefault(name, dict[str, Json]())
    else:
        listed = held.setdefault(name, list[Json]())
        if not isinstance(listed, list):
            raise Unreadable(f"{name}: the mapping gives it once as a list and once not")
        while len(listed) <= index:
            listed.append(dict[str, Json]())
        below = listed[index]
    if not isinstance(below, dict):
        raise Unreadable(f"{name}: the mapping gives it once as a value and once with members")
    return below
