"""Recertification: told before the last one ends and louder after, by what an outpatient program has of it."""

from datetime import UTC, datetime

import pytest

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.reconcile import Grade
from tests.builders import a_level, a_plan, a_policy, an_encounter, an_episode, evidence

SYSTEM = "https://riverbend.example/documents"
MAPPING = MappingRow(
    type="DocumentReference",
    path=("type",),
    system=SYSTEM,
    value="cert",
    concept="certification",
    edition=None,
    code="any",
    role=Role.PROVIDED,
    organization=None,
)


def enrolled(**more):
    return evidence(an_episode("I-1", start="2026-01-05", **more))


def ordered(order="S-1", *, level="4e 2.1", start="2026-01-05", end="2026-03-05", status="active", **more):
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    return {
        "resourceType": "ServiceRequest",
        "id": order,
        "status": status,
        "intent": "order",
        "code": a_level(level),
        "subject": {"reference": "Patient/p-1"},
        "authoredOn": "2026-01-02T09:00:00-05:00",
        "occurrencePeriod": period,
    } | more


def planned(end="2026-03-05", **more):
    made = a_plan(level="4e 2.1", start="2026-01-05")
    return made | {"period": {"start": "2026-01-05", **({"end": end} if end else {})}} | more


def signed(code="cert", **more):
    return {
        "resourceType": "DocumentReference",
        "id": "D-1",
        "status": "current",
        "type": {"coding": [{"system": SYSTEM, "code": code}]},
        "date": "2026-01-05T12:00:00-05:00",
        "content": [{"attachment": {"url": "https://riverbend.example/d-1"}}],
    } | more


def due(account, *trees, day="2026-03-10", stay=None, ehr="iop", **policy):
    as_of = datetime.fromisoformat(f"{day}T16:00:00+00:00")
    given = [stay or enrolled(), *(evidence(tree, ehr=ehr) for tree in trees)]
    made = account(*given, policy=a_policy(mappings={"iop": (MAPPING,)}, **policy), as_of=as_of)
    return [one for one in made.findings if one.code == "certification.due"]


DAYS = {
    "more than a week before": ("2026-02-26", []),
    "a week before": ("2026-02-27", ["routine"]),
    "on its last day": ("2026-03-05", ["routine"]),
    "the day after": ("2026-03-06", ["soon"]),
    "long after": ("2026-06-01", ["soon"]),
}


@pytest.mark.parametrize(("day", "urgency"), DAYS.values(), ids=DAYS)
def test_it_is_told_before_the_last_certification_ends_and_louder_after(account, day, urgency):
    assert [one.urgency for one in due(account, ordered(), day=day)] == urgency


def test_the_finding_cites_the_stay_and_the_record_and_names_the_day_on_which_it_becomes_urgent(account):
    (found,) = due(account, ordered(), day="2026-03-01")
    assert found.key == "certification.due:iop/EpisodeOfCare/I-1:2026-03-05"
    assert found.evidence == ("iop/EpisodeOfCare/I-1@1", "iop/ServiceRequest/S-1@1")
    assert dict(found.facts) == {"certified_from": "2026-01-05", "until": "2026-03-05", "overdue": False}
    assert (found.due_at, found.rules) == (datetime(2026, 3, 6, 5, tzinfo=UTC), ("CE-01", "CE-03"))
    assert due(account, ordered(), day="2026-03-06")[0].due_at is None


def test_what_a_mapping_table_names_is_told_by_that_rule(account):
    assert due(account, signed(), day="2026-03-01")[0].rules == ("CE-02", "CE-03")


CERTIFYING = {
    "an order of the level for a time": (ordered(), "2026-03-05"),
    "an order that was carried out": (ordered(status="completed"), "2026-03-05"),
    "an order for longer than it can be good for": (ordered(end="2026-12-31"), "2026-03-06"),
    "an order by a code of the other edition": (ordered(level="3e 2.1"), "2026-03-05"),
    "an order without a start": (ordered(start=None), "2026-03-03"),
    "an order until some day of a month": (ordered(end="2026-02"), "2026-02-28"),
    "a plan of treatment for a time": (planned(), "2026-03-05"),
    "a document that the mapping table names": (signed(), "2026-03-06"),
    "an order that ends on the day on which the stay begins": (
        ordered(start="2025-12-20", end="2026-01-05"),
        "2026-01-05",
    ),
    "an order for one day": (ordered(start="2026-02-10", end="2026-02-10"), "2026-02-10"),
    "a document for its own time": (signed(context={"period": {"end": "2026-02-05"}}), "2026-02-05"),
}


