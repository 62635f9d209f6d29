"""What a payer authorized beside what was provided: a question after a while, never a contradiction."""

import pytest

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from tests.builders import a_policy, a_request, an_episode, evidence


def an_authorization(code, number=1, *, start="2026-03-01", end=None, ehr="payer", edition="4e"):
    row = MappingRow(
        type="ServiceRequest",
        path=("orderDetail",),
        system=None,
        value=f"auth {edition} {code}",
        concept="level",
        edition=Edition(edition),
        code=code,
        role=Role.AUTHORIZED,
        organization=None,
    )
    request = a_request(f"A-{number}", details=[f"auth {edition} {code}"], start=start, end=end)
    return evidence(request, ehr=ehr), row


def found(account, stays, authorizations, **options):
    records = [record for record, _ in authorizations]
    policy = a_policy(mappings={"payer": tuple(row for _, row in authorizations)}, options=options)
    made = account(*stays, *records, policy=policy)
    return [one for one in made.findings if one.code == "level.authorized-differs"]


def a_stay(level="4e 2.1", start="2026-03-01", end=None):
    return evidence(an_episode("I-1", level=level, start=start, end=end))


def test_another_level_authorized_for_long_is_a_routine_question(account):
    (one,) = found(account, [a_stay()], [an_authorization("1.5")])
    assert (one.urgency, one.evidence, one.rules) == (
        "routine",
        ("iop/EpisodeOfCare/I-1@1", "payer/ServiceRequest/A-1@1"),
        ("LV-07",),
    )
    assert one.facts == {
        "provided": {"edition": "4e", "code": "2.1"},
        "authorized": {"edition": "4e", "code": "1.5"},
        "days": 38,
    }


CASES = {
    "the same level": ([a_stay()], [an_authorization("2.1")], 0),
    "the same level of the other edition": ([a_stay()], [an_authorization("2.1", edition="3e")], 0),
    "one day less than long": ([a_stay(start="2026-03-26")], [an_authorization("1.5")], 0),
    "long by a day": ([a_stay(start="2026-03-25")], [an_authorization("1.5")], 1),
    "a month that need not be long": ([a_stay(start="2026-03")], [an_authorization("1.5")], 0),
    "over before the stay": ([a_stay()], [an_authorization("1.5", start="2026-01-01", end="2026-03-05")], 0),
    "still to come": ([a_stay()], [an_authorization("2.1", 1), an_authorization("1.5", 2, start="2026-05-01")], 0),
    "followed by the right one": (
        [a_stay()],
        [an_authorization("2.5", 1, start="2026-02-20"), an_authorization("2.1", 2, start="2026-03-05")],
        0,
    ),
    "the right one beside it": (
        [a_stay()],
        [an_authorization("1.5", 1), an_authorization("2.1", 2, start="2026-03-02")],
        0,
    ),
    "authorized until the day before another": (
        [a_stay()],
        [an_authorization("1.5", 1, start="2026-03-01"), an_authorization("2.1", 2, start="2026-03-15")],
        0,
    ),
    "housing that a payer authorized": ([a_stay()], [an_authorization("RR")], 0),
    "dosing beside treatment": ([a_stay()], [an_authorization("OTP", edition="3e")], 0),
    "housing beside treatment": ([a_stay("4e RR")], [an_authorization("2.1")], 0),
    "housing beside any treatment": ([a_stay("4e RR")], [an_authorization("1.5")], 0),
    "housing that a payer authorized beside any treatment": ([a_stay("4e 1.5")], [an_authorization("RR")], 0),
    "a level that its edition lacks": ([a_stay()], [an_authorization("3.3")], 0),
    "no day told": ([a_stay()], [], 0),
}


@pytest.mark.parametrize(("stays", "authorizations", "count"), CASES.values(), ids=CASES)
def test_only_a_certain_and_lasting_difference_asks(account, stays, authorizations, count):
    assert len(found(account, stays, authorizations)) == count


def test_of_two_other_levels_the_one_that_was_authorized_longest_is_named(account):
    (one,) = found(
        account,
        [a_stay(start="2026-01-01")],
        [
            an_authorization("2.5", 1, start="2026-01-01"),
            an_authorization("1.5", 2, start="2026-02-15"),
            an_authorization("1.7", 3, start="2026-03-10"),
        ],
    )
    assert (one.facts["authorized"]["code"], one.facts["days"]) == ("2.5", 45)


def test_each_stay_is_held_against_what_was_authorized_for_its_days(account):
    unread = evidence(an_episode("I-0", level="4e 9.9", start="2025-12-01", end="2025-12-20"))
    early = evidence(an_episode("I-1", level="4e 2.5", start="2026-01-01", end="2026-01-31"))
    late = evidence(an_episode("I-2", level="4e 2.1", start="2026-02-10"))
    authorizations = [an_authorization("2.1", 1, start="2026-01-01"), an_authorization("1.5", 2, start="2026-02-10")]
    told = [
        (one.facts["provided"]["code"], one.facts["authorized"]["code"])
        for one in found(account, [unread, early, late], authorizations)
    ]
    assert told == [("2.5", "2.1"), ("2.1", "1.5")]


def test_the_tenant_may_choose_how_long_is_long(account):
    assert found(account, [a_stay()], [an_authorization("1.5")], authorized_differs_days=60) == []
    one_day = an_authorization("1.5", start="2026-03-05", end="2026-03-05")
    assert [one.facts["days"] for one in found(account, [a_stay()], [one_day], authorized_differs_days=1)] == [1]


def test_what_is_authorized_moves_no_timeline(account):
    record, row = an_authorization("2.1")
    made = account(record, policy=a_policy(mappings={"payer": (row,)}))
    assert (made.timeline.stays, made.possible) == ((), ())
