"""Referrals that were accepted and led nowhere: of which ones that is told, and of which it can't be."""

from datetime import timedelta

import pytest

from coordinator.reconcile import Grade
from coordinator.reconcile.rules import limits
from tests.builders import TODAY, a_decision, a_patient, a_policy, an_episode, evidence
from tests.builders import a_referral_task as a_task


def iop(number="I-1", *, ehr="iop", **more):
    return evidence(an_episode(number, **{"level": "4e 2.1", "start": "2026-01-05"} | more), ehr=ehr)


DAYS = int(limits()["referral_admission_days"].value)
WHOLE = {(ehr, type_): Grade.COMPLETE for ehr in ("iop", "pcp", "hos") for type_ in ("EpisodeOfCare", "Encounter")}


def accepted(days_ago):
    return a_task(lastModified=f"{TODAY - timedelta(days=days_ago)}T10:00:00-04:00")


KNOWN = evidence(a_patient())
CASES = {
    "nobody came": ([a_task()], WHOLE, True),
    "in the referrer's EHR, to a named program": ([a_task(ehr="pcp", owner="iop")], WHOLE, True),
    "both copies": ([a_task(), a_task(ehr="pcp", owner="iop")], WHOLE, True),
    "to a program whose EHR is not known": ([a_task(owner="ced")], WHOLE, False),
    "in the EHR of a practice that is no program": (
        [a_task(ehr="pcp"), evidence(a_patient(), ehr="pcp")],
        WHOLE,
        False,
    ),
    "in the EHR of an organization that nobody knows": (
        [a_task(ehr="hos"), evidence(a_patient(), ehr="hos")],
        WHOLE,
        False,
    ),
    "to nobody we know": ([a_task(ehr="pcp", owner="elsewhere")], WHOLE, False),
    "not accepted": ([a_task("requested")], WHOLE, False),
    "accepted lately": ([a_task(lastModified="2026-03-30T10:00:00-04:00")], WHOLE, False),
    "accepted just so many days ago": ([accepted(DAYS)], WHOLE, False),
    "accepted a day longer ago": ([accepted(DAYS + 1)], WHOLE, True),
    "after one to nobody we know, and one accepted lately": (
        [a_task(owner="elsewhere", id="T-1"), accepted(1), a_task(id="T-z")],
        WHOLE,
        True,
    ),
    "admitted elsewhere": ([a_task(), iop(ehr="ced", start="2026-03-10")], WHOLE, True),
    "on the waiting list elsewhere": ([a_task(), iop(ehr="ced", status="waitlist", start=None)], WHOLE, True),
    "known elsewhere, where not all was seen": ([a_task(), evidence(a_patient(), ehr="ced")], WHOLE, True),
    "a stay that ended on the day of asking": ([a_task(), iop(start="2026-01-10", end="2026-03-01")], WHOLE, False),
    "a stay once, and nobody knows when it was asked": (
        [a_task(authoredOn=None), iop(start="2025-03-10", end="2025-03-20")],
        WHOLE,
        False,
    ),
    "admitted": ([a_task(), iop(start="2026-03-10")], WHOLE, False),
    "admitted and discharged since": ([a_task(), iop(start="2026-03-10", end="2026-03-20")], WHOLE, False),
    "a stay before it": ([a_task(), iop(start="2025-03-10", end="2025-03-20")], WHOLE, True),
    "on the waiting list": ([a_task(), iop(status="waitlist", start=None)], WHOLE, False),
    "work of a staff": ([a_task(focus={"reference": "EpisodeOfCare/1"})], WHOLE, False),
    "records left out": ([a_task()], WHOLE | {("iop", "EpisodeOfCare"): Grade.PARTIAL}, False),
    "records never pulled": ([a_task()], {}, False),
}


@pytest.mark.parametrize(("records", "grades", "told"), CASES.values(), ids=CASES)
def test_a_referral_that_was_accepted_and_led_to_no_stay_is_told(account, records, grades, told):
    made = account(KNOWN, *records, policy=a_policy(grades=grades))
    found = [one for one in made.findings if one.code == "referral.not-admitted"]
    assert [one.facts["organization"] for one in found] == (["iop"] if told else [])


NAMES = {
    "by the first of its identifiers": (
        [{"system": "https://lakeside.example/referral", "value": one} for one in ("REF-2", "REF-1")],
        "iop:https://lakeside.example/referral|REF-1",
    ),
    "by its record where it has none": (None, "iop:iop/Task/T-iop"),
}


@pytest.mark.parametrize(("identifiers", "about"), NAMES.values(), ids=NAMES)
def test_a_referral_is_named(account, identifiers, about):
    (found,) = account(KNOWN, a_task(identifier=identifiers), policy=a_policy(grades=WHOLE)).findings
    assert (found.key, found.rules) == (f"referral.not-admitted:{about}", ("TL-17",))


def test_the_copies_of_a_referral_in_two_ehrs_are_one_finding_that_cites_both(account):
    (found,) = account(KNOWN, a_task(), a_task(ehr="pcp", owner="iop"), policy=a_policy(grades=WHOLE)).findings
    assert found.evidence == ("iop/Task/T-iop@1", "pcp/Task/T-pcp@1")


def test_a_referral_of_which_a_person_has_seen_that_nobody_came_is_told_no_more(account):
    policy = a_policy(grades=WHOLE)
    (found,) = account(KNOWN, a_task(), policy=policy).findings
    assert found.facts == {"organization": "iop", "days": limits()["referral_admission_days"].value}
    seen = a_decision(found.key, {"seen": True}, facts=found.facts)
    assert account(KNOWN, a_task(), policy=policy, decisions=[seen]).findings == ()
