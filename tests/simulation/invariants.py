"""What must hold in every world, whatever goes wrong; each with the sentence that a failure says.

Those of a moment are asked at each body that leaves and at each write that an EHR takes; those of the end when faults
have stopped and the product had a few cycles to come to rest.
"""

from collections import Counter
from itertools import islice
from typing import Any

from coordinator.audit import AuditRow
from coordinator.fhir import Json, parse
from coordinator.outbox import Entry, Form, Status
from coordinator.outbox.receiver import SYSTEM
from coordinator.sandbox.personality import IfMatch
from tests.simulation.network import Sent
from tests.simulation.process import Process
from tests.simulation.world import SimulatedWorld

SETTLED = frozenset({Status.VERIFIED, Status.OBSOLETE, Status.WITHHELD})


class Broken(AssertionError):
    """An invariant does not hold."""


class Watch:
    """Looks at a world from outside: at what is committed, at what leaves, and at what EHRs hold."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.broken: list[str] = []
        self._left: Counter[tuple[str, str]] = Counter()
        self._told: dict[tuple[str, str], list[AuditRow]] = {}
        self._read = 0
        self.windows = 0
        for line in world.lines.values():
            line.on_leave = self.leaves
            line.before_write = self.is_about_to_replace
            line.after_write = self.was_written

    def rows(self, table: str) -> dict[Any, Any]:
        """Return what is committed of a table."""
        return self.world.database.rows("tenant").tables.get(table, {})

    # ---- at the moment when a body leaves ----------------------------------------------------------------------------

    def leaves(self, process: Process, sent: Sent) -> None:
        """A body leaves a process now."""
        self._catch_up()
        place = (sent.ehr, sent.subject)
        self._left[place] += 1
        events = self._told.get(place, [])
        if len(events) < self._left[place]:
            self._break(f"a body left for {sent.ehr}/{sent.subject} without a disclosure event that was durable before")
            return
        entry = self._in_flight(sent)
        if entry is None:
            self._break(f"a body left for {sent.ehr}/{sent.subject} without a durable intent in flight")
        self._consent_holds(sent, events[-1])
        self.world.trace.tell(sent.at, process.name, "sends", sent.method, f"{sent.ehr}/{sent.subject}")

    def _catch_up(self) -> None:
        log = self.rows("audit")
        for row in islice(log.values(), self._read, None):
            if row.kind == "disclosure":
                self._told.setdefault((row.ehr, row.subject), []).append(row)
        self._read = len(log)

    def _in_flight(self, sent: Sent) -> Entry | None:
        type_, _, target = sent.subject.partition("/")
        for owed in self.rows("outbox").values():
            entry: Entry = owed.entry
            intent = entry.intent
            if (intent.ehr, intent.type, intent.target or "", entry.status) == (
                sent.ehr,
                type_,
                target,
                Status.IN_FLIGHT,
            ):
                return entry
        return None

    def _consent_holds(self, sent: Sent, event: AuditRow) -> None:
        """No body leaves that rests on records of a program whose consent for this recipient was revoked before."""
        for discloser in sorted(_sources(event) - {sent.ehr, "pcp"}):
            prefix = f"{discloser}-{sent.ehr}-"
            mine = [one for one in self.rows("consent").values() if one.consent_id.startswith(prefix)]
            if not any(one.revoked_at is None for one in mine):
                self._break(f"a body left for {sent.ehr}/{sent.subject} after {discloser} -> {sent.ehr} was revoked")

    # ---- at the moment when an EHR takes a write ---------------------------------------------------------------------

    def is_about_to_replace(self, sent: Sent) -> bytes:
        """Return the hash of what a write replaces, empty where it replaces nothing."""
        type_, _, target = sent.subject.partition("/")
        current = self.world.ehrs[sent.ehr].records.current(type_, target) if target else None
        return current.document.canonical_hash if current is not None and not current.deleted else b""

    def was_written(self, sent: Sent, before: bytes, status: int) -> None:
        """An EHR took a write."""
        if status >= 300:
            return
        type_, _, target = sent.subject.partition("/")
        if target:
            self._saw_what_it_replaced(sent, before)
        self._is_there_once(sent.ehr, type_)

    def _saw_what_it_replaced(self, sent: Sent, before: bytes) -> None:
        """What a clinician saved is not overwritten by a body that was made from an older version."""
        type_, _, target = sent.subject.partition("/")
        seen = {
            owed.entry.intent.base_hash
            for owed in self.rows("outbox").values()
            if (owed.entry.intent.ehr, owed.entry.intent.type, owed.entry.intent.target) == (sent.ehr, type_, target)
        }
        if before in seen or not before:
            return
        if self.world.ehrs[sent.ehr].personality.if_match is not IfMatch.IGNORED:
            self._break(f"an update of {sent.ehr}/{sent.subject} replaced a version that it was not made from")
        self.windows += 1
        self.world.trace.reach("window: overwritten between look and write, without If-Match")

    def _is_there_once(self, ehr: str, type_: str) -> None:
        """At most one resource of ours per business identity."""
        claims = Counter(
            claim for one in self.world.ehrs[ehr].records.living(type_) for claim in _claims(dict(one.document.tree))
        )
        for claim, count in claims.items():
            if count > 1:
                self._break(f"{count} {type_} with our identifier {claim} at {ehr}")

    def _break(self, sentence: str) -> None:
        self.world.trace.tell(self.world.loop.time(), "INVARIANT", sentence)
        self.broken.append(sentence)
        raise Broken(sentence)

    # ---- when all has come to rest -----------------------------------------------------------------------------------

    def at_rest(self) -> None:
        """Check what must be so once faults have stopped and a few cycles have run."""
        if self.broken:
            raise Broken(self.broken[0])
        self._outbox_is_settled()
        self._goals_agree()
        self._conflicts_are_listed_once()
        self._audit_has_no_more_than_left()

    def _outbox_is_settled(self) -> None:
        for owed in self.rows("outbox").values():
            entry: Entry = owed.entry
            if entry.intent.form is Form.NONE or entry.status in SETTLED:
                continue
            if entry.status is Status.REFUSED and entry.reason:
                self.world.trace.reach("parked: refused")
                continue
            if entry.status is Status.CONFLICT and entry.reason == "gone" and self._is_asked("write.contested", entry):
                self.world.trace.reach("parked: what was to be updated is gone")
                continue
            self._break(
                f"an entry for {entry.intent.ehr} {entry.intent.concept} is left {entry.status.value}"
                f" ({entry.reason}) after {entry.attempts} attempts"
            )

    def _is_asked(self, code: str, entry: Entry) -> bool:
        key = f"{code}:{entry.intent.ehr}/{entry.intent.key}"
        return any(one.key == key for _, one in self.open_findings())

    def _goals_agree(self) -> None:
        """Two EHRs that may tell each other hold the same values of a goal, or a person was asked about it."""
        asked = self._asked_about()
        for person in range(self.world.options.persons):
            holders = [name for name in self.world.ehrs if self.world.held(name, "Goal")]
            for index, one in enumerate(holders):
                for other in holders[index + 1 :]:
                    if self._may_tell(one, other, person) and self._may_tell(other, one, person):
                        self._same_goals(one, other, person, asked)

    def _same_goals(self, one: str, other: str, person: int, asked: set[str]) -> None:
        mine, theirs = (self._goals(name, person) for name in (one, other))
        for text in mine.keys() & theirs.keys():
            here, there = mine[text], theirs[text]
            if len(here) > 1 or len(there) > 1 or {here[0][0], there[0][0]} & asked:
                continue
            if "cancelled" in {here[0][1][0], there[0][1][0]}:
                continue  # a person said that it is given up; what stands elsewhere in the same words is another goal
            if here[0][1] != there[0][1]:
                self._break(f"{here[0][0]} tells {here[0][1]}, {there[0][0]} tells {there[0][1]}, and nobody is asked")

    def _goals(self, ehr: str, person: int) -> dict[str, list[tuple[str, tuple[Any, ...]]]]:
        found: dict[str, list[tuple[str, tuple[Any, ...]]]] = {}
        for goal in self.world.held(ehr, "Goal"):
            if goal["subject"]["reference"] != f"Patient/{ehr}-p{person}":
                continue
            values = (
                goal["lifecycleStatus"],
                goal.get("target", [{}])[0].get("dueDate"),
                goal["achievementStatus"]["coding"][0]["code"],
            )
            found.setdefault(goal["description"]["text"], []).append((f"{ehr}/Goal/{goal['id']}", values))
        return found

    def _asked_about(self) -> set[str]:
        """Return the places of records about which a finding is open."""
        found: set[str] = set()
        for _, finding in self.open_findings():
            found |= {ref.partition("@")[0] for ref in finding.evidence}
        return found

    def open_findings(self) -> list[tuple[Any, Any]]:
        """Return the findings that are open."""
        return [(key, one) for key, one in self.rows("finding").items() if one.status != "resolved"]

    def _may_tell(self, discloser: str, recipient: str, person: int) -> bool:
        mrn = ("A1", "B2")[person]
        prefix = f"{discloser}-{recipient}-{mrn}-"
        held = [one for one in self.rows("consent").values() if one.consent_id.startswith(prefix)]
        return any(one.revoked_at is None for one in held)

    def _conflicts_are_listed_once(self) -> None:
        seen: Counter[tuple[str, str, tuple[str, ...], str]] = Counter()
        for (person, _), one in self.open_findings():
            places = tuple(sorted({ref.partition("@")[0] for ref in one.evidence}))
            if one.code.startswith("plan.goal"):
                seen[(person, one.code, places, str(one.facts.get("field")))] += 1
        for (_, code, places, _), count in seen.items():
            if count > 1:
                self._break(f"{code} about {', '.join(places)} is listed {count} times")

    def _audit_has_no_more_than_left(self) -> None:
        """Each event has its body, but for a process that was killed between the event and the request."""
        self._catch_up()
        events = sum(len(rows) for rows in self._told.values())
        left = sum(self._left.values())
        killed = sum(count for kind, count in self.world.trace.reached.items() if kind.startswith("crash"))
        if events - left > killed:
            self._break(f"{events} disclosure events for {left} bodies that left, with {killed} kills")

    def state(self) -> dict[str, dict[Any, Any]]:
        """Return all that is committed, but for the list of pulls, which grows with each."""
        tables = self.world.database.rows("tenant").tables
        return {name: dict(rows) for name, rows in tables.items() if name != "pull"}


def _sources(event: AuditRow) -> set[str]:
    """Return the EHRs whose records a disclosure cites."""
    tree = parse(event.body)
    entities: Json = tree.get("entity") if isinstance(tree, dict) else None
    values = [
        one["what"]["identifier"]["value"]
        for one in (entities if isinstance(entities, list) else [])
        if one["what"]["identifier"]["system"].endswith("/record")  # type: ignore[index,call-overload,union-attr]
    ]
    return {value.partition("/")[0] for value in values}


def _claims(tree: dict[str, Any]) -> list[tuple[str, str]]:
    told = [*tree.get("identifier", [])]
    if "masterIdentifier" in tree:
        told.append(tree["masterIdentifier"])
    return [(one.get("system"), one.get("value")) for one in told if str(one.get("system")).startswith(f"{SYSTEM}/")]
