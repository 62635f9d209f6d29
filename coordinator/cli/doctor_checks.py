"""What the doctor looks at, a function each: settings and facts in, lines with a state and a cure out."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from coordinator.cli.ehr_words import Held
from coordinator.reconcile import Grade
from coordinator.settings import Settings
from coordinator.sync.connections import is_file_only
from coordinator.sync.records import EhrConnection, PullRecord
from coordinator.sync.tenant import Tenant
from coordinator.workflow import ConsentLine

_GIB = 1024**3
_LITTLE, _TOO_LITTLE = 2 * _GIB, _GIB // 4
_OLD = timedelta(days=1)
NOT_PULLED = "not pulled"  # how a pull's reason begins where the EHR does not offer the type


class State(Enum):
    """How it stands with one thing."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that the doctor looked at. A warning or failure has a cure."""

    area: str
    text: str
    state: State = State.OK
    cure: str = ""


def warn(area: str, text: str, cure: str) -> Line:
    """Return a line about what works and should be better."""
    return Line(area=area, text=text, state=State.WARN, cure=cure)


def fail(area: str, text: str, cure: str) -> Line:
    """Return a line about what does not work."""
    return Line(area=area, text=text, state=State.FAIL, cure=cure)


def home_lines(home: Path) -> Iterator[Line]:
    """Look at the space where we keep our files."""
    place = next(one for one in (home, *home.parents) if one.exists())
    free = shutil.disk_usage(place).free
    told = f"{free / _GIB:.1f} GiB free at {home}"
    cure = "Free some space, or move COORDINATOR_HOME to a larger disk."
    if free < _TOO_LITTLE:
        yield fail("disk", told, cure)
    elif free < _LITTLE:
        yield warn("disk", told, cure)
    else:
        yield Line(area="disk", text=told)


def safety_lines(unsafe: Iterable[tuple[str, str]], *, is_production: bool) -> Iterator[Line]:
    """Tell what production refuses: a failure there, elsewhere a warning."""
    for what, cure in unsafe:
        yield fail("safety", what, cure) if is_production else warn("safety", f"{what} Production refuses that.", cure)


def database_line(settings: Settings, version: str) -> Line:
    """Tell where the database is and its version."""
    if not settings.database_url:
        where = f"the one that comes with us, in {settings.home}"
    else:
        where = f"at {_host(settings.database_url)} (COORDINATOR_DATABASE_URL)"
    text = f"PostgreSQL {version}, {where}, tenant {settings.tenant}"
    if int(version.partition(".")[0]) < 16:
        return fail("database", text, "Version 16 or newer is needed: update the server.")
    return Line(area="database", text=text)


def _host(url: str) -> str:
    """Return the host of an address, without user and password."""
    try:
        return urlsplit(url).hostname or "a local socket"
    except ValueError:
        return "an address of its own kind"


def tenant_lines(tenant: Tenant, connections: Sequence[EhrConnection]) -> Iterator[Line]:
    """Look at what the tenant has configured."""
    zone = tenant.policy.zone  # raises where there is no such zone
    known = f"zone {zone.key}, {len(tenant.organizations)} organizations, {len(tenant.programs)} programs"
    yield Line(area="tenant", text=known)
    if not connections:
        yield warn("tenant", "no EHR is registered", "Begin with `coordinator ehr add NAME URL`.")
    for one in sorted(tenant.organizations.values(), key=lambda each: each.key):
        if not all(one.identifier):
            cure = f"Give it: `coordinator ehr add … --replace --organization {one.key} --identifier 'SYSTEM|VALUE'`."
            yield warn("tenant", f"organization {one.key} has no identifier: no consent can name it", cure)
    for connection in connections:
        if connection.organization not in tenant.organizations:
            cure = f"Register it: `coordinator ehr add {connection.name} … --replace --organization KEY`."
            text = f"the organization of EHR {connection.name} is not known: nothing may be sent there"
            yield fail("tenant", text, cure)


