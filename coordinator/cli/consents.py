"""`coordinator consent`: add, list, revoke."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.session import AsJson, WrongWord, with_product
from coordinator.fhir import Json
from coordinator.workflow import ConsentLine, add_consent, list_consents, revoke_consent

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR R4 Consent.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Register a written consent; one with missing elements is kept, says what is missing, and permits nothing."""
    body = read_file(file)

    async def work(opened: Product, actor: str) -> ConsentLine:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            return await add_consent(tx, body, actor=actor, now=now, forms=opened.tenant.forms)

    _tell(with_product(context, work), as_json=as_json)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the consents and whether they are in force."""

    async def work(opened: Product, _actor: str) -> list[ConsentLine]:
        async with opened.store.transaction() as tx:
            return await list_consents(tx, now=opened.clock.now(), forms=opened.tenant.forms)

    lines = with_product(context, work)
    if as_json:
        print_json([_row(line) for line in lines])
        return
    rows = [[one.consent, one.state, one.start or "", one.end or "", " ".join(one.purposes)] for one in lines]
    show_table("Consents", ["consent", "state", "from", "until", "purposes"], rows)


@app.command()
def revoke(
    context: typer.Context,
    consent: Annotated[str, typer.Argument(metavar="ID", help="The id that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """End a consent: from now on it permits nothing."""

    async def work(opened: Product, actor: str) -> ConsentLine:
        async with opened.store.transaction() as tx:
            now = opened.clock.now()
            return await revoke_consent(tx, consent, actor=actor, now=now, forms=opened.tenant.forms)

    _tell(with_product(context, work), as_json=as_json)


def read_file(file: Path) -> bytes:
    """Return the bytes of a file. Raises WrongWord."""
    try:
        return file.read_bytes()
    except OSError:
        raise WrongWord(f"The file {file.name} can't be read.", hint="Check its path and permissions.") from None


def _tell(line: ConsentLine, *, as_json: bool) -> None:
    if as_json:
        print_json(_row(line))
        return
    say(f"Consent {plain(line.consent)}: {line.state}.")
    for problem in line.problems:
        say(f"  {plain(problem)}")


def _row(line: ConsentLine) -> Json:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(line).items()}
