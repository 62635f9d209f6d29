"""What happened to the people of the demonstration, told into the charts of three EHRs.

The demonstration meets the world on the morning of 2026-04-09, when charts that must agree do so, and again on
2026-04-13, after clinicians of all three have worked on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .charts import Chart, Page, concept, days, weekdays
from .medicines import (
    ACAMPROSATE,
    FILM,
    METHADONE,
    NALTREXONE,
    NALTREXONE_SHOT,
    SHOT_96,
    SHOT_100,
    SHOT_300,
    given,
    order,
    said,
    supply,
)
from .people import PEOPLE

START = "2026-04-09"
RESIDENTIAL, INPATIENT, IOP = ("3e", "3.5"), ("3e", "3.7"), ("4e", "2.1")
ABSTINENCE = "Maintain abstinence from alcohol and other drugs"
WORK = "Return to work and repair family relationships"
SUPPORT = "Build a sober support network"
HOUSING = "Find stable housing near the program"
GROUPS = "Group counseling, three evenings a week"
FAMILY = "Family session once a week"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The charts of the three EHRs."""

    harbor: Chart
    riverbend: Chart
    lakeside: Chart

    def house(self, key: str) -> Page:
        """Return a person's page at the residential house."""
        return Page(chart=self.harbor, person=PEOPLE[key])

    def iop(self, key: str) -> Page:
        """Return a person's page at the IOP."""
        return Page(chart=self.riverbend, person=PEOPLE[key])

    def practice(self, key: str) -> Page:
        """Return a person's page at the family practice."""
        return Page(chart=self.lakeside, person=PEOPLE[key])


def tell(world: World) -> None:
    """Tell all stories."""
    for story in (
        _ruiz,
        _novak,
        _ito,
        _okafor,
        _hale,
        _reyes,
        _liu,
        _brooks,
        _vega,
        _lindqvist,
        _ortiz,
        _weiss,
        _mensah,
        _ferrari,
        _cole,
    ):
        story(world)


def _nights(page: Page, episode: str, seen: Sequence[str], *, last: str = "") -> None:
    """Add days of an overnight stay that were written down, and the day on which the person went home."""
    for day in seen:
        page.night(day, episode=episode)
    if last:
        page.night(last, episode=episode, home=True)


def _groups(page: Page, episode: str, *, start: str, last: str = "2026-04-10", missed: Sequence[str] = ()) -> None:
    """Add three evening groups a week; those after the start of the demonstration are saved later."""
    for day in weekdays(start, last, (0, 2, 4)):
        status = "cancelled" if day in missed else "finished"
        made = page.session("group", f"{day}T17:30", 3, episode=episode, status=status)
        if day < START:
            page.add(made, f"{day}T20:35")
        else:
            page.later(f"{day}T20:35", made)


def _ended(page: Page, episode: str, day: str) -> None:
    """Add the last individual session of an enrollment, with where the person went."""
    made = page.session("individual", f"{day}T16:00", 1, episode=episode, disposition=("home", "Home"))
    page.add(made, f"{day}T17:00")


def _plan(page: Page, id_: str, *, goals: Mapping[str, str], start: str, activities: Sequence[str]) -> None:
    """Add a care plan with its goals: due dates by words."""
    ids = [f"{id_}-{number}" for number in range(1, len(goals) + 1)]
    for goal, (text, due) in zip(ids, goals.items(), strict=True):
        page.add(page.goal(goal, text, due=due, start=start), f"{start}T15:00")
    page.add(page.plan(id_, ids, start=start, activities=activities), f"{start}T15:05")


def _ruiz(world: World) -> None:
    """S1: the residential stay was never closed; IOP has begun; an injection given at the house lasts four weeks."""
    harbor, iop = world.house("ruiz"), world.iop("ruiz")
    harbor.stay("R-101", RESIDENTIAL, start="2026-03-02")
    _nights(harbor, "R-101", ["2026-03-02", "2026-03-11", "2026-03-20"])
    harbor.night("2026-03-29", episode="R-101", id_="R-188")
    text = "0.27 mL (96 mg) under the skin"
    harbor.add(given(harbor, SHOT_96, milligrams=96, text=text, at="2026-03-24T10:15"), "2026-03-24T10:20")
    iop.stay("I-55", IOP, start="2026-04-02")
    for day in ("2026-04-02", "2026-04-03", "2026-04-06", "2026-04-08"):
        iop.add(iop.session("group", f"{day}T09:00", 3, episode="I-55"), f"{day}T12:05")
    iop.later("2026-04-10T12:05", iop.session("group", "2026-04-10T09:00", 3, episode="I-55"))
    goals = {ABSTINENCE: "2026-07-02", HOUSING: "2026-05-15"}
    _plan(iop, "CP-12", goals=goals, start="2026-04-03", activities=[GROUPS])


