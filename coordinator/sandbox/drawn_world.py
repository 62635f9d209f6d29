"""A world drawn by a seed: the same seed and number of people give the same bytes, on any machine.

Two to four EHRs: a residential program, an intensive outpatient program, and by the draw an opioid treatment program
and a clinic. People step down or come straight to outpatient care, some stays are never closed, charts disagree about
goals and doses, some people have consented and some not; and some of it changes a day later.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from coordinator.fhir.json_text import dumps
from coordinator.sandbox.drawn_records import (
    Person,
    Record,
    consent,
    doses,
    goal,
    order,
    patient,
    plan,
    statement,
    stay,
    supply,
)
from coordinator.sandbox.table_files import rows_of

T = TypeVar("T")

TODAY = date(2026, 3, 10)
_LATER = "2026-03-11T15-00Z"
_NAMES = {
    "residential": "Larkfield Residential",
    "iop": "Northside IOP",
    "otp": "Canal Street OTP",
    "clinic": "Elm Family Clinic",
}
_PART2 = ("residential", "iop", "otp")
_OFFERS = {
    "residential": ("EpisodeOfCare", "Encounter", "CarePlan", "Goal"),
    "iop": ("EpisodeOfCare", "Encounter", "CarePlan", "Goal", "MedicationStatement"),
    "otp": ("MedicationAdministration",),
    "clinic": ("MedicationRequest", "MedicationDispense"),
}
_WRITTEN = ("CarePlan", "Goal", "MedicationStatement")
_MANNERS = (
    ('if_match = "honored"',),
    ('if_match = "required"', "conflict_status = 409"),
    ("version_ids = false", 'last_updated = "none"'),
    ('last_updated = "day"', "page_cap = 20"),
)


class Draw:
    """Draws by a seed; only `random()` itself is promised to be the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - drawn worlds are no secret, and must come again

    def below(self, most: int) -> int:
        """Return a whole number from 0, below the most."""
        return int(self._random.random() * most)

    def one_of(self, values: Sequence[T]) -> T:
        """Return one of some values."""
        return values[self.below(len(values))]

    def is_one_in(self, share: float) -> bool:
        """Say yes in a share of cases."""
        return self._random.random() < share


@dataclass(slots=True, kw_only=True)
class _World:
    """What is drawn so far."""

    draw: Draw
    ehrs: tuple[str, ...]
    records: dict[str, list[Record]] = field(default_factory=dict)
    changes: dict[str, list[Record]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, ehr: str, *records: Record) -> None:
        """Put records into an EHR."""
        self.records.setdefault(ehr, []).extend(records)


def drawn_world(*, people: int, seed: int) -> dict[str, bytes]:
    """Return the files of a world, by their paths in its folder."""
    draw = Draw(seed)
    ehrs = ("residential", "iop", *(name for name in ("otp", "clinic") if draw.is_one_in(0.6)))
    world = _World(draw=draw, ehrs=ehrs)
    for number in range(1, people + 1):
        _live(world, _person(draw, number, ehrs))
    for ehr in ehrs:
        _written(world, ehr)
    world.files["world.toml"] = _settings(ehrs, people=people, seed=seed).encode()
    return dict(sorted(world.files.items()))


def _person(draw: Draw, number: int, ehrs: Sequence[str]) -> Person:
    given = draw.one_of(_parts("given"))
    known = tuple(ehr for ehr in ehrs if draw.is_one_in(0.7))
    first = draw.one_of(ehrs)
    return Person(
        number=number,
        given=given[0],
        family=draw.one_of(_parts("family"))[0],
        gender=given[1],
        born=date(1955, 1, 1) + timedelta(days=draw.below(365 * 50)),
        phone=f"+1-555-555-{100 + draw.below(100):04d}",
        street=f"{1 + draw.below(200)} {draw.one_of(_parts('street'))[0]}",
        ehrs=known or (first,),
    )


def _parts(part: str) -> list[tuple[str, str]]:
    return [(row["value"], row["detail"]) for row in rows_of("drawn_people") if row["part"] == part]


def _live(world: _World, person: Person) -> None:
    """Tell a life into the charts that know the person."""
    draw = world.draw
    for ehr in person.ehrs:
        world.add(ehr, patient(person, ehr, with_phone=draw.is_one_in(0.8)))
    began = TODAY - timedelta(days=40 + draw.below(30))
    left = began + timedelta(days=25 + draw.below(10))
    if "residential" in person.ehrs:
        world.add("residential", stay(person, "residential", start=began, end=None if draw.is_one_in(0.3) else left))
    if "iop" in person.ehrs:
        world.add("iop", stay(person, "iop", start=left + timedelta(days=1 + draw.below(6)), end=None))
    _plans(world, person)
    _medicines(world, person)
    if draw.is_one_in(0.8):
        for source in (ehr for ehr in person.ehrs if ehr in _PART2):
            for recipient in (ehr for ehr in person.ehrs if ehr != source):
                name = f"consents/{person.id(source)}-to-{recipient}.json"
                world.files[name] = consent(person, source, recipient, names=_NAMES)


