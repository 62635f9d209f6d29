"""The demonstration for a reader at a terminal: who disagreed, what was made of it, what waits, what was written."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from coordinator.cli.account_picture import courses_picture, timeline_picture, transition_table
from coordinator.cli.bars import BLOCKS, LETTERS, Ink
from coordinator.cli.demo_counts import changed_rows, conflicts, is_plan_merged, open_findings
from coordinator.cli.demo_goals import EditedField, edited_fields
from coordinator.cli.demo_run import Acquaintance, Played
from coordinator.cli.finding_picture import URGENCIES, finding_lines
from coordinator.cli.json_parts import objects, printable
from coordinator.outbox import OPEN, Entry, Form, Status
from coordinator.reconcile import Finding, finding_json
from coordinator.sandbox import EhrOfWorld
from coordinator.workflow import short_key

_CONCEPTS = {
    "medication": "medication",
    "care_plan": "care plan",
    "goal": "goals it holds",
    "stay-proposal": "word to its staff",
}
_FIELD = 13
_MOST_TABLE = 110
_STORIES = {
    "stay.end-missing": "A stay that nobody closed, and the step-down behind it",
    "mat.dose-differs": "One medication, two doses: told to a person, summed by nobody",
    "plan.goal-differs": "Two care plans edited at once, merged goal by goal",
}


def show_played(played: Played, console: Console) -> None:
    """Print the whole demonstration."""
    ink = LETTERS if console.options.ascii_only else BLOCKS
    for part in _parts(played, width=console.width, ink=ink):
        console.print(part)


def _parts(played: Played, *, width: int, ink: Ink) -> Iterator[RenderableType]:
    yield from _opening(played)
    for number, (code, title) in enumerate(_STORIES.items(), 1):
        found = next(((who, one) for who, one in open_findings(played) if one.code == code), None)
        if found is not None:
            yield _chapter(f"{number}. {title}")
            yield from _story(played, *found, width=width, ink=ink)
    yield _chapter("What waits for a person")
    yield _worklist(played)
    yield _chapter("What is written back, in the form that each EHR can hold")
    yield from _writes(played)
    yield _chapter("And once more")
    yield _quiet(played)


def _chapter(title: str) -> Padding:
    return Padding(Rule(Text(title, style="bold"), align="left", style="cyan"), (1, 0, 0, 0))


# ---- the EHRs --------------------------------------------------------------------------------------------------------
def _opening(played: Played) -> Iterator[RenderableType]:
    people, ehrs = played.picture.people, played.world.ehrs
    yield _chapter(f"{len(ehrs)} EHRs, {len(people)} people, one account each")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=False)
    table.add_column("")
    for ehr in ehrs:
        table.add_column(ehr.name, overflow="fold")
    for name, cells in _traits(played):
        table.add_row(Text(name, style="dim"), *cells)
    yield table
    shared = Counter(len(one.ehrs) for one in people)
    known = ", ".join(f"{number} people to {_counted(many, 'EHR')}" for many, number in sorted(shared.items()))
    first, main = played.moments
    yield Text(f"{played.picture.records} records read over HTTP; known are {known}.")
    yield Text(
        f"Met on {first:%Y-%m-%d}, and again on {main:%Y-%m-%d} after their clinicians worked on: "
        f"{played.main.received} records new, changed or gone."
    )
    codes = Counter(one.code for _, one in open_findings(played))
    yield Text(f"What they leave open: {', '.join(f'{number} {code}' for code, number in sorted(codes.items()))}.")


def _traits(played: Played) -> list[tuple[str, list[str]]]:
    ehrs = played.world.ehrs
    organizations = played.world.organizations
    rows = [
        ("organization", [organizations[one.personality.organization].name for one in ehrs]),
        ("42 CFR Part 2", ["yes" if one.personality.part2 else "no" for one in ehrs]),
        ("people", [str(sum(one.name in who.ehrs for who in played.picture.people)) for one in ehrs]),
        ("versions", [_versions(one) for one in ehrs]),
        ("is told of", ["" for _ in ehrs]),
    ]
    for concept, words in _CONCEPTS.items():
        rows.append((f"  {words}", [_form_words(played.picture.forms[one.name][concept]) for one in ehrs]))
    return rows


def _versions(ehr: EhrOfWorld) -> str:
    if not ehr.personality.version_ids:
        return "none: we hash"
    return f"yes, If-Match {ehr.personality.if_match.value}"


def _form_words(form: Form) -> str:
    match form:
        case Form.NATIVE:
            return "as data"
        case Form.DOCUMENT | Form.MESSAGE:
            return f"as {form.value}"
        case Form.NONE:
            return "can't be written"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


# ---- the stories -----------------------------------------------------------------------------------------------------
def _story(played: Played, who: Acquaintance, one: Finding, *, width: int, ink: Ink) -> Iterator[RenderableType]:
    yield Text.assemble((who.name, "bold"), f", known to {', '.join(who.ehrs)}")
    if one.code.startswith("stay."):
        yield from timeline_picture(who.account, width=width, ink=ink)
        yield Text("")
        yield transition_table(objects(who.account, "transitions"))
    elif one.code.startswith("mat."):
        yield from courses_picture(who.account, width=width, ink=ink)
    else:
        yield from _goals(edited_fields(who, played.world), width=min(width, _MOST_TABLE))
    yield Text("")
    yield from finding_lines({**finding_json(one), "key": short_key(who.person, one)})
    sent = [entry for entry in played.picture.entries if entry.intent.person == who.person and _state(entry)]
    if sent:
        yield Text("\nWhat the EHRs are told of it", style="bold")
    for entry in sorted(sent, key=lambda each: (each.intent.ehr, each.intent.key)):
        yield _told(entry)


def _told(entry: Entry) -> Padding:
    intent = entry.intent
    form = "nobody can write it there" if intent.form is Form.NONE else f"{intent.type}, {_form_words(intent.form)}"
    state = entry.reason if entry.status is Status.WITHHELD else _state(entry)
    words = Text.assemble((f"{intent.ehr}: ", "bold"), printable(intent.summary), (f" ({form}; {state})", "dim"))
    return Padding(words, (0, 0, 0, 2), expand=False)


def _goals(fields: list[EditedField], *, width: int) -> Iterator[RenderableType]:
    """Yield, goal by goal, what was agreed, what each EHR's clinicians made of it, and what stands now."""
    ehrs = sorted({ehr for one in fields for ehr in one.saved})
    columns = ("", "agreed", *(f"{ehr} saved" for ehr in ehrs), "now")
    yield _row(*(Text(column, style="bold") for column in columns), width=width)
    last = ""
    for one in fields:
        if one.goal != last:
            yield Text(one.goal, style="italic")
        last = one.goal
        told = [Text(one.saved.get(ehr, "="), style="" if ehr in one.saved else "dim") for ehr in ehrs]
        now = Text(f"{one.base} (waits)", style="yellow") if one.waits else Text(one.now, style="green")
        yield _row(Text(f"  {one.field}", style="dim"), Text(one.base), *told, now, width=width)


