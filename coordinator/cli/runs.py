"""`coordinator sync` and `coordinator plan`."""

from pathlib import Path
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.consents import read_file
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, say, say_diff, show_table
from coordinator.cli.plan_view import SHORT, Owed, guard_of, owed_row, read_owed, status_word, summary_of
from coordinator.cli.progress import watching
from coordinator.cli.session import FAILED, PARTIAL, WAITING, AsJson, WrongWord, sign_head, with_product
from coordinator.fhir import Json
from coordinator.outbox import OPEN, Status
from coordinator.sync.connections import find_ehr
from coordinator.sync.planned import Moved, planned, read_plan, write_plan
from coordinator.sync.run import RunReport, apply_plan, run, take_exports

_STYLES = {Status.OWED: "green", Status.WITHHELD: "yellow"}


def sync(
    context: typer.Context,
    ehr: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this EHR; may be given again.")] = None,
    *,
    full: Annotated[
        bool,
        typer.Option(
            "--full", metavar="", help="Read and check every record anew, changed or not, and reconcile everybody."
        ),
    ] = False,
    export: Annotated[
        bool, typer.Option("--export", metavar="", help="Pull by a bulk export, as for a first load; send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Pull from every EHR, reconcile, write what is owed and verify it.

    A record whose bytes are those we hold costs a hash and is not read again. `--full` reads and checks all of them
    anew and reconciles everybody: after an update of this program, or when in doubt. It sends nothing that is not owed.
    `--export` starts a bulk export at each EHR, or goes on with the one that was started, takes in what it brings and
    decides; what is owed is sent by the next run.
    An EHR that can't be reached does not keep the others waiting; the exit code is then 3.
    """

    async def work(opened: Product, _actor: str) -> RunReport:
        if ehr:
            async with opened.store.transaction() as tx:
                for name in ehr:
                    await find_ehr(tx, name)
        with watching(opened.ehrs) as watched:
            if export:
                done = await take_exports(opened.store, watched, opened.clock, only=ehr or ())
            else:
                done = await run(opened.store, watched, opened.clock, only=ehr or (), is_full=full)
        await sign_head(opened)
        return done

    report = with_product(context, work)
    if as_json:
        print_json(_report(report))
    else:
        _tell(report)
    if report.problems:
        raise typer.Exit(PARTIAL)


def _report(report: RunReport) -> Json:
    return {
        "ehrs": {
            one.ehr: {"seen": one.seen, "changed": one.changed, "missed_by_lane": dict[str, Json](one.missed)}
            for one in report.pulls
        },
        "people": len(report.persons),
        "changed": report.changed,
        "writes": {"applied": report.applied, "verified": report.verified, "withheld": sum(report.withheld.values())},
        "problems": dict(report.problems),
        "run": report.run,
        "paused": list[Json](sorted(report.paused)),
        "elsewhere": list[Json](sorted(report.elsewhere)),
    }


def _tell(report: RunReport) -> None:
    if not report.pulls and not report.problems and not report.paused and not report.elsewhere:
        say("No EHR is registered. Begin with `coordinator ehr add NAME URL`.")
        return
    rows = [[one.ehr, str(one.seen), str(one.changed)] for one in sorted(report.pulls, key=lambda each: each.ehr)]
    show_table("Pulled", ["EHR", "records seen", "new, changed or gone"], rows)
    say(f"People reconciled: {len(report.persons)}. Writes applied: {report.applied}, verified: {report.verified}.")
    withheld = sum(report.withheld.values())
    if withheld:
        say(f"Held back by consent: {withheld}. `coordinator plan` tells why.")
    for name in sorted(report.paused):
        say(f"[yellow]{name}[/yellow] is paused: `coordinator run list` tells by whom and why.")
    for name in sorted(report.elsewhere - report.problems.keys()):
        say(f"{name}: a worker is at it now, and does what is to do there.")
    for name, problem in sorted(report.problems.items()):
        say(f"[red]{name}[/red]: {plain(problem.removeprefix(f'{name}: '))}")


def plan(
    context: typer.Context,
    ehr: Annotated[str, typer.Option(metavar="NAME", help="Only what this EHR is owed.")] = "",
    *,
    brief: Annotated[bool, typer.Option("--brief", metavar="", help="A table, without the differences.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Keep it as a plan for `coordinator apply`.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", metavar="", help="End with 4 when something is owed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is owed to each EHR and not yet there, each write as a difference in FHIR.

    What is withheld is told with its reason and without content.
    """

    async def work(opened: Product, actor: str) -> list[Owed]:
        async with opened.store.transaction() as tx:
            if ehr:
                await find_ehr(tx, ehr)
            entries = await tx.outbox.entries(ehr=ehr or None)
            found = [await read_owed(tx, one) for one in entries if one.status in OPEN]
            persons = {one.entry.intent.person for one in found}
            await note_look(tx, opened, actor, subject="plan", persons=persons)
            return found

    found = with_product(context, work)
    if out is not None:
        lines = planned(one.entry for one in found)
        write_file(out, write_plan(lines, context.obj.settings.tenant))
        say(f"{len(lines)} writes planned. `coordinator apply {plain(out.name)}` sends exactly these.")
    elif as_json:
        print_json([owed_row(one) for one in found])
    elif brief or not found:
        show_table("Owed", ["EHR", "person", "type", "form", "status", "what"], [_cells(one) for one in found])
    else:
        for one in found:
            _show(one)
    if exit_code and found:
        raise typer.Exit(WAITING)


def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plan of `coordinator plan --out`.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send exactly the writes of a plan, after looking at all EHRs anew; where anything has moved, send nothing.

    Consent is asked anew for each write, as always. What else is owed by now waits.
    """
    raw = read_file(file)

    async def work(opened: Product, _actor: str) -> tuple[RunReport, list[Moved]]:
        plan_ = read_plan(raw, context.obj.settings.tenant)
        with watching(opened.ehrs) as watched:
            return await apply_plan(opened.store, watched, opened.clock, plan=plan_)

    report, has_moved = with_product(context, work)
    if as_json:
        rows: list[Json] = [{"key": one.line.key, "ehr": one.line.ehr, "why": one.why} for one in has_moved]
        problems: dict[str, Json] = dict(report.problems)
        print_json({"applied": report.applied, "verified": report.verified, "moved": rows, "problems": problems})
    else:
        _tell_applied(report, has_moved)
    if has_moved:
        raise typer.Exit(FAILED)
    if report.problems:
        raise typer.Exit(PARTIAL)


def _tell_applied(report: RunReport, has_moved: list[Moved]) -> None:
    if has_moved:
        say("Nothing was sent: the world has moved since the plan was made.")
        rows = [[one.line.ehr, one.line.key, plain(one.why)] for one in has_moved]
        show_table("Moved", ["EHR", "key", "why"], rows)
        say("Look again with `coordinator plan`, and make a new one with --out.")
    else:
        say(f"Writes applied: {report.applied}, verified: {report.verified}.")
    for name, problem in sorted(report.problems.items()):
        say(f"[red]{name}[/red]: {plain(problem.removeprefix(f'{name}: '))}")


def write_file(place: Path, content: bytes) -> None:
    """Write a file that only this user may read. Raises WrongWord where that can't be."""
    try:
        place.touch(mode=0o600)
        place.write_bytes(content)
    except OSError as problem:
        raise WrongWord(f"The file {place.name} can't be written.", hint="Check its path and permissions.") from problem


def _cells(owed: Owed) -> list[str]:
    intent = owed.entry.intent
    return [
        intent.ehr,
        intent.person[:SHORT],
        intent.type,
        intent.form.value,
        status_word(owed.entry),
        summary_of(owed.entry),
    ]


def _show(owed: Owed) -> None:
    intent = owed.entry.intent
    style = _STYLES.get(owed.entry.status, "red")
    place = f"{intent.ehr}/{intent.type}/{intent.target or '(new)'}"
    person = f"person {intent.person[:SHORT]}"
    status = plain(status_word(owed.entry))
    say(f"[bold]{plain(place)}[/bold]  {person}  {intent.form.value}  [{style}]{status}[/{style}]")
    say(f"  {plain(summary_of(owed.entry))}")
    if intent.body:
        say(f"  {plain(guard_of(owed))}")
        say_diff(owed.diff)
    say("")
