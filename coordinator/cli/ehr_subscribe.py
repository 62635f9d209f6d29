"""`coordinator ehr subscribe|unsubscribe`: have an EHR call when something changed, so that its pull comes sooner."""

from typing import Annotated

import typer

from coordinator.audit import Happening, audit_row
from coordinator.bootstrap import Product
from coordinator.cli.ehr_words import read_address
from coordinator.cli.output import plain, print_json, say
from coordinator.cli.session import AsJson, Session, with_product
from coordinator.fhir import Json
from coordinator.sync.connections import find_ehr
from coordinator.sync.subscriptions import LIFE, Subscribed, subscribe, unsubscribe
from coordinator.sync.ways import Hook

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A registered EHR.")]


def subscribe_(
    context: typer.Context,
    name: _Name,
    *,
    endpoint: Annotated[str, typer.Option(metavar="URL", help="Where this service is reached from there.")],
    topic: Annotated[str, typer.Option(metavar="URL", help="A topic, where the EHR has R5-backport ones.")] = "",
    as_json: AsJson = False,
) -> None:
    """Have an EHR call when something changed: that wakes its pull, and nothing in the call is believed.

    The calls carry no content, and a secret of their own. They are renewed by the pulls. Whether any come or not, the
    EHR is polled as before.
    """
    session: Session = context.obj
    address = read_address(endpoint, production=session.settings.production, private_network=True)

    async def work(opened: Product, actor: str) -> Subscribed:
        async with opened.store.transaction() as tx:
            connection = await find_ehr(tx, name)
            happening = Happening(
                kind="configuration", at=opened.clock.now(), actor=actor, subject="ehr subscribe", ehr=name
            )
            await tx.audit.append([audit_row(happening)])
        hook = Hook(
            endpoint=f"{address.url}/hooks/{session.settings.tenant}/{name}",
            topic=topic,
            ends=opened.clock.now() + LIFE,
        )
        async with opened.ehrs.open(connection) as ehr:
            return await subscribe(opened.store, ehr, hook)

    held = with_product(context, work)
    if as_json:
        print_json(_json(held))
    else:
        say(f"{plain(name)} calls {plain(held.endpoint)} when something changed, until {held.ends:%Y-%m-%d %H:%M}Z.")


def unsubscribe_(context: typer.Context, name: _Name, *, as_json: AsJson = False) -> None:
    """Have an EHR call no more; it is polled as before."""

    async def work(opened: Product, _actor: str) -> int:
        async with opened.store.transaction() as tx:
            connection = await find_ehr(tx, name)
        async with opened.ehrs.open(connection) as ehr:
            return await unsubscribe(opened.store, ehr)

    count = with_product(context, work)
    if as_json:
        print_json({"ehr": name, "ended": count})
    else:
        say(f"{count} subscriptions at {plain(name)} have ended.")


def _json(held: Subscribed) -> dict[str, Json]:
    return {
        "ehr": held.ehr,
        "endpoint": held.endpoint,
        "topic": held.topic or None,
        "subscriptions": len(held.ids),
        "ends": held.ends.isoformat(),
    }