def _novak(world: World) -> None:
    """S5: the dose agreed between two charts is changed in both within a day; a supply agrees with one of them."""
    iop, pcp = world.iop("novak"), world.practice("novak")
    iop.stay("I-41", IOP, start="2026-02-16")
    _groups(iop, "I-41", start="2026-02-16")
    first = "2026-03-02T09:40"
    iop.add(order(iop, "M-1", FILM, dose=(2, "film", 1), at=first), first)
    iop.add(
        supply(iop, "D-5", FILM, amount=(56, "film", 28), at="2026-03-14T14:00", order="M-1"),
        "2026-03-14T14:00",
    )
    pcp.add(
        said(pcp, "P-9", FILM, dose=(2, "film", 1), times=("2026-03-02", "2026-03-06T11:00")),
        "2026-03-06T11:00",
    )
    now = "2026-04-10T10:05"
    iop.later(now, order(iop, "M-1", FILM, dose=(2, "film", 1), at=first, status="stopped"))
    iop.later(now, order(iop, "M-2", FILM, dose=(3, "film", 1), at=now, prior="M-1"))
    pcp.later(
        "2026-04-11T15:20",
        said(pcp, "P-9", FILM, dose=(1, "film", 1), times=("2026-03-02", "2026-04-11T15:20")),
    )
    handed = "2026-04-12T14:10"
    iop.later(handed, supply(iop, "D-7", FILM, amount=(42, "film", 14), at=handed, order="M-2"))


def _ito(world: World) -> None:
    """S6: three agreed goals are edited in two charts; the family practice makes all goals anew when it saves."""
    iop, pcp = world.iop("ito"), world.practice("ito")
    start, goals = "2026-02-23", {ABSTINENCE: "2026-06-30", WORK: "2026-07-31", SUPPORT: "2026-06-15"}
    iop.stay("I-47", IOP, start=start)
    _groups(iop, "I-47", start=start, missed=["2026-03-18"])
    _plan(iop, "CP-8", goals=goals, start=start, activities=[GROUPS, FAMILY])
    _plan(pcp, "LCP-4", goals=goals, start=start, activities=[GROUPS, FAMILY])
    at = "2026-04-10T15:30"
    iop.later(at, iop.goal("CP-8-1", ABSTINENCE, due="2026-07-31", start=start))
    iop.later(at, iop.goal("CP-8-3", SUPPORT, due="2026-06-15", start=start, status="completed"))
    at = "2026-04-11T09:45"
    for number in (1, 2, 3):
        pcp.chart.deleted(at, "Goal", f"LCP-4-{number}")
    part_time = WORK.replace("work", "work part-time")
    pcp.later(at, pcp.goal("LCP-4-11", ABSTINENCE, due="2026-06-30", start=start, achievement="improving"))
    pcp.later(at, pcp.goal("LCP-4-12", part_time, due="2026-07-31", start=start))
    pcp.later(at, pcp.goal("LCP-4-13", SUPPORT, due="2026-06-15", start=start, status="on-hold"))
    ids = [f"LCP-4-{number}" for number in (11, 12, 13)]
    pcp.later(at, pcp.plan("LCP-4", ids, start=start, activities=[GROUPS, FAMILY]))


def _okafor(world: World) -> None:
    """A step-down as it should be: discharge from residential, IOP two days later, naltrexone by mouth."""
    harbor, iop = world.house("okafor"), world.iop("okafor")
    harbor.stay("R-84", RESIDENTIAL, start="2026-02-09", end="2026-03-12")
    _nights(harbor, "R-84", days("2026-02-09", 4, step=9), last="2026-03-12")
    iop.stay("I-50", IOP, start="2026-03-14")
    _groups(iop, "I-50", start="2026-03-16")
    iop.add(order(iop, "M-20", NALTREXONE, dose=(1, "tablet", 1), at="2026-03-16T16:30"), "2026-03-16T16:30")
    iop.add(
        supply(iop, "D-31", NALTREXONE, amount=(30, "tablet", 30), at="2026-03-16T17:00", order="M-20"),
        "2026-03-16T17:00",
    )
    _plan(
        iop,
        "CP-10",
        goals={ABSTINENCE: "2026-09-14", WORK: "2026-06-30"},
        start="2026-03-16",
        activities=[GROUPS],
    )


def _hale(world: World) -> None:
    """Methadone that only the residential house gives, every morning; the family practice does not know of it."""
    harbor = world.house("hale")
    harbor.stay("R-111", RESIDENTIAL, start="2026-03-20")
    _nights(harbor, "R-111", ["2026-03-20", "2026-04-01", "2026-04-08"])
    for day in days("2026-03-20", 24):
        dose = given(harbor, METHADONE, milligrams=85, text="85 mg (8.5 mL) by mouth, observed", at=f"{day}T06:20")
        if day < START:
            harbor.add(dose, f"{day}T06:25")
        else:
            harbor.later("2026-04-12T06:30", dose)


