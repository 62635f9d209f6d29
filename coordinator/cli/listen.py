"""`coordinator listen`: take the calls of EHRs that were subscribed to, and run for whoever called."""

import asyncio
import signal
from contextlib import suppress
from typing import Annotated

import typer

from coordinator.api import create_app, hook_routes, listening
from coordinator.bootstrap import Calls, Product
from coordinator.cli.output import plain, say
from coordinator.cli.session import Session, with_product
from coordinator.sync.run import RunReport


def listen(
    context: typer.Context,
    at: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:8090",
) -> None:
    """Take the calls of EHRs that were subscribed to (`ehr subscribe`) until stopped, and pull from each that calls.

    Workers do that where there are any; else it syncs with that EHR itself. A call is believed in nothing but that it
    has the secret. Put a proxy with TLS before it: EHRs call it from outside. Workers, or `coordinator sync` on a
    schedule, stay necessary: that no call came proves nothing.
    """
    session: Session = context.obj

    async def work(opened: Product, _actor: str) -> None:
        calls = Calls(
            tenant=session.settings.tenant, store=opened.store, ehrs=opened.ehrs, clock=opened.clock, told=_tell
        )
        async with listening(create_app(hook_routes(calls)), at) as here:
            say(f"Listening at http://{here.host}:{here.port}/hooks; stop with Ctrl-C.")
            await _until_stopped(calls)

    with_product(context, work)


async def _until_stopped(calls: Calls) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    working = asyncio.create_task(calls.work())
    ending = asyncio.create_task(stopped.wait())
    await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
    if ending.done():
        working.cancel()
    ending.cancel()
    with suppress(asyncio.CancelledError):
        await working  # what went wrong in it goes on upward


def _tell(ehr: str, report: RunReport) -> None:
    say(f"{plain(ehr)} called: {report.seen} records seen, {report.received} changed, {report.applied} writes applied.")
    for name, problem in sorted(report.problems.items()):
        say(f"[red]{plain(name)}[/red]: {plain(problem)}")
