"""`coordinator audit prune|hold`: what no law asks to keep goes, unless it is held; its hash stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from coordinator.audit import (
    Filter,
    Hold,
    audit_row,
    held_persons,
    hold_of,
    holds_json,
    in_parts,
    prunable_before,
    prune_of,
    pruned_places,
    ranges_of,
    read_holds,
)
from coordinator.bootstrap import Product
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.people import person_of
from coordinator.cli.session import AsJson, sign_head, with_product
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import Json
from coordinator.sync.ports import Transaction

holds = typer.Typer(no_args_is_help=True)
_HOLDS = "audit_holds"
_Name = Annotated[str, typer.Argument(metavar="NAME", help="A name for it, such as that of the case.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pruned:
    before: str
    places: int
    taken: int


def prune(
    context: typer.Context,
    keep_years: Annotated[
        int, typer.Option(metavar="N", min=6, help="Keep so many years; the law asks for six at least.")
    ] = 6,
    *,
    preview: Annotated[
        bool, typer.Option("--preview", metavar="", help="Say how much would go; take nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the bodies of events that no law asks to keep any longer; their hashes stay, and all proofs hold.

    What is under a legal hold stays. The prune is itself an event, kept before anything goes, and names each place.
    """

    async def work(opened: Product, actor: str) -> _Pruned:
        now = opened.clock.now()
        before = prunable_before(now, kept_years=keep_years)
        async with opened.store.transaction() as tx:
            held = held_persons(read_holds(await tx.registry.setting(_HOLDS)))
            places = [] if held is None else await tx.audit.prunable(before, held=held)
        taken = 0
        for part in [] if preview else in_parts(ranges_of(places)):
            async with opened.store.transaction() as tx:
                await tx.audit.append([audit_row(prune_of(part, actor=actor, now=now))])
            async with opened.store.transaction() as tx:
                taken += await tx.audit.prune(await _place_of(tx, part), part)
        await sign_head(opened)
        return _Pruned(before=before.isoformat(), places=len(places), taken=taken)

    found = with_product(context, work)
    if as_json:
        print_json({"before": found.before, "events": found.places, "pruned": found.taken, "preview": preview})
    elif preview:
        say(f"{found.places} events from before {found.before[:10]} would go; their hashes stay.")
    else:
        say(f"{found.taken} events from before {found.before[:10]} are pruned; their hashes stay.")


@holds.command()
def add(
    context: typer.Context,
    name: _Name,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    person: Annotated[str, typer.Option(metavar="ID", help="Only what is about this person.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Hold events: until it is released nothing of a person, or nothing at all, is pruned."""

    async def work(opened: Product, actor: str) -> Hold:
        now = opened.clock.now()
        async with opened.store.transaction() as tx:
            held = read_holds(await tx.registry.setting(_HOLDS))
            if any(one.name == name for one in held):
                raise InvalidInput("There is a hold of that name.", operation="audit hold", hint="Choose another name.")
            who = await person_of(tx, person) if person else None
            made = Hold(name=name, person=who, reason=reason, actor=actor, since=now)
            await _keep(tx, [*held, made])
            await tx.audit.append([audit_row(hold_of(made, is_end=False, actor=actor, now=now))])
            return made

    made = with_product(context, work)
    if as_json:
        print_json(holds_json([made])[0])
    else:
        say(f"{plain(made.name)} holds {'all events' if made.person is None else 'the events of that person'}.")


@holds.command()
def release(context: typer.Context, name: _Name, *, as_json: AsJson = False) -> None:
    """End a hold."""

    async def work(opened: Product, actor: str) -> None:
        async with opened.store.transaction() as tx:
            held = read_holds(await tx.registry.setting(_HOLDS))
            ended = next((one for one in held if one.name == name), None)
            if ended is None:
                hint = "`coordinator audit hold list` shows them."
                raise NotFound("There is no hold of that name.", operation="audit hold", hint=hint)
            await _keep(tx, [one for one in held if one is not ended])
            happening = hold_of(ended, is_end=True, actor=actor, now=opened.clock.now())
            await tx.audit.append([audit_row(happening)])

    with_product(context, work)
    if as_json:
        print_json({"released": name})
    else:
        say(f"{plain(name)} holds nothing any more.")


@holds.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the holds, with whose they are and why."""

    async def work(opened: Product, _actor: str) -> list[Json]:
        async with opened.store.transaction() as tx:
            return holds_json(read_holds(await tx.registry.setting(_HOLDS)))

    rows = with_product(context, work)
    if as_json:
        print_json(rows)
    else:
        columns = ("name", "person", "reason", "actor", "since")
        told = [one for one in rows if isinstance(one, dict)]
        show_table("Legal holds", columns, [[str(one[name] or "everybody") for name in columns] for one in told])


async def _place_of(tx: Transaction, part: Sequence[tuple[int, int]]) -> int:
    """Return the place of the event that tells of this prune."""
    told = await tx.audit.page(Filter(kinds=("prune",)))
    return next(one.seq for one in reversed(told) if pruned_places(one.row.body) == set(part))


async def _keep(tx: Transaction, held: list[Hold]) -> None:
    await tx.registry.put_setting(_HOLDS, holds_json(held))