def _reyes(world: World) -> None:
    """A step-up: from IOP into residential within a day; monthly injections go on over the move."""
    harbor, iop = world.house("reyes"), world.iop("reyes")
    iop.stay("I-33", IOP, start="2026-01-12", end="2026-02-20")
    _groups(iop, "I-33", start="2026-01-12", last="2026-02-18")
    _ended(iop, "I-33", "2026-02-20")
    harbor.stay("R-96", RESIDENTIAL, start="2026-02-21")
    _nights(harbor, "R-96", days("2026-02-21", 6, step=9))
    iop.add(
        given(iop, SHOT_300, milligrams=300, text="300 mg under the skin", at="2026-01-20T14:00"),
        "2026-01-20T14:05",
    )
    iop.add(
        given(iop, SHOT_100, milligrams=100, text="100 mg under the skin", at="2026-02-17T14:00"),
        "2026-02-17T14:05",
    )
    harbor.add(
        given(harbor, SHOT_100, milligrams=100, text="100 mg under the skin", at="2026-03-17T11:00"),
        "2026-03-17T11:05",
    )
    _plan(
        harbor,
        "HCP-7",
        goals={ABSTINENCE: "2026-08-21", SUPPORT: "2026-05-29"},
        start="2026-02-23",
        activities=["Daily group counseling"],
    )


def _liu(world: World) -> None:
    """A readmission: back in residential care after more than four months; acamprosate three times a day."""
    harbor = world.house("liu")
    harbor.stay("R-61", RESIDENTIAL, start="2025-10-06", end="2025-11-03")
    _nights(harbor, "R-61", ["2025-10-06", "2025-10-20"], last="2025-11-03")
    harbor.stay("R-113", RESIDENTIAL, start="2026-03-23")
    _nights(harbor, "R-113", ["2026-03-23", "2026-04-07"])
    harbor.add(order(harbor, "HM-9", ACAMPROSATE, dose=(2, "tablet", 3), at="2026-03-24T09:00"), "2026-03-24T09:00")


def _brooks(world: World) -> None:
    """Known to the IOP alone: groups, individual and virtual family sessions; one short week."""
    iop = world.iop("brooks")
    iop.stay("I-49", IOP, start="2026-03-09")
    _groups(iop, "I-49", start="2026-03-09", missed=["2026-03-25", "2026-03-27"])
    for day in weekdays("2026-03-10", "2026-04-07", (1,)):
        iop.add(iop.session("individual", f"{day}T16:00", 1, episode="I-49"), f"{day}T17:00")
    for day in ("2026-03-19", "2026-04-02"):
        iop.add(iop.session("family", f"{day}T18:00", 1.5, episode="I-49", virtual=True), f"{day}T19:35")
    _plan(
        iop,
        "CP-9",
        goals={ABSTINENCE: "2026-06-30", SUPPORT: "2026-05-31"},
        start="2026-03-10",
        activities=[GROUPS, FAMILY],
    )


def _vega(world: World) -> None:
    """After IOP the family practice prescribes and sees him for it; its EHR says so by the type of its visits alone."""
    iop, pcp = world.iop("vega"), world.practice("vega")
    iop.stay("I-24", IOP, start="2025-12-01", end="2026-03-06")
    _groups(iop, "I-24", start="2025-12-01", last="2026-03-04", missed=["2025-12-24", "2025-12-26"])
    _ended(iop, "I-24", "2026-03-06")
    kind = concept("https://lakeside.example/visit-type", "OBAT", "Office-based addiction treatment")
    for day in ("2026-03-10", "2026-03-24", "2026-04-07"):
        hours = (f"{day}T10:00", f"{day}T10:30")
        pcp.add(
            pcp.contact(pcp.chart.next_id("e"), class_=("AMB", "ambulatory"), type_=kind, hours=hours), f"{day}T10:35"
        )
    pcp.add(order(pcp, "LM-30", FILM, dose=(1, "film", 1), at="2026-01-28T10:00"), "2026-01-28T10:00")
    for number, day in ((61, "2026-01-28"), (66, "2026-03-10"), (71, "2026-04-07")):
        made = supply(pcp, f"LD-{number}", FILM, amount=(28, "film", 28), at=f"{day}T11:00", order="LM-30")
        pcp.add(made, f"{day}T11:00")


