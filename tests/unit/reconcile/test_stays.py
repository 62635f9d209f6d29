"""Which stays there are: out of episodes, and, where an EHR has none, out of contacts and plans."""

from datetime import UTC, date, datetime

import pytest

from coordinator.care.level_of_care.model import Edition, Level, MappingRow, Role
from coordinator.fhir import Interval
from coordinator.reconcile import Presence
from tests.builders import a_plan, a_policy, an_encounter, an_episode, evidence


def days(first, last=None):
    return Interval(first=date.fromisoformat(first), last=date.fromisoformat(last or first))


def stays(account):
    return [(one.key, one.start, one.end, one.status) for one in account.timeline.stays]


def test_an_episode_shows_a_stay_at_its_level(account):
    (stay,) = account(evidence(an_episode("I-55", level="4e 2.1", start="2026-04-02"))).timeline.stays
    assert (stay.key, stay.level, stay.organization) == (
        "iop/EpisodeOfCare/I-55",
        Level(edition=Edition.FOURTH, code="2.1"),
        "iop",
    )
    assert (stay.start, stay.end, stay.status) == (days("2026-04-02"), None, "active")


NO_STAY = {
    "planned": an_episode(status="planned"),
    "on the waiting list": an_episode(status="waitlist"),
    "cancelled": an_episode(status="cancelled"),
    "entered in error": an_episode(status="entered-in-error"),
    "without a start": an_episode(start=None),
    "still to come": an_episode(start="2026-05-01"),
    "without a level": an_episode(level=None),
}


@pytest.mark.parametrize("episode", NO_STAY.values(), ids=NO_STAY)
def test_what_has_not_begun_or_states_no_level_is_no_stay(account, episode):
    assert stays(account(evidence(episode))) == []


@pytest.mark.parametrize(
    ("presence", "ours"),
    [(Presence.DELETED, False), (Presence.HIDDEN, False), (Presence.ENTERED_IN_ERROR, False), (Presence.PRESENT, True)],
    ids=["deleted", "hidden", "in error", "our own echo"],
)
def test_what_is_gone_or_our_own_shows_no_stay(account, presence, ours):
    assert stays(account(evidence(an_episode(), presence=presence, ours=ours))) == []


DATES = {
    "a month stays a month": ("2026-03", days("2026-03-01", "2026-03-31")),
    "a year stays a year": ("2026", days("2026-01-01", "2026-12-31")),
    "late in the evening in New York is that day": ("2026-04-02T03:30:00Z", days("2026-04-01")),
    "the day of the program, not of the server": ("2026-04-02T23:30:00-05:00", days("2026-04-03")),
}


@pytest.mark.parametrize(("start", "expected"), DATES.values(), ids=DATES)
def test_the_days_of_a_start_are_those_of_the_program_s_zone(account, start, expected):
    (stay,) = account(evidence(an_episode(start=start))).timeline.stays
    assert stay.start == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-08T06:30:00Z", "2026-03-08"),
        ("2026-03-08T04:59:00Z", "2026-03-07"),
        ("2026-03-09T03:59:00Z", "2026-03-08"),
    ],
    ids=["in the night of the change", "before its midnight", "the evening after, in summer time"],
)
def test_days_are_right_where_clocks_change(account, start, expected):
    (stay,) = account(evidence(an_episode(start=start))).timeline.stays
    assert stay.start == days(expected)


# ---- two EHRs, one stay ----------------------------------------------------------------------------------------------
def of_program(tree, ehr):
    return evidence(tree, ehr=ehr, organization="iop")


def test_records_of_one_stay_in_two_ehrs_are_one_stay(account):
    made = account(
        of_program(an_episode("I-1", start="2026-04-02"), "iop"),
        of_program(an_episode("P-1", start="2026-04-04"), "pcp"),
    )
    (stay,) = made.timeline.stays
    assert stay.evidence == ("iop/EpisodeOfCare/I-1@1", "pcp/EpisodeOfCare/P-1@1")


