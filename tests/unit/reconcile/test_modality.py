"""Sessions whose class says that they were virtual and whose place that they were in person, or the other way."""

import pytest

from tests.builders import a_place, an_encounter, evidence


def hours(day, count, **more):
    """Return a session of so many hours on a day of April."""
    start, end = (f"2026-04-{day:02}T{hour:02}:00:00-04:00" for hour in (9, 9 + count))
    return evidence(an_encounter(f"N-4-{day}", start=start, end=end, **more))


def mismatches(made):
    return [one for one in made.findings if one.code == "modality.pos-mismatch"]


PLACES = {
    "virtual, at an office": ("VR", ["11"], True),
    "virtual, at home": ("VR", ["10"], False),
    "virtual, away from home": ("VR", ["02"], False),
    "in person, by telehealth": ("AMB", ["10"], True),
    "in person, at the program": ("AMB", ["57"], False),
    "virtual, at two places": ("VR", ["11", "10"], False),
    "virtual, at a place nobody knows": ("VR", ["99"], False),
    "a home visit": ("HH", ["11"], False),
    "no place": ("VR", [], False),
}


@pytest.mark.parametrize(("class_", "codes", "is_open"), PLACES.values(), ids=PLACES)
def test_a_session_whose_class_and_place_differ_is_a_finding(account, class_, codes, is_open):
    where = [{"location": {"reference": f"Location/L-{code}"}} for code in codes]
    session = hours(1, 1, class_=class_, **({"location": where} if where else {}))
    made = account(session, *(evidence(a_place(f"L-{code}", code=code)) for code in codes))
    found = mismatches(made)
    assert [one.evidence for one in found] == (
        [("iop/Encounter/N-4-1@1", f"iop/Location/L-{codes[0]}@1")] if is_open else []
    )


def test_each_of_several_sessions_is_held_against_its_own_place(account):
    where = [{"location": {"reference": "Location/L-1"}}]
    told = {1: ("VR", "cancelled"), 2: ("HH", "finished"), 3: ("VR", "finished"), 4: ("VR", "finished")}
    sessions = [hours(day, 1, class_=one, status=status, location=where) for day, (one, status) in told.items()]
    found = mismatches(account(*sessions, evidence(a_place())))
    assert [one.key for one in found] == [f"modality.pos-mismatch:iop/Encounter/N-4-{day}" for day in (3, 4)]
    assert (found[0].facts, found[0].rules) == ({"class": "VR", "place": "in-person"}, ("SE-08",))


ELSEWHERE = {"of another EHR": {"ehr": "ced"}, "missed": {"status": "cancelled"}}


@pytest.mark.parametrize("more", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_place_says_nothing_about_a_session(account, more):
    where = [{"location": {"reference": "Location/L-1"}}]
    session = hours(1, 1, class_="VR", location=where, **({"status": more["status"]} if "status" in more else {}))
    made = account(session, evidence(a_place(), ehr=more.get("ehr", "iop")))
    assert mismatches(made) == []