def _lindqvist(world: World) -> None:
    """Two plans that agree; monthly naltrexone at the family practice, which the IOP has not written down."""
    iop, pcp = world.iop("lindqvist"), world.practice("lindqvist")
    goals = {ABSTINENCE: "2026-08-31", "Sleep through the night without alcohol": "2026-05-31"}
    iop.stay("I-45", IOP, start="2026-02-23")
    _groups(iop, "I-45", start="2026-02-23")
    _plan(iop, "CP-7", goals=goals, start="2026-02-24", activities=[GROUPS])
    _plan(pcp, "LCP-3", goals=goals, start="2026-03-02", activities=[GROUPS])
    for day in ("2026-02-27", "2026-03-27"):
        made = given(pcp, NALTREXONE_SHOT, milligrams=380, text="380 mg into the gluteal muscle", at=f"{day}T09:30")
        pcp.add(made, f"{day}T09:35")


def _ortiz(world: World) -> None:
    """One course told by four kinds of records in three EHRs: doses given, an order, supplies, a statement."""
    harbor, iop, pcp = world.house("ortiz"), world.iop("ortiz"), world.practice("ortiz")
    harbor.stay("R-99", RESIDENTIAL, start="2026-02-24", end="2026-03-17")
    _nights(harbor, "R-99", ["2026-02-24", "2026-03-06"], last="2026-03-17")
    for day in days("2026-03-08", 10):
        films = 1 if day == "2026-03-08" else 2
        text = f"{films} film{'s' if films > 1 else ''} under the tongue, observed"
        harbor.add(given(harbor, FILM, milligrams=8 * films, text=text, at=f"{day}T07:30"), f"{day}T07:35")
    iop.stay("I-51", IOP, start="2026-03-18")
    _groups(iop, "I-51", start="2026-03-18")
    pcp.add(order(pcp, "LM-41", FILM, dose=(2, "film", 1), at="2026-03-17T15:00"), "2026-03-17T15:00")
    for number, day in ((68, "2026-03-18"), (70, "2026-04-01")):
        made = supply(pcp, f"LD-{number}", FILM, amount=(28, "film", 14), at=f"{day}T09:00", order="LM-41")
        pcp.add(made, f"{day}T09:00")
    iop.add(
        said(iop, "S-14", FILM, dose=(2, "film", 1), times=("2026-03-18", "2026-03-19T16:10")),
        "2026-03-19T16:10",
    )
    _plan(
        iop,
        "CP-11",
        goals={ABSTINENCE: "2026-06-18", WORK: "2026-05-29"},
        start="2026-03-19",
        activities=[GROUPS],
    )


def _weiss(world: World) -> None:
    """Twenty days between residential care and IOP: more than the rule allows."""
    harbor, iop = world.house("weiss"), world.iop("weiss")
    harbor.stay("R-79", RESIDENTIAL, start="2026-01-12", end="2026-02-10")
    _nights(harbor, "R-79", ["2026-01-12", "2026-01-30"], last="2026-02-10")
    iop.stay("I-48", IOP, start="2026-03-02")
    _groups(iop, "I-48", start="2026-03-02", missed=["2026-03-09"])


def _mensah(world: World) -> None:
    """No consent: an injection at the house stays known to the house alone; the IOP has only a planned start."""
    harbor, iop = world.house("mensah"), world.iop("mensah")
    harbor.stay("R-115", INPATIENT, start="2026-03-25")
    _nights(harbor, "R-115", ["2026-03-25", "2026-04-08"])
    harbor.add(
        given(harbor, SHOT_300, milligrams=300, text="300 mg under the skin", at="2026-04-02T11:00"),
        "2026-04-02T11:05",
    )
    iop.stay("I-58", IOP, start="2026-04-20", status="planned")


def _ferrari(world: World) -> None:
    """No consent: her family practice learns neither of the program, nor of its plan, nor of what it prescribes."""
    iop = world.iop("ferrari")
    iop.stay("I-46", IOP, start="2026-03-02")
    _groups(iop, "I-46", start="2026-03-02")
    iop.add(order(iop, "M-17", FILM, dose=(2, "film", 1), at="2026-03-03T16:20"), "2026-03-03T16:20")
    iop.add(
        supply(iop, "D-29", FILM, amount=(84, "film", 42), at="2026-03-03T17:00", order="M-17"),
        "2026-03-03T17:00",
    )
    _plan(
        iop,
        "CP-6",
        goals={ABSTINENCE: "2026-07-31", HOUSING: "2026-05-31"},
        start="2026-03-03",
        activities=[GROUPS],
    )


def _cole(world: World) -> None:
    """Perhaps known to the family practice, too, under the same name and birth date: nothing else agrees."""
    harbor = world.house("cole")
    harbor.stay("R-118", RESIDENTIAL, start="2026-03-30")
    _nights(harbor, "R-118", ["2026-03-30", "2026-04-08"])
