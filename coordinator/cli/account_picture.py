"""One person's account for a reader at a terminal: bars over days, what moved, medication, plan, what is open."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coordinator.care.level_of_care.model import Edition, Level
from coordinator.care.level_of_care.rules import row_of
from coordinator.cli.attendance_picture import eligibility_picture, sessions_picture
from coordinator.cli.bars import BLOCKS, LETTERS, Ink, Mark, Scale, scale_over
from coordinator.cli.course_words import course_lines, dose_text
from coordinator.cli.finding_picture import finding_lines
from coordinator.cli.json_parts import days, intervals, member, objects, text, texts
from coordinator.fhir import Json

Content = Mapping[str, Json]

_EDITIONS = {"3e": "3rd ed.", "4e": "4th ed.", "ppc2r": "PPC-2R", "": "edition?"}
_KINDS = {
    "MedicationRequest": "order",
    "MedicationDispense": "supply",
    "MedicationAdministration": "dose given",
    "MedicationStatement": "statement",
}
_MOVES = {
    "transfer": "transfer at the same level",
    "readmission": "admitted again",
    "continuing-care": "continuing care",
    "leave": "away",
    "return": "back",
}
_REASONS = {
    "against-advice": "left against advice",
    "no-contact": "contact was lost",
    "administrative": "ended by the program",
    "leave": "on leave",
    "hospital": "in overnight care elsewhere",
    "emergency": "in an emergency department",
}
_SHOWN = 4  # citations; the rest are counted
_LEAST_BAR, _MOST_BAR = 20, 90


def show_account(value: dict[str, Json]) -> None:
    """Print the account: who, timeline, medication, plan, sessions, what is open."""
    console = Console(highlight=False)
    ink = LETTERS if console.options.ascii_only else BLOCKS
    console.print(account_picture(value, width=console.width, ink=ink))


def account_picture(value: Content, *, width: int, ink: Ink = BLOCKS) -> Group:
    """Return the whole picture of an account."""
    parts: list[RenderableType] = [_head(value), *timeline_picture(value, width=width, ink=ink)]
    parts += [*_enrollments(value), *_transitions(value), *courses_picture(value, width=width, ink=ink)]
    parts += [*_plan(value), *_sessions(value), *_findings(value)]
    parts.append(Text(f"\naccount {text(value, 'hash')}", style="dim"))
    return Group(*parts)


def _head(value: Content) -> Text:
    name = f"{text(value, 'given')} {text(value, 'family')}".strip() or "Name not known"
    known = ", ".join(f"{text(one, 'ehr')} {text(one, 'id')}" for one in objects(value, "identities"))
    return Text.assemble(
        (name, "bold"),
        f", born {text(value, 'birth_date') or 'on a day not known'}\n",
        (f"person {text(value, 'person')}\nknown to {known}", "dim"),
    )


def heading(words: str) -> Text:
    """Return a heading of a section."""
    return Text(f"\n{words}", style="bold cyan")


# ---- timeline --------------------------------------------------------------------------------------------------------
def timeline_picture(value: Content, *, width: int, ink: Ink) -> Iterator[RenderableType]:
    """Yield the stays as bars over days: certain days full, days on which a stay may have ended already doubtful."""
    yield heading("Levels of care")
    stays = objects(value, "timeline")
    scale = _scale(value, width)
    if scale is None or not stays:
        yield Text("No stay in a program is known.", style="dim")
        return
    yield scale.axis()
    today = date.fromisoformat(text(value, "as_of")) if text(value, "as_of") else scale.last
    for stay in stays:
        yield scale.bar(_stay_marks(stay, today, ink), ink)
        yield Text.assemble((level_name(member(stay, "level")), "bold"), f", {text(stay, 'organization')}")
        yield _indented(Text(_lasting(stay)))
        if stay.get("stale_since"):
            yield _indented(Text(f"no service recorded since {text(stay, 'stale_since')}", style="yellow"))
        for pause in objects(stay, "pauses"):
            yield _indented(Text(_away(pause)))
        yield _evidence(stay)


def _scale(value: Content, width: int) -> Scale | None:
    return scale_over(_days_of(value), max(_LEAST_BAR, min(width - 2, _MOST_BAR)))


def _days_of(value: Content) -> Iterator[date]:
    """Yield every day that the picture must reach."""
    for stay in objects(value, "timeline"):
        for name in ("start", "end"):
            yield from days(stay.get(name)) or ()
    for course in objects(value, "courses"):
        for first, last in intervals(course, "covered"):
            yield from (first, last)
    if text(value, "as_of"):
        yield date.fromisoformat(text(value, "as_of"))


def _stay_marks(stay: Content, today: date, ink: Ink) -> list[Mark]:
    start, end = days(stay.get("start")), days(stay.get("end"))
    if start is None:
        return []
    marks = [Mark(first=start[0], last=start[1], letter=ink.doubtful, style="yellow")] if start[0] != start[1] else []
    if end is None:
        full = Mark(first=start[1], last=max(today, start[1]), letter=ink.full, style="green")
        return [*marks, full, Mark(first=full.last, last=full.last, letter=ink.onward, style="bold green")]
    marks.append(Mark(first=start[1], last=end[0], letter=ink.full, style="blue"))
    if end[0] != end[1]:
        marks.append(Mark(first=end[0], last=end[1], letter=ink.doubtful, style="yellow"))
    return marks


def _lasting(stay: Content) -> str:
    start, end = days(stay.get("start")), days(stay.get("end"))
    begun = f"from {_span(start)}" if start else "start not known"
    return f"{begun}, goes on ({text(stay, 'status')})" if end is None else f"{begun}, ended {_span(end)}"


def _away(pause: Content) -> str:
    """Return days of a stay on which the person was away."""
    start, end = days(pause.get("start")), days(pause.get("end"))
    why = _REASONS.get(text(pause, "why"), text(pause, "why"))
    since = _span(start) if start else "a day not known"
    return f"{why} from {since}" + (f", back {_span(end)}" if end else ", not yet back")


def _span(interval: tuple[date, date]) -> str:
    first, last = interval
    return str(first) if first == last else f"between {first} and {last}"


def level_name(level: Content) -> str:
    """Return a level with its edition and name; the edition is always shown, as codes differ between them."""
    code, edition = text(level, "code"), text(level, "edition")
    known = {one.value for one in Edition}
    row = row_of(Level(edition=Edition(edition), code=code)) if edition in known else None
    return f"{code} ({_EDITIONS.get(edition, edition)}) {row.name if row else ''}".rstrip()


_STATES = {"on-leave": "on leave", "stepped-up": "moved to more care", "stepped-down": "moved to less care"}
_STATES |= {"waitlisted": "on a waiting list", "continuing-care": "in continuing care", "transferred": "transferred"}


def _enrollments(value: Content) -> Iterator[RenderableType]:
    """Yield how the person stands with each program."""
    for one in objects(value, "enrollments"):
        since = days(one.get("since"))
        state = _STATES.get(text(one, "state"), text(one, "state"))
        yield Text(f"{text(one, 'organization')}: {state}" + (f" since {_span(since)}" if since else ""))


def _transitions(value: Content) -> Iterator[RenderableType]:
    moves = objects(value, "transitions")
    if not moves:
        return
    yield heading("Transitions")
    yield transition_table(moves)


def transition_table(moves: Iterable[Content]) -> Table:
    """Return the moves: kind, levels, days between, rule, and whether it was in time."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for move in moves:
        before, after = member(move, "from"), member(move, "to")
        table.add_row(
            Text(_kind(move), style="bold"),
            " to ".join(_short_level(one) for one in (before, after) if one),
            _on(move),
            _gap(move),
            text(move, "rule"),
            _in_time(move),
        )
    return table


