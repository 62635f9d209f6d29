"""`coordinator keys`: what we sign in with to EHRs; private halves and secrets never leave COORDINATOR_HOME."""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from coordinator.api import Listening, create_app, key_routes, until_stopped
from coordinator.audit import AuditRow, Happening, audit_row
from coordinator.bootstrap import KeysOfFolder, Product, SystemClock, keys_of
from coordinator.cli.output import plain, print_json, print_text, say, show_table
from coordinator.cli.session import AsJson, Session, WrongWord, with_product
from coordinator.ehr import OVERLAP, KeyFolder, KeyName, create_key, public_keys
from coordinator.errors import InvalidInput
from coordinator.fhir import Json
from coordinator.sync.records import EhrConnection

app = typer.Typer(no_args_is_help=True)

_KeyArgument = Annotated[str, typer.Argument(metavar="NAME", help="The id of a key that is here.")]
_SecretArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name by which connections speak of it.")]


class Algorithm(Enum):
    """The signatures that SMART Backend Services knows."""

    RS384 = "RS384"
    ES384 = "ES384"


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The id under which the EHR will know the key (kid).")],
    *,
    alg: Annotated[
        Algorithm, typer.Option(metavar="RS384|ES384", help="The signature; ask the EHR which it takes.")
    ] = Algorithm.RS384,
    as_json: AsJson = False,
) -> None:
    """Make a key pair; the private half stays here, readable by this user alone."""

    async def work(opened: Product, actor: str) -> KeyName:
        now = SystemClock().now()
        async with opened.store.transaction() as tx:
            await tx.audit.append([_event("keys create", actor, opened.clock.now())])
            try:
                return create_key(_folder(context), name, alg.value, now=now)
            except InvalidInput as problem:
                raise WrongWord(str(problem), hint=problem.hint or "Choose another name.") from None

    made = with_product(context, work)
    if as_json:
        print_json({"key": made.key_id, "algorithm": made.algorithm})
    else:
        say(f"Key {plain(made.key_id)} ({made.algorithm}) is made. Next: give `coordinator keys jwks` to the EHR.")


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the keys that are here: does each sign, since when, and for which EHRs of this tenant."""

    async def work(opened: Product, _actor: str) -> tuple[list[EhrConnection], datetime]:
        async with opened.store.transaction() as tx:
            return await tx.registry.ehrs(), opened.clock.now()

    connections, now = with_product(context, work)
    folder = KeyFolder(_folder(context))
    used = _used(folder, connections, now)
    rows = [_row(one, used.get(one.key_id, []), now) for one in folder.names()]
    secrets = folder.secrets()
    if as_json:
        print_json(list[Json](rows))
        return
    shown = [[str(row[name]) for name in ("key", "algorithm", "state", "age")] + [_listed(row["ehrs"])] for row in rows]
    show_table("Keys", ["key", "algorithm", "state", "age", "EHRs"], shown)
    if secrets:
        say(f"Secrets: {plain(', '.join(secrets))}.")


def _used(folder: KeyFolder, connections: list[EhrConnection], now: datetime) -> dict[str, list[str]]:
    """Return which EHRs each key signs for."""
    used: dict[str, list[str]] = {}
    known = folder.known()
    for one in connections:
        if one.smart is not None and one.smart.method == "private_key_jwt" and one.smart.key_id in known:
            used.setdefault(folder.signing(one.smart.key_id, now)[0], []).append(one.name)
    return used


def _row(key: KeyName, ehrs: list[str], now: datetime) -> dict[str, Json]:
    if not key.signs(now):
        state = f"old, {key.next} signs in its place"
    elif key.signs_until is not None:
        state = f"signs until {key.signs_until.isoformat(timespec='minutes')}, then {key.next}"
    else:
        state = "signs" if ehrs else "ready"
    return {
        "key": key.key_id,
        "algorithm": key.algorithm,
        "state": state,
        "created": key.created.isoformat() if key.created else None,
        "age": _age(key.created, now),
        "ehrs": list[Json](ehrs),
    }


def _age(created: datetime | None, now: datetime) -> str:
    if created is None:
        return "unknown"
    days = max(0, (now - created).days)
    return f"{days} days" if days != 1 else "1 day"


def _listed(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) and value else "-"


@app.command()
def rotate(
    context: typer.Context,
    name: _KeyArgument,
    *,
    overlap: Annotated[
        int, typer.Option(metavar="HOURS", min=0, help="How long the old key still signs while EHRs fetch the next.")
    ] = int(OVERLAP.total_seconds() // 3600),
    as_json: AsJson = False,
) -> None:
    """Make the next key of a key: both are in the JWKS, and after the overlap the next one signs for the same EHRs."""

    async def work(opened: Product, actor: str) -> tuple[KeyName, datetime]:
        now = opened.clock.now()
        async with opened.store.transaction() as tx:
            await tx.audit.append([_event("keys rotate", actor, now)])
            return KeyFolder(_folder(context)).rotate(name, overlap=timedelta(hours=overlap), now=now), now

    made, now = with_product(context, work)
    since = (now + timedelta(hours=overlap)).isoformat(timespec="minutes")
    if as_json:
        print_json({"key": made.key_id, "algorithm": made.algorithm, "signs_from": since})
        return
    say(f"Key {plain(made.key_id)} is in the JWKS and signs in the place of {plain(name)} from {since} on.")
    say("Next: see that each EHR has fetched or been given `coordinator keys jwks` by then; later `keys retire`.")


@app.command()
def retire(context: typer.Context, name: _KeyArgument, *, as_json: AsJson = False) -> None:
    """Take an old key out of the JWKS and delete its private half; it is refused while an EHR signs in with it."""
    folder = KeyFolder(_folder(context))

    async def work(opened: Product, actor: str) -> None:
        now = opened.clock.now()
        async with opened.store.transaction() as tx:
            used = _used(folder, await tx.registry.ehrs(), now).get(name)
            if used and not any(one.next for one in folder.names() if one.key_id == name):
                hint = f"`coordinator keys rotate {name}` first, or register them anew with another key."
                raise InvalidInput(f"{name} signs for: {', '.join(used)}.", operation="retire key", hint=hint)
            await tx.audit.append([_event("keys retire", actor, now)])
            folder.retire(name, now=now)

    with_product(context, work)
    if as_json:
        print_json({"retired": name})
    else:
        say(f"Key {plain(name)} is out of the JWKS, and its private half is deleted.")


@app.command()
def secret(context: typer.Context, name: _SecretArgument, *, as_json: AsJson = False) -> None:
    """Keep a client's secret or a password, asked for without showing it, or read from standard input."""
    given = typer.prompt("Secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    value = given.strip()
    if not value or not value.isprintable():
        raise WrongWord("No secret was given.", hint="Type it, or pipe one line in.")

    async def work(opened: Product, actor: str) -> None:
        async with opened.store.transaction() as tx:
            await tx.audit.append([_event("keys secret", actor, opened.clock.now())])
            try:
                KeyFolder(_folder(context)).put_secret(name, value)
            except InvalidInput as problem:
                raise WrongWord(str(problem), hint=problem.hint or "Choose another name.") from None

    with_product(context, work)
    if as_json:
        print_json({"secret": name})
    else:
        say(f"Secret {plain(name)} is kept, readable by this user alone.")


def _event(subject: str, actor: str, now: datetime) -> AuditRow:
    return audit_row(Happening(kind="configuration", at=now, actor=actor, subject=subject))


@app.command()
def jwks(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Print the public keys as a JWKS: to register at an EHR, or to publish where it fetches them."""
    found: dict[str, Json] = public_keys(_folder(context))
    if as_json:
        print_json(found)
    else:
        print_text(json.dumps(found, indent=2))


@app.command()
def serve(
    context: typer.Context,
    *,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to answer; behind a proxy that speaks https.")
    ] = "127.0.0.1:8090",
    as_json: AsJson = False,
) -> None:
    """Serve the public keys at /.well-known/jwks.json until stopped, for EHRs that fetch them; nothing else is there.

    The keys are read at each request, so that a rotation shows at once. Put a proxy with a certificate before it:
    EHRs fetch keys over https only.
    """
    routes = key_routes(KeysOfFolder(_folder(context)))

    def ready(place: Listening) -> None:
        url = f"http://{place.host}:{place.port}/.well-known/jwks.json"
        if as_json:
            print_json({"jwks": url})
        else:
            say(f"Public keys at {url}; stop with Ctrl-C.")

    asyncio.run(until_stopped(create_app(routes), listen, ready=ready))


def _folder(context: typer.Context) -> Path:
    session: Session = context.obj
    return keys_of(session.settings)
