"""`coordinator run`: what runs did, what failed and why, and another go at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.looks import note_change, note_look
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.session import AsJson, WrongWord, with_product
from coordinator.errors import NotFound
from coordinator.fhir import Json
from coordinator.sync.work.holding import is_dead, read_job, retry
from coordinator.sync.work.records import Job, Pause, Run, RunOutcome, RunRow, Trouble, Work

app = typer.Typer(no_args_is_help=True)

_SEEN = 1000  # runs that `show` looks through for a number
_BAD = (RunOutcome.FAILED, RunOutcome.LOST, RunOutcome.PARTIAL)

# count -> what became of the rows that it counts
_COUNTS: dict[str, tuple[str, ...]] = {
    "received": ("received",),
    "unreadable": ("unreadable",),
    "gone": ("gone",),
    "owed": ("owed",),
    "written": ("applied", "verified"),
    "conflicted": ("conflict",),
    "refused": ("refused",),
    "unknown": ("unknown", "in-flight"),
    "withheld": ("withheld",),
    "obsolete": ("obsolete",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    runs: Sequence[Run]
    troubles: Sequence[Trouble]
    pauses: Sequence[Pause]


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many of the last runs.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List the last runs, by hand and by workers: what failed first, by cause.

    Read is received, unchanged and unreadable together; each count leads to its rows by `coordinator run show`.
    """

    async def work(opened: Product, _actor: str) -> _History:
        async with opened.store.transaction() as tx:
            return _History(
                runs=await tx.runs.runs(limit=limit),
                troubles=await tx.troubles.troubles(),
                pauses=await tx.pauses.pauses(),
            )

    found = with_product(context, work)
    if as_json:
        print_json(
            {
                "failing": [_trouble_row(one) for one in found.troubles],
                "paused": [_pause_row(one) for one in found.pauses],
                "runs": [_run_row(one) for one in _worst_first(found.runs)],
            }
        )
    else:
        _tell(found)


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="RUN", help="The number that the list shows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one run: how it ended, its counts, and each row behind them by its key."""

    async def work(opened: Product, actor: str) -> tuple[Run, list[RunRow]]:
        async with opened.store.transaction() as tx:
            runs = [one for one in await tx.runs.runs(limit=_SEEN) if one.number == number]
            if not runs:
                raise NotFound(f"There is no run {number}.", operation="run show", hint="`run list` shows the last.")
            await note_look(tx, opened, actor, subject="run")
            return runs[0], await tx.runs.rows(number)

    run, rows = with_product(context, work)
    if as_json:
        told: list[Json] = [
            {"outcome": one.outcome, "ehr": one.ehr, "key": one.key, "reason": one.reason} for one in rows
        ]
        print_json({**_run_row(run), "rows": told})
        return
    say(f"Run {run.number} ({run.work}{f' {run.ehr}' if run.ehr else ''}): {run.outcome.value}. {plain(run.cause)}")
    say(_counts_line(run))
    if run.unchanged:
        say(f"[dim]The {run.unchanged} unchanged are records that we hold as they are; they have no rows here.[/dim]")
    cells = [[one.outcome, one.ehr, one.key, one.reason] for one in rows]
    show_table("Rows", ["outcome", "EHR", "key", "reason"], cells)