def _kind(move: Content) -> str:
    """Return a move in plain words, with its reason where one is recorded; what other days would change is possible."""
    kind, reason = text(move, "kind"), text(move, "reason")
    words = _REASONS.get(reason, reason)
    told = f"{_MOVES.get(kind, kind)}{f', {words}' if words else ''}"
    return f"{told} (possible)" if move.get("certain") is False else told


def _on(move: Content) -> str:
    span = days(move.get("on"))
    return _span(span) if span else ""


def _gap(move: Content) -> str:
    gap = move.get("gap_days")
    if not isinstance(gap, list) or len(gap) != 2:
        return ""
    between = str(gap[0]) if gap[0] == gap[1] else f"{gap[0]} to {gap[1]}"
    return f"{between} day{'' if between == '1' else 's'}"


def _in_time(move: Content) -> Text:
    match move.get("in_time"):
        case True:
            return Text("in time", style="green")
        case False:
            return Text("late", style="red")
        case _:
            return Text("")


def _short_level(level: Content) -> str:
    return f"{text(level, 'code')} ({_EDITIONS.get(text(level, 'edition'), text(level, 'edition'))})"


# ---- medication ------------------------------------------------------------------------------------------------------
def courses_picture(value: Content, *, width: int, ink: Ink) -> Iterator[RenderableType]:
    """Yield the courses with a bar of the days that are covered by supply or by doses given, and the gaps."""
    courses = objects(value, "courses")
    if not courses:
        return
    yield heading("Medication for opioid or alcohol use disorder")
    scale = _scale(value, width)
    for course in courses:
        yield Text.assemble(
            (f"{text(course, 'ingredient')}, {text(course, 'form')}", "bold"),
            ", ",
            dose_text(course),
            f", {text(course, 'status')}",
        )
        covered, gaps = intervals(course, "covered"), intervals(course, "gaps")
        if scale is not None and covered:
            yield scale.axis()
            marks = [Mark(first=one, last=other, letter=ink.full, style="magenta") for one, other in covered]
            marks += [Mark(first=one, last=other, letter=ink.missing, style="red") for one, other in gaps]
            yield scale.bar(marks, ink)
        yield from (_indented(Text(line)) for line in course_lines(course, text(value, "as_of")))
        yield _indented(Text(f"told by {_proofs(course)}"))
        yield _evidence(course)


