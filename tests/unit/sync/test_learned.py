"""What reading back teaches of an EHR: counts by path, no value, and anew with each version of its software."""

from coordinator.outbox.kept import KeptAs, Made
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.learned import learn, made_of, not_kept
from coordinator.sync.records import EhrConnection

DUE, WORDS = "Goal.target.dueDate", "Goal.description"


def a_loss(path=DUE, made=Made.DROPPED):
    return KeptAs(path=path, sent=("2026-07-31",), held=(), made=made)


async def profile_after(*rounds, software="Chart 1"):
    store = MemoryStore()
    async with store.transaction() as tx:
        connection = EhrConnection(
            name="ced", url="https://ced.example/fhir", organization="ced", profile={"software": software, "x": 1}
        )
        await tx.registry.put_ehr(connection)
        for made in rounds:
            await learn(tx, "ced", made)
        (held,) = await tx.registry.ehrs()
    return held.profile


async def test_a_path_counts_as_not_kept_from_the_second_loss_on():
    once = await profile_after([a_loss()])
    twice = await profile_after([a_loss()], [a_loss(made=Made.CHANGED)])
    assert (not_kept(once, "Chart 1"), not_kept(twice, "Chart 1")) == (frozenset(), {DUE})
    assert made_of(twice, "Chart 1") == {DUE: {Made.DROPPED: 1, Made.CHANGED: 1}}


async def test_other_words_are_counted_and_no_loss():
    profile = await profile_after(*[[a_loss(WORDS, Made.REWORDED)]] * 3)
    assert (not_kept(profile, "Chart 1"), made_of(profile, "Chart 1")) == (frozenset(), {WORDS: {Made.REWORDED: 3}})


async def test_another_version_of_the_software_is_learned_anew():
    profile = await profile_after([a_loss()], [a_loss()])
    assert not_kept(profile, "Chart 2") == frozenset()
    assert profile["x"] == 1


async def test_no_value_is_kept_with_the_connection():
    assert "2026-07-31" not in repr(await profile_after([a_loss()]))


async def test_an_ehr_that_was_forgotten_meanwhile_teaches_nothing():
    store = MemoryStore()
    async with store.transaction() as tx:
        await learn(tx, "ced", [a_loss()])
        await learn(tx, "ced", [])
        assert await tx.registry.ehrs() == []
