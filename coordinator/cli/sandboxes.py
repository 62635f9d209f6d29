"""`coordinator sandbox`: serve a world, connect to it."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from coordinator.bootstrap import Product, connect_world, world_now
from coordinator.cli.output import plain, print_json, say
from coordinator.cli.session import AsJson, Session, WrongWord, with_product
from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.sandbox import read_world, run_until_stopped
from coordinator.sandbox.new_world import write_new_world

app = typer.Typer(no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(metavar="WORLD", help="The folder of the world.")]


@app.command()
def serve(
    context: typer.Context,
    world: Folder,
    port: Annotated[
        int,
        typer.Option(metavar="PORT", min=0, max=65535, help="The port on this machine; 0 takes a free one."),
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Serve a world's EHRs on this machine until stopped."""
    session: Session = context.obj

    def ready(addresses: dict[str, Any]) -> None:
        _remember(session, world, addresses)
        if as_json:
            print_json(addresses)
        else:
            say(f"Control at {addresses['control']}; stop with Ctrl-C.")
            for name, url in addresses["ehrs"].items():
                say(f"  {name}  {url}")

    run_until_stopped(read_world(world), port=port, ready=ready)


@app.command()
def connect(context: typer.Context, world: Folder, *, as_json: AsJson = False) -> None:
    """Register a served world's EHRs, organizations, programs and consents in a fresh tenant."""
    session: Session = context.obj
    addresses = _remembered(session, world)
    loaded = read_world(world)
    now = world_now(addresses["control"])

    async def work(opened: Product, actor: str) -> int:
        async with opened.store.transaction() as tx:
            return await connect_world(tx, loaded, addresses, actor=actor, now=now)

    count = with_product(context, work)
    if as_json:
        print_json({"ehrs": count})
    else:
        say(f"{count} EHRs registered. Next: `coordinator sync`.")


@app.command()
def new(
    world: Annotated[Path, typer.Argument(metavar="WORLD", help="The folder to make; nothing is overwritten.")],
    *,
    people: Annotated[
        int, typer.Option(metavar="N", min=0, max=5000, help="Draw so many people over two to four EHRs.")
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed draws the same world.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a small world to begin with: two EHRs that know one person; with --people one that is drawn by a seed."""
    if seed and not people:
        raise WrongWord("--seed draws nobody by itself.", hint="Give --people N, too.")
    written = write_new_world(world, people=people, seed=seed)
    if as_json:
        print_json({"world": str(world), "files": list[Json](written)})
        return
    if people:
        say(f"{people} people in {sum(name.endswith('ehr.toml') for name in written)} EHRs, drawn by seed {seed}.")
    for name in written if not people else ():
        say(f"  {plain(world / name)}")
    say(f"Next: `coordinator sandbox serve {plain(world)}`, and in another terminal `… connect {plain(world)}`.")


def _file(session: Session, world: Path) -> Path:
    name = hashlib.sha256(str(world.resolve()).encode()).hexdigest()[:16]
    return session.settings.home / "sandboxes" / f"{name}.json"


def _remember(session: Session, world: Path, addresses: dict[str, Any]) -> None:
    file = _file(session, world)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(addresses), encoding="utf-8")


def _remembered(session: Session, world: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_file(session, world).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(
            "This world is not being served for this COORDINATOR_HOME.",
            hint="Run `coordinator sandbox serve` with the same folder first.",
        ) from None
    return found
