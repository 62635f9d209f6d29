"""A world made from its options: EHRs with what they hold, the product's store, and the people who act in both."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from coordinator.bootstrap import connect_world
from coordinator.ehr import EhrRoom, public_keys
from coordinator.fhir import dumps, read_document
from coordinator.sandbox import EhrOfWorld, Organization, Policy, World
from coordinator.sandbox.ehr_server import SimulatedEhr
from coordinator.sandbox.memory_store import MemoryDatabase
from coordinator.sandbox.personality import read_personality
from coordinator.sandbox.toml_file import Table
from coordinator.sync.records import SmartAuth
from tests.builders import (
    DIRECTORY,
    FORM,
    FORMS,
    Tree,
    a_consent,
    a_goal,
    a_patient,
    a_plan,
    a_statement,
    an_administration,
    an_episode,
    an_order,
)
from tests.simulation.network import Line, Network, Weather
from tests.simulation.options import HOUR, EhrOptions, Options
from tests.simulation.trace import Trace

ZONE = ZoneInfo("America/New_York")
BEGINS = datetime.fromisoformat("2026-04-07T09:00:00-04:00")
FULL_EVERY_HOURS = 3  # a full compare checks the fast lanes; later than the trouble of a world lasts
PULLED_EVERY = 900.0  # by workers
READ = ["read", "search-type"]
WRITE = [*READ, "create", "update"]
HOLDS: Mapping[str, Mapping[str, list[str]]] = {
    "iop": {
        "EpisodeOfCare": WRITE,
        "CarePlan": WRITE,
        "Goal": WRITE,
        "MedicationRequest": READ,
        "MedicationStatement": WRITE,
    },
    "ced": {"EpisodeOfCare": READ, "CarePlan": WRITE, "Goal": WRITE, "MedicationStatement": WRITE},
    "pcp": {"Goal": WRITE, "MedicationStatement": WRITE, "Communication": ["create", "read", "search-type"]},
    "otp": {"MedicationAdministration": READ},
}
GOALS = (
    "Maintain abstinence from alcohol",
    "Return to part-time work at the library",
    "Rebuild trust with my sister",
    "Attend dental appointments",
)
PEOPLE = (("A1", "Ruiz", "Ana", "1991-04-12", "0127"), ("B2", "Okafor", "Ben", "1985-11-30", "0164"))


class EhrClock:
    """The clock of one EHR, fast or slow."""

    def __init__(self, loop: Any, skew: float) -> None:
        self._loop, self._skew = loop, skew
        self.zone = ZONE

    def now(self) -> datetime:
        return (BEGINS + timedelta(seconds=self._loop.time() + self._skew)).astimezone(ZONE)


class OurClock:
    """The clock of the machine on which the product runs; it may jump."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.jump = 0.0

    def now(self) -> datetime:
        return BEGINS + timedelta(seconds=self._loop.time() + self.jump)

    async def look(self) -> None:
        """See what time it is: nothing to do, as it is looked at each time."""


class ModelEhr(SimulatedEhr):
    """A simulated EHR that tells its time."""

    def now(self) -> datetime:
        return self._clock.now()


class SimulatedWorld:
    """All that a seed makes before the story begins."""

    def __init__(self, options: Options, *, loop: Any, keys: Path) -> None:
        self.options = options
        self.loop = loop
        self.trace = Trace(begins=BEGINS)
        self.clock = OurClock(loop)
        self.database = MemoryDatabase(seconds=loop.time)
        self._keys = keys
        chance = Random(f"world {options.seed}")
        self._described = [_described(one, options, chance) for one in options.ehrs]
        self.ehrs: dict[str, ModelEhr] = {}
        self.lines: dict[str, Line] = {}
        self.patients: dict[tuple[str, int], str] = {}  # of an EHR and a person: changes with a merge
        for one, described in zip(options.ehrs, self._described, strict=True):
            ehr = ModelEhr(described, EhrClock(loop, one.skew), address=f"https://{one.name}.example")
            self.ehrs[one.name] = ehr
            if one.smart:
                ehr.smart.register("coordinator", public_keys(keys))
            self.patients |= {(one.name, number): patient_id(one.name, number) for number in range(options.persons)}
            weather = Weather(rate=one.rate, kinds=one.kinds)
            chance_there = Random(f"line {options.seed} {one.name}")
            self.lines[one.name] = Line(ehr, weather=weather, chance=chance_there, trace=self.trace)
            self.lines[one.name].contests = options.contests
        for _ in range(options.outages):
            begins = chance.uniform(0, options.hours * HOUR)
            ends = min(begins + chance.choice((600.0, HOUR, 2 * HOUR)), options.hours * HOUR)
            self.lines[chance.choice(list(self.lines))].weather.outages.append((begins, ends))
        self.room = EhrRoom(clock=self.clock, keys=keys, wires=Network(self.lines).wires)
        self.consents = [
            (discloser, recipient) for discloser in self.ehrs for recipient in self.ehrs if discloser != recipient
        ]

    async def connect(self) -> None:
        """Register the EHRs, organizations and consents in the product's store."""
        store = self.database.open()
        described = World(
            folder=Path(),
            now=BEGINS,
            zone=ZONE,
            organizations={name: _organization(name) for name in self.ehrs},
            programs={},
            consent_forms={FORM: tuple(FORMS[FORM])},
            policy=Policy(),
            consents=tuple((f"{one['id']}.json", dumps(one)) for one in self._first_consents()),
            ehrs=tuple(self._described),
        )
        addresses = {"control": "", "ehrs": {name: ehr.base for name, ehr in self.ehrs.items()}}
        async with store.transaction() as tx:
            await connect_world(tx, described, addresses, actor="tester", now=self.clock.now())
            for connection in await tx.registry.ehrs():
                is_smart = self.ehrs[connection.name].personality.smart
                smart = SmartAuth(client_id="coordinator", key_id="simulated") if is_smart else None
                options = {**connection.options, "full_every_hours": FULL_EVERY_HOURS, "every_seconds": PULLED_EVERY}
                await tx.registry.put_ehr(replace(connection, smart=smart, options=options))
            if self.options.fleets:
                await tx.jobs.enlist()
        store.close()

    def _first_consents(self) -> Iterable[Tree]:
        for number in range(self.options.persons):
            for discloser, recipient in self.consents:
                yield consent_of(number, discloser, recipient)

    def held(self, ehr: str, type_: str) -> list[Any]:
        """Return what an EHR holds of a type now."""
        return [json.loads(one.document.raw) for one in self.ehrs[ehr].records.living(type_)]


