"""Which types a pull asks for by their fast lanes, and what full compares find that a lane had not shown.

A lane is used between two full compares that were complete, and never says that something is gone. When a full compare
is due the lane is walked first: what the compare then finds and the lane had not shown was missed, and a lane that
misses anything is used no more until a person turns it on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from coordinator.audit import Happening, audit_row
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import head, instant_in
from coordinator.sync.ports import Ehr, Pulled, Transaction
from coordinator.sync.records import Cursor, Received

MOST_RESTAMPED: Final = 3  # a record may be opened and closed between the two walks without a change


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the types of a pull are asked for: by their lanes alone, by lane and then in full, or in full."""

    fast: Mapping[str, Cursor] = field(default_factory=dict)
    checked: Mapping[str, Cursor] = field(default_factory=dict)
    full: tuple[str, ...] = ()

    @property
    def since(self) -> dict[str, datetime]:
        """Return from when on each lane is asked."""
        return {type_: one.mark for type_, one in {**self.fast, **self.checked}.items()}


def course(ehr: Ehr, types: Sequence[str], *, cursors: Mapping[str, Cursor], now: datetime) -> Course:
    """Return how each type is asked for now."""
    fast: dict[str, Cursor] = {}
    checked: dict[str, Cursor] = {}
    for type_ in types:
        lane, cursor = ehr.lane(type_), cursors.get(type_)
        if lane is None or cursor is None or cursor.off or (cursor.way, cursor.basis) != (lane.way, lane.basis):
            continue
        is_due = not cursor.compared_at <= now < cursor.compared_at + lane.full_every
        (checked if is_due else fast)[type_] = cursor
    return Course(fast=fast, checked=checked, full=tuple(one for one in types if one not in {**fast, **checked}))


@dataclass(slots=True, kw_only=True)
class Check:
    """What a full compare finds that the lane should have shown.

    `until` is up to where the lane must have shown all: what was saved while both walked is not its fault.
    """

    since: datetime
    until: datetime | None
    brought: frozenset[str]
    unshown: dict[str, datetime] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    def look(self, entries: Iterable[bytes]) -> None:
        """Look at entries of the full compare: those stamped since then must have been shown."""
        for raw in entries:
            try:
                named = head(raw)
            except InvalidInput:
                continue
            at = instant_in(named.last_updated)
            if at is not None and at >= self.since and named.id not in self.brought:
                self.unshown[named.id] = at

    def news(self, changed: Iterable[Received]) -> None:
        """Look at what the full compare found changed: what is stamped before then no walk of the lane would show."""
        for one in changed:
            self.changed.add(one.id)
            at = instant_in(head(one.body).last_updated)
            if one.id not in self.brought and (at is None or at < self.since):
                self.missed.add(one.id)

    def count(self, ended: Pulled) -> int:
        """Return how many the lane missed, at the end of the full compare."""
        until = self.until
        if until is None and ended.newest is not None and ended.mark is not None:
            until = self.since + (ended.newest - ended.mark)  # where the mark itself had come from
        late = {id_ for id_, at in self.unshown.items() if until is not None and at <= until}
        # Unchanged, and yet stamped after the lane was walked: some servers stamp when they answer, not when one saved.
        restamped = set(self.unshown) - late - self.changed
        return len(self.missed | late | (restamped if len(restamped) >= MOST_RESTAMPED else set()))


def compared(before: Cursor | None, began: Cursor, missed: int) -> Cursor:
    """Return how a lane stands after a complete full compare, from which it begins anew."""
    is_same = before is not None and (before.way, before.basis) == (began.way, began.basis)
    held = before if is_same and before is not None else began
    off = held.off
    if missed and not off:
        off = f"a full compare found {missed} changes that it had not shown"
    return replace(began, missed=held.missed + missed, off=off)


def walked(before: Cursor, ended: Pulled) -> Cursor:
    """Return how far a lane has come after a complete walk of its own: never back."""
    return before if ended.mark is None else replace(before, mark=max(before.mark, ended.mark))


async def turn_lanes(
    tx: Transaction, ehr: str, types: Sequence[str], *, off: str, by: tuple[str, datetime]
) -> list[Cursor]:
    """Turn the lanes of these types, or of all, off for a reason, or on where it is empty; `by` is who and when.

    Raises NotFound where a type has none.
    """
    cursors = await tx.pulls.cursors(ehr)
    unknown = [one for one in types if one not in cursors]
    if unknown or not cursors:
        raise NotFound(
            f"There is no fast lane of {', '.join(unknown) or 'any type'} at {ehr}.",
            operation="ehr lane",
            subject=ehr,
            hint="A lane begins with a complete full compare: `coordinator sync`, then `coordinator ehr check`.",
        )
    actor, now = by
    happening = Happening(kind="configuration", at=now, actor=actor, subject="ehr lane", ehr=ehr)
    await tx.audit.append([audit_row(happening)])
    turned = [replace(one, off=off) for type_, one in sorted(cursors.items()) if not types or type_ in types]
    for one in turned:
        await tx.pulls.put_cursor(one)
    return turned