def key_lines(connections: Sequence[EhrConnection], held: Held) -> Iterator[Line]:
    """Look whether each SMART client has its key or secret."""
    if held.keys:
        yield Line(area="keys", text=f"{len(held.keys)} there: {', '.join(sorted(held.keys))}")
    for connection in connections:
        smart = connection.smart
        if smart is None:
            continue
        if smart.method != "private_key_jwt" and smart.key_id not in held.secrets:
            text = f"EHR {connection.name} signs in with secret {smart.key_id}, which is not here"
            yield fail("keys", text, f"Put it in with `coordinator keys secret {smart.key_id}`.")
        if smart.method == "private_key_jwt" and smart.key_id not in held.keys:
            text = f"EHR {connection.name} signs in with key {smart.key_id}, which is not here"
            yield fail("keys", text, "Put it back, or make one with `coordinator keys create` and register it anew.")


def consent_lines(consents: Sequence[ConsentLine]) -> Iterator[Line]:
    """Look for consents that permit nothing although somebody meant them to."""
    yield Line(area="consents", text=f"{len(consents)} in the registry")
    for one in consents:
        if one.state == "defective":
            text = f"consent {one.consent} lacks {', '.join(each.partition(':')[0] for each in one.problems)}"
            yield warn("consents", f"{text}: it permits nothing", "Have it completed and add it again.")


def pull_lines(pulls: Sequence[PullRecord], connections: Sequence[EhrConnection], now: datetime) -> Iterator[Line]:
    """Look how the last pulls went, and how long ago."""
    for connection in connections:
        mine = [one for one in pulls if one.ehr == connection.name]
        if not mine:
            yield warn("pulls", f"{connection.name} was never pulled", _next_step(connection))
            continue
        last = max(one.ended_at for one in mine)
        when = f"{connection.name} last pulled {last.isoformat(timespec='seconds')}"
        if is_file_only(connection):
            yield Line(area="pulls", text=f"{connection.name} gives files, last taken in {last.date()}")
        elif now - last > _OLD:
            yield warn("pulls", f"{when}: more than a day ago", _next_step(connection))
        else:
            yield from _graded(when, mine)


def _graded(when: str, pulls: Sequence[PullRecord]) -> Iterator[Line]:
    """Tell the types of which the view was not complete, with the reason of each.

    What an EHR does not offer at all is how that EHR is, nothing that went wrong.
    """
    offered = [one for one in pulls if not one.reason.startswith(NOT_PULLED)]
    seen = sum(one.seen for one in pulls)
    yield Line(area="pulls", text=f"{when}: {seen} records, {len(offered)} of {len(pulls)} types are offered there")
    by_reason: dict[str, list[str]] = {}
    for one in offered:
        if one.grade is not Grade.COMPLETE:
            by_reason.setdefault(f"{one.grade.value}, {one.reason or 'no reason told'}", []).append(one.type)
    for reason, types in sorted(by_reason.items()):
        cure = f"`coordinator ehr check {pulls[0].ehr}` tells more; what is missing there never reads as ended."
        yield warn("pulls", f"{pulls[0].ehr}: {', '.join(sorted(types))}: {reason}", cure)


def _next_step(connection: EhrConnection) -> str:
    if is_file_only(connection):
        return f"Take in its files with `coordinator import FILE --ehr {connection.name}`."
    return f"Run `coordinator sync --ehr {connection.name}`."


def quarantine_lines(counts: Mapping[str, int]) -> Iterator[Line]:
    """Tell how much could not be read."""
    for ehr, count in sorted(counts.items()):
        yield warn("quarantine", f"{count} records of {ehr} could not be read", "See `coordinator quarantine list`.")


def crowd_lines(carriers: Sequence[int], most: int) -> Iterator[Line]:
    """Tell how many keys of identity are skipped as too many records carry them; which, would tell of people."""
    if carriers:
        yield warn(
            "identity",
            f"{len(carriers)} keys by which records meet are skipped: more than {most} records carry each, "
            f"{max(carriers)} the most common",
            "See whether an EHR fills in one number, phone or address for everybody; `shared_key_most` is the limit.",
        )
