"""An event of the log as a row of an answer, and answers as CSV that is safe to open in a spreadsheet."""

import base64
import csv
import io
from collections.abc import Mapping, Sequence

from coordinator.audit.model import LoggedEvent
from coordinator.fhir import Json, parse

_UNSAFE = ("=", "+", "-", "@", "\t", "\r", "\0")  # what a spreadsheet takes for a formula, OWASP "CSV injection"
_DESTINATION = "110152"  # DICOM PS3.16: Destination Role ID
_GOING = frozenset({"disclosure", "emergency", "export"})
_OF_EMERGENCY = ("name", "affiliation", "nature")


def told(event: LoggedEvent) -> dict[str, Json]:
    """Return what an event tells: its columns, and from its body who received, why, and what it rests on."""
    row, body = event.row, _read(event)
    found: dict[str, Json] = {
        "seq": event.seq,
        "kind": row.kind,
        "time": row.at.isoformat(),
        "actor": row.actor,
        "person": row.person,
        "ehr": row.ehr,
        "recipient": _recipient(body) if row.kind in _GOING else None,
        "consent": row.consent,
        "purpose": row.purpose,
        "subject": row.subject,
        "outcome": "ok" if row.outcome == "0" else "refused",
        "reason": _text(body.get("outcomeDesc")),
        "cause": list[Json](_records(body)),
    }
    asked = [one["query"] for one in _parts(body, "entity") if "query" in one]
    if asked:
        found["query"] = base64.b64decode(str(asked[0])).decode()
    return found | _of_emergency(body) if row.kind == "emergency" else found


def as_csv(rows: Sequence[Mapping[str, Json]], columns: Sequence[str]) -> str:
    """Return rows as CSV (RFC 4180): a cell that a spreadsheet would run begins with an apostrophe and is text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(_cell(row.get(name))) for name in columns])
    return out.getvalue()


def as_ndjson(events: Sequence[LoggedEvent]) -> bytes:
    """Return the events raw: a line for each, with its place and the AuditEvent as it was logged."""
    lines = [b'{"seq":%d,"event":%s}\n' % (one.seq, one.row.body) for one in events if one.pruned_by is None]
    return b"".join(lines)


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a NUL, which is no text, is shown as what it is not."""
    plain = cell.replace("\0", "\ufffd")
    return f"'{plain}" if cell.lstrip(" \n").startswith(_UNSAFE) else plain


def _cell(value: Json) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _read(event: LoggedEvent) -> dict[str, Json]:
    """Return the body as it is; nothing where it was pruned."""
    body = parse(event.row.body) if event.row.body else {}
    return body if isinstance(body, dict) else {}


def _recipient(body: Mapping[str, Json]) -> str | None:
    for agent in _parts(body, "agent"):
        kind, who = agent.get("type"), agent.get("who")
        codes = [one.get("code") for one in _parts(kind, "coding")]
        identifier = who.get("identifier") if isinstance(who, dict) else None
        if _DESTINATION in codes and isinstance(identifier, dict):
            return _text(identifier.get("value"))
    return None


def _records(body: Mapping[str, Json]) -> list[str]:
    """Return the records that an event cites: in entities of their own, or as details of what it is about."""
    found: list[str] = []
    for one in _parts(body, "entity"):
        what = one.get("what")
        identifier = what.get("identifier") if isinstance(what, dict) else None
        if isinstance(identifier, dict) and str(identifier.get("system")).endswith("/record"):
            found.append(str(identifier.get("value")))
        found += [value for name, value in _details(one) if name == "record"]
    return found


def _of_emergency(body: Mapping[str, Json]) -> dict[str, Json]:
    """Return what 42 CFR 2.51(c) asks to record: who received it, of which house, the nature, and the disclosers."""
    beside = [pair for one in _parts(body, "entity") for pair in _details(one)]
    first = {name: next((value for told, value in beside if told == name), None) for name in _OF_EMERGENCY}
    return {**first, "discloser": [value for name, value in beside if name == "discloser"]}


def _details(entity: Mapping[str, Json]) -> list[tuple[str, str]]:
    return [(str(one.get("type")), str(one.get("valueString"))) for one in _parts(entity, "detail")]


def _parts(holder: object, name: str) -> list[dict[str, Json]]:
    held = holder.get(name) if isinstance(holder, Mapping) else None
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
