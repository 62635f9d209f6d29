"""Which stays collide, which may run side by side, and which of them gave way to the next: the edges of each."""

from datetime import UTC, datetime

import pytest

from tests.builders import a_policy, an_encounter, an_episode, evidence

MAY = datetime(2026, 5, 16, 12, tzinfo=UTC)


def stay(ehr, level, start, end=None, **more):
    return evidence(an_episode(f"{ehr.upper()}-1", level=level, start=start, end=end, **more), ehr=ehr)


def php(end="2026-05-15"):
    return stay("ced", "4e 2.5", "2026-05-01", end)


def iop(start="2026-05-12"):
    return stay("iop", "4e 2.1", start)


def a_session(ehr, number, start, end=None):
    start, end = (f"2026-05-{one}:00-04:00" if one and "T" in one else one for one in (start, end))
    return evidence(an_encounter(f"{ehr}-{number}", start=start, end=end), ehr=ehr)


def codes(made):
    return [one.code for one in made.findings]


# ---- the same hour in two programs -----------------------------------------------------------------------------------
HOURS = {
    "an hour that tells only the day of its start": ("2026-05-14", "14T12:00", "stay.overlap"),
    "an hour that ends before it begins": ("14T10:30", "14T10:00", "stay.overlap"),
    "a moment": ("14T10:00", "14T10:00", "stay.overlap"),
    "a part of the hour": ("14T10:00", "14T10:30", "stay.double-service"),
}


@pytest.mark.parametrize(("start", "end", "code"), HOURS.values(), ids=HOURS)
def test_only_what_took_time_in_both_programs_is_double_service(account, start, end, code):
    made = account(
        php(), a_session("ced", 1, "14T09:00", "14T11:00"), iop(), a_session("iop", 1, start, end), as_of=MAY
    )
    assert codes(made) == [code]


def test_double_service_cites_only_the_contacts_that_share_an_hour(account):
    made = account(
        php(),
        *(a_session("ced", day, f"{day}T09:00", f"{day}T11:00") for day in (12, 13, 14)),
        iop(),
        *(a_session("iop", day, f"{day}T10:00", f"{day}T12:00") for day in (13,)),
        as_of=MAY,
    )
    (found,) = made.findings
    assert found.rules == ("TL-05",)
    assert [ref for ref in found.evidence if "/Encounter/" in ref] == [
        "ced/Encounter/ced-13@1",
        "iop/Encounter/iop-13@1",
    ]


# ---- the days that both ran ------------------------------------------------------------------------------------------
def test_a_stay_of_which_no_service_was_seen_suggests_no_boundary(account):
    made = account(php(), iop(), a_session("iop", 1, "14T09:00", "14T11:00"), as_of=MAY)
    assert [one.facts["boundary"] for one in made.findings] == [None]


HANDOVER = {
    "by a rule that lets nobody be in both": ("4e 2.5", "4e 2.1", "TR-07"),
    "without a rule": ("3e 3.7", "4e 1.5", None),
}


@pytest.mark.parametrize(("one", "other", "rule"), HANDOVER.values(), ids=HANDOVER)
@pytest.mark.parametrize("days", [0, 1])
def test_a_tenant_may_let_nobody_be_in_two_programs_even_on_the_day_of_handover(account, one, other, rule, days):
    stays = stay("ced", one, "2026-05-01", "2026-05-12"), stay("iop", other, "2026-05-12")
    made = account(*stays, policy=a_policy(options={"handover_days": days}), as_of=MAY)
    found = [one.rules for one in made.findings if one.code == "stay.overlap"]
    assert found == ([] if days else [("TL-04", *([rule] if rule else []))])


# ---- levels that may run side by side --------------------------------------------------------------------------------
TOGETHER = {
    "one that no table knows": ("4e 9.9", True),
    "a recovery residence": ("4e RR", True),
    "dosing at an OTP": ("3e OTP", True),
    "a suffix without its level": ("4e COE", True),
    "partial hospitalization": ("4e 2.5", False),
}


@pytest.mark.parametrize("starts", [("2026-04-20", "2026-05-01"), ("2026-05-01", "2026-04-20")], ids=["first", "last"])
@pytest.mark.parametrize(("level", "together"), TOGETHER.values(), ids=TOGETHER)
def test_only_levels_that_exclude_each_other_collide(account, level, together, starts):
    made = account(
        stay("iop", "4e 2.1", starts[0], "2026-05-15"), stay("res", level, starts[1], "2026-05-15"), as_of=MAY
    )
    assert ("stay.overlap" in codes(made)) is not together


def test_a_suffix_without_its_level_is_no_level_that_anybody_moved_from(account):
    """COE says that a program treats mental illness too; of which level it is the record does not say."""
    made = account(stay("ced", "4e COE", "2026-03-01", "2026-04-30"), iop("2026-05-01"), as_of=MAY)
    assert [(one.kind, str(one.on.first)) for one in made.timeline.transitions] == [("admission", "2026-05-01")]


# ---- which one gave way ----------------------------------------------------------------------------------------------
def residence(number, start, end):
    return evidence(an_episode(f"R-{number}", level="3e 3.1", start=start, end=end), ehr="res")


GAVE_WAY = {
    "the one before": ([(1, "2026-02-01", "2026-02-20"), (2, "2026-02-21", "2026-04-30")], "R-2"),
    "the one begun last, though another ended later": (
        [(1, "2026-03-01", "2026-04-20"), (2, "2026-02-01", "2026-04-25")],
        "R-1",
    ),
    "none, as that of a single day began no earlier": ([(1, "2026-05-01", "2026-05-01")], None),
    "one before that of a single day": ([(1, "2026-05-01", "2026-05-01"), (2, "2026-02-01", "2026-05-01")], "R-2"),
}


@pytest.mark.parametrize(("residences", "before"), GAVE_WAY.values(), ids=GAVE_WAY)
def test_the_stay_begun_last_among_those_that_had_ended_gave_way_to_the_next(account, residences, before):
    """A 3rd-edition 3.1 residence may run beside an IOP; where it ended as that began, the person moved."""
    made = account(*(residence(*one) for one in residences), iop("2026-05-01"), as_of=MAY)
    (move,) = [one for one in made.timeline.transitions if one.after and one.after.organization == "iop"]
    assert (move.before and move.before.key.rpartition("/")[2]) == before
