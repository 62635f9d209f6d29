"""`coordinator findings`: the worklist, and a person's answer."""

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from coordinator.bootstrap import Product
from coordinator.cli.looks import note_look
from coordinator.cli.output import plain, print_json, say, show_table
from coordinator.cli.session import WAITING, AsJson, WrongWord, with_product
from coordinator.fhir import BadJson, Json, parse
from coordinator.outbox import Entry, Form, Status
from coordinator.reconcile import Finding, finding_json
from coordinator.reconcile.finding_life import Cause, FindingEvent
from coordinator.sync.gather import setting_of
from coordinator.sync.opening import open_ehrs
from coordinator.sync.preview import Supposed, preview
from coordinator.workflow import (
    Answer,
    Considered,
    Item,
    assign_finding,
    consider,
    how_to_answer,
    resolve_finding,
    see_finding,
    short_key,
    worklist,
)

app = typer.Typer(no_args_is_help=True)
RESOLVED = "resolved"
URGENCIES = ("urgent", "soon", "routine")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key that the list shows.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    """Which findings are asked for; what is empty does not matter."""

    code: str
    urgency: str
    assignee: str
    person: str
    everything: bool

    def takes(self, item: Item) -> bool:
        """Tell whether a finding is among them."""
        one = item.finding
        return (
            (self.everything or one.status != RESOLVED)
            and one.code.startswith(self.code)
            and self.urgency in ("", one.urgency)
            and self.assignee in ("", item.life.assignee or "nobody")
            and item.person.startswith(self.person)
        )


