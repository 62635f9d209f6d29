"""The people of a world: clinicians who edit, who gives and revokes consent, and an operator who answers findings."""

import json
import re
from datetime import date, timedelta
from random import Random
from typing import Any

from coordinator.errors import CoordinatorError
from coordinator.fhir import dumps
from coordinator.sync.work.holding import retry
from coordinator.workflow import Answer, add_consent, how_to_answer, resolve_finding, revoke_consent, short_key
from tests.builders import FORMS, Tree, a_goal, a_statement, an_administration, an_order
from tests.simulation.process import Process
from tests.simulation.world import GOALS, HOLDS, SimulatedWorld, a_person, consent_of, saved

ACHIEVEMENTS = ("in-progress", "improving", "worsening", "no-change", "achieved")
STATUSES = ("active", "on-hold", "completed")
_ACCEPTS = re.compile(r"with one of: (.*)$")


class Clinicians:
    """They save, delete and recreate records in their own EHRs, whatever we do."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._chance = Random(f"clinicians {world.options.seed}")
        self._count = 0
        for line in world.lines.values():
            line.somebody_saves = self.save_first

    def edit(self) -> None:
        """Make one edit somewhere."""
        name = self._chance.choice(list(self._world.ehrs))
        goals = self._world.held(name, "Goal")
        if goals and self._chance.random() < 0.8:
            self._edit_goals(name, goals)
        else:
            self._edit_medication(name)

    def edit_goal(self, name: str, goal: Tree) -> None:
        """Change a field of a goal."""
        field = self._chance.choice(("due", "due", "achievement", "status"))
        match field:
            case "due":
                self._count += 1
                goal["target"] = [{"dueDate": str(date(2026, 7, 1) + timedelta(days=self._count))}]
            case "achievement":
                goal["achievementStatus"]["coding"][0]["code"] = self._chance.choice(ACHIEVEMENTS)
            case _:
                goal["lifecycleStatus"] = self._chance.choice(STATUSES)
        self._save(name, goal, f"edits {field}")

    def save_first(self, name: str, subject: str) -> None:
        """Edit a goal in the instant before a write of ours gets to it."""
        type_, _, target = subject.partition("/")
        for goal in self._world.held(name, "Goal") if type_ == "Goal" else ():
            if goal["id"] == target:
                self.edit_goal(name, goal)

    def merge(self) -> None:
        """Merge a patient record into a new one, as a registration desk does: all that was recorded moves there."""
        name = self._chance.choice(list(self._world.ehrs))
        person = self._chance.randrange(self._world.options.persons)
        before = self._world.patients[name, person]
        self._count += 1
        after = self._world.patients[name, person] = f"{name}-q{self._count}-p{person}"
        self._save(name, {**a_person(name, person), "id": after}, "registers")
        for type_ in HOLDS[name]:
            for record in self._world.held(name, type_):
                told = json.dumps(record)
                moved = told.replace(f'"Patient/{before}"', f'"Patient/{after}"')
                if moved != told:
                    self._save(name, json.loads(moved), "moves")
        closed = {**a_person(name, person), "id": before, "active": False}
        self._save(
            name, {**closed, "link": [{"other": {"reference": f"Patient/{after}"}, "type": "replaced-by"}]}, "merges"
        )
        self._world.trace.reach("edit: patients merged")

    def _edit_goals(self, name: str, goals: list[Tree]) -> None:
        goal = self._chance.choice(goals)
        match self._chance.choice(("edit",) * 8 + ("touch", "delete", "recreate", "add")):
            case "edit":
                self.edit_goal(name, goal)
            case "touch":
                self._world.ehrs[name].records.touch("Goal", goal["id"], at=self._world.ehrs[name].now())
                self._tell(name, "saves unchanged", goal["id"])
            case "delete":
                self._delete(name, goal)
                self._world.trace.reach("edit: goal deleted")
            case "recreate":
                self._recreate(name, goals)
            case _:
                self._add(name)

    def _recreate(self, name: str, goals: list[Tree]) -> None:
        for goal in goals:
            self._delete(name, goal)
            self._count += 1
            self._save(name, {**goal, "id": f"{name}-r{self._count}"}, "recreates")
        self._world.trace.reach("edit: goals recreated")

    def _add(self, name: str) -> None:
        person = self._chance.randrange(self._world.options.persons)
        patient = self._world.patients[name, person]
        there = {
            one["description"]["text"]
            for one in self._world.held(name, "Goal")
            if one["subject"]["reference"] == f"Patient/{patient}"
        }
        missing = [text for text in GOALS if text not in there]
        if missing:
            self._count += 1
            text = self._chance.choice(missing)
            goal = a_goal(
                f"{name}-n{self._count}", text=text, due="2026-06-30", achievement="in-progress", patient=patient
            )
            self._save(name, goal, "adds")

    def _edit_medication(self, name: str) -> None:
        person = self._chance.randrange(self._world.options.persons)
        patient = self._world.patients[name, person]
        self._count += 1
        dose = self._chance.choice(("8 mg", "16 mg", "24 mg"))
        hour = f"2026-04-07T{9 + self._count % 3:02d}:{self._count % 60:02d}:00-04:00"
        match name:
            case "otp":
                record = an_administration(
                    f"otp-x{self._count}", at=hour, patient=patient, dose=self._chance.choice(("85 mg", "90 mg"))
                )
            case "iop":
                record = an_order(f"iop-m{person}", dose=dose, at=hour, patient=patient)
            case _:
                record = a_statement(f"{name}-s{person}", dose=dose, at=hour, patient=patient)
        self._save(name, record, "prescribes")

    def _save(self, name: str, record: Tree, what: str) -> None:
        saved(self._world.ehrs[name], record)
        if record["resourceType"] == "Goal":
            self._world.watch.edited(name, record)
        self._tell(name, what, f"{record['resourceType']}/{record['id']}", *_told(record))

    def _delete(self, name: str, record: Tree) -> None:
        ehr = self._world.ehrs[name]
        ehr.records.delete(record["resourceType"], record["id"], at=ehr.now())
        self._tell(name, "deletes", f"{record['resourceType']}/{record['id']}")

    def _tell(self, name: str, what: str, *about: Any) -> None:
        self._world.trace.tell(self._world.loop.time(), name, f"clinician {what}", *about)


def _told(record: Tree) -> tuple[Any, ...]:
    if record["resourceType"] != "Goal":
        return ()
    due = record.get("target", [{}])[0].get("dueDate")
    return record["lifecycleStatus"], due, record["achievementStatus"]["coding"][0]["code"]


class Desk:
    """Who gives and takes consent, and who answers findings, at the product's own doors."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._chance = Random(f"desk {world.options.seed}")
        self._process = Process("desk", world.database, chance=self._chance, trace=world.trace)
        self._number = 1

    async def revoke(self) -> None:
        """Revoke a consent, or give one anew that was revoked."""
        person = self._chance.randrange(self._world.options.persons)
        discloser, recipient = self._chance.choice(self._world.consents)
        async with self._process.store.transaction() as tx:
            now = self._world.clock.now()
            held = [one for one in await tx.consents.consents() if one.revoked_at is None]
            prefix = consent_of(person, discloser, recipient)["id"].rpartition("-")[0]
            mine = [one.consent_id for one in held if one.consent_id.startswith(prefix)]
            for consent in mine:
                await revoke_consent(tx, consent, actor="casey", now=now, forms=FORMS)
                self._tell("revokes", consent)
            if not mine:
                self._number += 1
                body = consent_of(person, discloser, recipient, number=self._number)
                await add_consent(tx, dumps(body), actor="casey", now=now, forms=FORMS)
                self._tell("registers", body["id"])
        self._world.watch.revoked |= dict.fromkeys(mine, self._world.loop.time())
        self._world.trace.reach("consent: revoked" if mine else "consent: given anew")

    async def answer(self) -> None:
        """Answer one of the open findings that can be answered."""
        try:
            async with self._process.store.transaction() as tx:
                found = [(who, one) for who, one in await tx.accounts.findings() if one.status != "resolved"]
                found = [(who, one) for who, one in found if how_to_answer(one)]
                if not found:
                    return
                person, finding = self._chance.choice(found)
                answer = Answer(value=self._value(how_to_answer(finding)), reason="asked the program")
                await resolve_finding(
                    tx, short_key(person, finding), answer, actor="casey", now=self._world.clock.now()
                )
        except CoordinatorError as problem:
            self._tell("could not answer", str(problem))
            return
        self._tell("answers", finding.code, answer.value)
        self._world.trace.reach(f"answered: {finding.code}")
        self._world.watch.is_answered |= finding.code.startswith("plan.")

    async def retry(self) -> None:
        """Have another go at all that failed, as a person would who was told that the trouble is over."""
        async with self._process.store.transaction() as tx:
            for job in await retry(tx, []):
                self._tell("retries", job.work.value, job.key)

    def _value(self, words: str) -> dict[str, Any]:
        accepts = _ACCEPTS.search(words)
        if accepts:
            return {"accept": self._chance.choice(accepts[1].split(", "))}
        if '"end"' in words:
            return {"end": "2026-04-06"}
        for name in ("same", "keep"):
            if f'"{name}"' in words:
                return {name: self._chance.random() < 0.5}
        return {"seen": True}

    def _tell(self, what: str, *about: Any) -> None:
        self._world.trace.tell(self._world.loop.time(), "desk", what, *about)
