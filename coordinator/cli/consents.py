"""`coordinator consent`: add, list, revoke."""

from pathlib import Path
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, rows_of, say, show_table
from coordinator.cli.plan_view import SHORT
from coordinator.cli.session import AsJson, WrongWord, with_product
from coordinator.fhir import Json
from coordinator.sync.tenant import Tenant
from coordinator.workflow import ConsentLine, add_consent, list_consents, revoke_consent

app = typer.Typer(no_args_is_help=True)
_Line = tuple[ConsentLine, Tenant]


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR R4 Consent.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Register a written consent; one with missing elements is kept, says what is missing, and permits nothing."""
    body = read_file(file)

    async def work(opened: Product, actor: str) -> _Line:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            return await add_consent(tx, body, actor=actor, now=now, forms=opened.tenant.forms), opened.tenant

    _tell(with_product(context, work), as_json=as_json)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the consents and whether they are in force."""

    async def work(opened: Product, actor: str) -> list[dict[str, Json]]:
        async with opened.store.transaction() as tx:
            lines = await list_consents(tx, now=opened.clock.now(), forms=opened.tenant.forms)
            persons = {one.person for one in lines if one.person}
            await note_look(tx, opened, actor, subject="consents", persons=persons)
            return [_row(line, opened.tenant) for line in lines]

    lines = with_product(context, work)
    if as_json:
        print_json(list[Json](lines))
        return
    shown = [{name: _cell(name, value) for name, value in one.items()} for one in lines]
    columns = ("consent", "state", "person", "discloser", "recipient", "start", "end", "purposes")
    show_table("Consents", columns, rows_of(shown, columns))


def _cell(name: str, value: Json) -> Json:
    """Return a member for a reader: what is several in one line, and nobody as such."""
    if name == "person":
        return str(value)[:SHORT] if value else "nobody known"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


@app.command()
def revoke(
    context: typer.Context,
    consent: Annotated[str, typer.Argument(metavar="ID", help="The id that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """End a consent: from now on it permits nothing."""

    async def work(opened: Product, actor: str) -> _Line:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            return await revoke_consent(tx, consent, actor=actor, now=now, forms=opened.tenant.forms), opened.tenant

    _tell(with_product(context, work), as_json=as_json)


def read_file(file: Path) -> bytes:
    """Return the bytes of a file. Raises WrongWord."""
    try:
        return file.read_bytes()
    except OSError:
        raise WrongWord(f"The file {file.name} can't be read.", hint="Check its path and permissions.") from None


def _tell(told: _Line, *, as_json: bool) -> None:
    line, tenant = told
    if as_json:
        print_json(_row(line, tenant))
        return
    say(f"Consent {plain(line.consent)}: {line.state}.")
    if line.person is None:
        say("  Nobody known has the identifier that it names; it counts once somebody is known by it.")
    for problem in line.problems:
        say(f"  {plain(problem)}")


def _row(line: ConsentLine, tenant: Tenant) -> dict[str, Json]:
    known = {one.identifier: one.key for one in tenant.organizations.values()}
    return {
        "consent": line.consent,
        "state": line.state,
        "person": line.person,
        "discloser": [known.get(one, "|".join(one)) for one in line.disclosers],
        "recipient": [known.get(one, "|".join(one)) for one in line.recipients],
        "start": line.start,
        "end": line.end,
        "purposes": list(line.purposes),
        "problems": list(line.problems),
    }
