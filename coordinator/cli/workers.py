"""`coordinator worker`: do the work of a tenant, in this process, until told to stop."""

import asyncio
import signal
import sys
from typing import Annotated

import typer

from coordinator.bootstrap import Crew, Order, work
from coordinator.cli.output import print_json, say
from coordinator.cli.session import PARTIAL, AsJson, Session
from coordinator.fhir import Json
from coordinator.store.queue import Slots
from coordinator.worker import Tally


def worker(
    context: typer.Context,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="How many exchanges with EHRs at once.")
    ] = 4,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Serve /healthz, /readyz, /metrics and our public keys here.")
    ] = "",
    *,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", metavar="", help="Pull from every EHR now, and end when nothing is left.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Pull, reconcile, write and verify as it becomes due, until SIGTERM or Ctrl-C.

    Any number of workers may run, on any number of machines. Told to stop, one lets what runs end, for 25 seconds at
    most; killed, the others do its work. Log lines go to standard error, one JSON object each, without any person.
    """
    session: Session = context.obj
    tally = asyncio.run(_worked(session, Order(slots=Slots(ehrs=concurrency), until_idle=until_idle, listen=listen)))
    if as_json:
        print_json(_counts(tally))
    elif until_idle:
        for name, count in _counts(tally).items():
            say(f"{name}: {count}")
    if until_idle and tally.failed:
        raise typer.Exit(PARTIAL)


async def _worked(session: Session, order: Order) -> Tally:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return await work(Crew(settings=session.settings, order=order, write=_write, stop=stop))


def _write(line: bytes) -> None:
    sys.stderr.buffer.write(line + b"\n")
    sys.stderr.buffer.flush()


def _counts(tally: Tally) -> dict[str, Json]:
    return {"done": dict(sorted(tally.done.items())), "failed": dict(sorted(tally.failed.items()))}