def _plans(world: _World, person: Person) -> None:
    """Plans share goals; now and then charts disagree about when one is due, or one moves it later."""
    draw, texts = world.draw, [text for text, _ in _parts("goal")]
    first = draw.below(len(texts))
    chosen = [texts[(first + step) % len(texts)] for step in range(1 + draw.below(3))]
    due = TODAY + timedelta(days=30 + draw.below(60))
    for ehr in (one for one in person.ehrs if one in ("residential", "iop")):
        days = draw.below(14) if draw.is_one_in(0.3) else 0
        goals = [
            goal(person, ehr, text, number=number, due=due + timedelta(days=days))
            for number, text in enumerate(chosen, 1)
        ]
        world.add(ehr, *goals, plan(person, ehr, goals))
        if draw.is_one_in(0.2):
            moved = goal(person, ehr, chosen[0], number=1, due=due + timedelta(days=21))
            world.changes.setdefault(ehr, []).append(moved)


def _medicines(world: _World, person: Person) -> None:
    """Some people take buprenorphine by the clinic, some methadone that the OTP alone knows."""
    draw, films = world.draw, 1 + world.draw.below(3)
    since = TODAY - timedelta(days=20 + draw.below(20))
    if "otp" in person.ehrs:
        last = TODAY - timedelta(days=draw.below(3))
        world.add("otp", *doses(person, "otp", milligrams=60 + 5 * draw.below(9), last=last, days=5 + draw.below(6)))
    elif "clinic" in person.ehrs:
        at = TODAY - timedelta(days=draw.below(25))
        world.add("clinic", order(person, "clinic", films=films, at=since))
        world.add("clinic", supply(person, "clinic", films=films, at=at, days=28))
        if "iop" in person.ehrs and draw.is_one_in(0.5):
            told = films + 1 if draw.is_one_in(0.3) else films
            world.add("iop", statement(person, "iop", films=told, since=since))


def _written(world: _World, ehr: str) -> None:
    """Write what an EHR holds, and how it behaves."""
    by_type: dict[str, list[Record]] = {}
    for record in world.records.get(ehr, ()):
        by_type.setdefault(str(record["resourceType"]), []).append(record)
    for type_, records in by_type.items():
        world.files[f"{ehr}/{type_}.ndjson"] = _lines(records)
    if ehr in world.changes:
        world.files[f"{ehr}/changes/{_LATER}.ndjson"] = _lines(world.changes[ehr])
    read = '["read", "search-type"]'
    write = '["read", "search-type", "create", "update"]'
    lines = [
        f'organization = "{ehr}"',
        f"part2 = {str(ehr in _PART2).lower()}",
        *world.draw.one_of(_MANNERS),
        "",
        "[capability]",
        f"Patient = {read}",
        *(f"{type_} = {write if type_ in _WRITTEN else read}" for type_ in _OFFERS[ehr]),
        'Communication = ["read", "search-type", "create"]',
    ]
    world.files[f"{ehr}/ehr.toml"] = ("\n".join(lines) + "\n").encode()


def _lines(records: Sequence[Record]) -> bytes:
    return b"".join(dumps(one) + b"\n" for one in records)


def _settings(ehrs: Sequence[str], *, people: int, seed: int) -> str:
    head = [
        f"# Drawn by `coordinator sandbox new --people {people} --seed {seed}`. Everybody in it is invented.",
        "",
        f'now = "{TODAY.isoformat()}T16:00:00Z"',
        'zone = "America/New_York"',
    ]
    for ehr in ehrs:
        head += ["", f"[organizations.{ehr}]", f'name = "{_NAMES[ehr]}"']
        head += [
            f'identifier = {{ system = "https://directory.example/organization", value = "{ehr}" }}',
            f"part2 = {str(ehr in _PART2).lower()}",
        ]
    levels = {"residential": ("3e", "3.5"), "iop": ("4e", "2.1")}
    for ehr, (edition, code) in levels.items():
        head += ["", f"[programs.{ehr}-program]", f'name = "{_NAMES[ehr]}"', f'organization = "{ehr}"']
        head += [f'level = {{ edition = "{edition}", code = "{code}" }}']
    head += [
        "",
        '[consent_forms."https://coordinator.example/fhir/consent-form/example"]',
        'holds = ["P2C-06", "P2C-09", "P2C-13"]',
    ]
    return "\n".join(head) + "\n"
