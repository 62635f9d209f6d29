"""The command line as a tree of commands."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from coordinator import __version__
from coordinator.cli import (
    audit,
    consents,
    deliveries,
    demo,
    doctor,
    ehrs,
    findings,
    imports,
    keys,
    listen,
    pauses,
    people,
    quarantine,
    run_history,
    runs,
    sandboxes,
    seals,
    why,
    workers,
)
from coordinator.cli.output import say
from coordinator.cli.session import session_of
from coordinator.cli.trouble import FAILED, OK, tell_trouble
from coordinator.settings import is_debug

app = typer.Typer(
    name="coordinator",
    help="Care coordination for people in treatment for substance use, in step with every EHR that knows them.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done in part, 4 something waits (with --exit-code).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("demo")(demo.demo)
app.add_typer(sandboxes.app, name="sandbox", help="Simulated EHRs: serve a world, connect to it, write a new one.")
app.add_typer(ehrs.app, name="ehr", help="Connections to EHRs: add, check, remove.")
app.add_typer(keys.app, name="keys", help="Keys for SMART Backend Services: make one, publish its public half.")
app.command("sync")(runs.sync)
app.command("listen")(listen.listen)
app.command("plan")(runs.plan)
app.command("apply")(runs.apply)
app.add_typer(
    deliveries.app, name="delivery", help="How far what is owed has come at each EHR, and who there knows it."
)
app.command("worker")(workers.worker)
app.command("pause")(pauses.pause)
app.command("resume")(pauses.resume)
app.add_typer(run_history.app, name="run", help="What runs did, what failed and why, and another go at it.")
app.command("import")(imports.import_)
app.add_typer(quarantine.app, name="quarantine", help="Records that could not be read, kept whole.")
app.add_typer(people.app, name="person", help="People and their accounts.")
app.command("why")(why.why)
app.add_typer(findings.app, name="findings", help="What waits for a person to know or decide.")
app.add_typer(consents.app, name="consent", help="The registry of consents under 42 CFR Part 2.")
app.add_typer(audit.app, name="audit", help="Questions to the audit log.")
app.add_typer(seals.app, name="seal", help="The keys under which everything that is known about people is kept.")
app.command("doctor")(doctor.doctor)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        say(f"coordinator {__version__}")
        raise typer.Exit(OK)


@app.callback()
def _common(
    context: typer.Context,
    tenant: Annotated[
        str, typer.Option(metavar="NAME", help="The tenant; default COORDINATOR_TENANT, else 'default'.")
    ] = "",
    actor: Annotated[str, typer.Option(metavar="WHO", help="Who asks; default the operating system's user.")] = "",
    *,
    _version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = session_of(tenant=tenant, actor=actor)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code, with any trouble told in a sentence."""
    try:
        code = app(list(arguments), prog_name="coordinator", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; without this the interpreter complains about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last door: beyond it is only a trace
        return tell_trouble(error, debug=is_debug())
    return code if isinstance(code, int) else OK


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a person's letters still shows the rest
    sys.exit(run_command(sys.argv[1:]))
