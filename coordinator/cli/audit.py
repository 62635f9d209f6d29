"""`coordinator audit`: who was told what, what was refused, who looked; and the proof that nothing is missing."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from coordinator.audit import (
    Filter,
    Happening,
    LoggedEvent,
    Question,
    answered,
    as_csv,
    as_ndjson,
    audit_row,
    narrowed,
    question_of,
    questions,
    words_of,
)
from coordinator.bootstrap import Product
from coordinator.cli import audit_proof, audit_retention
from coordinator.cli.output import plain, print_bytes, print_json, print_text, say, show_table
from coordinator.cli.session import AsJson, WrongWord, instant, with_product
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import Json
from coordinator.sync.ports import Transaction

app = typer.Typer(no_args_is_help=True)
app.command("verify")(audit_proof.verify)
app.command("head")(audit_proof.head)
app.command("export")(audit_proof.export)
app.add_typer(audit_proof.keys, name="key", help="Keys that sign the heads of the log.")
app.command("prune")(audit_retention.prune)
app.add_typer(audit_retention.holds, name="hold", help="Legal holds: what must not be pruned.")
_SHOWN = 8  # of an id: what names it here
_NAMES = ", ".join(questions())


@app.callback()
def _about() -> None:
    """Ask the audit log, and prove it."""


@app.command()
def query(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help=_NAMES)],
    *,
    person: Annotated[str, typer.Option(metavar="ID", help="Only about this person: the id, or its beginning.")] = "",
    actor: Annotated[str, typer.Option(metavar="WHO", help="Only what this actor did.")] = "",
    ehr: Annotated[str, typer.Option(metavar="NAME", help="Only what concerns this EHR.")] = "",
    since: Annotated[
        str, typer.Option(metavar="DAY", help="Only from this day or instant on, such as 2026-04-07.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="Only before this day or instant.")] = "",
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.")] = None,
    after: Annotated[
        int | None, typer.Option(metavar="SEQ", min=0, help="Only what comes after the event of this place.")
    ] = None,
    as_json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", metavar="", help="Print CSV, safe to open in a spreadsheet.")] = False,
    ndjson: Annotated[
        bool, typer.Option("--ndjson", metavar="", help="Print the AuditEvents as they were logged.")
    ] = False,
) -> None:
    """Ask the log a saved question, oldest first; that it was asked is itself an event.

    The next page of an answer begins with `--after` the `seq` of the last event of this one.
    """
    try:
        question = question_of(what)
    except InvalidInput as problem:
        raise WrongWord(str(problem), hint=problem.hint) from None

    async def work(opened: Product, asker: str) -> list[LoggedEvent]:
        zone = opened.tenant.policy.zone
        start = instant(since, "--since", zone=zone) if since else None
        end = instant(until, "--until", zone=zone) if until else None
        given = Filter(actor=actor or None, ehr=ehr or None, since=start, until=end, after=after, limit=limit)
        async with opened.store.transaction() as tx:
            given = replace(given, person=await _whole_id(tx, person))
            return await _asked(tx, question, given, asker=asker, now=opened.clock.now())

    found = with_product(context, work)
    rows = answered(found)
    if ndjson:
        print_bytes(as_ndjson(found))
    elif csv:
        print_text(as_csv(rows, ("seq", *question.columns)).removesuffix("\r\n") + "\r")
    elif as_json:
        print_json(list[Json](rows))
    else:
        show_table(question.title, ("seq", *question.columns), [_cells(row, question.columns) for row in rows])
        if question.note:
            say(plain(question.note))


async def _asked(tx: Transaction, question: Question, given: Filter, *, asker: str, now: datetime) -> list[LoggedEvent]:
    """Return the answer to a question, and keep that it was asked."""
    try:
        asked = narrowed(question, given, now=now)
    except InvalidInput as problem:
        raise WrongWord(str(problem), hint=problem.hint) from None
    found = await tx.audit.page(asked)
    if given.person and not found and not await tx.people.links(given.person):
        raise NotFound(
            "Nobody has an id that begins so, and this question finds no event of such a one.",
            operation="query audit",
            hint="`coordinator person list` shows the ids.",
        )
    words = words_of(question, given)
    happening = Happening(
        kind="audit-query", at=now, actor=asker, subject="audit log", person=given.person, query=words
    )
    await tx.audit.append([audit_row(happening)])
    return found


def _cells(row: dict[str, Json], columns: tuple[str, ...]) -> list[str]:
    """Return a row for a reader: an id shortened to what names it here, a time to its second."""
    short = {**row, "time": str(row["time"])[:19].replace("T", " "), "person": str(row["person"] or "")[:_SHOWN]}
    return [str(row["seq"]), *(_words(short.get(name)) for name in columns)]


def _words(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


async def _whole_id(tx: Transaction, text: str) -> str | None:
    """Return the id that begins so; one that nobody has now is asked for as it is, as the log outlives its people."""
    if not text:
        return None
    found = sorted({one.person for one in await tx.people.links() if one.person.startswith(text)})
    return found[0] if len(found) == 1 else text
