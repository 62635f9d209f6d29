"""An owed write as people and programs see it: its status in words, what it rests on, and its difference in FHIR."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

from coordinator.fhir import BadJson, Json, dumps, parse
from coordinator.outbox import Entry, Status
from coordinator.outbox.delivery import acknowledgment
from coordinator.sync.ports import Transaction
from coordinator.sync.records import Received

SHORT = 8  # so much of a person's id names them in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An entry of the outbox, with the record that it would change as we hold it now, if it would change one."""

    entry: Entry
    held: Received | None

    @property
    def base_version(self) -> str:
        """Return the version that the write was made from, as its EHR or, where it names none, its content tells."""
        return (self.entry.intent.base or "").partition("@")[2]

    @property
    def if_match(self) -> str | None:
        """Return the If-Match that goes with the write; None for a create and where the EHR names no versions."""
        version = self.base_version
        return f'W/"{version}"' if version and not version.startswith("~") else None

    @property
    def has_moved(self) -> bool:
        """Say whether the record moved since the write was made: the next sync makes it anew."""
        return self.held is not None and self.held.version != self.base_version

    @property
    def diff(self) -> list[str]:
        """Return a unified diff from the record to the body; all new where there is none, empty where we may not."""
        intent = self.entry.intent
        if not intent.body:
            return []  # withheld: what may not go out is not shown as if it would
        before = _pretty_lines(self.held.body) if self.held is not None else []
        old = intent.base or "(nothing there)"
        new = f"{intent.ehr}/{intent.type}/{intent.target or '(new)'}"
        return [line.rstrip("\n") for line in unified_diff(before, _pretty_lines(intent.body), old, new)]


async def read_owed(tx: Transaction, entry: Entry) -> Owed:
    """Return an entry with the record that it would change."""
    intent = entry.intent
    held = await tx.evidence.one(intent.ehr, intent.type, intent.target) if intent.target else None
    return Owed(entry=entry, held=held)


def owed_row(owed: Owed) -> dict[str, Json]:
    """Return the JSON of an owed write."""
    entry, intent = owed.entry, owed.entry.intent
    return {
        "ehr": intent.ehr,
        "type": intent.type,
        "form": intent.form.value,
        "status": status_word(entry),
        "reason": entry.reason,
        "summary": summary_of(entry),
        "person": intent.person,
        "target": intent.target,
        "base": intent.base,
        "if_match": owed.if_match,
        "moved": owed.has_moved,
        "diff": "\n".join(owed.diff),
    }


def status_word(entry: Entry) -> str:
    """Return an entry's status in the words of the plan."""
    match entry.status:
        case Status.WITHHELD:
            return f"withheld: {entry.reason}"
        case Status.UNKNOWN | Status.IN_FLIGHT:
            return "unknown"
        case _:
            return "owed"


def summary_of(entry: Entry) -> str:
    """Return what it is about: of what is withheld only its concept, of what met trouble also why it stands."""
    if entry.status is Status.WITHHELD:
        return entry.intent.concept.replace("_", " ")
    known = acknowledgment(entry)
    why = f" ({entry.reason})" if entry.reason else ""
    return f"{entry.intent.summary}{why}" + (f" (acknowledged by {known.by})" if known else "")


def guard_of(owed: Owed) -> str:
    """Return in words what keeps the write from going over somebody else's change."""
    if owed.entry.intent.target is None:
        return "a new record, looked for by its identifier first"
    moved = "; the record has moved since, the next sync makes this anew" if owed.has_moved else ""
    if owed.if_match:
        return f"If-Match: {owed.if_match}{moved}"
    return f"compared with version {owed.base_version or 'unknown'} before it is written{moved}"


def _pretty_lines(body: bytes) -> list[str]:
    try:
        return [f"{line}\n" for line in _pretty(parse(body), "")]
    except BadJson:
        return [f"({len(body)} bytes that can't be read)\n"]


def _pretty(value: Json, indent: str, prefix: str = "", end: str = "") -> Iterator[str]:
    """Yield a value over several lines; its numbers keep the text in which they came."""
    inner = f"{indent}  "
    if isinstance(value, dict) and value:
        yield f"{indent}{prefix}{{"
        for number, (name, below) in enumerate(value.items(), 1):
            yield from _pretty(below, inner, f"{dumps(name).decode()}: ", "," if number < len(value) else "")
        yield f"{indent}}}{end}"
    elif isinstance(value, list) and value:
        yield f"{indent}{prefix}["
        for number, below in enumerate(value, 1):
            yield from _pretty(below, inner, end="," if number < len(value) else "")
        yield f"{indent}]{end}"
    else:
        yield f"{indent}{prefix}{dumps(value).decode()}{end}"
