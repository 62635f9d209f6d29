"""What may happen in a life: each event writes the records that EHRs would have of it, with the mess they make."""

from collections.abc import Callable
from typing import Any

from tests.builders import (
    ACETAMINOPHEN,
    FILM_2,
    FILM_8,
    METHADONE,
    NALTREXONE_ER,
    Tree,
    a_dispense,
    a_goal,
    a_plan,
    a_request,
    a_statement,
    an_administration,
    an_appointment,
    an_encounter,
    an_episode,
    an_observation,
    an_order,
)

LEVELS = ("4e 2.1", "3e 3.5", "4e 2.5", "3e 2.1", "3e OTP", "4e RR", "3e 3.1", "ppc2r II.1", "4e 9.9", "3e 1")
GOALS = (
    "Stay away from alcohol",
    "Stay away from all alcohol",
    "Find work and a place to live",
    "Talk with the family each week",
)
HALVES = (
    ("Find work", "A place to live"),
    ("Sleep through the night", "Walk every day"),
    ("Pay off the debts", "Open a bank account"),
)


def stay(life: Any) -> None:
    """An enrollment in one EHR, of which another may tell, too, with other dates."""
    here, there = life.two()
    level = life.pick(*LEVELS)
    start, length = life.number_to(80), life.pick(None, 30, 10, 1, 45, -3)
    end = None if length is None else life.vague_day(start + length)
    status = life.pick(None, None, "active", "finished", "onhold", "planned", "cancelled")
    parts = {"level": level, "start": life.vague_day(start), "status": status, "patient": life.patient}
    first = an_episode(life.id("E"), **parts, end=end)
    closed = an_episode(life.id("E"), **parts, end=life.day(start + 20))
    life.add(here, first, became=life.pick("", None, closed))
    if life.pick(True, False, False):
        other, ended = life.day(start + life.number_to(2)), life.pick(end, end, life.day(start + 12), None)
        also = {"level": life.pick(level, level, "3e 3.5"), "start": other, "status": status, "patient": life.patient}
        life.add(there, an_episode(life.id("E", 2), **also, end=ended), became=None, of=here)


def step_down(life: Any) -> None:
    """A residential stay that gives way to IOP: with or without an end, at once, late, or with days of overlap."""
    here, there = life.two()
    start, length = life.number_to(40), 10 + life.number_to(25)
    gap = life.pick(1, 2, 0, 9, 20, -1, -6)
    end = life.pick(None, life.day(start + length))
    low = life.pick("4e 2.1", "4e 2.5", "3e 2.1", "ppc2r II.1")
    life.add(
        here,
        an_episode(life.id("R"), level="3e 3.5", start=life.day(start), end=end, patient=life.patient),
        became=life.pick(None, "deleted", "error", None),
    )
    night = life.moment(start + length - 1, 9)
    life.add(
        here,
        an_encounter(
            life.id("NR"),
            class_="IMP",
            start=night,
            end=life.moment(start + length, 10) if life.pick(True, False) else None,
            disposition=life.pick(None, "home", "aadvice"),
            episode=life.pick(life.id("R"), None),
            patient=life.patient,
        ),
        became=life.pick(None, "late"),
    )
    began = life.day(start + length + gap)
    life.add(there, an_episode(life.id("I"), level=low, start=began, patient=life.patient), became=life.pick(None, ""))


def sessions(life: Any) -> None:
    """A few weeks of groups, some missed, with the clock of the wall: in one of them it is put forward."""
    here, start = life.ehr(), life.number_to(75)
    hours = life.pick(3, 1, 2)
    level = life.pick(None, "4e 2.1")
    apart = life.pick(2, 1, 9)
    for number in range(2 + life.number_to(3)):
        day = start + number * apart
        status = life.pick("finished", "finished", "cancelled", "planned", "arrived")
        life.add(
            here,
            an_encounter(
                life.id("N", number),
                start=life.moment(day, 22 if hours == 2 else 9),
                end=life.moment(day, (22 if hours == 2 else 9) + hours),
                status=status,
                class_=life.pick("AMB", "VR"),
                level=level,
                patient=life.patient,
            ),
            became=None if number else "",
        )