NOT_ONE = {
    "one after the other": (
        an_episode("I-1", start="2026-03-01", end="2026-03-20"),
        an_episode("P-1", start="2026-04-02"),
        "pcp",
    ),
    "more than a month apart": (an_episode("I-1", start="2026-02-01"), an_episode("P-1", start="2026-03-05"), "pcp"),
    "at a level that may run beside": (an_episode("I-1"), an_episode("P-1", level="3e OTP"), "pcp"),
    "at another level with another end": (
        an_episode("I-1", level="3e 4-WM", end="2026-04-06"),
        an_episode("P-1", level="4e 2.1"),
        "pcp",
    ),
    "at another level some days later": (
        an_episode("I-1", level="4e 2.5", start="2026-03-28"),
        an_episode("P-1", level="4e 2.1"),
        "pcp",
    ),
    "at another level that ended much earlier": (
        an_episode("I-1", level="4e 2.5", end="2026-04-03"),
        an_episode("P-1", level="4e 2.1", end="2026-04-20"),
        "pcp",
    ),
    "housing, and treatment there": (an_episode("I-1", level="4e RR"), an_episode("P-1", level="4e 2.1"), "pcp"),
    "at a level that can't be read": (an_episode("I-1", level="4e 9.9"), an_episode("P-1", level="4e 2.1"), "pcp"),
    "both in one EHR": (an_episode("I-1"), an_episode("I-2"), "iop"),
}


@pytest.mark.parametrize(("one", "other", "ehr"), NOT_ONE.values(), ids=NOT_ONE)
def test_other_records_are_stays_of_their_own(account, one, other, ehr):
    assert len(account(of_program(one, "iop"), of_program(other, ehr)).timeline.stays) == 2


ONE_AT_TWO_LEVELS = {
    "both run": (None, None),
    "both ended on one day": ("2026-04-05", "2026-04-05"),
    "both ended within the days in which records of one stay may differ": ("2026-04-05", "2026-04-07"),
}


@pytest.mark.parametrize(("one", "other"), ONE_AT_TWO_LEVELS.values(), ids=ONE_AT_TWO_LEVELS)
def test_records_of_one_stay_that_differ_in_its_level_are_one_stay(account, one, other):
    made = account(
        of_program(an_episode("I-1", level="4e 2.5", end=one), "iop"),
        of_program(an_episode("P-1", level="4e 2.1", end=other), "pcp"),
        as_of=datetime(2026, 5, 7, tzinfo=UTC),
    )
    (stay,) = made.timeline.stays
    assert {told.level.code for told in stay.told} == {"2.5", "2.1"}
    assert stay.rules == ("ST-01", "ST-07")


NEAR = {
    "begun as far apart as records of one stay may": (("2026-03-01", "2026-03-03"), ("2026-03-04", "2026-03-25"), 1),
    "begun a day further apart, one after the other": (("2026-03-01", "2026-03-03"), ("2026-03-05", "2026-03-25"), 2),
    "one ended on the day on which the other began": (("2026-03-01", "2026-03-20"), ("2026-03-20", None), 1),
    "one ended the day before": (("2026-03-01", "2026-03-19"), ("2026-03-20", None), 2),
    "side by side, begun a month apart": (("2026-03-01", None), ("2026-03-31", None), 1),
    "side by side, begun a day more apart": (("2026-03-01", None), ("2026-04-01", None), 2),
}


@pytest.mark.parametrize(("one", "other", "count"), NEAR.values(), ids=NEAR)
def test_records_at_one_level_are_one_stay_if_near_or_side_by_side(account, one, other, count):
    made = account(
        of_program(an_episode("I-1", start=one[0], end=one[1]), "iop"),
        of_program(an_episode("P-1", start=other[0], end=other[1]), "pcp"),
    )
    assert len(made.timeline.stays) == count


ENDS_AT_TWO_LEVELS = {
    "three days apart": ("2026-03-20", "2026-03-23", 1),
    "three days apart, the other way": ("2026-03-23", "2026-03-20", 1),
    "four days apart": ("2026-03-20", "2026-03-24", 2),
    "four days apart, the other way": ("2026-03-24", "2026-03-20", 2),
    "only the first tells one": ("2026-03-20", None, 2),
    "only the second tells one": (None, "2026-03-20", 2),
}


@pytest.mark.parametrize(("one", "other", "count"), ENDS_AT_TWO_LEVELS.values(), ids=ENDS_AT_TWO_LEVELS)
def test_records_at_two_levels_are_one_stay_only_if_they_end_alike(account, one, other, count):
    made = account(
        of_program(an_episode("I-1", level="4e 2.5", start="2026-03-01", end=one), "iop"),
        of_program(an_episode("P-1", level="4e 2.1", start="2026-03-02", end=other), "pcp"),
    )
    assert len(made.timeline.stays) == count


BESIDE = {
    "a level that can't be read, told second": ("4e 2.1", "4e 9.9"),
    "a level that can't be read, told first": ("4e 9.9", "4e 2.1"),
    "housing told second": ("4e 2.1", "4e RR"),
    "housing told first": ("4e RR", "4e 2.1"),
    "housing beside a level that no rule lets run beside it, told second": ("4e 1.5", "4e RR"),
    "housing beside a level that no rule lets run beside it, told first": ("4e RR", "4e 1.5"),
}