def _row(*cells: Text, width: int) -> Table:
    """Return a row whose columns stand below those of other rows of the same number."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_FIELD, overflow="fold")
    for _ in cells[1:]:
        table.add_column(width=(width - _FIELD - 2) // (len(cells) - 1) - 2, overflow="fold")
    table.add_row(*cells)
    return table


# ---- what waits, what was written ------------------------------------------------------------------------------------
def _worklist(played: Played) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in ("key", "person", "known to", "urgency", "finding"):
        table.add_column(column, overflow="fold")
    table.columns[0].no_wrap = True  # a key is there to be copied
    order = list(URGENCIES)
    found = sorted(open_findings(played), key=lambda pair: (order.index(pair[1].urgency), pair[1].code, pair[0].name))
    for who, one in found:
        table.add_row(
            Text(short_key(who.person, one), style="dim"),
            who.name,
            who.ehrs[0] if len(who.ehrs) == 1 else f"{len(who.ehrs)} EHRs",
            Text(one.urgency, style=URGENCIES[one.urgency]),
            one.code,
        )
    return table


def _writes(played: Played) -> Iterator[RenderableType]:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in ("EHR", "form", "carried by"):
        table.add_column(column, overflow="fold")
    for column in ("verified", "withheld", "owed"):
        table.add_column(column, justify="right")
    groups: dict[tuple[str, str, str], Counter[str]] = {}
    for entry in played.picture.entries:
        state = _state(entry)
        if state:
            groups.setdefault(_group(entry), Counter())[state] += 1
    for group, states in sorted(groups.items()):
        table.add_row(*group, *(str(states[state] or "") for state in ("verified", "withheld", "owed")))
    yield table
    merged = [one.name for one in played.picture.people if is_plan_merged(one)]
    if merged:
        yield Text(f"Plans held by more than one EHR and merged: {', '.join(merged)}.")
    yield from _withheld(played)


def _group(entry: Entry) -> tuple[str, str, str]:
    form = entry.intent.form
    return (
        entry.intent.ehr,
        "none" if form is Form.NONE else form.value,
        "a person" if form is Form.NONE else entry.intent.type,
    )


def _state(entry: Entry) -> str:
    match entry.status:
        case Status.VERIFIED | Status.APPLIED:
            return "verified" if entry.status is Status.VERIFIED else "owed"
        case Status.WITHHELD:
            return "withheld"
        case _:
            return "owed" if entry.status in OPEN else ""


def _withheld(played: Played) -> Iterator[RenderableType]:
    names = {one.person: one.name for one in played.picture.people}
    held = {
        (names[one.intent.person], one.intent.ehr, one.reason)
        for one in played.picture.entries
        if one.status is Status.WITHHELD
    }
    by_person: dict[tuple[str, str], list[str]] = {}
    for name, ehr, reason in sorted(held):
        by_person.setdefault((name, reason), []).append(ehr)
    for (name, reason), ehrs in by_person.items():
        yield Text.assemble("Withheld from ", (", ".join(ehrs), "bold"), f": what others know of {name} ({reason}).")


def _quiet(played: Played) -> Text:
    changed, writes = changed_rows(played), played.writes_of_last
    style = "bold red" if changed or writes else "bold green"
    return Text.assemble(
        f"The same run again: {played.last.seen} records read, ",
        (f"{changed} changed, {writes} writes", style),
        f". {_counted(len(conflicts(played)), 'conflict')} still waiting. All in {played.seconds:.1f} s.",
    )


def next_steps(played: Played, *, is_live: bool) -> Iterator[Text]:
    """Yield what to type next."""
    if not is_live:
        yield Text("\nTo look around in it: make demo-live (it stays up until Ctrl-C).", style="dim")
        return
    first = next(iter(conflicts(played)), None)
    person = first[0].person[:8] if first else "ID"
    yield Text("\nIt stays up until Ctrl-C. In another terminal:", style="bold")
    yield Text(f"  export COORDINATOR_HOME={played.settings.home} COORDINATOR_TENANT={played.settings.tenant}")
    if which("coordinator") is None:
        yield Text(f"  export PATH={Path(sys.argv[0]).absolute().parent}:$PATH")
    yield Text("  coordinator person list")
    yield Text(f"  coordinator person show {person}")
    yield Text("  coordinator findings list")
    if first:
        yield Text(f"  coordinator findings show {short_key(first[0].person, first[1])}")
    yield Text("  coordinator plan")
    yield Text("  coordinator audit query disclosures")
