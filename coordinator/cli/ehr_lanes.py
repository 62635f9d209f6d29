"""`coordinator ehr lane`: the fast lanes of an EHR, how far each has come, and turning them on and off."""

from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.session import AsJson, with_product
from coordinator.fhir import Json
from coordinator.sync.connections import find_ehr
from coordinator.sync.lanes import turn_lanes
from coordinator.sync.records import Cursor

_BY_HAND = "turned off by hand"


def lane(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A registered EHR.")],
    types: Annotated[list[str] | None, typer.Argument(metavar="TYPE", help="Only these types.")] = None,
    *,
    turn: Annotated[bool | None, typer.Option("--on/--off", help="Use them again, or no more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the fast lanes of an EHR, or turn them on or off.

    Where an EHR can say what changed it is asked that, until a full compare of the type is due. A compare that finds
    what the lane had not shown turns it off; it is used again when a person says so.
    """

    async def work(opened: Product, actor: str) -> list[Cursor]:
        async with opened.store.transaction() as tx:
            await find_ehr(tx, name)
            if turn is not None:
                off = "" if turn else f"{_BY_HAND} by {actor}"
                return await turn_lanes(tx, name, types or (), off=off, by=(actor, opened.clock.now()))
            cursors = await tx.pulls.cursors(name)
            return [one for type_, one in sorted(cursors.items()) if not types or type_ in types]

    found = with_product(context, work)
    if as_json:
        print_json([lane_json(one) for one in found])
    elif not found:
        say(f"{plain(name)} has no fast lane yet: one begins with a complete full compare of a type that declares it.")
    else:
        rows = [
            [
                one.type,
                one.way,
                f"{one.mark:%Y-%m-%d %H:%M}Z",
                f"{one.compared_at:%Y-%m-%d %H:%M}Z",
                str(one.missed),
                plain(f"off: {one.off}") if one.off else "on",
            ]
            for one in found
        ]
        show_table("Fast lanes", ["type", "by", "goes on from", "compared in full", "missed", "state"], rows)


def lane_words(one: Cursor | None) -> str:
    """Return how a lane stands, in words."""
    if one is None:
        return "begins with the first complete full compare that shows a record"
    missed = f", {one.missed} changes missed so far" if one.missed else ""
    if one.off:
        return plain(f"off: {one.off}{missed}; `coordinator ehr lane {one.ehr} {one.type} --on` turns it on")
    return f"goes on from {one.mark:%Y-%m-%d %H:%M}Z, compared in full at {one.compared_at:%Y-%m-%d %H:%M}Z{missed}"


def lane_json(one: Cursor) -> dict[str, Json]:
    """Return how far a lane has come, as JSON."""
    return {
        "type": one.type,
        "way": one.way,
        "mark": one.mark.isoformat(),
        "compared_at": one.compared_at.isoformat(),
        "missed": one.missed,
        "off": one.off,
    }
