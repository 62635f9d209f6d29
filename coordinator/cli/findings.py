"""`coordinator findings`: the worklist, and a person's answer."""

import json
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.looks import note_look
from coordinator.cli.output import print_json, say, show_table
from coordinator.cli.session import WAITING, AsJson, WrongWord, with_product
from coordinator.fhir import BadJson, Json, parse
from coordinator.reconcile import Finding, finding_json
from coordinator.workflow import Answer, find_finding, resolve_finding, short_key

app = typer.Typer(no_args_is_help=True)
RESOLVED = "resolved"


@app.command("list")
def list_(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", metavar="", help="Also what is resolved.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", metavar="", help="End with 4 when something is open.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person."""

    async def work(opened: Product, actor: str) -> list[tuple[str, Finding]]:
        async with opened.store.transaction() as tx:
            found = [one for one in await tx.accounts.findings() if everything or one[1].status != RESOLVED]
            await note_look(tx, opened, actor, subject="findings", persons={person for person, _ in found})
            return found

    found = with_product(context, work)
    if as_json:
        print_json([finding_row(person, finding) for person, finding in found])
    else:
        rows = [[short_key(who, one), who, one.urgency, one.code, one.sentence] for who, one in found]
        show_table("Findings", ["key", "person", "urgency", "code", "what"], rows)
    if exit_code and any(one.status != RESOLVED for _, one in found):
        raise typer.Exit(WAITING)


@app.command()
def show(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one finding with its facts and evidence."""

    async def work(opened: Product, actor: str) -> tuple[str, Finding]:
        async with opened.store.transaction() as tx:
            found = await find_finding(tx, key)
            await note_look(tx, opened, actor, subject="finding", persons=[found[0]])
            return found

    person, finding = with_product(context, work)
    row = finding_row(person, finding)
    if as_json:
        print_json(row)
        return
    say(f"[bold]{finding.code}[/bold] ({finding.urgency}, {finding.status}) of person {person}")
    say(f"{finding.sentence}\n{finding.suggestion}")
    say(json.dumps(row["facts"], indent=2, default=str, ensure_ascii=False))
    for citation in finding.evidence:
        say(f"  evidence {citation}")


@app.command()
def resolve(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key that the list shows.")],
    value: Annotated[str, typer.Option(metavar="JSON", help='The answer as JSON, such as {"end": "2026-04-01"}.')],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: it is kept with the decision.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Answer a finding; the next sync applies it."""
    answer = _answer(value)

    async def work(opened: Product, actor: str) -> tuple[str, Finding]:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            answered = Answer(value=answer, reason=reason)
            return await resolve_finding(tx, key, answered, actor=actor, now=now)

    person, finding = with_product(context, work)
    if as_json:
        print_json({"key": key, "code": finding.code, "person": person, "value": answer, "reason": reason})
    else:
        say(f"Decided. `coordinator sync` applies it to person {person}.")


def _answer(text: str) -> dict[str, Json]:
    hint = """Such as '{"end": "2026-04-01"}', with quotes around it for the shell."""
    try:
        value = parse(text.encode())
    except (BadJson, UnicodeError):
        raise WrongWord("--value is no JSON.", hint=hint) from None
    if not isinstance(value, dict):
        raise WrongWord("--value is no JSON object.", hint=hint)
    return value


def finding_row(person: str, finding: Finding) -> dict[str, Json]:
    """Return a finding as the commands show it: under its short key, with the person it is about."""
    return finding_json(finding) | {"key": short_key(person, finding), "person": person}
