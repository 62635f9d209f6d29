"""Search: which records of a type match what was asked, by the parameters that the EHR offers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from coordinator.errors import InvalidInput
from coordinator.fhir.dates import day_of, instant_of
from coordinator.fhir.json_text import Json
from coordinator.sandbox.capability import Offer, Parameter, parameters_of
from coordinator.sandbox.exchange import Refusal
from coordinator.sandbox.records import Version

_PREFIXES: dict[str, Callable[["_Span", "_Span"], bool]] = {
    "eq": lambda found, asked: asked.low <= found.low and found.high <= asked.high,
    "ne": lambda found, asked: not (asked.low <= found.low and found.high <= asked.high),
    "ge": lambda found, asked: found.high >= asked.low,
    "gt": lambda found, asked: found.high > asked.high,
    "le": lambda found, asked: found.low <= asked.high,
    "lt": lambda found, asked: found.low < asked.low,
    "sa": lambda found, asked: found.low > asked.high,
    "eb": lambda found, asked: found.high < asked.low,
}


@dataclass(frozen=True, slots=True)
class _Span:
    """The stretch of time that a date of any precision covers."""

    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search asks, after all that the EHR ignores has been left out."""

    type: str
    filters: tuple[tuple[Parameter, str], ...]
    used: tuple[tuple[str, str], ...]
    count: int | None
    total_only: bool

    @property
    def query(self) -> str:
        """Return the parameters that were used, as the self link tells them."""
        return urlencode(self.used)


def read_search(offer: Offer, query: str, *, refuse_unknown: bool, ignores: Sequence[str] = ()) -> Search:
    """Return the search that a query asks of one type.

    Raises Refusal (400) for an unknown parameter where the EHR minds, a required one that is missing, a value that
    makes no sense. A declared parameter that the sandbox can't evaluate is ignored, as real EHRs do.
    """
    known = parameters_of(offer.type)
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if value.strip()]
    filters: list[tuple[Parameter, str]] = []
    used: list[tuple[str, str]] = []
    count, total_only = None, False
    for name, value in pairs:
        if name == "_format" or name in ignores:
            continue
        if name == "_count":
            count = _whole(value)
        elif name == "_summary" and name in offer.parameters:
            total_only = value == "count"
        elif name in offer.parameters and name in known:
            filters.append((known[name], value))
        elif refuse_unknown and name not in offer.parameters:
            raise Refusal(400, "not-supported", text=f"The search parameter {name} is not known for {offer.type}.")
        else:
            continue
        used.append((name, value))
    _refuse_missing(offer, {name for name, _ in pairs})
    return Search(
        type=offer.type, filters=tuple(filters), used=tuple(used), count=count, total_only=total_only or count == 0
    )


def found_by(search: Search, versions: Iterable[Version], *, zone: ZoneInfo) -> list[Version]:
    """Return the versions that match every filter."""
    tests = [(parameter, _wanted(parameter, value, zone=zone)) for parameter, value in search.filters]
    return [
        version
        for version in versions
        if all(wanted(_values(version, parameter, zone=zone)) for parameter, wanted in tests)
    ]


def _whole(value: str) -> int:
    if not value.isdecimal():
        raise Refusal(400, "value", text="_count must be a whole number.")
    return int(value)


def _refuse_missing(offer: Offer, given: set[str]) -> None:
    if offer.required and not any(names <= given for names in offer.required):
        ways = " or ".join(" with ".join(sorted(names)) for names in offer.required)
        raise Refusal(400, "required", text=f"A search of {offer.type} needs {ways}.")


# --- what is asked -----------------------------------------------------------------------------------------------


def _wanted(parameter: Parameter, value: str, *, zone: ZoneInfo) -> Callable[[Sequence[Any]], bool]:
    """Return the test of one filter: any of the values between commas."""
    alternatives = [one for one in value.split(",") if one]
    if parameter.kind == "date":
        spans = [_date_asked(parameter.name, one, zone=zone) for one in alternatives]
        return lambda values: any(compare(span, asked) for span in values for compare, asked in spans)
    if parameter.kind == "string":
        starts = tuple(one.casefold() for one in alternatives)
        return lambda values: any(text.startswith(starts) for text in values)
    if parameter.kind == "reference":
        targets = [_target(one) for one in alternatives]
        return lambda values: any(_same_target(value, target) for value in values for target in targets)
    tokens = [_token_asked(one) for one in alternatives]
    return lambda values: any(_same_token(value, token) for value in values for token in tokens)


