"""`coordinator ehr resume`: go on with an EHR that was set back to a backup, once a person has looked."""

from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.output import plain, print_json, say
from coordinator.cli.session import AsJson, with_product
from coordinator.sync.connections import find_ehr
from coordinator.sync.restored import accept


def resume(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A registered EHR.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Go on with an EHR that seems to have been set back to a backup: take in what it shows now.

    Until then it is not asked and not written to. See first with its operator what was lost there.
    """

    async def work(opened: Product, actor: str) -> None:
        async with opened.store.transaction() as tx:
            await find_ehr(tx, name)
            await accept(tx, name, actor=actor, now=opened.clock.now())

    with_product(context, work)
    if as_json:
        print_json({"ehr": name, "resumed": True})
    else:
        say(f"{plain(name)} is asked again from the next run on, and what it shows then is taken in.")