def consent_of(person: int, discloser: str, recipient: str, *, number: int = 1) -> Tree:
    """Return a consent of a person of the world."""
    mrn = PEOPLE[person][0]
    return a_consent(f"{discloser}-{recipient}-{mrn}-{number}", discloser=discloser, recipient=recipient, mrn=mrn)


def _organization(name: str) -> Organization:
    return Organization(key=name, name=name, system=DIRECTORY, value=name, part2=name != "pcp")


def _described(one: EhrOptions, options: Options, chance: Random) -> EhrOfWorld:
    values: dict[str, Any] = {
        "organization": one.name,
        "part2": one.name != "pcp",
        "capability": {"Patient": READ, **HOLDS[one.name]},
        "if_match": one.if_match,
        "version_ids": one.version_ids,
        "last_updated": one.last_updated,
        "conditional_create": one.conditional_create,
        "page_cap": one.page_cap,
        "patient_required": False,
        "recreates_goals": one.recreates_goals,
        "answer": one.answer,
        "smart": one.smart,
        "last_updated_search": one.last_updated_search,
        "search_lag_seconds": one.lag,
        "drops": list(one.drops),
        "rewrites": dict.fromkeys(one.rewrites, "upper"),
    }
    personality = read_personality(Table(file=f"{one.name}/ehr.toml", source="", path=(), values=values))
    records = [record for person in range(options.persons) for record in _records(one.name, person, chance)]
    resources: dict[str, list[bytes]] = {}
    for record in records:
        resources.setdefault(record["resourceType"], []).append(json.dumps(record).encode())
    return EhrOfWorld(
        name=one.name,
        personality=personality,
        mappings=(),
        resources={kind: tuple(held) for kind, held in resources.items()},
        changes=(),
    )


def patient_id(ehr: str, person: int) -> str:
    """Return the id of a person's Patient in an EHR, before any merge."""
    return f"{ehr}-p{person}"


def a_person(ehr: str, person: int) -> Tree:
    """Return the Patient of a person in an EHR."""
    mrn, family, given, born, phone = PEOPLE[person]
    return a_patient(
        patient_id(ehr, person),
        mrn=mrn,
        name=[{"family": family, "given": [given]}],
        birthDate=born,
        telecom=[{"system": "phone", "value": f"+1-518-555-{phone}"}],
    )


def _records(ehr: str, person: int, chance: Random) -> list[Tree]:
    patient = patient_id(ehr, person)
    made: list[Tree] = [a_person(ehr, person)]
    if ehr in ("iop", "ced") or (ehr == "pcp" and chance.random() < 0.5):
        texts = GOALS[: chance.randrange(1, 4)]
        goals = [
            a_goal(f"{ehr}-g{person}{number}", text=text, due="2026-06-30", achievement="in-progress", patient=patient)
            for number, text in enumerate(texts)
        ]
        made += goals
        if ehr != "pcp":
            made.append(a_plan(f"{ehr}-c{person}", goals=[one["id"] for one in goals], patient=patient))
    if ehr == "iop":
        made.append(an_episode(f"iop-e{person}", start="2026-04-02", patient=patient))
        if chance.random() < 0.5:
            made.append(an_order(f"iop-m{person}", patient=patient))
    if ehr == "ced" and chance.random() < 0.3:
        made.append(an_episode("ced-e" + str(person), level="4e 2.5", start="2026-04-03", patient=patient))
    if ehr == "otp":
        made += [
            an_administration(f"otp-a{person}{day}", at=f"2026-04-0{day}T07:00:00-04:00", patient=patient)
            for day in (5, 6, 7)
        ]
    if ehr == "pcp" and chance.random() < 0.5:
        made.append(a_statement(f"pcp-s{person}", patient=patient))
    return made


def saved(ehr: ModelEhr, record: Tree) -> None:
    """Save a record as somebody in the clinic would."""
    ehr.records.save(read_document(json.dumps(record, default=str).encode()), ehr.now())
