"""What is drawn for a world: its EHRs and their ways, the trouble, who edits how often, and how processes die."""

from dataclasses import dataclass, replace
from random import Random

from tests.simulation.network import KINDS

HOUR = 3600.0
TAKES_ALL = ("EpisodeOfCare", "CarePlan", "Goal", "MedicationStatement", "Task")
PARTS = ("iop", "ced", "pcp", "otp")  # two programs that hold plans, a physician, an opioid treatment program
IF_MATCH = ("honored", "ignored", "required", "advertised")


@dataclass(frozen=True, slots=True, kw_only=True)
class EhrOptions:
    """One EHR of a world."""

    name: str
    if_match: str
    version_ids: bool
    last_updated: str
    conditional_create: bool
    page_cap: int
    patient_required: bool
    smart: bool
    recreates_goals: bool
    answer: str
    last_updated_search: bool
    lag: int
    drops: tuple[str, ...]
    rewrites: tuple[str, ...]
    skew: float
    rate: float
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that is drawn before a world begins; with the seed they make the whole story."""

    seed: int
    ehrs: tuple[EhrOptions, ...]
    persons: int
    hours: float
    edits: int
    revocations: int
    answers: int
    workers: int
    crashes: int
    outages: int
    clock_jumps: int
    full_disks: int
    freezes: int
    restores: int
    fleets: int = 0  # workers side by side that a queue of hints wakes
    beside: int = 0  # runs by hand, again and again, beside those; where there are none, `workers` of them
    unusual_hints: float = 0.0  # how many hints get lost, come twice or late
    merges: int = 0  # of a patient record into a new one, in an EHR that is not set back later
    contests: int = 0  # at each EHR: updates of a goal just before which somebody saves it
    crash_after: str = ""  # a step; one drawn for each crash where it is empty

    def lines(self) -> list[str]:
        """Return the options as lines to read."""
        own = [f"{name}={getattr(self, name)}" for name in self.__dataclass_fields__ if name != "ehrs"]
        return [" ".join(own), *(repr(one) for one in self.ehrs)]


def drawn(seed: int) -> Options:
    """Return the options of a seed."""
    chance = Random(f"options {seed}")
    count = chance.choice((2, 2, 2, 3, 3, 4))
    names = ("iop", *chance.sample(PARTS[1:], count - 1))
    calm = chance.random() < 0.1
    further = Random(f"further options {seed}")  # of its own: what is drawn here leaves the rest of a world as it was
    options = Options(
        seed=seed,
        ehrs=tuple(_ehr(name, chance, calm=calm) for name in names),
        persons=chance.choice((1, 1, 1, 2)),
        hours=chance.choice((0.5, 1.0, 1.5)),
        edits=chance.randrange(2, 9),
        revocations=chance.choice((0, 0, 1, 2)),
        answers=chance.choice((0, 1, 2)),
        workers=chance.choice((1, 1, 2)),
        crashes=0 if calm else chance.choice((0, 1, 2, 3)),
        outages=0 if calm else chance.choice((0, 0, 1)),
        clock_jumps=chance.choice((0, 0, 1)),
        full_disks=chance.choice((0, 0, 0, 1)),
        freezes=0 if calm else chance.choice((0, 0, 1)),
        restores=chance.choice((0, 0, 0, 0, 0, 0, 1)),
        fleets=further.choice((0, 0, 0, 1, 2, 2)),
        beside=further.choice((0, 0, 1)),
        unusual_hints=0.0 if calm else further.choice((0.0, 0.1, 0.4)),
        merges=further.choice((0, 0, 0, 1)),
        contests=further.choice((0, 0, 1, 2)),
    )
    return replace(options, merges=0) if options.restores else options


def _ehr(name: str, chance: Random, *, calm: bool) -> EhrOptions:
    version_ids = chance.random() < 0.8
    smart = chance.random() < 0.1
    return EhrOptions(
        name=name,
        if_match=chance.choice(IF_MATCH) if version_ids else "ignored",
        version_ids=version_ids,
        last_updated=chance.choice(("1s", "1ms", "day", "none")),
        conditional_create=chance.random() < 0.5,
        page_cap=chance.choice((2, 50)),
        patient_required=chance.random() < 0.15,
        smart=smart,
        recreates_goals=chance.random() < 0.1,
        answer=chance.choice(("body", "body", "empty")),
        last_updated_search=chance.random() < 0.4,
        lag=chance.choice((0, 0, 0, 20, 300)),
        drops=chance.choice(((), (), (), ("MedicationStatement.derivedFrom",), ("MedicationStatement.dosage",))),
        rewrites=chance.choice(((), (), (), ("Communication.payload.contentString",))),
        skew=chance.choice((0.0, 0.0, 30.0, -30.0, -30.0 if smart else -240.0)),  # else it takes no assertion of ours
        rate=0.0 if calm else chance.choice((0.0, 0.03, 0.1, 0.3)),
        kinds=tuple(chance.sample(KINDS, chance.choice((1, 2, 4)))),
    )
