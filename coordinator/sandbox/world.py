"""Read a world: a folder that says who there is, what each EHR holds and how it behaves, and what happens later."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from coordinator.access import recipient_types
from coordinator.errors import InvalidInput
from coordinator.fhir.dates import instant_of
from coordinator.fhir.document import read_document
from coordinator.fhir.json_text import BadJson
from coordinator.sandbox.personality import Personality, read_personality
from coordinator.sandbox.toml_file import Table, bad_world, read_toml

EDITIONS = ("", "3e", "4e", "ppc2r")
ROLES = ("provided", "indicated", "authorized")
MAPPING_COLUMNS = ("type", "path", "system", "value", "concept", "edition", "code", "role", "organization")

_EHR_NAME = re.compile(r"[a-z][a-z0-9-]*")
_CHANGE_FILE = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)(?:-(\d\d))?Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A legal entity, with the identifier by which consents name it."""

    key: str
    name: str
    system: str
    value: str
    part2: bool
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A unit of an organization that gives a level of care; an edition of None is not known."""

    key: str
    name: str
    organization: str
    edition: str | None
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the tenant chose; None where it leaves the default."""

    level_edition_cutover: date | None = None
    injection_coverage_days: int | None = None
    referral_acknowledge_hours: int | None = None
    revocation_notice: bool | None = None
    adopted_rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """How an enrollment or a level shows itself where codes alone don't tell; an empty edition is not known."""

    type: str
    path: str
    system: str
    value: str
    concept: str
    edition: str
    code: str
    role: str
    organization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A record as a clinician saves it, whole."""

    type: str
    id: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A record that a clinician deletes."""

    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is saved in an EHR at one instant, in order."""

    at: datetime
    records: tuple[Saved | Deleted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EhrOfWorld:
    """One EHR: how it behaves, what it holds at the start (byte for byte), and what is saved later."""

    name: str
    personality: Personality
    mappings: tuple[MappingRow, ...]
    resources: Mapping[str, tuple[bytes, ...]]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a world's folder says, apart from what is expected of the product."""

    folder: Path
    now: datetime
    zone: ZoneInfo
    organizations: Mapping[str, Organization]
    programs: Mapping[str, Program]
    consent_forms: Mapping[str, tuple[str, ...]]
    policy: Policy
    consents: tuple[tuple[str, bytes], ...]
    ehrs: tuple[EhrOfWorld, ...]


def read_world(folder: Path) -> World:
    """Return the world that a folder holds.

    Raises InvalidInput with file, line and what to do for anything that is wrong. A mapping, program or consent may
    speak of an EHR that the folder lacks: the same world with one EHR left out is a world, too.
    """
    if not folder.is_dir():
        raise bad_world(str(folder), "there is no such folder", hint="Name the folder of a world.")
    table = read_toml(folder / "world.toml", "world.toml")
    table.refuse_unknown(("now", "zone", "organizations", "programs", "consent_forms", "policy"))
    organizations = {name: _organization(name, below) for name, below in table.tables("organizations")}
    world = World(
        folder=folder,
        now=table.instant("now"),
        zone=_zone(table),
        organizations=MappingProxyType(organizations),
        programs=MappingProxyType(
            {key: _program(key, at, organizations=organizations) for key, at in table.tables("programs")}
        ),
        consent_forms=MappingProxyType({url: _form(below) for url, below in table.tables("consent_forms")}),
        policy=_policy(table.table("policy")),
        consents=tuple(_consents(folder / "consents")),
        ehrs=(),
    )
    ehrs = tuple(_ehr(folder / name, organizations) for name in _ehr_names(folder))
    if not ehrs:
        hint = "Add a folder with an ehr.toml and *.ndjson files for each EHR."
        raise bad_world(folder.name, "no EHR", hint=hint)
    return replace(world, ehrs=ehrs)


# --- world.toml --------------------------------------------------------------------------------------------------


