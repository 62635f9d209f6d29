"""Consents beside each other: a promise beats them, two that contradict wait for a person, and a revocation is told."""

from tests.builders import a_consent, an_administration
from tests.flow.story import READ_ONLY, WorldFolder, told

METHADONE = [{"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "991147"}]}]


def methadone(tmp_path, *consents):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    world.ehr("pcp", part2=False)
    for one in consents:
        world.consent(one)
    return world


def to_pcp(name, **more):
    return a_consent(name, discloser="otp", recipient="pcp", **more)


def excepting():
    body = to_pcp("C-2")
    body["provision"]["provision"] = [{"type": "deny", "code": METHADONE}]
    return body


async def test_a_promise_to_keep_something_back_beats_the_consent(tmp_path):
    promise = to_pcp("R-1")
    promise["provision"] = {"type": "deny"}
    async with told(methadone(tmp_path, to_pcp("C-1"), promise)) as story:
        await story.sync()
        assert (story.writes("pcp"), await story.stands()) == ([], {("pcp", "medication"): "withheld: restricted"})
        await story.revoke("R-1")
        await story.sync()
        assert len(story.writes("pcp")) == 1


async def test_two_consents_that_contradict_each_other_wait_for_an_answer(tmp_path):
    async with told(methadone(tmp_path, to_pcp("C-1"), excepting())) as story:
        await story.sync()
        assert (story.writes("pcp"), await story.disclosures()) == ([], [])
        (finding,) = [one for one in await story.findings() if one.code == "consent.conflict"]
        assert finding.facts == {"consents": ["C-1", "C-2"], "held_back_from": ["pcp"]}
        await story.resolve("consent.conflict", {"accept": "C-1"})
        await story.sync()
        assert len(story.writes("pcp")) == 1
        assert [one.status for one in await story.findings() if one.code == "consent.conflict"] == ["resolved"]
        assert await story.is_quiet()


async def test_the_answer_that_the_exception_counts_ends_the_question_and_sends_nothing(tmp_path):
    async with told(methadone(tmp_path, to_pcp("C-1"), excepting())) as story:
        await story.sync()
        await story.resolve("consent.conflict", {"accept": "C-2"})
        await story.sync()
        assert story.writes("pcp") == []
        assert [one.status for one in await story.findings() if one.code == "consent.conflict"] == ["resolved"]


async def test_a_signature_that_nobody_verified_waits_for_somebody_to_look(tmp_path):
    async with told(methadone(tmp_path, to_pcp("C-1", verification=[{"verified": False}]))) as story:
        await story.sync()
        assert story.writes("pcp") == []
        await story.resolve("consent.unverified", {"verified": True})
        await story.sync()
        assert [row.consent for row in await story.disclosures()] == ["C-1"]
        assert await story.is_quiet()


async def test_a_revocation_lists_what_had_left_and_owes_a_notice_where_the_tenant_says_so(tmp_path):
    world = methadone(tmp_path, to_pcp("C-1"))
    world.policy = "revocation_notice = true"
    async with told(world) as story:
        await story.sync()
        revoked = await story.revoke("C-1")
        assert [(one.ehr, one.subject, one.is_in_flight) for one in revoked.sent] == [
            ("pcp", "MedicationStatement", False)
        ]
        assert revoked.notice_to == ("pcp",)
        await story.sync()
        owed = [one for one in await story.entries() if one.intent.concept == "revocation_notice"]
        assert [(one.intent.ehr, one.intent.form.value, one.status.value) for one in owed] == [("pcp", "none", "owed")]
        assert len(story.writes("pcp")) == 1
        assert await story.is_quiet()
