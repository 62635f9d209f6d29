"""What people answer: wrong answers are refused with what to give, right ones are kept with who, when and why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from coordinator.errors import InvalidInput, NotFound
from coordinator.matching.links import IdentityLink
from coordinator.reconcile.findings import finding
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.workflow import Answer, find_finding, how_to_answer, resolve_finding, short_key
from tests.builders import NOW

STAY = finding("stay.end-missing", "res/EpisodeOfCare/R-1", facts={"ends": []}, evidence=["res/EpisodeOfCare/R-1@1"])
ENDED = finding(
    "stay.end-unconfirmed", "res/EpisodeOfCare/R-1", facts={"ends": []}, evidence=["res/EpisodeOfCare/R-1@1"]
)
SOURCES = finding(
    "stay.source-differs",
    "res/EpisodeOfCare/R-1",
    facts={"ends": [{"date": "2026-03-01", "by": "res"}, {"date": "2026-03-02", "by": "pcp"}]},
    evidence=["res/EpisodeOfCare/R-1@1", "pcp/EpisodeOfCare/P-1@1"],
)
REASONS = finding(
    "stay.source-differs",
    "res/EpisodeOfCare/R-1:reason",
    facts={
        "reasons": [
            {"reason": "completed", "by": "res", "record": "res/EpisodeOfCare/R-1"},
            {"reason": "against-advice", "by": "res", "record": "res/Encounter/N-1"},
        ]
    },
    evidence=["res/EpisodeOfCare/R-1@1", "res/Encounter/N-1@1", "res/Encounter/N-2@1"],
)
STARTS = finding(
    "stay.source-differs",
    "res/EpisodeOfCare/R-1:start",
    facts={
        "starts": [
            {"date": "2026-03-01", "by": "res", "record": "res/EpisodeOfCare/R-1"},
            {"date": "2026-03-03", "by": "pcp", "record": "pcp/EpisodeOfCare/P-1"},
        ]
    },
    evidence=["res/EpisodeOfCare/R-1@1", "pcp/EpisodeOfCare/P-1@1"],
)
DOSE = finding(
    "mat.dose-differs",
    "course:x",
    facts={"values": {"iop": 24, "pcp": 8}},
    evidence=["iop/MedicationRequest/M-2@1", "pcp/MedicationStatement/P-9@1", "ced/MedicationDispense/D-7@1"],
)
GOAL = finding(
    "plan.goal-differs",
    "goal:x:dueDate",
    facts={"field": "dueDate", "values": {"iop": "a", "ced": "b"}},
    evidence=["iop/Goal/G-1@1", "ced/Goal/c-1@1"],
)
REMOVED = finding(
    "plan.goal-differs",
    "goal:x:presence",
    facts={"field": "presence", "values": {"iop": "deleted", "ced": "present"}},
    evidence=["iop/Goal/G-1@1", "ced/Goal/c-1@1"],
)
ACTIVITY = finding(
    "plan.activity-differs",
    "activity:x",
    facts={"field": "status", "values": {"iop": "a", "ced": "b"}},
    evidence=["iop/CarePlan/C-1@1", "ced/CarePlan/c-1@1"],
)
SPLIT = finding("plan.goal-split", "goal:x@ced", facts={"from": ["a"], "into": ["b"]}, evidence=["ced/Goal/c-1@1"])
SAME = finding(
    "identity.possible",
    "ced/Patient/c+iop/Patient/i",
    facts={"records": ["ced/Patient/c", "iop/Patient/i"]},
    evidence=["ced/Patient/c@1", "iop/Patient/i@1"],
)
MERGED = finding("identity.merged-at-source", "ced/Patient/c+ced/Patient/d", facts={}, evidence=["ced/Patient/c@1"])
OVERLAP = finding("stay.overlap", "a+b", facts={}, evidence=["a@1"])
GAP = finding("mat.coverage-gap", "x", facts={}, evidence=["a@1"])


@asynccontextmanager
async def asked(*findings) -> AsyncIterator[tuple]:
    """Yield (transaction, persons) of a store where the first of two persons has these findings."""
    store = MemoryStore()
    async with store.transaction() as tx:
        persons = [await tx.people.create(), await tx.people.create()]
        for ehr, patient, person in (("iop", "i", persons[0]), ("ced", "c", persons[1])):
            link = IdentityLink(ehr=ehr, patient=patient, person=person, since=NOW, by="rule", matched_hash=b"h")
            await tx.people.link(link)
        await tx.accounts.put_findings(persons[0], findings, NOW)
        yield tx, persons


async def resolve(tx, person, one, value, reason="asked the program"):
    return await resolve_finding(tx, short_key(person, one), Answer(value=value, reason=reason), actor="casey", now=NOW)


FITTING = {
    "the end of a stay": (STAY, {"end": "2026-04-01"}),
    "the confirmed end": (ENDED, {"end": "2026-04-01"}),
    "one of two ends by its day": (SOURCES, {"end": "2026-03-01"}),
    "one of two ends by its record": (SOURCES, {"accept": "pcp/EpisodeOfCare/P-1"}),
    "how a stay ended, by the contact that tells it": (REASONS, {"accept": "res/Encounter/N-1"}),
    "the start of a stay, by the record that tells it": (STARTS, {"accept": "pcp/EpisodeOfCare/P-1"}),
    "a dose": (DOSE, {"accept": "iop/MedicationRequest/M-2"}),
    "a goal": (GOAL, {"accept": "ced/Goal/c-1"}),
    "an activity": (ACTIVITY, {"accept": "ced/CarePlan/c-1"}),
    "a goal that one EHR deleted": (REMOVED, {"keep": False}),
    "a goal that was split": (SPLIT, {"keep": True}),
    "an identity": (SAME, {"same": False}),
    "a merge of an EHR": (MERGED, {"seen": True}),
}


@pytest.mark.parametrize(("one", "value"), FITTING.values(), ids=FITTING)
async def test_an_answer_is_kept_with_who_when_why_and_about_what(one, value):
    async with asked(one) as (tx, (person, _)):
        await resolve(tx, person, one, value, reason="  called them ")
        (made,) = await tx.accounts.decisions(person)
        assert (made.key, made.value, made.reason, made.actor, made.decided_at) == (
            one.key,
            value,
            "called them",
            "casey",
            NOW,
        )
        assert (dict(made.facts), made.evidence) == (dict(one.facts), one.evidence)
        (row,) = await tx.audit.query("decision")
        assert (row.actor, row.person, row.subject) == ("casey", person, one.code)


UNFIT = {
    "no day": (STAY, {"end": "soon"}, "YYYY-MM-DD"),
    "a month is no last day": (STAY, {"end": "2026-04"}, "YYYY-MM-DD"),
    "not a text": (STAY, {"end": 20260401}, "YYYY-MM-DD"),
    "another question's answer": (STAY, {"accept": "res/EpisodeOfCare/R-1"}, "YYYY-MM-DD"),
    "neither day nor record": (SOURCES, {"accept": "ced/EpisodeOfCare/C-1"}, "pcp/EpisodeOfCare/P-1"),
    "a contact that tells no kind of discharge": (
        REASONS,
        {"accept": "res/Encounter/N-2"},
        "res/Encounter/N-1, res/EpisodeOfCare/R-1",
    ),
    "a day where starts differ": (STARTS, {"end": "2026-03-01"}, "pcp/EpisodeOfCare/P-1, res/EpisodeOfCare/R-1"),
    "a record that tells no dose in question": (
        DOSE,
        {"accept": "ced/MedicationDispense/D-7"},
        "iop/MedicationRequest/M-2, pcp/MedicationStatement/P-9",
    ),
    "a number": (DOSE, {"dose": 24}, "accept"),
    "nothing": (GOAL, {}, "ced/Goal/c-1, iop/Goal/G-1"),
    "a merge that is no question": (MERGED, {"same": True}, '"seen"'),
    "a word for yes": (SAME, {"same": "yes"}, '{"same": true}'),
    "what only the programs can settle": (OVERLAP, {"end": "2026-04-01"}, "closes by itself"),
    "what is a fact": (GAP, {"accept": "a"}, "closes by itself"),
    "whether a goal is there": (REMOVED, {"accept": "ced/Goal/c-1"}, '"keep"'),
}


@pytest.mark.parametrize(("one", "value"), FITTING.values(), ids=FITTING)
def test_whoever_looks_at_a_finding_is_told_how_to_answer_it(one, value):
    """The words name each member that a fitting answer has."""
    assert all(f'"{name}"' in how_to_answer(one) for name in value)


def test_a_finding_that_closes_by_itself_asks_for_no_answer():
    assert how_to_answer(GAP) == ""


@pytest.mark.parametrize(("one", "value", "hint"), UNFIT.values(), ids=UNFIT)
async def test_a_wrong_answer_is_refused_with_what_to_give_and_nothing_is_kept(one, value, hint):
    async with asked(one) as (tx, (person, _)):
        with pytest.raises(InvalidInput) as refused:
            await resolve(tx, person, one, value)
        assert hint in (refused.value.hint or "")
        assert (await tx.accounts.decisions(person), await tx.audit.query("decision")) == ([], [])


@pytest.mark.parametrize("reason", ["", "  "])
async def test_an_answer_without_a_reason_is_refused(reason):
    async with asked(STAY) as (tx, (person, _)):
        with pytest.raises(InvalidInput, match="reason"):
            await resolve(tx, person, STAY, {"end": "2026-04-01"}, reason=reason)


async def test_a_key_that_names_no_finding_is_refused():
    async with asked(STAY) as (tx, _):
        with pytest.raises(NotFound) as refused:
            await find_finding(tx, "0" * 12)
        assert "findings list" in (refused.value.hint or "")


def test_a_short_key_is_stable_and_another_for_another_person():
    assert short_key("a", STAY) == short_key("a", STAY) != short_key("b", STAY)
    assert len(short_key("a", STAY)) == 12


@pytest.mark.parametrize("same", [True, False])
async def test_two_records_about_which_a_person_decided_are_to_be_matched_again(same):
    """Links are moved by the stage that parts records into persons, so that an answer can be undone."""
    async with asked(SAME) as (tx, (person, _)):
        before = await tx.people.links()
        await resolve(tx, person, SAME, {"same": same})
        after = await tx.people.links()
        assert [(one.ehr, one.person, one.by) for one in after] == [(one.ehr, one.person, one.by) for one in before]
        assert all(new.matched_hash != old.matched_hash for new, old in zip(after, before, strict=True))


async def test_two_records_that_are_said_to_be_two_stay_so_and_neither_is_asked_again():
    async with asked(SAME) as (tx, persons):
        await resolve(tx, persons[0], SAME, {"same": False})
        assert len({one.person for one in await tx.people.links()}) == 2
        assert [len(await tx.accounts.decisions(one)) for one in persons] == [1, 1]