@app.command("list")
def list_(
    context: typer.Context,
    *,
    code: Annotated[str, typer.Option(metavar="CODE", help="Only this code, or its beginning, such as stay.")] = "",
    urgency: Annotated[str, typer.Option(metavar="WORD", help="Only urgent, soon or routine.")] = "",
    assignee: Annotated[
        str, typer.Option(metavar="ACTOR", help="Only what is this actor's; nobody for the rest.")
    ] = "",
    person: Annotated[
        str, typer.Option(metavar="PERSON", help="Only of this person, by the beginning of the id.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", metavar="", help="Also what is resolved.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", metavar="", help="End with 4 when something is open.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, with its state, its age and whose it is."""
    if urgency not in ("", *URGENCIES):
        raise WrongWord(f"There is no urgency {urgency!r}.", hint=f"There are: {', '.join(URGENCIES)}.")
    asked = _Filter(code=code, urgency=urgency, assignee=assignee, person=person, everything=everything)

    async def work(opened: Product, actor: str) -> tuple[list[Item], datetime]:
        async with opened.store.transaction() as tx:
            found = [one for one in await worklist(tx) if asked.takes(one)]
            await note_look(tx, opened, actor, subject="findings", persons={one.person for one in found})
            return found, opened.clock.now()

    found, now = with_product(context, work)
    if as_json:
        print_json([item_row(one) for one in found])
    else:
        columns = ["key", "person", "urgency", "state", "age", "whose", "code", "what"]
        show_table("Findings", columns, [_cells(one, now) for one in found])
    if exit_code and any(one.finding.status != RESOLVED for one in found):
        raise typer.Exit(WAITING)


def _cells(item: Item, now: datetime) -> list[str]:
    one = item.finding
    age = _age(item.life.since, now)
    return [item.key, item.person, one.urgency, item.life.state, age, item.life.assignee, one.code, one.sentence]


def _age(since: datetime | None, now: datetime) -> str:
    """Return how long something is open, in days or hours."""
    if since is None:
        return ""
    passed = now - since
    return f"{passed.days} d" if passed.days else f"{max(0, int(passed.total_seconds() // 3600))} h"


@app.command()
def show(context: typer.Context, key: Key, *, as_json: AsJson = False) -> None:
    """Show one finding with its facts, evidence and life; that you have seen it is kept."""

    async def work(opened: Product, actor: str) -> Item:
        async with opened.store.transaction() as tx:
            item = await see_finding(tx, key, actor=actor, now=opened.clock.now())
            await note_look(tx, opened, actor, subject="finding", persons=[item.person])
            return item

    item = with_product(context, work)
    row = item_row(item)
    if as_json:
        print_json(row)
        return
    finding = item.finding
    whose = f", assigned to {plain(item.life.assignee)}" if item.life.assignee else ""
    say(f"[bold]{finding.code}[/bold] ({finding.urgency}, {item.life.state}{whose}) of person {item.person}")
    say(f"{finding.sentence}\n{finding.suggestion}")
    wanted = how_to_answer(finding)
    if wanted and finding.status != RESOLVED:
        say(f"Answer with coordinator findings resolve {key} --reason … --value {plain(wanted)}")
    say(plain(json.dumps(row["facts"], indent=2, default=str, ensure_ascii=False)))
    for citation in finding.evidence:
        say(f"  evidence {plain(citation)}")
    for event in item.life.events:
        say(f"  {event.at:%Y-%m-%d %H:%M %Z} {_event_words(event)}")


def _event_words(event: FindingEvent) -> str:
    to = f" to {plain(event.assignee)}" if event.assignee else ""
    match event.cause:
        case Cause.EVIDENCE:
            return "resolved: the evidence no longer shows it"
        case Cause.PERSON:
            return f"resolved by the answer of {plain(event.actor)}"
        case _:
            return f"{event.turn.value}{to} by {plain(event.actor)}"


@app.command()
def assign(
    context: typer.Context,
    key: Key,
    assignee: Annotated[str, typer.Argument(metavar="ACTOR", help="Who is to act.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say whose a finding is to act on."""

    async def work(opened: Product, actor: str) -> Item:
        async with opened.store.transaction() as tx:
            return await assign_finding(tx, key, assignee, actor=actor, now=opened.clock.now())

    item = with_product(context, work)
    if as_json:
        print_json(item_row(item))
    else:
        say(f"It is {plain(item.life.assignee)}'s now.")


@app.command()
def resolve(
    context: typer.Context,
    key: Key,
    value: Annotated[str, typer.Option(metavar="JSON", help='The answer as JSON, such as {"end": "2026-04-01"}.')],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: it is kept with the decision.")],
    *,
    only_preview: Annotated[
        bool, typer.Option("--preview", metavar="", help="Show which writes would follow; decide nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Answer a finding; the next sync applies it. With `--preview` it is only shown what would follow at which EHR."""
    answer = Answer(value=_answer(value), reason=reason)
    if only_preview:
        _preview(context, key, answer, as_json=as_json)
        return

    async def work(opened: Product, actor: str) -> tuple[str, Finding]:
        async with opened.store.transaction() as tx:
            return await resolve_finding(tx, key, answer, actor=actor, now=opened.clock.now())

    person, finding = with_product(context, work)
    if as_json:
        told = {"key": key, "code": finding.code, "person": person}
        print_json({**told, "value": dict(answer.value), "reason": answer.reason})
    else:
        say(f"Decided. `coordinator sync` applies it to person {person}.")


def _preview(context: typer.Context, key: str, answer: Answer, *, as_json: bool) -> None:
    """Show which writes would follow."""

    async def work(opened: Product, actor: str) -> tuple[list[Entry], dict[str, str]]:
        problems: dict[str, str] = {}
        async with AsyncExitStack() as stack:
            async with opened.store.transaction() as tx:
                now = opened.clock.now()
                made = await consider(tx, key, answer, actor=actor, now=now)
                await note_look(tx, opened, actor, subject="preview of a decision", persons=made.concerned)
                setting = await setting_of(tx, opened.tenant.policy, opened.tenant.forms)
                links = [link for one in made.concerned for link in await tx.people.links(one)]
            known = [
                setting.connections[name] for name in sorted({one.ehr for one in links} & set(setting.connections))
            ]
            ehrs = await open_ehrs(stack, opened.ehrs, known, problems=problems)
            async with opened.store.transaction() as tx:
                return await preview(tx, _supposed(made), setting, ehrs=ehrs, now=now), problems

    found, problems = with_product(context, work)
    if as_json:
        print_json({"writes": [_write_row(one) for one in found], "problems": dict(problems)})
        return
    columns = ["EHR", "type", "form", "then", "what"]
    show_table("These writes would follow", columns, [list(map(str, _write_row(one).values())) for one in found])
    for name, problem in sorted(problems.items()):
        say(f"[red]{name}[/red]: {plain(problem)}")


def _supposed(made: Considered) -> Supposed:
    return Supposed(person=made.person, decision=made.decision, joined=made.joined)


def _write_row(entry: Entry) -> dict[str, Json]:
    intent = entry.intent
    then = {Status.WITHHELD: f"withheld: {entry.reason}", Status.OBSOLETE: "no longer owed"}.get(entry.status, "owed")
    if entry.status is Status.OWED and intent.form is Form.NONE:
        then = "for a person to tell"
    what = intent.concept.replace("_", " ") if entry.status is Status.WITHHELD else intent.summary
    return {"ehr": intent.ehr, "type": intent.type, "form": intent.form.value, "then": then, "what": what}


def _answer(text: str) -> dict[str, Json]:
    hint = """Such as '{"end": "2026-04-01"}', with quotes around it for the shell."""
    try:
        value = parse(text.encode())
    except (BadJson, UnicodeError):
        raise WrongWord("--value is no JSON.", hint=hint) from None
    if not isinstance(value, dict):
        raise WrongWord("--value is no JSON object.", hint=hint)
    return value


def finding_row(person: str, finding: Finding) -> dict[str, Json]:
    """Return a finding as the commands show it: under its short key, with the person it is about."""
    return finding_json(finding) | {"key": short_key(person, finding), "person": person}


def item_row(item: Item) -> dict[str, Json]:
    """Return a finding with its life: state, since when it is open, whose it is, and each event."""
    life = item.life
    stands: dict[str, Json] = {
        "state": life.state,
        "since": None if life.since is None else life.since.isoformat(),
        "assignee": life.assignee or None,
        "resolved_by": life.cause.value or None,
        "life": [_event_row(one) for one in life.events],
    }
    return finding_row(item.person, item.finding) | stands


def _event_row(event: FindingEvent) -> Json:
    told: dict[str, Json] = {"event": event.turn.value, "at": event.at.isoformat(), "actor": event.actor}
    more = {"cause": event.cause.value, "assignee": event.assignee}
    return told | {name: value for name, value in more.items() if value}