def _zone(table: Table) -> ZoneInfo:
    try:
        return ZoneInfo(table.text("zone"))
    except (KeyError, ValueError, OSError):
        table.refuse("zone", "'zone' is no time zone", hint='Write it as in zone = "America/New_York".')


def _organization(key: str, table: Table) -> Organization:
    table.refuse_unknown(("name", "identifier", "part2", "type"))
    identifier = table.table("identifier")
    identifier.refuse_unknown(("system", "value"))
    return Organization(
        key=key,
        name=table.text("name"),
        system=identifier.text("system"),
        value=identifier.text("value"),
        part2=table.flag("part2"),
        type=table.choice("type", ("", *recipient_types()), default=""),
    )


def _program(key: str, table: Table, *, organizations: Mapping[str, Organization]) -> Program:
    table.refuse_unknown(("name", "organization", "level"))
    level = table.table("level")
    level.refuse_unknown(("edition", "code"))
    return Program(
        key=key,
        name=table.text("name"),
        organization=_known_organization(table, organizations),
        edition=level.choice("edition", EDITIONS, default="") or None,
        code=level.text("code", "") or None,
    )


def _known_organization(table: Table, organizations: Mapping[str, Organization]) -> str:
    key = table.text("organization")
    if key not in organizations:
        hint = f"Add [organizations.{key}] to world.toml, or name one of: {', '.join(organizations)}."
        table.refuse("organization", f"unknown organization {key!r}", hint=hint)
    return key


def _form(table: Table) -> tuple[str, ...]:
    table.refuse_unknown(("holds",))
    return table.texts("holds")


def _policy(table: Table) -> Policy:
    table.refuse_unknown(Policy.__dataclass_fields__)
    given = table.values
    return Policy(
        level_edition_cutover=table.day("level_edition_cutover"),
        injection_coverage_days=table.whole("injection_coverage_days") if "injection_coverage_days" in given else None,
        referral_acknowledge_hours=(
            table.whole("referral_acknowledge_hours") if "referral_acknowledge_hours" in given else None
        ),
        revocation_notice=table.flag("revocation_notice") if "revocation_notice" in given else None,
        adopted_rules=table.texts("adopted_rules", ()),
    )


# --- consents ----------------------------------------------------------------------------------------------------


def _consents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        raw = path.read_bytes()
        try:
            document = read_document(raw)
        except InvalidInput as cause:
            raise _bad_record(f"consents/{path.name}", cause) from cause
        if document.type != "Consent" or not document.id:
            raise bad_world(
                f"consents/{path.name}", "not a Consent with an id", hint="Keep FHIR R4 Consents only here."
            )
        yield path.name, raw


# --- one EHR -----------------------------------------------------------------------------------------------------


def _ehr_names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name in ("consents", "mappings") or path.name.startswith((".", "_")):
            continue
        if (path / "ehr.toml").is_file():
            if not _EHR_NAME.fullmatch(path.name):
                hint = "Rename it: a lower-case letter, then lower-case letters, digits and hyphens."
                raise bad_world(path.name, "this can't be the name of an EHR", hint=hint)
            yield path.name
        elif any(path.glob("*.ndjson")):
            raise bad_world(f"{path.name}/ehr.toml", "the file is missing", hint="Say there how this EHR behaves.")


def _ehr(folder: Path, organizations: Mapping[str, Organization]) -> EhrOfWorld:
    table = read_toml(folder / "ehr.toml", f"{folder.name}/ehr.toml")
    personality = read_personality(table)
    _known_organization(table, organizations)
    return EhrOfWorld(
        name=folder.name,
        personality=personality,
        mappings=tuple(_mappings(folder, organizations)),
        resources=_resources(folder),
        changes=tuple(sorted(map(_change, sorted(folder.glob("changes/*.ndjson"))), key=lambda change: change.at)),
    )


