"""Which Appointment belongs to which Encounter, and what each of them tells of a session."""

import pytest

from tests.builders import a_patient, an_appointment, an_encounter, evidence

EVENING = ("2026-04-02T18:05:00-04:00", "2026-04-02T19:35:00-04:00")
FAMILY = {"coding": [{"system": "http://snomed.info/sct", "code": "51484002"}]}


def contact(*, start=EVENING[0], end=EVENING[1], **more):
    return an_encounter("N-1", start=start, end=end, **more)


def agreed(*, start="2026-04-02T18:00:00-04:00", end=EVENING[1], **more):
    return an_appointment(start=start, end=end, **more)


def names(encounter, *appointments):
    return encounter | {"appointment": [{"reference": f"Appointment/{one}"} for one in appointments]}


def told(account, *trees):
    made = account(*(evidence(tree) for tree in trees))
    return [(one.attended, one.minutes, [ref.split("/", 1)[1] for ref in one.evidence]) for one in made.sessions]


BOTH = ["Encounter/N-1@1", "Appointment/AP-1@1"]
APART = ["Encounter/N-1@1"], ["Appointment/AP-1@1"]

JOINED = {
    "named by the encounter": (names(contact(), "AP-1"), agreed()),
    "held at the same time": (contact(), agreed()),
    "named, though held on another day": (names(contact(), "AP-1"), agreed(start=None, end=None)),
    "booked and never brought up to date": (contact(), agreed(status="booked")),
    "missed, and the encounter called off": (contact(status="cancelled"), agreed(status="noshow")),
    "a whole day long": (contact(), agreed(start="2026-04-02T00:00:00-04:00", end="2026-04-03T00:00:00-04:00")),
}


@pytest.mark.parametrize("trees", JOINED.values(), ids=JOINED)
def test_an_appointment_and_its_encounter_are_one_session_that_cites_both(account, trees):
    assert [refs for _, _, refs in told(account, *trees)] == [BOTH]


SEPARATE = {
    "a missed group, while somebody was seen alone": (contact(), agreed(status="noshow"), 2),
    "the hour before": (contact(), agreed(start="2026-04-02T17:00:00-04:00", end="2026-04-02T18:10:00-04:00"), 2),
    "without a time": (contact(), agreed(end=None), 2),
    "without a start": (contact(), agreed(start=None), 1),
    "an encounter that names only the day of its start": (contact(start="2026-04-02"), agreed(), 2),
    "an encounter that names only the day of its end": (contact(end="2026-04-02"), agreed(), 2),
    "an encounter of no length": (contact(end=EVENING[0]), agreed(), 2),
    "an encounter without an end": (contact(end=None), agreed(), 2),
    "a day of a residential stay": (contact(class_="IMP"), agreed(), 1),
    "longer than a day": (contact(), agreed(start="2026-04-01T12:00:00-04:00", end="2026-04-03T12:00:00-04:00"), 2),
}


@pytest.mark.parametrize(("encounter", "appointment", "count"), SEPARATE.values(), ids=SEPARATE)
def test_what_does_not_belong_together_stays_two(account, encounter, appointment, count):
    assert len(told(account, encounter, appointment)) == count


def test_two_encounters_after_each_other_each_get_their_own_appointment(account):
    late = an_encounter("N-2", start="2026-04-02T19:35:00-04:00", end="2026-04-02T20:30:00-04:00")
    next_ = an_appointment("AP-2", start="2026-04-02T19:30:00-04:00", end="2026-04-02T20:30:00-04:00")
    assert [refs for _, _, refs in told(account, late, next_, contact(), agreed())] == [
        BOTH,
        ["Encounter/N-2@1", "Appointment/AP-2@1"],
    ]


def test_an_appointment_finds_its_encounter_in_whatever_order_the_records_stand(account):
    """An EHR may give a lower number to what was written down first and held last."""
    noon, morning = (
        an_encounter(name, start=f"2026-04-02T{hour}:00:00-04:00", end=f"2026-04-02T{hour}:30:00-04:00")
        for name, hour in (("N-2", "12"), ("N-3", "09"))
    )
    assert [refs for _, _, refs in told(account, contact(), noon, morning, agreed())][2:] == [BOTH]


def test_of_two_encounters_at_one_time_the_first_of_their_records_takes_the_appointment(account):
    made = told(account, contact(), contact() | {"id": "N-2"}, agreed())
    assert [refs for _, _, refs in made] == [BOTH, ["Encounter/N-2@1"]]


SHARED = {
    "half of both": ("18:30", "19:30", "18:00", "19:00", 1),
    "a minute less than half": ("18:31", "19:31", "18:00", "19:00", 2),
    "all of a call within a long group": ("18:00", "19:30", "18:10", "18:30", 1),
    "nearly all of the group, long after the contact began": ("18:30", "19:30", "17:55", "19:25", 1),
    "only the minute at which one ends": ("19:00", "20:00", "18:00", "19:00", 2),
}