def appointment(life: Any) -> None:
    """An appointment: kept, missed, or of an encounter that says otherwise."""
    here, day = life.ehr(), life.number_to(90)
    status = life.pick("fulfilled", "noshow", "booked", "cancelled", "arrived")
    span = {"start": life.moment(day, 9, "local"), "end": life.moment(day, 10, "local")}
    asked = {f"Patient/{life.patient}": (None, None)}
    life.add(here, an_appointment(life.id("AP"), **span, status=status, asked=asked))
    if life.pick(True, False):
        link = {"appointment": [{"reference": f"Appointment/{life.id('AP')}"}]} if life.pick(True, False) else {}
        life.add(
            here,
            an_encounter(
                life.id("N"),
                **span,
                status=life.pick("finished", "cancelled"),
                patient=life.patient,
                **link,
            ),
        )


def nights(life: Any) -> None:
    """Nights in a hospital or on leave, day by day or in one."""
    here, start = life.ehr(), life.number_to(85)
    for number in range(1 + life.number_to(1)):
        life.add(
            here,
            an_encounter(
                life.id("N", number),
                class_=life.pick("IMP", "ACUTE", "OBSENC"),
                start=life.moment(start + number * 2, 8),
                end=life.pick(life.moment(start + 4, 23), None),
                status=life.pick("finished", "in-progress", "onleave"),
                level=life.pick(None, "3e 3.5", "3e 3.7"),
                disposition=life.pick(None, "home"),
                patient=life.patient,
            ),
        )


def prescription(life: Any) -> None:
    """An order and its refills: early, in time or late; the dose may change."""
    here, start = life.ehr(), life.number_to(60)
    days, apart = life.pick(14, 7, 28), life.pick(0, -4, 3, 12, 40)
    first, later = life.pick(("16 mg", "24 mg"), ("8 mg", "8 mg"), ("16 mg", "12 mg"))
    order = an_order(life.id("M"), dose=first, at=life.moment(start, 9), patient=life.patient)
    changed = an_order(life.id("M"), dose=later, at=life.moment(start, 9, "utc"), patient=life.patient)
    stopped = order | {"status": life.pick("stopped", "completed", "on-hold")}
    life.add(here, order, became=life.pick("", None, changed, stopped))
    for number in range(1 + life.number_to(2)):
        life.add(
            here,
            a_dispense(
                life.id("D", number),
                at=life.moment(start + number * (days + apart), 10),
                days=life.pick(days, days, None),
                films=2 * days,
                patient=life.patient,
            ),
            became=None if number else "",
        )


def doses(life: Any) -> None:
    """Doses given day by day at an opioid treatment program, or injections month by month."""
    here, start = life.ehr(), life.number_to(85)
    monthly = life.pick(False, False, True)
    for number in range(1 + life.number_to(3)):
        life.add(
            here,
            an_administration(
                life.id("A", number),
                dose="380 mg" if monthly else life.pick("80 mg", "85 mg"),
                code=NALTREXONE_ER if monthly else METHADONE,
                at=life.moment(start + number * (28 if monthly else 1), 7),
                status=life.pick("completed", "completed", "not-done"),
                patient=life.patient,
            ),
            became=None if number else "",
        )


def statement(life: Any) -> None:
    """What one EHR says of a medicine that another one gives."""
    code = life.pick(FILM_8, METHADONE, FILM_2, ACETAMINOPHEN)
    for number, here in enumerate(life.two()):
        dose = life.pick("16 mg", "8 mg", "24 mg", None)
        at = life.moment(life.number_to(90), 11)
        parts = {"code": code, "at": at, "patient": life.patient}
        one = a_statement(life.id("P", number), dose=dose, **parts)
        edit = a_statement(life.id("P", number), dose="32 mg" if number else "20 mg", **parts)
        ended = one | {"status": life.pick("stopped", "not-taken", "completed")}
        life.add(here, one, became=life.pick("", None, edit, ended))


def shared_goal(life: Any) -> None:
    """A goal in two EHRs that both may edit, delete or write anew since."""
    text = life.pick(*GOALS)
    for here in life.two():
        one = a_goal(life.id("G"), text=text, status=life.pick("active", "on-hold"), due=life.pick(None, life.day(120)))
        one["subject"] = {"reference": f"Patient/{life.patient}"}
        fate = life.pick("same", "state", "due", "text", "anew", "same", "delete", "achieved")
        _became(life, here, one, fate)
        if life.pick(True, False):
            state = life.pick("scheduled", "scheduled", "in-progress", "completed")
            status = life.pick("active", "active", "completed")
            plan = a_plan(life.id("C"), goals=[life.id("G")], activities={"Group therapy": state}, status=status)
            plan["subject"] = one["subject"]
            without = {name: value for name, value in plan.items() if name != "goal"}
            life.add(here, plan, became=life.pick(None, None, without))


