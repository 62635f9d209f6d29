"""What one simulated EHR holds: every version of every record, stamped as its personality stamps them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from coordinator.fhir.dates import instant_of
from coordinator.fhir.document import Document, read_document
from coordinator.fhir.patch import Edit, Remove, Set, patched
from coordinator.fhir.references import Relative, read_reference
from coordinator.sandbox.personality import Precision
from coordinator.sandbox.world import Change, Deleted, EhrOfWorld, Saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a record; `seen` keeps what searches have found in it."""

    document: Document
    number: str
    at: datetime
    deleted: bool = False
    is_indexed: bool = False  # a search finds it at once, however far the index has come
    seen: dict[str, Any] = field(default_factory=dict)


class Records:
    """The records of one EHR in the order in which they came; `generation` counts the changes."""

    def __init__(self, ehr: EhrOfWorld, *, now: datetime, zone: ZoneInfo) -> None:
        self._name = ehr.name
        self._personality = ehr.personality
        self._zone = zone
        self._histories: dict[str, dict[str, list[Version]]] = {}
        self._given: dict[str, int] = {}
        self.generation = 0
        for lines in ehr.resources.values():
            for line in lines:
                self._hold(line, now)

    def current(self, kind: str, record_id: str) -> Version | None:
        """Return the latest version, which may be a deletion; None for what never was."""
        history = self._histories.get(kind, {}).get(record_id)
        return history[-1] if history else None

    def version(self, kind: str, record_id: str, *, number: str) -> Version | None:
        """Return the version with this number."""
        history = self._histories.get(kind, {}).get(record_id, [])
        return next((one for one in history if one.number == number), None)

    def living(self, kind: str) -> Iterator[Version]:
        """Yield what a search of this type could find."""
        for history in self._histories.get(kind, {}).values():
            if not history[-1].deleted:
                yield history[-1]

    def deleted(self, kind: str) -> Iterator[Version]:
        """Yield the last version of what was deleted."""
        for history in self._histories.get(kind, {}).values():
            if history[-1].deleted:
                yield history[-1]

    def visible(self, kind: str, *, until: datetime) -> Iterator[Version]:
        """Yield what a search finds whose index has come up to an instant, for every other save: it has two workers."""
        for history in self._histories.get(kind, {}).values():
            shown = [one for one in history if one.is_indexed or one.at <= until]
            if shown and not shown[-1].deleted:
                yield shown[-1]

    def since(self, kinds: Iterable[str], at: datetime | None) -> list[Version]:
        """Return every version of some types from an instant on, or all, the newest first."""
        histories = [history for kind in kinds for history in self._histories.get(kind, {}).values()]
        versions = [one for history in histories for one in history]
        wanted = [one for one in versions if at is None or one.at >= at]
        return sorted(wanted, key=lambda one: one.at, reverse=True)

    def of(self, kind: str, record_id: str) -> list[Version]:
        """Return every version of one record, the newest first."""
        return self._histories.get(kind, {}).get(record_id, [])[::-1]

    def new_id(self, kind: str) -> str:
        """Return an id that nothing has: counted, so that the same story gives the same ids."""
        while True:
            self._given[kind] = self._given.get(kind, 0) + 1
            found = f"{self._name}-{kind.lower()}-{self._given[kind]}"
            if self.current(kind, found) is None:
                return found

    def save(self, document: Document, at: datetime) -> Version:
        """Return the version that this save makes; a save that changes nothing makes none."""
        before = self.current(document.type, document.id)
        if before is not None and not before.deleted and document.canonical_hash == before.document.canonical_hash:
            return before
        if self._personality.recreates_goals and document.type == "CarePlan":
            document = self._with_new_goals(document, at)
        return self._add(document, before, at=at)

    def touch(self, kind: str, record_id: str, *, at: datetime) -> None:
        """Save a record as it is, as somebody in the clinic would who opens and closes it: a new version."""
        before = self.current(kind, record_id)
        if before is not None and not before.deleted:
            self._add(before.document, before, at=at)

    def delete(self, kind: str, record_id: str, *, at: datetime) -> None:
        """Delete a record; nothing happens where there is none."""
        before = self.current(kind, record_id)
        if before is None or before.deleted:
            return
        number = _next_number(before)
        gone = Version(document=before.document, number=number, at=at, deleted=True)
        self._histories[kind][record_id].append(gone)
        self.generation += 1

    def restore(self, to: datetime) -> None:
        """Set everything back to a backup of an instant: what came later never was, and its numbers are given anew."""
        for kind, histories in self._histories.items():
            kept = {id_: [one for one in history if one.at <= to] for id_, history in histories.items()}
            self._histories[kind] = {id_: history for id_, history in kept.items() if history}
        self.generation += 1

    def apply(self, change: Change) -> None:
        """Save and delete what clinicians did at one instant."""
        for record in change.records:
            match record:
                case Saved():
                    self.save(read_document(record.raw), change.at)
                case Deleted():
                    self.delete(record.type, record.id, at=change.at)

    def _hold(self, line: bytes, now: datetime) -> None:
        """Keep a record of the start byte for byte, but for stamps that the personality gives or withholds."""
        document = read_document(line)
        number = document.version_id or "1"
        at = (instant_of(document.last_updated) if document.last_updated else None) or now
        last_updated = document.last_updated or self._instant_text(at)
        stamped = patched(document, self._stamps(document, number, last_updated=last_updated))
        version = Version(document=stamped, number=number, at=at, is_indexed=True)
        self._histories.setdefault(document.type, {})[document.id] = [version]

    def _add(self, document: Document, before: Version | None, *, at: datetime) -> Version:
        number = _next_number(before)
        told = before.document.last_updated if before and document.type in self._personality.unstamped else None
        stamped = patched(document, self._stamps(document, number, last_updated=told or self._instant_text(at)))
        version = Version(document=stamped, number=number, at=at, is_indexed=self.generation % 2 == 0)
        self._histories.setdefault(document.type, {}).setdefault(document.id, []).append(version)
        self.generation += 1
        return version

    def _stamps(self, document: Document, number: str, *, last_updated: str) -> list[Edit]:
        edits: list[Edit] = []
        if self._personality.version_ids:
            edits.append(Set(("meta", "versionId"), number))
        elif document.get("meta", "versionId") is not None:
            edits.append(Remove(("meta", "versionId")))
        if self._personality.last_updated is not Precision.NONE:
            edits.append(Set(("meta", "lastUpdated"), last_updated))
        elif document.get("meta", "lastUpdated") is not None:
            edits.append(Remove(("meta", "lastUpdated")))
        return edits

    def _instant_text(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        if self._personality.last_updated is Precision.MILLISECOND:
            return local.isoformat(timespec="milliseconds")
        if self._personality.last_updated is Precision.DAY:
            local = local.replace(hour=0, minute=0, second=0)
        return local.isoformat(timespec="seconds")

    def _with_new_goals(self, plan: Document, at: datetime) -> Document:
        """Make the plan's goals anew: some EHRs delete and recreate all goals at each save of the plan."""
        goals = plan.get("goal")
        edits: list[Edit] = []
        for index, element in enumerate(goals if isinstance(goals, list) else []):
            reference = read_reference(element)
            if not isinstance(reference, Relative) or reference.type != "Goal":
                continue
            old = self.current("Goal", reference.id)
            if old is None or old.deleted:
                continue
            new_id = self.new_id("Goal")
            self._add(patched(old.document, [Set(("id",), new_id)]), None, at=at)
            self.delete("Goal", reference.id, at=at)
            edits.append(Set(("goal", index, "reference"), f"Goal/{new_id}"))
        return patched(plan, edits)


def _next_number(before: Version | None) -> str:
    if before is None:
        return "1"
    return str(int(before.number) + 1) if before.number.isdecimal() else f"{before.number}-1"
