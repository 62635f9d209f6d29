"""Which fast lane a type has at an EHR, and from when on it is asked."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from coordinator.ehr.lanes import fast_lane, mark_of, offered, since_text
from coordinator.ehr.protocols.paging import Query, search
from coordinator.ehr.strategy import Site
from coordinator.reconcile import Grade
from tests.unit.ehr.stated import a_statement, a_type
from tests.unit.ehr.talk import BASE, a_page, a_record, answer, talk

READ = "read search-type"
DATED = "patient category _lastUpdated _count"
AT = datetime(2026, 4, 7, 12, tzinfo=UTC)
SINCE = (("_lastUpdated", "ge2026-04-07T12:00:00Z"),)


def an_ehr(interactions=READ, parameters=DATED, *, software="An EHR", type_="Goal"):
    return a_statement(a_type(type_, interactions, parameters=parameters), software={"name": software})


WAYS = {
    "declared": (an_ehr(), Site(), "last-updated"),
    "not declared": (an_ehr(parameters="patient"), Site(), ""),
    "nothing declared": (an_ehr(parameters=""), Site(), ""),
    "history comes first, as it shows deletions": (an_ehr(f"{READ} history-type"), Site(), "history"),
    "history is of everybody": (an_ehr(f"{READ} history-type"), Site(roster="file:f"), "last-updated"),
    "counts some changes only": (an_ehr(software="Oracle Health"), Site(roster="file:ids"), ""),
    "by patient of a list that we hold": (
        an_ehr(),
        Site(roster="file:f", profile={"needs_patient": ["Goal"]}),
        "last-updated",
    ),
    "by patient of a group, whoever joins": (an_ehr(), Site(roster="group:g"), ""),
    "by patient of all": (an_ehr(), Site(profile={"needs_patient": ["Goal"]}), ""),
    "patients whole for another type": (an_ehr(type_="Patient"), Site(profile={"needs_patient": ["Goal"]}), ""),
    "the operator wants none": (an_ehr(), Site(options={"full_every_hours": 0}), ""),
    "an option that is no number": (an_ehr(), Site(options={"full_every_hours": "often"}), "last-updated"),
    "only read": (an_ehr("read"), Site(), ""),
}


@pytest.mark.parametrize(("statement", "site", "way"), WAYS.values(), ids=WAYS)
def test_a_type_has_a_lane_where_the_ehr_declares_one_that_can_be_relied_on(statement, site, way):
    (type_,) = statement.types
    offer = offered(statement, type_, site)
    assert offer.way == way
    assert offer.reason


def test_a_mark_is_worth_nothing_at_another_address_or_for_other_patients():
    def basis(site=None, *, base=BASE, patients=("p-1",)):
        return fast_lane(an_ehr(), "Goal", site or Site(roster="file:f"), base=base, patients=patients).basis

    others = [
        basis(base=type(BASE)(url="https://other.test/fhir")),
        basis(patients=("p-1", "p-2")),
        basis(Site(roster="file:f", options={"search": {"Goal": ["category=x"]}})),
    ]
    assert basis() == basis()
    assert basis() not in others


def test_it_is_asked_in_utc_some_minutes_back_and_a_day_where_days_are_told():
    east = datetime(2026, 4, 7, 2, 0, 5, 9, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert since_text(mark_of(east, timedelta(minutes=10), days_alone=False)) == "2026-04-06T20:20:05Z"
    assert since_text(mark_of(east, timedelta(minutes=10), days_alone=True)) == "2026-04-05T20:30:05Z"


# --- what is noticed on the way -------------------------------------------------------------------------------------


def walked(*replies, in_history=False):
    return talk(search(BASE, Query(type="Goal", parameters=SINCE, since=AT, in_history=in_history)), *replies)


def test_the_newest_stamp_is_taken_down_whatever_zone_it_is_told_in():
    page = a_page(a_record("a", updated="2026-04-07T14:00:01+02:00"), a_record("b", updated="2026-04-07T12:00:00Z"))
    stamps = walked(page).result.stamps
    assert (stamps.newest, stamps.coarse) == (datetime(2026, 4, 7, 12, 0, 1, tzinfo=UTC), False)


def test_a_stamp_that_the_ehrs_own_clock_has_not_reached_is_no_mark():
    """One record dated 2099 would let the lane wait for ever."""
    page = a_page(a_record("a", updated="2099-01-01T00:00:00Z"), a_record("b", updated="2026-04-07T13:00:00Z"))
    dated = answer(page.body, date="Tue, 07 Apr 2026 13:05:00 GMT")
    assert walked(dated).result.stamps.newest == datetime(2026, 4, 7, 13, tzinfo=UTC)


IGNORED = {
    "as the self link tells": a_page(a_record("a", updated="2026-04-07T13:00:00Z"), self_="https://ehr.test/fhir/Goal"),
    "as an old record tells": a_page(a_record("a", updated="2026-04-01T13:00:00Z")),
}


@pytest.mark.parametrize("page", IGNORED.values(), ids=IGNORED)
def test_a_parameter_that_was_ignored_is_noticed(page):
    walk = walked(page).result
    assert (walk.grade, walk.ignored) == (Grade.PARTIAL, True)


def test_a_self_link_may_spell_the_moment_in_another_zone():
    self_ = "https://ehr.test/fhir/Goal?_lastUpdated=ge2026-04-07T08%3A00%3A00-04%3A00"
    page = a_page(a_record("a", updated="2026-04-07T13:00:00Z"), self_=self_)
    assert walked(page).result.grade is Grade.COMPLETE


def test_a_history_that_breaks_off_without_a_next_link_is_not_complete():
    """HAPI was seen to give a first page alone."""
    page = a_page(a_record("a", updated="2026-04-07T13:00:00Z"), total=3)
    found = walked(page, in_history=True)
    assert found.result.grade is Grade.PARTIAL
    assert found.asked[0].url.startswith("https://ehr.test/fhir/Goal/_history?")
