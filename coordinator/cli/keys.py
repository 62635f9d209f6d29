"""`coordinator keys`: key pairs with which we sign in to EHRs; the private half never leaves COORDINATOR_HOME."""

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from coordinator.bootstrap import keys_of
from coordinator.cli.output import plain, print_json, print_text, say, show_table
from coordinator.cli.session import AsJson, Session, WrongWord
from coordinator.ehr import KeyFolder, create_key, public_keys
from coordinator.errors import InvalidInput
from coordinator.fhir import Json

app = typer.Typer(no_args_is_help=True)


class Algorithm(Enum):
    """The signatures that SMART Backend Services knows."""

    RS384 = "RS384"
    ES384 = "ES384"


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The id under which the EHR will know the key (kid).")],
    *,
    alg: Annotated[
        Algorithm, typer.Option(metavar="RS384|ES384", help="The signature; ask the EHR which it takes.")
    ] = Algorithm.RS384,
    as_json: AsJson = False,
) -> None:
    """Make a key pair; the private half stays here, readable by this user alone."""
    try:
        made = create_key(_folder(context), name, alg.value)
    except InvalidInput as problem:
        raise WrongWord(str(problem), hint=problem.hint or "Choose another name.") from None
    if as_json:
        print_json({"key": made.key_id, "algorithm": made.algorithm})
    else:
        say(f"Key {plain(made.key_id)} ({made.algorithm}) is made. Next: give `coordinator keys jwks` to the EHR.")


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the keys that are here."""
    held = KeyFolder(_folder(context)).names()
    if as_json:
        print_json([{"key": one.key_id, "algorithm": one.algorithm} for one in held])
    else:
        show_table("Keys", ["key", "algorithm"], [[one.key_id, one.algorithm] for one in held])


@app.command()
def jwks(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Print the public keys as a JWKS: to register at an EHR, or to publish where it fetches them."""
    found: dict[str, Json] = public_keys(_folder(context))
    if as_json:
        print_json(found)
    else:
        print_text(json.dumps(found, indent=2))


def _folder(context: typer.Context) -> Path:
    session: Session = context.obj
    return keys_of(session.settings)