@app.command("retry")
def retry_(
    context: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]…", help="What failed, such as pull/north; see the list.")
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", metavar="", help="All that failed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try anew what failed, also what was given up: workers begin at once, `sync` with its next run."""
    if bool(keys) == all_:
        raise WrongWord("Name what to try anew, or all.", hint="Give keys that `run list` shows, or --all.")
    jobs = [read_job(key) for key in keys or ()]

    async def work(opened: Product, actor: str) -> list[Job]:
        async with opened.store.transaction() as tx:
            await note_change(tx, opened, actor, subject="run retry")
            return await retry(tx, jobs)

    asked = with_product(context, work)
    if as_json:
        print_json({"retried": [_key(job) for job in asked]})
    else:
        say(f"Asked for anew: {plain(', '.join(map(_key, asked)))}." if asked else "Nothing has failed.")


# ---- words -----------------------------------------------------------------------------------------------------------


def _tell(found: _History) -> None:
    for one in found.pauses:
        what = "All work" if not one.name else f"{one.kind.value} {one.name}"
        since = f"{one.since:%Y-%m-%d %H:%M}"
        say(f"[yellow]Paused[/yellow]: {plain(what)}, by {plain(one.actor)} since {since}: {plain(one.reason)}")
    for failing in found.troubles:
        is_over = is_dead(failing)
        style, then = ("red", "given up: `coordinator run retry`") if is_over else ("yellow", "is tried again")
        key, cause = plain(_key(failing.job)), plain(failing.cause)
        say(f"[{style}]Failing[/{style}]: {key}, {failing.times} times, {then}. {cause}")
    bad = [one for one in found.runs if one.outcome in _BAD and not _is_over(one, found)]
    causes = sorted(bad, key=_cause)
    rows = [_cause_cells(list(group)) for _, group in groupby(causes, key=_cause)]
    if rows:
        show_table("Wrong now, by cause", ["outcome", "work", "EHR", "times", "last run", "cause"], rows)
    columns = ["run", "began", "work", "EHR", "outcome", "read", "unchanged", *_COUNTS, "matched", "people"]
    cells = [_cells(one) for one in _worst_first(found.runs)]
    kept = [place for place in range(len(columns)) if any(row[place] for row in cells)]
    show_table("Runs", [columns[place] for place in kept], [[row[place] for place in kept] for row in cells])


def _is_over(run: Run, found: _History) -> bool:
    """Say whether what went wrong is past: the same work ended otherwise since, or fails for nobody any more."""
    if run.work == Work.PERSON.value:
        return all(one.job.work is not Work.PERSON or one.cause != run.cause for one in found.troubles)
    same = [one for one in found.runs if (one.work, one.ehr) == (run.work, run.ehr) and one.ended_at is not None]
    newest = max(same, key=lambda one: one.number, default=run)
    return newest.number > run.number and _cause(newest) != _cause(run)


def _worst_first(runs: Sequence[Run]) -> list[Run]:
    order = {outcome: place for place, outcome in enumerate(RunOutcome)}
    return sorted(runs, key=lambda one: (order[one.outcome], -one.number))


def _cause(run: Run) -> tuple[str, str, str, str]:
    return run.outcome.value, run.work, run.ehr, run.cause


def _cause_cells(runs: Sequence[Run]) -> list[str]:
    newest = max(runs, key=lambda one: one.number)
    return [newest.outcome.value, newest.work, newest.ehr, str(len(runs)), str(newest.number), newest.cause or _LOST]


_LOST = "The program that did it ended without a word; what it left is done by others."


def _cells(run: Run) -> list[str]:
    counts = [run.count(*outcomes) for outcomes in _COUNTS.values()]
    numbers = [run.read, run.unchanged, *counts, run.counts.matched, run.counts.people]
    began = f"{run.began_at:%Y-%m-%d %H:%M:%S}"
    return [str(run.number), began, run.work, run.ehr, run.outcome.value, *(str(one or "") for one in numbers)]


def _counts_line(run: Run) -> str:
    counts = {"unchanged": run.unchanged, **{name: run.count(*outcomes) for name, outcomes in _COUNTS.items()}}
    told = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return f"Read {run.read}, matched {run.counts.matched}, people reconciled {run.counts.people}: {told or 'no news'}."


def _run_row(run: Run) -> dict[str, Json]:
    return {
        "run": run.number,
        "work": run.work,
        "ehr": run.ehr,
        "outcome": run.outcome.value,
        "cause": run.cause,
        "began_at": run.began_at.isoformat(),
        "ended_at": None if run.ended_at is None else run.ended_at.isoformat(),
        "read": run.read,
        "unchanged": run.unchanged,
        **{name: run.count(*outcomes) for name, outcomes in _COUNTS.items()},
        "matched": run.counts.matched,
        "people": run.counts.people,
    }


def _trouble_row(one: Trouble) -> dict[str, Json]:
    again = None if one.again is None else one.again.isoformat()
    told: dict[str, Json] = {"key": _key(one.job), "times": one.times, "cause": one.cause}
    return {**told, "since": one.since.isoformat(), "again": again}


def _pause_row(one: Pause) -> dict[str, Json]:
    return {
        "kind": one.kind.value,
        "name": one.name,
        "reason": one.reason,
        "actor": one.actor,
        "since": one.since.isoformat(),
    }


def _key(job: Job) -> str:
    return f"{job.work.value}/{job.key}"
