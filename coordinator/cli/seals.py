"""`coordinator seal`: the keys under which everything that is known about people is kept."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from coordinator.audit import Happening, audit_row
from coordinator.bootstrap import Product, place_of
from coordinator.cli.output import print_json, say, show_table
from coordinator.cli.session import AsJson, Session, with_product
from coordinator.errors import InvalidInput
from coordinator.fhir import Json
from coordinator.store import MasterKeyFile, new_master_key, rewrap_keys, rotate_key, tenant_keys

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the keys of this tenant: each with its number, since when it is there, and whether it seals."""
    session: Session = context.obj
    found = asyncio.run(tenant_keys(place_of(session.settings), session.settings.tenant))
    rows: list[Json] = [
        {"number": one.number, "since": one.made_at.isoformat(timespec="seconds"), "seals": one.is_current}
        for one in found
    ]
    if as_json:
        print_json(rows)
    else:
        cells = [[str(one.number), str(one.made_at)[:16], "seals" if one.is_current else "opens"] for one in found]
        show_table("Keys of this tenant", ["number", "since", "state"], cells)


@app.command()
def rotate(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Seal everything by a new key and forget the old one; all other programs must be stopped for that."""
    session: Session = context.obj
    _note(context, "seal rotate")
    rows = asyncio.run(rotate_key(place_of(session.settings), session.settings.tenant))
    if as_json:
        print_json({"rows": rows})
    else:
        say(f"{rows} rows are sealed by a new key; the old one is forgotten. Backups from before still need theirs.")


@app.command()
def rewrap(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the new master key.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Put the keys of this tenant under another master key; name it by COORDINATOR_MASTER_KEY_FILE from then on."""
    session: Session = context.obj
    _note(context, "seal rewrap")
    count = asyncio.run(rewrap_keys(place_of(session.settings), session.settings.tenant, MasterKeyFile(file)))
    if as_json:
        print_json({"keys": count})
    else:
        say(f"{count} keys are under the new master key. Set COORDINATOR_MASTER_KEY_FILE to it now.")


@app.command("new-master-key")
def make_master_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is kept from now on.")],
) -> None:
    """Make a master key in a new file that only this user may read. Keep a copy of it away from the database."""
    if file.exists():
        raise InvalidInput(
            "This file is there already.",
            operation="make master key",
            hint="A master key is never overwritten: choose another name.",
        )
    new_master_key(file.absolute())
    say("The master key is made. Keep a copy elsewhere: without it nothing that is sealed under it can be read.")


def _note(context: typer.Context, subject: str) -> None:
    """Keep in the log that it was asked for, before anything is changed."""

    async def work(opened: Product, actor: str) -> None:
        async with opened.store.transaction() as tx:
            happening = Happening(kind="configuration", at=opened.clock.now(), actor=actor, subject=subject)
            await tx.audit.append([audit_row(happening)])

    with_product(context, work)