@pytest.mark.parametrize(("one", "other"), BESIDE.values(), ids=BESIDE)
def test_what_may_run_beside_or_can_not_be_read_is_not_the_same_stay(account, one, other):
    made = account(of_program(an_episode("I-1", level=one), "iop"), of_program(an_episode("P-1", level=other), "pcp"))
    assert len(made.timeline.stays) == 2


def test_of_two_stays_that_fit_the_one_at_the_same_level_is_meant(account):
    made = account(
        of_program(an_episode("I-1", level="4e 2.1", start="2026-03-01", end="2026-03-20"), "iop"),
        of_program(an_episode("I-2", level="4e 2.5", start="2026-03-02", end="2026-03-20"), "iop"),
        of_program(an_episode("P-1", level="4e 2.1", start="2026-03-03", end="2026-03-20"), "pcp"),
    )
    told = {stay.key: [ref.partition("@")[0] for ref in stay.evidence] for stay in made.timeline.stays}
    assert told == {
        "iop/EpisodeOfCare/I-1": ["iop/EpisodeOfCare/I-1", "pcp/EpisodeOfCare/P-1"],
        "iop/EpisodeOfCare/I-2": ["iop/EpisodeOfCare/I-2"],
    }


def test_a_joined_stay_holds_what_each_record_tells_and_the_rule_that_joined_them(account):
    made = account(
        of_program(an_episode("I-1", start="2026-03-02", end="2026-03-20", status="active"), "iop"),
        of_program(an_episode("P-1", start="2026-03-04", end="2026-03-20"), "pcp"),
        of_program(an_encounter("N-1", start="2026-03-05T09:00:00-05:00", episode="I-1"), "iop"),
        of_program(an_encounter("N-2", start="2026-03-06T09:00:00-05:00", episode="P-1"), "pcp"),
    )
    (stay,) = made.timeline.stays
    assert [one.ref.partition("@")[0] for one in stay.services] == ["iop/Encounter/N-1", "pcp/Encounter/N-2"]
    assert (stay.confirmed, stay.rules) == (True, ("ST-01", "ST-03"))
    assert [told.ref for told in stay.told] == ["iop/EpisodeOfCare/I-1@1", "pcp/EpisodeOfCare/P-1@1"]


def test_a_start_that_a_record_tells_counts_before_one_that_contacts_show(account):
    made = account(
        of_program(an_encounter("N-1", level="4e 2.1", start="2026-04-01T09:00:00-04:00"), "pcp"),
        of_program(an_episode("I-1", start="2026-04-03"), "iop"),
    )
    assert [stay.start for stay in made.timeline.stays] == [days("2026-04-03")]


def test_contacts_in_two_ehrs_show_one_stay_from_the_first_of_them(account):
    made = account(
        of_program(an_encounter("N-1", level="4e 2.1", start="2026-04-01T09:00:00-04:00"), "pcp"),
        of_program(an_encounter("N-1", level="4e 2.1", start="2026-04-03T09:00:00-04:00"), "iop"),
    )
    assert [(stay.start, len(stay.evidence)) for stay in made.timeline.stays] == [(days("2026-04-01"), 2)]


JOINED_ENDS = {
    "only one tells an end": ("2026-04-05", None, days("2026-04-05"), []),
    "only the other does": (None, "2026-04-05", days("2026-04-05"), []),
    "both tell the same": ("2026-04-05", "2026-04-05", days("2026-04-05"), []),
    "a month and a day within it": ("2026-04", "2026-04-05", days("2026-04-05"), []),
    "they can't both be right": ("2026-04-04", "2026-04-06", days("2026-04-04", "2026-04-06"), ["stay.source-differs"]),
}


@pytest.mark.parametrize(("one", "other", "end", "codes"), JOINED_ENDS.values(), ids=JOINED_ENDS)
def test_the_ends_that_two_ehrs_tell_are_joined_without_choosing(account, one, other, end, codes):
    made = account(
        of_program(an_episode("I-1", end=one), "iop"),
        of_program(an_episode("P-1", end=other), "pcp"),
        as_of=datetime(2026, 5, 7, tzinfo=UTC),
    )
    assert [stay.end for stay in made.timeline.stays] == [end]
    assert [one.code for one in made.findings] == codes


# ---- services --------------------------------------------------------------------------------------------------------
def services(account):
    (stay,) = account.timeline.stays
    return [one.ref.partition("/")[2] for one in stay.services]