@pytest.mark.parametrize(("tree", "until"), CERTIFYING.values(), ids=CERTIFYING)
def test_what_certifies(account, tree, until):
    assert [one.facts["until"] for one in due(account, tree)] == [until]


NO_CERTIFICATION = {
    "nothing was ever seen": (),
    "a referral: an order without an end": (ordered(end=None),),
    "an order of another level": (ordered(level="4e 1.5"),),
    "an order that was taken back": (ordered(status="revoked"),),
    "a draft": (ordered(status="draft"),),
    "a plan without an end": (planned(end=None),),
    "another document": (signed("letter"),),
    "a document without a date": (signed(date=None),),
    "a document of which nobody says that it stands": (signed(status=None),),
    "a time that ended before it began, while the stay went on": (ordered(start="2026-02-10", end="2026-02-01"),),
    "a time that ended before it began": (ordered(end="2025-12-31"),),
    "a time before the stay": (ordered(start="2025-10-01", end="2025-12-31"),),
}


@pytest.mark.parametrize("trees", NO_CERTIFICATION.values(), ids=NO_CERTIFICATION)
def test_where_no_certification_was_seen_nothing_is_due(account, trees):
    assert due(account, *({name: one for name, one in tree.items() if one is not None} for tree in trees)) == []


def test_the_order_of_another_organization_certifies_nothing(account):
    assert due(account, ordered(), ehr="pcp") == []


def test_a_payers_authorization_is_no_certification(account):
    row = MappingRow(
        type="ServiceRequest",
        path=("code",),
        system="https://payer.example",
        value="iop",
        concept="level",
        edition=Edition.FOURTH,
        code="2.1",
        role=Role.AUTHORIZED,
        organization=None,
    )
    tree = ordered(code={"coding": [{"system": "https://payer.example", "code": "iop"}]})
    made = account(
        enrolled(),
        evidence(tree),
        policy=a_policy(mappings={"iop": (row,)}),
        as_of=datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert [one for one in made.findings if one.code == "certification.due"] == []


RENEWED = {
    "by an order that goes on": [ordered("S-2", start="2026-03-06", end="2026-05-01")],
    "by an order that begins later": [ordered("S-2", start="2026-03-20", end="2026-05-01")],
    "by a signed document": [signed(date="2026-03-04T12:00:00-05:00")],
}


@pytest.mark.parametrize("renewal", RENEWED.values(), ids=RENEWED)
def test_a_later_certification_is_the_one_that_counts(account, renewal):
    assert due(account, ordered(), *renewal) == []


QUIET = {
    "a stay that is over": ({"stay": enrolled(end="2026-03-08")}, {}),
    "a stay on hold": ({"stay": enrolled(status="onhold")}, {}),
    "a level that asks for no hours": ({"stay": enrolled(level="4e 1.5")}, {}),
    "a pull of orders that was not complete": ({}, {"grades": {("iop", "ServiceRequest"): Grade.PARTIAL}}),
    "a tenant whose payers ask later": ({}, {"options": {"recertify_days": 90}}),
}


@pytest.mark.parametrize(("more", "policy"), QUIET.values(), ids=QUIET)
def test_nothing_is_due_of(account, more, policy):
    tree = ordered(end="2026-12-31") if "options" in policy else ordered()
    assert due(account, tree, **more, **policy) == []


def test_a_contact_after_the_day_changes_nothing(account):
    visit = an_encounter("N-1", start="2026-03-09T09:00:00-05:00", end="2026-03-09T12:00:00-05:00")
    assert [one.key for one in due(account, ordered(), visit)] == [one.key for one in due(account, ordered())]