def _mappings(folder: Path, organizations: Mapping[str, Organization]) -> Iterator[MappingRow]:
    for path in sorted(folder.parent.glob(f"mappings/{folder.name}-*.csv")):
        name = f"mappings/{path.name}"
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            if tuple(rows.fieldnames or ()) != MAPPING_COLUMNS:
                raise bad_world(f"{name}, line 1", "wrong columns", hint=f"They are: {','.join(MAPPING_COLUMNS)}.")
            for row in rows:
                yield _mapping(f"{name}, line {rows.line_num}", row, organizations=organizations)


def _mapping(place: str, row: dict[str, str], *, organizations: Mapping[str, Organization]) -> MappingRow:
    if None in row or None in row.values():
        raise bad_world(place, "too few or too many values", hint=f"Give one for each of: {','.join(MAPPING_COLUMNS)}.")
    if row["edition"] not in EDITIONS:
        raise bad_world(place, f"unknown edition {row['edition']!r}", hint="Leave it empty or use 3e, 4e or ppc2r.")
    if row["role"] not in ROLES:
        raise bad_world(place, f"unknown role {row['role']!r}", hint=f"Use one of: {', '.join(ROLES)}.")
    if row["organization"] and row["organization"] not in organizations:
        raise bad_world(
            place, f"unknown organization {row['organization']!r}", hint="Add it to world.toml or leave it empty."
        )
    return MappingRow(**row)


def _resources(folder: Path) -> Mapping[str, tuple[bytes, ...]]:
    found: dict[str, list[bytes]] = {}
    seen: set[tuple[str, str]] = set()
    for path in sorted(folder.glob("*.ndjson")):
        for place, line in _lines(path, f"{folder.name}/{path.name}"):
            record = _record(place, line)
            if isinstance(record, Deleted):
                raise bad_world(
                    place, "nothing can be deleted at the start", hint="Move the line to a file in changes/."
                )
            if (record.type, record.id) in seen:
                raise bad_world(
                    place, f"a second {record.type} with this id", hint="Give each record an id of its own."
                )
            seen.add((record.type, record.id))
            found.setdefault(record.type, []).append(line)
    return MappingProxyType({kind: tuple(lines) for kind, lines in found.items()})


def _change(path: Path) -> Change:
    name = f"{path.parent.parent.name}/changes/{path.name}"
    match = _CHANGE_FILE.fullmatch(path.stem)
    try:
        when = "{}T{}:{}:{}+00:00".format(*match.groups("00")) if match else ""
        at = datetime.fromisoformat(when)
    except ValueError:
        hint = "Name it by the instant in UTC: 2026-06-03T00-00Z.ndjson."
        raise bad_world(name, "the file name is no instant", hint=hint) from None
    return Change(at=at, records=tuple(_record(place, line) for place, line in _lines(path, name)))


def _lines(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield each line that is not blank with its place; a line is what stands before the line feed, untouched."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line.strip():
            yield f"{name}, line {number}", line


def _record(place: str, line: bytes) -> Saved | Deleted:
    try:
        document = read_document(line)
    except InvalidInput as cause:
        raise _bad_record(place, cause) from cause
    if not document.id:
        raise bad_world(place, f"this {document.type} has no id", hint="Give it the id that the EHR would have given.")
    if not _is_instant(document.last_updated):
        raise bad_world(
            place, "meta.lastUpdated is no instant", hint="Write it as 2026-04-07T09:00:00-04:00, or leave it out."
        )
    if "_deleted" not in document.tree:
        return Saved(type=document.type, id=document.id, raw=line)
    if document.tree["_deleted"] is not True:
        raise bad_world(place, "'_deleted' must be true", hint="Write true, or leave it out and give the whole record.")
    return Deleted(type=document.type, id=document.id)


def _is_instant(last_updated: str | None) -> bool:
    try:
        return last_updated is None or instant_of(last_updated) is not None
    except InvalidInput:
        return False


def _bad_record(place: str, cause: InvalidInput) -> InvalidInput:
    reason = f"{cause.reason} at {cause.place}" if isinstance(cause, BadJson) else str(cause).rstrip(".")
    return bad_world(place, reason, hint="Each line must be one FHIR resource as JSON.")
