"""`coordinator sync` and `coordinator plan`."""

from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.output import print_json, say, show_table
from coordinator.cli.session import PARTIAL, WAITING, AsJson, with_product
from coordinator.fhir import Json
from coordinator.outbox import OPEN, Entry, Status
from coordinator.sync.run import RunReport, run


def sync(
    context: typer.Context,
    ehr: Annotated[list[str] | None, typer.Option(help="Only this EHR; may be given again.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Pull from every EHR, reconcile, write what is owed and verify it."""

    async def work(opened: Product, _actor: str) -> RunReport:
        return await run(opened.store, opened.ehrs, opened.clock, only=ehr or ())

    report = with_product(context, work)
    if as_json:
        print_json(_report(report))
    else:
        _tell(report)
    if report.problems:
        raise typer.Exit(PARTIAL)


def _report(report: RunReport) -> Json:
    return {
        "ehrs": {one.ehr: {"seen": one.seen, "changed": one.changed} for one in report.pulls},
        "people": report.persons,
        "changed": report.changed,
        "writes": {"applied": report.applied, "verified": report.verified, "withheld": report.withheld},
        "problems": dict(report.problems),
    }


def _tell(report: RunReport) -> None:
    rows = [[one.ehr, str(one.seen), str(one.changed)] for one in sorted(report.pulls, key=lambda each: each.ehr)]
    show_table("Pulled", ["EHR", "records seen", "new or changed"], rows)
    say(f"{report.persons} people reconciled; {report.applied} writes applied, {report.verified} verified.")
    for name, problem in sorted(report.problems.items()):
        say(f"[red]{name}[/red]: {problem}")


def plan(
    context: typer.Context,
    *,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 4 when something is owed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is owed to each EHR and not yet there."""

    async def work(opened: Product, _actor: str) -> list[Entry]:
        async with opened.store.transaction() as tx:
            return [one for one in await tx.outbox.entries() if one.status in OPEN]

    entries = with_product(context, work)
    rows = [_row(one) for one in entries]
    if as_json:
        print_json(list[Json](rows))
    else:
        columns = ["EHR", "type", "form", "status", "what"]
        show_table("Owed", columns, [[str(row[name]) for name in _COLUMNS] for row in rows])
    if exit_code and rows:
        raise typer.Exit(WAITING)


_COLUMNS = ("ehr", "type", "form", "status", "summary")


def _row(entry: Entry) -> dict[str, Json]:
    return {
        "ehr": entry.intent.ehr,
        "type": entry.intent.type,
        "form": entry.intent.form.value,
        "status": status_word(entry),
        "reason": entry.reason,
        "summary": entry.intent.summary,
        "person": entry.intent.person,
        "target": entry.intent.target,
        "base": entry.intent.base,
    }


def status_word(entry: Entry) -> str:
    """Return an entry's status in the words of the plan."""
    match entry.status:
        case Status.WITHHELD:
            return f"withheld: {entry.reason}"
        case Status.UNKNOWN | Status.IN_FLIGHT:
            return "unknown"
        case _:
            return "owed"
