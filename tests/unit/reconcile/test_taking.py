"""Is it taken? A fact of its own: by a dose, by the person's own word, by supply in hand, never by an order alone."""

from datetime import UTC, date, datetime

import pytest

from coordinator.fhir import Interval
from tests.builders import METHADONE, a_dispense, a_statement, an_administration, an_order, evidence

LATER = datetime(2026, 6, 1, 12, tzinfo=UTC)


def own(status, at="2026-04-05T09:00:00-04:00", statement="P-9", **more):
    return a_statement(statement, status=status, at=at, **more) | {"informationSource": {"reference": "Patient/p-1"}}


def others(status, at="2026-04-05T09:00:00-04:00", **more):
    return a_statement("P-8", status=status, at=at, **more) | {"informationSource": {"reference": "RelatedPerson/r-1"}}


SUPPLY = a_dispense(at="2026-04-01T10:00:00-04:00")
ORDER_AFTER = an_order(at="2026-04-06T10:00:00-04:00")

TAKING = {
    "a dose that was given": ([an_administration()], ("taking", "dose")),
    "supply in hand": ([SUPPLY], ("presumed", "supply")),
    "supply that ran out seven days ago": (
        [a_dispense(at="2026-03-25T10:00:00-04:00", days=7)],
        ("presumed", "supply"),
    ),
    "supply that ran out eight days ago": (
        [a_dispense(at="2026-03-24T10:00:00-04:00", days=7)],
        ("unknown", "supply"),
    ),
    "a report of which only the start of its time is told": (
        [
            an_order(),
            {name: value for name, value in own("active").items() if name != "dateAsserted"}
            | {"effectivePeriod": {"start": "2026-04-05"}},
        ],
        ("taking", "own-report"),
    ),
    "an order alone is intent": ([an_order()], ("unknown", "order")),
    "an order after the own report that it is not taken": (
        [own("not-taken"), ORDER_AFTER],
        ("not-taking", "own-report"),
    ),
    "the own report that it is taken": ([an_order(), own("active")], ("taking", "own-report")),
    "the own report that it was stopped": ([an_order(), own("stopped")], ("not-taking", "own-report")),
    "a report of somebody else": ([an_order(), others("active")], ("taking", "statement")),
    "a report of somebody else after the own one": (
        [an_order(), own("not-taken"), others("active", "2026-04-06T09:00:00-04:00")],
        ("not-taking", "own-report"),
    ),
    "the later of two own reports": (
        [own("not-taken"), own("active", "2026-04-06T09:00:00-04:00", "P-10")],
        ("taking", "own-report"),
    ),
    "supply handed over after the own report": (
        [own("not-taken", "2026-03-31T09:00:00-04:00"), SUPPLY],
        ("presumed", "supply"),
    ),
    "a dose given after the report of somebody else": (
        [others("not-taken", code=METHADONE), an_administration()],
        ("taking", "dose"),
    ),
    "a report of somebody else after supply": ([SUPPLY, others("stopped")], ("not-taking", "statement")),
    "a statement whose status is not known": ([an_order(), others("unknown")], ("unknown", "order")),
    "an own report of today": ([own("active", "2026-04-07T07:00:00-04:00")], ("taking", "own-report")),
    "an own report of thirty days ago": ([own("active", "2026-03-08T09:00:00-05:00")], ("taking", "own-report")),
    "an own report of thirty-one days ago": ([own("active", "2026-03-07T09:00:00-05:00")], ("unknown", "own-report")),
    "an old own report with supply in hand since before": (
        [a_dispense(at="2026-02-20T10:00:00-05:00", days=60), own("active", "2026-02-21T09:00:00-05:00")],
        ("taking", "own-report"),
    ),
    "a report without a day": (
        [an_order(), {name: value for name, value in own("not-taken").items() if name != "dateAsserted"}],
        ("unknown", "order"),
    ),
    "an order that the person is named as the source of": (
        [an_order() | {"informationSource": {"reference": "Patient/p-1"}}],
        ("unknown", "order"),
    ),
    "a report by a name alone": (
        [an_order(), a_statement("P-8", at="2026-04-05") | {"informationSource": {"display": "the person"}}],
        ("taking", "statement"),
    ),
    "a report of a day that is still to come": (
        [SUPPLY, own("not-taken", "2026-04-20T09:00:00-04:00")],
        ("presumed", "supply"),
    ),
}


@pytest.mark.parametrize(("records", "told"), TAKING.values(), ids=TAKING)
def test_taking_is_told_by(account, records, told):
    (course,) = account(*(evidence(one) for one in records)).courses
    assert (course.taking.status, course.taking.basis) == told


OLD = {
    "a dose": [an_administration()],
    "supply": [SUPPLY],
    "a report of taking": [own("active")],
}


@pytest.mark.parametrize("records", OLD.values(), ids=OLD)
def test_what_was_told_long_ago_does_not_tell_of_today(account, records):
    (course,) = account(*(evidence(one) for one in records), as_of=LATER).courses
    assert course.taking.status == "unknown"


def test_that_it_is_not_taken_stays_told_until_something_newer_comes(account):
    (course,) = account(evidence(an_order()), evidence(own("not-taken")), as_of=LATER).courses
    assert course.taking.status == "not-taking"


def test_the_own_report_outranks_an_open_order_for_taking_and_not_for_the_dose(account):
    """An order left active for years proves nothing; what the person says of the dose is no order."""
    told = evidence(own("not-taken", dose="4 mg"), ehr="pcp")
    (course,) = account(evidence(an_order(dose="16 mg")), told).courses
    assert (course.status, course.dose.value) == ("not-taken", 16)
    assert "pcp/MedicationStatement/P-9@1" in course.evidence


def test_what_somebody_else_says_leaves_the_status_to_the_open_order(account):
    (course,) = account(evidence(an_order()), evidence(others("not-taken"), ehr="pcp")).courses
    assert (course.taking.status, course.status) == ("not-taking", "active")


@pytest.mark.parametrize("record", [own("not-taken"), an_administration(status="not-done")])
def test_that_something_is_not_taken_makes_no_course(account, record):
    assert account(evidence(record)).courses == ()


def test_taking_is_told_since_the_first_day_of_the_stretch_that_a_dose_belongs_to(account):
    doses = [
        evidence(an_administration(f"A-{day}", at=f"2026-04-0{day}T07:00:00-04:00"), ehr="otp") for day in (1, 2, 4, 5)
    ]
    (course,) = account(*doses).courses
    assert course.taking.since == Interval(first=date(2026, 4, 4), last=date(2026, 4, 4))


def test_taking_is_told_since_the_stretch_of_today_and_not_of_a_supply_that_is_still_to_come(account):
    (course,) = account(evidence(SUPPLY), evidence(a_dispense("D-2", at="2026-04-20T10:00:00-04:00"))).courses
    assert course.taking.since == Interval(first=date(2026, 4, 1), last=date(2026, 4, 1))


def test_a_report_tells_since_its_own_day_however_much_of_it_is_known(account):
    (course,) = account(evidence(an_order()), evidence(own("active", "2026-04"))).courses
    assert course.taking.status == "unknown"
    (course,) = account(evidence(own("active", "2026-03"))).courses
    assert course.taking.since == Interval(first=date(2026, 3, 1), last=date(2026, 3, 31))