def _proofs(course: Content) -> str:
    types = Counter(ref.split("/")[1] for ref in texts(course, "evidence"))
    ehrs = sorted({ref.split("/")[0] for ref in texts(course, "evidence")})
    told = [_counted(types[name], word) for name, word in _KINDS.items() if types[name]]
    return f"{', '.join(told)} of {', '.join(ehrs)}"


def _counted(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    plural = {"supply": "supplies", "dose given": "doses given"}.get(word, f"{word}s")
    return f"{number} {plural}"


# ---- plan, sessions, findings ----------------------------------------------------------------------------------------
def _plan(value: Content) -> Iterator[RenderableType]:
    plan = member(value, "plan")
    goals, activities = objects(plan, "goals"), objects(plan, "activities")
    if not goals and not activities:
        return
    yield heading("Care plan")
    if goals:
        yield _goals(goals)
    for one in activities:
        yield Text(f"activity: {text(one, 'text')} ({text(one, 'status') or 'state differs'})")


def _goals(goals: list[dict[str, Json]]) -> Table:
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("goal", ratio=1)
    table.add_column("state", overflow="fold")
    table.add_column("due", no_wrap=True)
    table.add_column("held by", overflow="fold")
    for one in goals:
        state = "\n".join(part for part in (text(one, "status"), text(one, "achievement")) if part)
        holders = "\n".join(sorted({ref.split("/")[0] for ref in texts(one, "evidence")}))
        words = text(one, "text")
        table.add_row(Text(words) if words else Text("its words differ", style="dim"), state, text(one, "due"), holders)
    return table


def _sessions(value: Content) -> Iterator[RenderableType]:
    for words, told in (
        ("Sessions and visits", list(sessions_picture(value))),
        ("Eligibility, as it is recorded", list(eligibility_picture(value))),
    ):
        if told:
            yield heading(words)
            yield from told


def _findings(value: Content) -> Iterator[RenderableType]:
    waiting = [one for one in objects(value, "findings") if text(one, "status") != "resolved"]
    yield heading("Open findings")
    if not waiting:
        yield Text("Nothing waits for a person.", style="green")
    for one in waiting:
        yield from finding_lines(one)
        yield _evidence(one)


def _evidence(one: Content) -> RenderableType:
    refs = texts(one, "evidence")
    more = f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
    return _indented(Text(f"evidence: {', '.join(refs[:_SHOWN])}{more}", style="dim"))


def _indented(words: Text) -> Padding:
    return Padding(words, (0, 0, 0, 2), expand=False)