@pytest.mark.parametrize(("since", "until", "start", "end", "count"), SHARED.values(), ids=SHARED)
def test_who_shares_half_of_the_shorter_one_was_there(account, since, until, start, end, count):
    held, asked = ([f"2026-04-02T{hour}:00-04:00" for hour in pair] for pair in ((start, end), (since, until)))
    made = told(account, contact(start=held[0], end=held[1]), agreed(start=asked[0], end=asked[1]))
    assert len(made) == count


def test_of_two_appointments_at_one_time_one_encounter_takes_one(account):
    made = told(account, contact(), agreed(), agreed() | {"id": "AP-2"})
    assert [refs for _, _, refs in made] == [["Appointment/AP-2@1"], BOTH]


def test_an_appointment_finds_its_encounter_behind_others_of_that_day(account):
    day = an_encounter("N-0", start="2026-04-02T09:00:00-04:00", end="2026-04-02T17:00:00-04:00")
    tea = an_encounter("N-00", start="2026-04-02T17:10:00-04:00", end="2026-04-02T17:40:00-04:00")
    assert [refs for _, _, refs in told(account, day, tea, contact(), agreed())][2:] == [BOTH]


def test_an_appointment_where_no_encounter_is_leaves_those_after_it_theirs(account):
    elsewhere = evidence(agreed(start="2026-04-01T18:00:00-04:00", end="2026-04-01T19:00:00-04:00"), ehr="ced")
    made = account(elsewhere, evidence(contact()), evidence(agreed()))
    assert [len(one.evidence) for one in made.sessions] == [1, 2]


def test_of_two_who_are_both_not_known_nobodys_time_counts(account):
    times = ("2026-04-02T18:35:00-04:00", None)
    meeting = agreed(asked={"Patient/p-7": times, "Patient/p-8": times})
    assert told(account, names(contact(), "AP-1"), meeting) == [(True, 90, BOTH)]


def test_who_missed_a_session_spent_no_minutes_in_it(account):
    missed = names(contact(status="cancelled"), "AP-1")
    assert told(account, missed, agreed(status="noshow")) == [(False, 0, BOTH)]


WITH = {
    "a clinician whose record is not shown": {"actor": {"type": "Practitioner"}},
    "the person alone, with the type of their record": {"actor": {"type": "Patient", "reference": "Patient/p-1"}},
}


@pytest.mark.parametrize("who", WITH.values(), ids=WITH)
def test_an_appointment_is_no_group_because_of(account, who):
    meeting = agreed() | {"participant": [{"status": "accepted", **who}]}
    assert [(attended, minutes) for attended, minutes, _ in told(account, meeting)] == [(True, 95)]


@pytest.mark.parametrize("actor", [{}, {"actor": {"display": "the room"}}], ids=["nobody", "no record"])
def test_an_appointment_that_names_no_patient_is_the_persons(account, actor):
    meeting = agreed() | {"participant": [{"status": "accepted", **actor}]}
    assert told(account, names(contact(), "AP-1"), meeting) == [(True, 90, BOTH)]


def test_an_appointment_alone_tells_neither_class_nor_mode(account):
    (session,) = account(evidence(agreed())).sessions
    assert (session.class_, session.mode, session.rules) == ("", "unknown", ("SE-04",))


def test_an_appointment_of_another_ehr_is_never_joined_by_its_time(account):
    made = account(evidence(contact()), evidence(agreed(), ehr="ced"))
    assert len(made.sessions) == 2


OWN_TIME = {
    "joined late": (("2026-04-02T18:20:00-04:00", EVENING[1]), 75),
    "left early": ((None, "2026-04-02T19:05:00-04:00"), 60),
    "came before it began": (("2026-04-02T17:50:00-04:00", EVENING[1]), 90),
    "all of it": ((None, None), 90),
    "only a day": (("2026-04-02", None), None),
    "after it was over": (("2026-04-02T20:00:00-04:00", None), None),
}


@pytest.mark.parametrize(("own", "minutes"), OWN_TIME.values(), ids=OWN_TIME)
def test_the_persons_own_time_in_the_appointment_cuts_the_minutes(account, own, minutes):
    mother = {"RelatedPerson/RP-1": ("2026-04-02T18:00:00-04:00", "2026-04-02T20:00:00-04:00")}
    meeting = agreed(asked={**mother, "Patient/p-1": own})
    assert told(account, names(contact(), "AP-1"), meeting) == [(True, minutes, BOTH)]


def test_in_a_group_the_time_of_the_person_counts_and_of_nobody_else(account):
    others = {
        "Patient/p-7": (EVENING[0], "2026-04-02T18:15:00-04:00"),
        "Patient/p-1": ("2026-04-02T18:35:00-04:00", None),
    }
    assert told(account, a_patient(), names(contact(), "AP-1"), agreed(asked=others)) == [(True, 60, BOTH)]


