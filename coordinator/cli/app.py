"""The command line as a tree of commands."""

import sys
from typing import Annotated

import typer

from coordinator.cli import audit, consents, findings, people, runs, sandboxes
from coordinator.cli.session import session_of, told

app = typer.Typer(
    name="coordinator",
    help="Care coordination for people in treatment for substance use, in step with every EHR that knows them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(sandboxes.app, name="sandbox", help="Simulated EHRs: serve a world, connect to it, write a new one.")
app.add_typer(people.app, name="person", help="People and their accounts.")
app.add_typer(findings.app, name="findings", help="What waits for a person to know or decide.")
app.add_typer(consents.app, name="consent", help="The registry of consents under 42 CFR Part 2.")
app.add_typer(audit.app, name="audit", help="Questions to the audit log.")
app.command("sync")(runs.sync)
app.command("plan")(runs.plan)


@app.callback()
def _common(
    context: typer.Context,
    tenant: Annotated[str, typer.Option(help="The tenant; default COORDINATOR_TENANT, else 'default'.")] = "",
    actor: Annotated[str, typer.Option(help="Who asks; default the operating system's user.")] = "",
) -> None:
    context.obj = session_of(tenant=tenant, actor=actor)


def main() -> None:
    """Run the command line of this process."""
    sys.exit(told(app))
