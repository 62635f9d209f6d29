"""`coordinator quarantine`: records that could not be read, why, and where."""

import hashlib
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, rows_of, say, show_table
from coordinator.cli.session import AsJson, with_product
from coordinator.errors import NotFound
from coordinator.fhir import Json
from coordinator.sync.records import Quarantined

app = typer.Typer(no_args_is_help=True)
_COLUMNS = ("key", "ehr", "type", "place", "reason", "time")


@app.command("list")
def list_(
    context: typer.Context,
    ehr: Annotated[str, typer.Option(metavar="NAME", help="Only from this EHR.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List what could not be read, without its content."""

    async def work(opened: Product, actor: str) -> list[Quarantined]:
        async with opened.store.transaction() as tx:
            await note_look(tx, opened, actor, subject="quarantine list")
            return [one for one in await tx.pulls.quarantined() if ehr in {"", one.ehr}]

    rows = [_row(one) for one in with_product(context, work)]
    if as_json:
        print_json(list[Json](rows))
    else:
        shown = [{**row, "time": str(row["time"])[:19].replace("T", " ")} for row in rows]
        show_table("Quarantined", _COLUMNS, rows_of(shown, _COLUMNS))


@app.command()
def show(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one with its content; the look is kept in the audit log."""

    async def work(opened: Product, actor: str) -> Quarantined:
        async with opened.store.transaction() as tx:
            found = next((one for one in await tx.pulls.quarantined() if _key(one) == key), None)
            if found is None:
                hint = "`coordinator quarantine list` shows the keys."
                raise NotFound("Nothing is quarantined under this key.", hint=hint)
            await note_look(tx, opened, actor, subject="quarantine")
            return found

    found = with_product(context, work)
    body = found.body.decode("utf-8", "backslashreplace")
    if as_json:
        print_json({**_row(found), "id": found.id, "bytes": len(found.body), "body": body})
        return
    for name, value in _row(found).items():
        say(f"{name:>7}  {plain(value)}")
    say(f"\n{plain(body)}")


def _row(one: Quarantined) -> dict[str, Json]:
    return {
        "key": _key(one),
        "ehr": one.ehr,
        "type": one.type,
        "place": one.place,
        "reason": one.reason,
        "time": one.learned_at.isoformat(),
    }


def _key(one: Quarantined) -> str:
    """Return a key that is stable and tells nothing."""
    return hashlib.sha256(f"{one.ehr}\x1f{one.type}\x1f{one.id}\x1f{one.raw_hash.hex()}".encode()).hexdigest()[:12]