def test_contacts_that_name_the_episode_are_its_services(account):
    named = an_encounter("N-1", episode="E-1")
    versioned = an_encounter("N-3")
    versioned["episodeOfCare"] = [{"reference": "https://ehr.example/fhir/EpisodeOfCare/E-1/_history/2"}]
    made = account(
        evidence(an_episode("E-1")), evidence(named), evidence(an_encounter("N-2", episode="E-2")), evidence(versioned)
    )
    assert services(made) == ["Encounter/N-1@1", "Encounter/N-3@1"]


@pytest.mark.parametrize("reference", ["Encounter/E-1", "#E-1", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"])
def test_a_contact_that_names_something_else_names_no_episode(account, reference):
    named = an_encounter("N-1", episode="E-1")
    other = an_encounter("N-2") | {"episodeOfCare": [{"reference": reference}]}
    made = account(evidence(an_episode("E-2")), evidence(an_episode("E-1")), evidence(named), evidence(other))
    assert [len(stay.services) for stay in made.timeline.stays] == [1, 0]


CONTACTS = {
    "within its days": ("2026-04-03T09:00:00-04:00", True),
    "on its first day, by a server in another zone": ("2026-04-02T04:30:00Z", True),
    "the evening before": ("2026-04-02T01:00:00Z", False),
    "after its end": ("2026-04-06T09:00:00-04:00", False),
}


@pytest.mark.parametrize(("start", "inside"), CONTACTS.values(), ids=CONTACTS)
def test_where_no_contact_names_an_episode_its_days_tell(account, start, inside):
    made = account(evidence(an_episode(start="2026-04-02", end="2026-04-05")), evidence(an_encounter(start=start)))
    assert bool(services(made)) is inside


def test_contacts_tell_a_stay_in_the_order_of_their_days(account):
    made = account(
        evidence(an_encounter("N-1", level="4e 2.1", start="2026-03-20T09:00:00-04:00", disposition="home")),
        evidence(an_encounter("N-9", level="4e 2.1", start="2026-03-02T09:00:00-05:00")),
    )
    assert stays(made) == [("iop/Encounter/N-9", days("2026-03-02"), days("2026-03-20"), "finished")]
    assert made.timeline.stays[0].ends == (("2026-03-20", "iop"),)


def test_an_ehr_with_episodes_hides_no_stay_of_one_that_has_only_contacts(account):
    made = account(
        evidence(an_episode("C-1"), ehr="ced"),
        evidence(an_encounter("N-1", level="4e 2.1", start="2026-03-02T09:00:00-05:00"), ehr="ced"),
        evidence(an_encounter("N-1", level="4e 2.1", start="2026-03-02T09:00:00-05:00")),
    )
    assert sorted(stay.key for stay in made.timeline.stays) == ["ced/EpisodeOfCare/C-1", "iop/Encounter/N-1"]


@pytest.mark.parametrize(("class_", "count"), [("EMER", 0), ("OBSENC", 0), ("IMP", 0), ("AMB", 1)])
def test_nights_and_emergencies_are_no_services_of_a_stay_by_day(account, class_, count):
    made = account(evidence(an_episode("E-1")), evidence(an_encounter("N-1", class_=class_)))
    assert [len(stay.services) for stay in made.timeline.stays if stay.key.endswith("E-1")] == [count]


def test_a_night_may_be_care_of_a_stay_whose_level_can_not_be_read(account):
    assert services(account(evidence(an_episode(level="4e 9.9")), evidence(an_encounter(class_="IMP")))) == [
        "Encounter/N-1@1"
    ]


@pytest.mark.parametrize("status", ["cancelled", "planned", "entered-in-error"])
def test_a_contact_that_nobody_attended_is_no_service(account, status):
    assert services(account(evidence(an_episode()), evidence(an_encounter(status=status)))) == []


def test_a_contact_without_a_start_is_no_service(account):
    assert services(account(evidence(an_episode()), evidence(an_encounter(start=None)))) == []


def test_a_contact_of_another_ehr_is_not_of_this_stay(account):
    assert services(account(evidence(an_episode()), evidence(an_encounter(), ehr="pcp"))) == []


def test_a_service_of_a_partial_date_is_not_put_on_the_last_day_it_may_mean(account):
    made = account(evidence(an_episode(start="2026-03-02")), evidence(an_encounter(start="2026-04")))
    assert made.timeline.stays[0].last_service.day == date(2026, 4, 1)


# ---- EHRs without EpisodeOfCare --------------------------------------------------------------------------------------
def test_contacts_at_a_level_show_a_stay_that_only_a_discharge_ends(account):
    made = account(
        evidence(an_encounter("N-1", level="4e 2.1", start="2026-03-02T09:00:00-05:00")),
        evidence(an_encounter("N-2", level="4e 2.1", start="2026-03-20T09:00:00-04:00")),
    )
    assert stays(made) == [("iop/Encounter/N-1", days("2026-03-02"), None, "active")]


def test_a_discharge_ends_the_stay_and_what_follows_is_another(account):
    made = account(
        evidence(an_encounter("N-1", level="4e 2.1", start="2026-02-02T09:00:00-05:00")),
        evidence(an_encounter("N-2", level="4e 2.1", start="2026-02-20T09:00:00-05:00", disposition="home")),
        evidence(an_encounter("N-3", level="4e 2.1", start="2026-03-20T09:00:00-04:00")),
    )
    assert stays(made) == [
        ("iop/Encounter/N-1", days("2026-02-02"), days("2026-02-20"), "finished"),
        ("iop/Encounter/N-3", days("2026-03-20"), None, "active"),
    ]


@pytest.mark.parametrize("status", ["planned", "cancelled"])
def test_a_contact_that_did_not_take_place_begins_no_stay(account, status):
    assert stays(account(evidence(an_encounter(level="4e 2.1", status=status)))) == []


@pytest.mark.parametrize(("status", "count"), [("active", 1), ("completed", 1), ("draft", 0), ("revoked", 0)])
def test_a_plan_at_a_level_shows_a_stay_once_it_is_more_than_a_draft(account, status, count):
    plan = a_plan(level="4e 2.1", start="2026-04-02", status=status)
    assert len(account(evidence(plan)).timeline.stays) == count


@pytest.mark.parametrize("status", ["planned", "waitlist", "cancelled"])
def test_an_episode_that_never_began_does_not_hide_the_care_that_contacts_show(account, status):
    visit = evidence(an_encounter("N-1", level="4e 2.1", start="2026-04-02T09:00:00-04:00"))
    never = evidence(an_episode("E-9", status=status, start="2026-03-02"))
    assert [one.key for one in account(visit, never).timeline.stays] == ["iop/Encounter/N-1"]


def test_contacts_say_nothing_more_where_the_ehr_has_episodes(account):
    made = account(evidence(an_episode()), evidence(an_encounter(level="4e 2.5")))
    assert len(made.timeline.stays) == 1


def row(**more):
    plain = {
        "type": "EpisodeOfCare",
        "path": ("type",),
        "system": None,
        "value": "IOP",
        "concept": "level",
        "edition": Edition.FOURTH,
        "code": "2.1",
        "role": Role.PROVIDED,
        "organization": None,
    }
    return MappingRow(**plain | more)


def an_episode_in_words(text="IOP"):
    return an_episode(level=None) | {"type": [{"text": text}]}


def test_a_mapping_row_tells_the_level_and_whose_it_is(account):
    policy = a_policy(mappings={"iop": (row(organization="ced"),)})
    (stay,) = account(evidence(an_episode_in_words()), policy=policy).timeline.stays
    assert (stay.level, stay.organization) == (Level(edition=Edition.FOURTH, code="2.1"), "ced")


def test_a_mapping_row_of_another_ehr_says_nothing(account):
    policy = a_policy(mappings={"ced": (row(),)})
    assert stays(account(evidence(an_episode_in_words()), policy=policy)) == []


@pytest.mark.parametrize("role", [Role.INDICATED, Role.AUTHORIZED])
def test_only_what_is_provided_moves_the_timeline(account, role):
    policy = a_policy(mappings={"iop": (row(role=role),)})
    assert stays(account(evidence(an_episode_in_words()), policy=policy)) == []


def test_a_mapping_row_reads_contacts_too(account):
    policy = a_policy(mappings={"iop": (row(type="Encounter"),)})
    contact = an_encounter() | {"type": [{"text": "IOP"}]}
    assert len(account(evidence(contact), policy=policy).timeline.stays) == 1


UNREADABLE = {
    "its edition is not known": ({"edition": None, "code": "1.0"}, "level.unresolved"),
    "its edition has no such code": ({"code": "3.3"}, "level.not-in-edition"),
}


@pytest.mark.parametrize(("level", "finding"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_level_that_can_not_be_read_is_a_finding_and_moves_nothing(account, level, finding):
    policy = a_policy(mappings={"iop": (row(**level),)})
    made = account(
        evidence(an_episode("R-1", level="3e 3.5", start="2026-03-02"), ehr="res"),
        evidence(an_episode_in_words()),
        policy=policy,
    )
    (found,) = made.findings
    assert (found.code, found.evidence) == (finding, ("iop/EpisodeOfCare/E-1@1",))
    assert [one.kind for one in made.timeline.transitions] == ["admission"]