ALONE = {
    "fulfilled": ("fulfilled", "accepted", [(True, 95)]),
    "fulfilled without the person, who had declined": ("fulfilled", "declined", [(False, 0)]),
    "missed": ("noshow", "accepted", [(False, 0)]),
    "booked": ("booked", "accepted", []),
    "called off": ("cancelled", "accepted", []),
    "arrived": ("arrived", "accepted", []),
    "a word nobody knows": ("done", "accepted", []),
}


@pytest.mark.parametrize(("status", "answer", "expected"), ALONE.values(), ids=ALONE)
def test_an_appointment_without_an_encounter(account, status, answer, expected):
    made = told(account, agreed(status=status, answer=answer))
    assert [(attended, minutes) for attended, minutes, _ in made] == expected


def test_the_kind_is_told_by_the_appointment_where_the_encounter_does_not(account):
    made = account(evidence(contact()), evidence(agreed(serviceType=[FAMILY])))
    alone = account(evidence(agreed(appointmentType=FAMILY)))
    assert [one.kind for one in (*made.sessions, *alone.sessions)] == ["family", "family"]


ATTENDED = {
    "missed by its appointment, held by its encounter": ("finished", "noshow", True),
    "fulfilled, and its encounter called off": ("cancelled", "fulfilled", True),
    "both held": ("finished", "fulfilled", False),
    "both missed": ("cancelled", "noshow", False),
    "one open": ("finished", "booked", False),
    "the encounter open": ("arrived", "noshow", False),
    "the encounter open, and its appointment fulfilled": ("arrived", "fulfilled", False),
}


@pytest.mark.parametrize(("held", "said", "is_open"), ATTENDED.values(), ids=ATTENDED)
def test_records_of_one_session_that_contradict_each_other_are_a_question(account, held, said, is_open):
    made = account(evidence(names(contact(status=held), "AP-1")), evidence(agreed(status=said)))
    found = [one for one in made.findings if one.code == "attendance.source-differs"]
    assert [(one.evidence, one.rules) for one in found] == (
        [(("iop/Appointment/AP-1@1", "iop/Encounter/N-1@1"), ("SE-03",))] if is_open else []
    )


OPEN = {"planned": [], "arrived": [(False, None)], "unknown": [(False, None)], "cancelled": [(False, 0)]}


@pytest.mark.parametrize(("status", "expected"), OPEN.items(), ids=OPEN)
def test_an_encounter_that_was_not_held(account, status, expected):
    """What is to come is no session; of what nobody closed it is not known how long it took."""
    assert [(attended, minutes) for attended, minutes, _ in told(account, contact(status=status))] == expected


def test_sessions_stand_in_the_order_of_their_instants_whatever_their_offsets(account):
    early = an_encounter("N-9", start="2026-04-02T21:00:00Z")
    late = an_encounter("N-1", start="2026-04-02T18:00:00-04:00")
    assert [refs for _, _, refs in told(account, late, early)] == [["Encounter/N-9@1"], ["Encounter/N-1@1"]]


# ---- in a group whose other members are not shown --------------------------------------------------------------------
def in_a_group(own=(None, None), **more):
    made = agreed(asked={"Patient/p-1": own}, **more)
    return made | {"participant": [{"actor": {"type": "Patient"}}, *made["participant"]]}


GROUPS = {
    "held, with the person's own time": (("2026-04-02T18:20:00-04:00", None), "fulfilled", "accepted", [(True, 75)]),
    "held, and who came is not told": ((None, None), "fulfilled", "accepted", []),
    "held without the person, who had declined": ((None, None), "fulfilled", "declined", [(False, 0)]),
    "somebody did not come": ((None, None), "noshow", "accepted", []),
    "somebody did not come, while the person has a time": (EVENING, "noshow", "accepted", []),
    "to come": (("2026-04-02T18:20:00-04:00", None), "booked", "accepted", []),
}


@pytest.mark.parametrize(("own", "status", "answer", "expected"), GROUPS.values(), ids=GROUPS)
def test_of_a_group_only_the_persons_own_time_and_answer_tell(account, own, status, answer, expected):
    """A group that was held, or that somebody missed, says of no member whether they came."""
    made = told(account, a_patient(), in_a_group(own, status=status, answer=answer))
    assert [(attended, minutes) for attended, minutes, _ in made] == expected


def test_a_group_that_somebody_missed_contradicts_nobodys_session(account):
    made = account(evidence(a_patient()), evidence(names(contact(), "AP-1")), evidence(in_a_group(status="noshow")))
    assert ([one.attended for one in made.sessions], made.findings) == ([True], ())


def test_a_session_in_a_group_counts_the_persons_own_minutes(account):
    group = in_a_group(("2026-04-02T18:35:00-04:00", None))
    assert told(account, a_patient(), contact(), group) == [(True, 60, BOTH)]