def _date_asked(name: str, text: str, *, zone: ZoneInfo) -> tuple[Callable[[_Span, _Span], bool], _Span]:
    prefix, rest = (text[:2], text[2:]) if text[:2] in _PREFIXES else ("eq", text)
    span = _span(rest, zone)
    if span is None:
        raise Refusal(400, "value", text=f"{name} must be a date with or without a prefix such as ge.")
    return _PREFIXES[prefix], span


def _token_asked(text: str) -> tuple[str | None, str]:
    """Return (system, code): a system of None is any, a code of "" is any."""
    system, bar, code = text.partition("|")
    return (system, code) if bar else (None, text)


def _same_token(found: tuple[str, str], asked: tuple[str | None, str]) -> bool:
    system, code = asked
    return (system is None or found[0] == system) and (not code or found[1] == code)


def _target(text: str) -> tuple[str, str]:
    """Return (type, id) of a reference in any spelling; the type is empty where none is told."""
    parts = text.split("/_history/", 1)[0].rstrip("/").split("/")
    return (parts[-2] if len(parts) > 1 else "", parts[-1])


def _same_target(found: tuple[str, str], asked: tuple[str, str]) -> bool:
    return found[1] == asked[1] and (not asked[0] or not found[0] or found[0] == asked[0])


# --- what is found -----------------------------------------------------------------------------------------------


def _values(version: Version, parameter: Parameter, *, zone: ZoneInfo) -> Sequence[Any]:
    if parameter.name not in version.seen:
        elements = [one for path in parameter.paths for one in version.document.all(*path)]
        version.seen[parameter.name] = _read(parameter, elements, zone=zone)
    found: Sequence[Any] = version.seen[parameter.name]
    return found


def _read(parameter: Parameter, elements: list[Json], *, zone: ZoneInfo) -> Sequence[Any]:
    if parameter.kind == "date":
        return [span for one in elements if (span := _span_of(one, zone)) is not None]
    if parameter.kind == "string":
        return [one.casefold() for one in elements if isinstance(one, str)]
    if parameter.kind == "reference":
        targets = (one.get("reference") for one in elements if isinstance(one, dict))
        found = [_target(one) for one in targets if isinstance(one, str)]
        # Only Patient counts for `patient`: an Appointment's participants are of many kinds.
        return [one for one in found if parameter.name != "patient" or one[0] == "Patient"]
    return [token for one in elements for token in _tokens(one)]


def _tokens(element: Json) -> list[tuple[str, str]]:
    if isinstance(element, bool):
        return [("", str(element).lower())]
    if isinstance(element, str):
        return [("", element)]
    if not isinstance(element, dict):
        return []
    codings = element.get("coding")
    if isinstance(codings, list):
        return [token for coding in codings for token in _tokens(coding)]
    code = element.get("code", element.get("value"))
    return [(str(element.get("system", "")), code)] if isinstance(code, str) else []


def _span_of(element: Json, zone: ZoneInfo) -> _Span | None:
    if isinstance(element, str):
        return _span(element, zone)
    if not isinstance(element, dict):
        return None
    start, end = element.get("start"), element.get("end")
    first = _span(start, zone) if isinstance(start, str) else None
    last = _span(end, zone) if isinstance(end, str) else None
    if first is None and last is None:
        return None
    return _Span(
        first.low if first else datetime(1, 1, 2, tzinfo=zone),
        last.high if last else datetime(9999, 12, 30, tzinfo=zone),
    )


def _span(text: str, zone: ZoneInfo) -> _Span | None:
    try:
        if (at := instant_of(text)) is not None:
            return _Span(at, at)
        days = day_of(text, zone)
    except InvalidInput:
        return None
    low = datetime.combine(days.first, time(), tzinfo=zone)
    high = datetime.combine(days.last, time(), tzinfo=zone) + timedelta(days=1, microseconds=-1)
    return _Span(low, high)