def _became(life: Any, here: str, one: Tree, fate: str) -> None:
    edits: dict[str, Tree | str | None] = {
        "same": None,
        "state": one | {"lifecycleStatus": life.pick("completed", "on-hold", "cancelled")},
        "due": one | {"target": [{"dueDate": life.day(130 + life.number_to(9))}]},
        "text": one | {"description": {"text": life.pick(*GOALS)}},
        "achieved": one | a_goal("x", achievement="achieved") | {"id": one["id"], "subject": one["subject"]},
        "delete": "deleted",
        "anew": "deleted",
    }
    life.add(here, one, became=edits[fate])
    if fate == "anew":
        life.add(here, one | {"id": f"{one['id']}-new"}, became="late")


def recut_goal(life: Any) -> None:
    """A goal of two EHRs that one of them splits, or two that one of them puts together; others may have its words."""
    here, there = life.two()
    subject = {"subject": {"reference": f"Patient/{life.patient}"}}
    texts = life.pick(*HALVES)
    whole = a_goal(life.id("G"), text=" and ".join(texts)) | subject
    halves = [a_goal(life.id("G", number), text=text) | subject for number, text in enumerate(texts)]
    if life.pick(True, False):
        life.add(there, whole, became=None)
        life.add(here, whole, became=life.pick(whole | {"description": {"text": texts[0]}}, "deleted"))
        for half in halves[life.pick(1, 0) :]:
            life.add(here, half, became="late")
    else:
        for half in halves:
            life.add(there, half, became=None)
            life.add(here, half, became="deleted")
        life.add(here, whole, became="late")


def plan_at_a_level(life: Any) -> None:
    """A plan of care that tells of a level, and a request for one: only the first shows that it was given."""
    here, day = life.ehr(), life.number_to(80)
    level = life.pick("4e 2.1", "3e 3.5", "4e 1.5")
    status = life.pick("active", "draft", "completed", "revoked")
    state = life.pick("in-progress", "scheduled", "completed")
    plan = a_plan(
        life.id("C"),
        level=level,
        start=life.vague_day(day),
        status=status,
        activities={"Group therapy": state, "Drug screens": "scheduled"},
        patient=life.patient,
    )
    life.add(here, plan)
    life.add(
        life.ehr(),
        a_request(life.id("S"), level=level, start=life.day(day), authored=life.moment(day, 9), patient=life.patient),
    )


def assessment(life: Any) -> None:
    """An assessment, which moves nothing."""
    day = life.number_to(90)
    life.add(
        life.ehr(),
        an_observation(life.id("O"), ratings={"Dimension 1": "2"}, at=life.moment(day, 14), patient=life.patient),
    )


def same_hour(life: Any) -> None:
    """Two programs that both saw the person in one hour."""
    day = life.number_to(90)
    for number, here in enumerate(life.two()):
        life.add(
            here,
            an_encounter(
                life.id("N", number),
                start=life.moment(day, 9 + number / 2),
                end=life.moment(day, 11),
                level=life.pick("4e 2.1", "4e 2.5"),
                patient=life.patient,
            ),
            became=None,
        )


def treated_twice(life: Any) -> None:
    """One treatment from two places: enrolled at two opioid treatment programs, or two that dispense it in turn."""
    both, start = life.two(), life.number_to(12)
    if life.pick(True, False):
        for number, here in enumerate(both):
            end = life.pick(None, life.day(start + 40))
            parts = {"start": life.day(start + 5 * number), "end": end, "patient": life.patient}
            life.add(here, an_episode(life.id("O", number), level="3e OTP", **parts), became=None)
        return
    for number in range(4):
        at = life.moment(60 + start + 7 * number, 10)
        life.add(both[number % 2], a_dispense(life.id("D", number), at=at, patient=life.patient), became=None)


HAPPENINGS: tuple[Callable[[Any], None], ...] = (
    assessment,
    stay,
    step_down,
    sessions,
    step_down,
    prescription,
    statement,
    shared_goal,
    doses,
    recut_goal,
    nights,
    appointment,
    plan_at_a_level,
    same_hour,
    stay,
    shared_goal,
    treated_twice,
)
