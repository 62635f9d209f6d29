"""`coordinator ehr check`: what an EHR can do, which way of pulling and form of writing follow, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.ehr_lanes import lane_json, lane_words
from coordinator.cli.ehr_state import state_of
from coordinator.cli.looks import note_change
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.session import FAILED, AsJson, with_product
from coordinator.ehr import Cause, Report, check_connection
from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.sync.connections import find_ehr, is_file_only, keep_profile
from coordinator.sync.export import kept_job
from coordinator.sync.records import Cursor
from coordinator.sync.subscriptions import Subscribed, subscribed


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What we hold of the ways in which an EHR is pulled: its lanes by type, its calls, an export under way."""

    lanes: Mapping[str, Cursor]
    calls: Subscribed | None = None
    is_exporting: bool = False
    state: Mapping[str, Json] = field(default_factory=dict)


def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A registered EHR.")],
    *,
    accept: Annotated[
        bool, typer.Option("--accept", metavar="", help="Take its statement as it is now for the right one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what an EHR can do, how each type is pulled, in which form each concept can be written, and what is wrong.

    It asks for the statement, with `--smart` for a token, and for the first page of what a pull would ask; it creates
    nothing, searches for nobody by name, and shows nothing about people. What it learns is
    kept with the connection. It ends with 1 where the EHR can't be worked with.
    """

    async def work(opened: Product, actor: str) -> tuple[Report, Held]:
        async with opened.store.transaction() as tx:
            connection = await find_ehr(tx, name)
        if is_file_only(connection):
            raise ConfigurationError(
                f"{connection.name} gives files only: there is no server to check.",
                hint=f"Take in its files with `coordinator import FILE --ehr {connection.name}`.",
            )
        report = await check_connection(opened.ehrs, connection)
        async with opened.store.transaction() as tx:
            await note_change(tx, opened, actor, subject="ehr check", ehr=name)
            if report.is_usable:
                await keep_profile(tx, connection, report.accepting if accept else report.profile)
            lanes, calls = await tx.pulls.cursors(name), await subscribed(tx, name)
            state = state_of(name, await tx.troubles.troubles(), await tx.pauses.pauses())
            is_exporting = await kept_job(tx, name) is not None
            held = Held(lanes=lanes, calls=calls, is_exporting=is_exporting, state=state)
        if accept:
            report = replace(report, problems=tuple(one for one in report.problems if one.cause is not Cause.DRIFT))
        return report, held

    report, held = with_product(context, work)
    if as_json:
        print_json(report_json(report, held))
    else:
        _tell(report, held, is_accepted=accept)
    if not report.is_usable:
        raise typer.Exit(FAILED)


def report_json(report: Report, held: Held) -> dict[str, Json]:
    """Return the report as JSON."""
    return {
        "ehr": report.ehr,
        "usable": report.is_usable,
        "fhir_version": report.fhir_version,
        "software": report.software,
        "vendor": report.vendor,
        "types": [
            {
                "type": one.type,
                "offers": list[Json](one.offers),
                "pulling": one.pulling,
                "reason": one.reason,
                "lane": one.lane,
                "lane_reason": one.lane_reason,
                "lane_state": lane_json(held.lanes[one.type]) if one.type in held.lanes else None,
            }
            for one in report.types
        ],
        "calls": None if held.calls is None else {"to": held.calls.endpoint, "ends": held.calls.ends.isoformat()},
        "exporting": held.is_exporting,
        **held.state,
        "concepts": [
            {"concept": one.concept, "forms": [{"form": form, "type": type_ or None} for form, type_ in one.forms]}
            for one in report.concepts
        ],
        "drift": [
            {"type": one.type, "gained": list[Json](one.gained), "lost": list[Json](one.lost), "loss": one.is_loss}
            for one in report.drift
        ],
        "problems": [{"cause": one.cause.value, "what": one.what, "cure": one.cure} for one in report.problems],
    }


def _tell(report: Report, held: Held, *, is_accepted: bool) -> None:
    if report.is_usable:
        known = f", known to us as {report.vendor}" if report.vendor else ""
        say(f"[bold]{plain(report.ehr)}[/bold]  FHIR {plain(report.fhir_version)}, {plain(report.software)}{known}\n")
        rows = [[one.type, " ".join(one.offers) or "-", one.pulling, one.reason] for one in report.types]
        show_table("Reading", ["type", "it offers", "we pull", "because"], rows)
        _tell_ways(report, held)
        forms = [
            [one.concept, ", then ".join(f"{form} {type_}".strip() for form, type_ in one.forms)]
            for one in report.concepts
        ]
        show_table("Writing", ["concept", "in the first form that fits"], forms)
        if report.drift:
            say("Changed, and accepted now:" if is_accepted else "Changed since its statement was accepted:")
            for one in report.drift:
                say(f"  {plain(one.words)}")
    if (state := str(held.state.get("state", "open"))) != "open":
        say(f"For workers it is [yellow]{plain(state)}[/yellow]: {plain(str(held.state['state_cause']))}")
    if not report.problems:
        say("Nothing is wrong. Next: `coordinator sync`.")
    for problem in report.problems:
        say(f"[yellow]{plain(problem.what)}[/yellow]\n  {plain(problem.cure)}")


def _tell_ways(report: Report, held: Held) -> None:
    """Say how what changed is learned between full compares, and how else the EHR is pulled."""
    lanes = [
        [one.type, one.lane or "-", lane_words(held.lanes.get(one.type)) if one.lane else plain(one.lane_reason)]
        for one in report.types
        if one.lane or "can't be relied on" in one.lane_reason
    ]
    if lanes:
        show_table("Between full compares", ["type", "we ask what changed by", "state"], lanes)
    if held.calls is not None:
        last = f"last at {held.calls.called_at:%Y-%m-%d %H:%M}Z" if held.calls.called_at else "not yet"
        say(
            f"It calls {plain(held.calls.endpoint)} when something changed, until {held.calls.ends:%Y-%m-%d}: {last}.\n"
        )
    if held.is_exporting:
        say("It is at work on an export: `coordinator sync --export` goes on with it.\n")
