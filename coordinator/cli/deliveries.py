"""`coordinator delivery`: how far what is owed has come at each EHR, and who there knows it."""

from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, rows_of, say, show_table
from coordinator.cli.plan_view import SHORT, summary_of
from coordinator.cli.session import AsJson, with_product
from coordinator.fhir import Json
from coordinator.outbox import Entry
from coordinator.outbox.delivery import acknowledgment, delivery_key, delivery_of
from coordinator.sync.connections import find_ehr
from coordinator.sync.delivered import acknowledge as keep_acknowledgment
from coordinator.sync.gather import setting_of

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    ehr: Annotated[str, typer.Option(metavar="NAME", help="Only what goes to this EHR.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List how far each need has come: owed, withheld, delivered, acknowledged by the staff, present as data.

    A document or a message is delivered and no more until one of the staff acknowledges it or their own data say it.
    """

    async def work(opened: Product, actor: str) -> list[Entry]:
        async with opened.store.transaction() as tx:
            if ehr:
                await find_ehr(tx, ehr)
            found = [one for one in await tx.outbox.entries(ehr=ehr or None) if delivery_of(one) is not None]
            await note_look(tx, opened, actor, subject="deliveries", persons={one.intent.person for one in found})
            return found

    rows = [_row(one) for one in with_product(context, work)]
    if as_json:
        print_json(list[Json](rows))
        return
    shown = [{**one, "person": str(one["person"])[:SHORT]} for one in rows]
    show_table("Deliveries", _COLUMNS, rows_of(shown, _COLUMNS))


@app.command()
def acknowledge(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key that the list shows.")],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who at the EHR's organization knows it.")],
    how: Annotated[str, typer.Option("--how", metavar="TEXT", help="How you know that.")] = "told us",
    *,
    as_json: AsJson = False,
) -> None:
    """Keep that somebody there knows what was delivered; or that you told them what could not be delivered at all.

    To tell is to disclose: consent is asked first, and the audit log has the event.
    """

    async def work(opened: Product, actor: str) -> Entry:
        async with opened.store.transaction() as tx:
            setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms)
            return await keep_acknowledgment(
                tx, key, told=(by, how), setting=setting, actor=actor, now=opened.clock.now()
            )

    row = _row(with_product(context, work))
    if as_json:
        print_json(row)
    else:
        say(f"{plain(row['ehr'])}: {plain(row['what'])}: {row['delivery']} by {plain(row['by'])}.")


_COLUMNS = ("key", "ehr", "person", "what", "form", "delivery", "by")


def _row(entry: Entry) -> dict[str, Json]:
    state = delivery_of(entry)
    known = acknowledgment(entry)
    return {
        "key": delivery_key(entry),
        "ehr": entry.intent.ehr,
        "person": entry.intent.person,
        "type": entry.intent.type,
        "what": summary_of(entry),
        "form": entry.intent.form.value,
        "delivery": state.value if state is not None else None,
        "by": known.by if known else "",
        "how": known.how if known else "",
        "at": known.at if known else None,
    }
