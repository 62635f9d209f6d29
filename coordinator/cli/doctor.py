"""`coordinator doctor`: looks at everything that a run needs, says how each stands, and what mends it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from coordinator.bootstrap import SystemClock, clock_of, keys_of, place_of, unsafe_settings, unsafe_tenant
from coordinator.cli.doctor_checks import (
    Line,
    State,
    consent_lines,
    crowd_lines,
    database_line,
    fail,
    home_lines,
    key_lines,
    pull_lines,
    quarantine_lines,
    safety_lines,
    tenant_lines,
)
from coordinator.cli.doctor_ehrs import ehr_lines
from coordinator.cli.ehr_words import Held
from coordinator.cli.output import plain, print_json, say
from coordinator.cli.session import FAILED, AsJson, Session
from coordinator.cli.trouble import trouble_of
from coordinator.clock import Clock
from coordinator.ehr import EhrRoom, KeyFolder
from coordinator.errors import CoordinatorError
from coordinator.fhir import Json
from coordinator.reconcile.rules import limit
from coordinator.settings import Settings
from coordinator.store import PostgresStore, open_store
from coordinator.sync.records import EhrConnection, PullRecord
from coordinator.sync.tenant import Tenant, read_tenant
from coordinator.workflow import ConsentLine, list_consents

_SIGNS = {State.OK: "[green]ok[/green]  ", State.WARN: "[yellow]warn[/yellow]", State.FAIL: "[red]fail[/red]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """What the store says of a tenant."""

    tenant: Tenant
    connections: tuple[EhrConnection, ...]
    consents: tuple[ConsentLine, ...]
    pulls: tuple[PullRecord, ...]
    quarantined: Counter[str]
    crowds: tuple[int, ...]


def doctor(
    context: typer.Context,
    *,
    local: Annotated[bool, typer.Option("--local", metavar="", help="Ask no EHR; only look at what is here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at database, EHRs, keys, clock, tenant, consents, last pulls and disk; a failure ends with 1.

    It changes nothing that was set up, searches nobody, and shows nothing about people. Where there is no database yet,
    the one that comes with us is started.
    """
    session: Session = context.obj
    lines = asyncio.run(_examined(session.settings, asks_ehrs=not local))
    if as_json:
        print_json({"ok": not _has_failed(lines), "lines": [_row(one) for one in lines]})
    else:
        _tell(lines)
    if _has_failed(lines):
        raise typer.Exit(FAILED)


async def _examined(settings: Settings, *, asks_ehrs: bool) -> list[Line]:
    lines = list(_guarded("disk", lambda: home_lines(settings.home)))
    unsafe = [(one.what, one.cure) for one in unsafe_settings(settings)]
    lines += safety_lines(unsafe, is_production=settings.production)
    try:
        async with open_store(place_of(settings), settings.tenant) as store:
            lines.append(database_line(settings, await store.server_version()))
            lines += await _of_store(store, settings, asks_ehrs=asks_ehrs)
    except CoordinatorError as trouble:
        lines.append(fail("database", str(trouble), trouble.hint or "Look at its log."))
    return lines


async def _of_store(store: PostgresStore, settings: Settings, *, asks_ehrs: bool) -> list[Line]:
    async with store.transaction() as tx:
        tenant = await read_tenant(tx)
    lines: list[Line] = []
    clock = _clock(tenant, settings, lines)
    records = await _read(store, tenant, clock)
    unsafe = [(one.what, one.cure) for one in unsafe_tenant(tenant, records.connections)]
    lines += safety_lines(unsafe, is_production=settings.production)
    keys = KeyFolder(keys_of(settings))
    lines += _guarded("tenant", lambda: tenant_lines(tenant, records.connections))
    lines += _guarded(
        "keys", lambda: key_lines(records.connections, Held(keys=tuple(keys.known()), secrets=tuple(keys.secrets())))
    )
    lines += _guarded("consents", lambda: consent_lines(records.consents))
    lines += _guarded("pulls", lambda: pull_lines(records.pulls, records.connections, clock.now()))
    lines += _guarded("quarantine", lambda: quarantine_lines(records.quarantined))
    lines += _guarded("identity", lambda: crowd_lines(records.crowds, _most(tenant)))
    if not asks_ehrs:
        return lines
    room = EhrRoom(clock=clock, keys=keys_of(settings))
    found = await asyncio.gather(*(ehr_lines(room, one) for one in records.connections))
    return [*lines, *(line for group in found for line in group)]


async def _read(store: PostgresStore, tenant: Tenant, clock: Clock) -> _Records:
    async with store.transaction() as tx:
        return _Records(
            tenant=tenant,
            connections=tuple(await tx.registry.ehrs()),
            consents=tuple(await list_consents(tx, now=clock.now(), forms=tenant.forms)),
            pulls=tuple(await tx.pulls.last_pulls()),
            quarantined=Counter(one.ehr for one in await tx.pulls.quarantined()),
            crowds=tuple(await tx.people.crowds(_most(tenant))),
        )


def _most(tenant: Tenant) -> int:
    """Return how many records may carry a key of identity before it names nobody."""
    return int(limit("shared_key_most", tenant.options))


def _clock(tenant: Tenant, settings: Settings, lines: list[Line]) -> Clock:
    """Return the clock that a run would follow; the machine's where the sandbox does not answer."""
    try:
        clock = clock_of(tenant, settings)
    except CoordinatorError as trouble:
        lines.append(fail("clock", str(trouble), trouble.hint))
        return SystemClock()
    whose = "the sandbox's world" if tenant.control and not settings.production else "this machine"
    lines.append(Line(area="clock", text=f"{clock.now().isoformat(timespec='seconds')}, the clock of {whose}"))
    return clock


def _guarded(area: str, look: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """Yield the lines of one look; trouble in it is a line, too, and does not end the others."""
    try:
        yield from look()
    except (CoordinatorError, OSError) as trouble:
        cure = trouble.hint if isinstance(trouble, CoordinatorError) else ""
        text = str(trouble) if isinstance(trouble, CoordinatorError) else trouble_of(trouble)[0]
        yield fail(area, text, cure or "Mend this first, then run the doctor again.")


def _has_failed(lines: Iterable[Line]) -> bool:
    return any(one.state is State.FAIL for one in lines)


def _row(line: Line) -> Json:
    return {"area": line.area, "state": line.state.value, "text": line.text, "cure": line.cure}


def _tell(lines: list[Line]) -> None:
    for line in lines:
        say(f"{_SIGNS[line.state]}  {line.area:<10}  {plain(line.text)}")
        if line.cure:
            say(f"{'':<18}{plain(line.cure)}")
    worst = next((one for one in lines if one.state is State.FAIL), None) or next(
        (one for one in lines if one.state is State.WARN), None
    )
    say("")
    say(f"Next: {plain(worst.cure)}" if worst else "All is well.")
