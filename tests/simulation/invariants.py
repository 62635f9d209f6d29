"""What must hold in every world, whatever goes wrong; each with the sentence that a failure says.

Those of a moment are asked at each body that leaves and at each write that an EHR takes; those of the end when faults
have stopped and the product had a few cycles to come to rest.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from coordinator.audit import AuditRow
from coordinator.fhir import Json, parse, read_document
from coordinator.outbox import Entry, Form, Status
from coordinator.outbox.receiver import SYSTEM
from coordinator.reconcile.finding_life import Turn
from coordinator.sandbox.personality import IfMatch
from coordinator.sandbox.records import Version
from tests.simulation.network import Sent
from tests.simulation.process import LEASES, Process
from tests.simulation.world import SimulatedWorld

IN_FLIGHT = 1.0  # seconds between the last question and the socket
OF_THE_RUN = frozenset(
    {"pull", "cursor", "run", "run_row", "run_write", "lease", "fleet", "job", "trouble", "receiving"}
)
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
        self.is_answered = False
        self.revoked: dict[str, float] = {}
        self.is_restored = False
        self.dates = Dates(self)
        world.watch = self
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
        """No body leaves that rests on records of a program whose consent for this recipient was revoked before.

        What was asked for and is on its way to the socket when a revocation is committed is in flight, and counted.
        """
        for discloser in sorted(_sources(event) - {sent.ehr, "pcp"}):
            prefix = f"{discloser}-{sent.ehr}-"
            mine = [one for one in self.rows("consent").values() if one.consent_id.startswith(prefix)]
            if not any(one.revoked_at is None for one in mine):
                if sent.at - max(self.revoked.get(one.consent_id, sent.at) for one in mine) < IN_FLIGHT:
                    self.world.trace.reach("consent: revoked while a body was on its way to the socket")
                    continue
                self._break(f"a body left for {sent.ehr}/{sent.subject} after {discloser} -> {sent.ehr} was revoked")

    def is_asked_of_the_store(self, process: Process, what: str, given: tuple[Any, ...]) -> None:
        """Nothing that was pulled is kept by a process whose lease another has taken over meanwhile."""
        if what != "evidence.receive":
            return
        now = {place: held.fence for place, held in self.rows("lease").items()}
        for ehr in sorted({one.ehr for one in given[0]}):
            mine = {work: fence for (whose, work), fence in LEASES.get().items() if whose == ehr}
            if not any(now.get((ehr, work)) == fence for work, fence in mine.items()):
                self._break(f"records of {ehr} were kept by {process.name}, whose lease another has taken over")

    # ---- at the moment when an EHR takes a write ---------------------------------------------------------------------

    def is_about_to_replace(self, sent: Sent) -> Version | None:
        """Return what a write replaces, if it replaces anything."""
        type_, _, target = sent.subject.partition("/")
        current = self.world.ehrs[sent.ehr].records.current(type_, target) if target else None
        return None if current is None or current.deleted else current

    def was_written(self, sent: Sent, before: Version | None, status: int) -> None:
        """An EHR took a write."""
        if status in (409, 412):
            self.world.trace.reach("conflict: the EHR refused a stale version")
        if status >= 300:
            return
        type_, _, target = sent.subject.partition("/")
        if target and before is not None:
            windows = self.windows
            self._saw_what_it_replaced(sent, before)
            self.dates.written(sent, before, unseen=self.windows > windows)
        self.is_there_once(sent.ehr, type_)

    def edited(self, ehr: str, goal: dict[str, Any]) -> None:
        """A clinician saved a goal."""
        self.dates.edited(ehr, goal)

    def _saw_what_it_replaced(self, sent: Sent, before: Version) -> None:
        """What a clinician saved is not overwritten by a body that was made from an older version.

        Where an EHR looks at no If-Match, the time between our look and our write stays: there it is counted, and what
        was there when we looked must have been seen.
        """
        type_, _, target = sent.subject.partition("/")
        made_from = {
            owed.entry.intent.base_hash
            for owed in self.rows("outbox").values()
            if (owed.entry.intent.ehr, owed.entry.intent.type, owed.entry.intent.target) == (sent.ehr, type_, target)
        }
        if before.document.canonical_hash in made_from:
            return
        if self.world.ehrs[sent.ehr].personality.if_match in (IfMatch.HONORED, IfMatch.REQUIRED):
            self._break(f"an update of {sent.ehr}/{sent.subject} replaced a version that it was not made from")
        saved = (before.at - self.world.ehrs[sent.ehr].now()).total_seconds() + self.world.loop.time()
        if saved <= self.world.lines[sent.ehr].looked.get(sent.subject, -1.0):
            self._break(f"an update of {sent.ehr}/{sent.subject} replaced a version that was there when we looked")
        self.windows += 1
        self.world.trace.reach("window: overwritten between look and write, where no If-Match counts")

    def is_there_once(self, ehr: str, type_: str) -> None:
        """At most one resource of ours per business identity."""
        unseen = self.world.lines[ehr].left_out  # who looks for it before creating it is told that it is not there
        claims = Counter(
            claim
            for one in self.world.ehrs[ehr].records.living(type_)
            for claim in _claims(dict(one.document.tree))
            if one.document.id not in unseen or self._creates_once(ehr, type_)
        )
        if self.world.ehrs[ehr].personality.search_lag_seconds and not self._creates_once(ehr, type_):
            return  # what was just created is not found there for a while, and it takes no If-None-Exist
        for claim, count in claims.items():
            if count > 1:
                self._break(f"{count} {type_} with our identifier {claim} at {ehr}")

    def _creates_once(self, ehr: str, type_: str) -> bool:
        return self.world.ehrs[ehr].personality.offers[type_].conditional_create == "true"

    def breaks(self, sentence: str) -> None:
        """An invariant is broken."""
        self._break(sentence)

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
        self._conflicts_are_opened_once()
        self._audit_has_no_more_than_left()
        self._one_level_at_a_time()
        self._echoes_are_no_evidence()

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
            if {here[0][0], there[0][0]} & self._kept():
                continue  # a person said that it stays though it is gone elsewhere; what is new there is another goal
            if here[0][1] != there[0][1]:
                self._break(f"{here[0][0]} tells {here[0][1]}, {there[0][0]} tells {there[0][1]}, and nobody is asked")

    def _kept(self) -> set[str]:
        """Return the places of goals that a person wants kept where they are, though another EHR has deleted them."""
        answers = [one for _, one in self.rows("decision").values() if one.key.endswith(":presence")]
        return {ref.partition("@")[0] for one in answers if one.value.get("keep") for ref in one.evidence}

    def _goals(self, ehr: str, person: int) -> dict[str, list[tuple[str, tuple[Any, ...]]]]:
        found: dict[str, list[tuple[str, tuple[Any, ...]]]] = {}
        for goal in self.world.held(ehr, "Goal"):
            if not goal["subject"]["reference"].endswith(f"-p{person}"):
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

    def _conflicts_are_opened_once(self) -> None:
        """A finding is opened again only after it was resolved."""
        is_open: set[tuple[str, str]] = set()
        for person, event in self.rows("finding_event").values():
            if event.turn is Turn.RESOLVED:
                is_open.discard((person, event.key))
            elif event.turn in (Turn.OPENED, Turn.REOPENED):
                if (person, event.key) in is_open:
                    self._break(f"{event.key} was opened again while it was open")
                is_open.add((person, event.key))

    def _audit_has_no_more_than_left(self) -> None:
        """Each event has its body, but for a process that was killed between the event and the request."""
        self._catch_up()
        events = sum(len(rows) for rows in self._told.values())
        left = sum(self._left.values())
        killed = sum(count for kind, count in self.world.trace.reached.items() if kind.startswith("crash"))
        if events - left > killed:
            self._break(f"{events} disclosure events for {left} bodies that left, with {killed} kills")

    def _one_level_at_a_time(self) -> None:
        """Never two primary levels at once in our account, unless a person is asked about it."""
        asked = {person for (person, _), one in self.open_findings() if one.code.startswith(("stay.", "level."))}
        for person, stored in self.rows("account").items():
            tree: Any = parse(stored.body)
            open_ = [one for one in tree["timeline"] if one["end"] is None and one["level"]["role"] == "provided"]
            levels = {one["level"]["code"] for one in open_}
            if len(levels) > 1 and person not in asked:
                self._break(f"two levels at once in the account of {person}, and nobody is asked: {sorted(levels)}")

    def _echoes_are_no_evidence(self) -> None:
        """No account rests on a record that we wrote ourselves."""
        ours = {
            f"{ehr}/{type_}/{one.document.id}@"
            for ehr, model in self.world.ehrs.items()
            for type_ in model.personality.offers
            for one in model.records.living(type_)
            if _claims(dict(one.document.tree))
        }
        for person, stored in self.rows("account").items():
            for place in ours:
                if place.encode() in stored.body:
                    self._break(f"the account of {person} rests on {place}, which we wrote")

    def missed_by_lanes(self) -> None:
        """A fast lane shows all that was saved, but for what its EHR did not show in time."""
        for record in self.rows("pull").values():
            if record.missed:
                self.world.trace.reach("recovery: a full compare found what a fast lane had not shown")
                if not self.world.lines[record.ehr].hides:
                    self._break(f"the fast lane of {record.type} at {record.ehr} missed {record.missed} changes")

    def state(self) -> dict[str, dict[Any, Any]]:
        """Return all that is committed, but for what a run writes of itself: that it was, and how far it came."""
        tables = self.world.database.rows("tenant").tables
        return {name: dict(rows) for name, rows in tables.items() if name not in OF_THE_RUN}


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


@dataclass(slots=True)
class _Cell:
    """The due date of one goal in one EHR: all values it had, each with the edits that whoever set it knew of."""

    value: str | None = None
    past: frozenset[int] = frozenset()
    told: list[tuple[str | None, frozenset[int]]] = field(default_factory=lambda: [(FIRST, frozenset())])


class Dates:
    """Which edit of a due date knew of which: a write of ours may replace only what its source knew of."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._cells: dict[tuple[str, str, str], _Cell] = {}
        self._count = 0

    def edited(self, ehr: str, goal: dict[str, Any]) -> None:
        """A clinician saved a goal, with another due date or the same."""
        cell, due = self._cell(ehr, goal), _due(goal)
        if due == cell.value:
            return
        self._count += 1
        self._set(cell, due, cell.past | {self._count})

    def written(self, sent: Sent, before: Version, *, unseen: bool) -> None:
        """A write of ours replaced a goal; `unseen` if somebody saved between look and write and no If-Match counts."""
        if not sent.subject.startswith("Goal/"):
            return
        goal = dict(read_document(sent.body).tree)
        due, cell = _due(goal), self._cell(sent.ehr, goal)
        if due in (_due(dict(before.document.tree)), cell.value):
            return
        person, text = _person_and_text(goal)
        others = [one for (ehr, who, what), one in self._cells.items() if (who, what) == (person, text)]
        knew = [past for one in others if one is not cell for value, past in one.told if value == due]
        if unseen:  # what was saved in between is lost, and counted as such: nobody after can have seen it
            self._set(cell, due, frozenset[int]().union(*knew))
            return
        if self._watch.is_answered or self._watch.is_restored:
            self._set(cell, due, cell.past.union(*knew))
            return
        if not any(past >= cell.past for past in knew):
            self._watch.breaks(
                f"at {sent.ehr}/{sent.subject} due {cell.value} of a clinician was replaced by {due} of somebody who"
                " had not seen it, and nobody was asked"
            )
        self._set(cell, due, max((past for past in knew if past >= cell.past), key=len))

    def _cell(self, ehr: str, goal: dict[str, Any]) -> _Cell:
        return self._cells.setdefault((ehr, *_person_and_text(goal)), _Cell(value=FIRST))

    def _set(self, cell: _Cell, due: str | None, past: frozenset[int]) -> None:
        cell.value, cell.past = due, past
        cell.told.append((due, past))


FIRST = "2026-06-30"


def _due(goal: dict[str, Any]) -> str | None:
    targets = goal.get("target") or [{}]
    return targets[0].get("dueDate")


def _person_and_text(goal: dict[str, Any]) -> tuple[str, str]:
    return goal["subject"]["reference"].rpartition("-")[2], goal["description"]["text"]
