"""Sessions, weeks and eligibility of an account for a reader at a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.text import Text

from coordinator.cli.json_parts import member, objects, text, texts
from coordinator.fhir import Json

Content = Mapping[str, Json]

_WEEKS = 8
_STYLES = {"met": "green", "watch": "yellow", "short": "red", "away": "dim", "unknown": "dim"}
_WORDS = {
    "assessment": "an assessment",
    "assessor": "who assessed",
    "clearance": "a medical clearance",
    "severity": "a severity",
    "comorbidity": "a comorbidity",
}


def sessions_picture(value: Content) -> Iterator[Text]:
    """Yield what was attended, missed and is not known, and the last weeks with the hours that the level asks for."""
    sessions, weeks = objects(value, "sessions"), objects(value, "weeks")
    if sessions:
        yield Text(f"attended: {_kinds(sessions) or 'none'}; {_not_attended(sessions)}")
    after = [one for one in sessions if one.get("continuing_care") and one.get("attended")]
    if after:
        yield Text(f"of these after a discharge, as continuing care: {len(after)}")
    if weeks:
        before = f" (the last {_WEEKS} of {len(weeks)})" if len(weeks) > _WEEKS else ""
        shown = Text(", ").join([_week(one) for one in weeks[-_WEEKS:]])
        yield Text.assemble(f"weeks from Monday{before}: ", shown)


def _kinds(sessions: list[dict[str, Json]]) -> str:
    kinds = Counter(text(one, "kind") for one in sessions if one.get("attended"))
    return ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())


def _not_attended(sessions: list[dict[str, Json]]) -> str:
    """Return how many were missed, apart from those that nobody closed: of these it is not known."""
    others = [one for one in sessions if not one.get("attended")]
    unclosed = sum(1 for one in others if one.get("minutes") is None)
    return f"not attended: {len(others) - unclosed}" + (f"; not known: {unclosed}" if unclosed else "")


def _week(one: dict[str, Json]) -> Text:
    asked = f" of {text(one, 'asked')}" if text(one, "asked") else ""
    words = f"{text(one, 'from')[5:]} {text(one, 'hours')}{asked} h {text(one, 'status')}"
    return Text(words, style=_STYLES.get(text(one, "status"), ""))


def eligibility_picture(value: Content) -> Iterator[RenderableType]:
    """Yield for each stay what is recorded of the eligibility, and what is missing or was not seen."""
    for one in objects(value, "eligibility"):
        told = [_recorded(each) for each in objects(one, "recorded")]
        yield Text(f"{text(one, 'stay')}: {'; '.join(told) or 'nothing is recorded'}")
        for name, words in (
            ("missing", "no record from near its start shows"),
            ("not_seen", "not seen, as not all was pulled"),
        ):
            lacking = ", ".join(_WORDS.get(each, each) for each in texts(one, name))
            if lacking:
                yield Text(f"  {words}: {lacking}", style="yellow" if name == "missing" else "dim")
        first = member(one, "residential_first")
        if first:
            stay = text(first, "stay") or "no such stay is known"
            yield Text(f"  something spoke for care around the clock first: {stay}")


def _recorded(one: dict[str, Json]) -> str:
    days = texts(one, "days")
    when = days[0] if len(set(days)) == 1 else " to ".join(days)
    by = ", ".join(texts(one, "by"))
    return " ".join(part for part in (text(one, "part"), when, f"by {by}" if by else "") if part)
