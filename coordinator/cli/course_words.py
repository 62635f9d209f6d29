"""A course of medication in plain words: is it taken, in which dose, covered until when, and what it came from."""

from collections.abc import Iterator, Mapping
from datetime import date

from rich.text import Text

from coordinator.cli.json_parts import days, intervals, member, objects, text, texts
from coordinator.fhir import Json

Content = Mapping[str, Json]

_TAKING = {
    ("taking", "dose"): "taken: doses were given",
    ("taking", "own-report"): "taken, as the person says",
    ("taking", "statement"): "taken, as a record says",
    ("presumed", "supply"): "probably taken: supply is in hand",
    ("not-taking", "own-report"): "not taken, as the person says",
    ("not-taking", "statement"): "not taken, as a record says",
}
_STEPS = 6  # steps of a dose that are shown


def course_lines(course: Content, as_of: str) -> Iterator[str]:
    """Yield what is known of a course, a line for each fact that there is."""
    yield _taking(member(course, "taking"))
    yield _coverage(course, as_of)
    switch = member(course, "switched_from")
    if switch:
        both = text(switch, "crossover_days")
        beside = f", {both} day{'' if both == '1' else 's'} of both" if both != "0" else ""
        yield f"took the place of {_named(text(switch, 'course'))} on {text(switch, 'day')}{beside}"
    steps = objects(course, "history")
    if len(steps) > 1:
        yield _steps(steps)
    trend = member(course, "trend")
    if trend:
        since = days(trend.get("since"))
        yield f"{text(trend, 'kind')} {text(trend, 'times')} times in a row{f' since {since[0]}' if since else ''}"
    yield from _people(course)


def dose_text(course: Content) -> Text:
    """Return the dose; one that EHRs dispute, or that nobody states, in so many words."""
    dose = course.get("dose")
    if dose == "disputed":
        return Text("dose disputed", style="bold red")
    if not isinstance(dose, dict):
        return Text("dose not stated", style="yellow")
    return Text(dose_words(dose))


def dose_words(dose: Content) -> str:
    """Return a dose in words."""
    return f"{text(dose, 'value')} {text(dose, 'unit')} per {_per(text(dose, 'per'))}"


def _per(unit: str) -> str:
    return "day" if unit == "d" else f"{unit[:-1]} days" if unit.endswith("d") else unit


def _taking(taking: Content) -> str:
    told = _TAKING.get((text(taking, "status"), text(taking, "basis")), "whether it is taken is not known")
    since = days(taking.get("since"))
    if since is None or text(taking, "status") == "unknown":
        return told
    return (
        f"{told}, since {since[0]}"
        if since[0] == since[1]
        else f"{told}, since a day between {since[0]} and {since[1]}"
    )


def _coverage(course: Content, as_of: str) -> str:
    seen = _last_seen(text(course, "last_seen"), as_of)
    covered = intervals(course, "covered")
    if not covered:
        return seen
    missing, bridged = _length(intervals(course, "gaps")), _length(intervals(course, "bridged"))
    without = f", {_counted(missing)} without" if missing else ""
    inpatient = f", {_counted(bridged)} as an inpatient" if bridged else ""
    return f"covered {covered[0][0]} to {covered[-1][1]}{without}{inpatient}; {seen}"


def _last_seen(last: str, as_of: str) -> str:
    if not last:
        return "no dose or supply seen"
    ago = (date.fromisoformat(as_of) - date.fromisoformat(last)).days if as_of else 0
    return f"last dose or supply on {last}{f' ({_counted(ago)} ago)' if ago > 0 else ''}"


def _length(intervals_: list[tuple[date, date]]) -> int:
    return sum((last - first).days + 1 for first, last in intervals_)


def _counted(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _named(key: str) -> str:
    ingredient, _, form = key.removeprefix("course:").partition("|")
    return f"{ingredient}, {form}"


def _steps(steps: list[dict[str, Json]]) -> str:
    before = f"(the last {_STEPS} of {len(steps)}) " if len(steps) > _STEPS else ""
    told = [f"{dose_words(member(one, 'dose'))} from {_day(one)} ({text(one, 'ehr')})" for one in steps[-_STEPS:]]
    return f"dose over time: {before}{'; '.join(told)}"


def _day(step: Content) -> str:
    since = days(step.get("since"))
    return str(since[0]) if since else "a day not known"


def _people(course: Content) -> Iterator[str]:
    ordered = sorted({text(one, "organization") for one in objects(course, "prescribers")})
    told = [f"ordered by {', '.join(ordered)}"] if ordered else []
    told += [f"supplied by {', '.join(texts(course, 'suppliers'))}"] if texts(course, "suppliers") else []
    if told:
        yield "; ".join(told)
