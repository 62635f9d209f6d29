"""The two-run proof: without consent a recipient's world is one in which the secret does not exist, to the byte.

Each story is lived twice, with the secret and without. Compared are the requests that the recipient's EHR sees, with
headers, bodies, count and order, its answers, and the account that its organization would be shown.
"""

from random import Random

import pytest

from tests.builders import (
    FILM_2,
    FILM_8,
    METHADONE,
    a_consent,
    a_goal,
    a_patient,
    a_statement,
    an_administration,
    an_order,
)
from tests.flow.story import READ_ONLY, WorldFolder
from tests.flow.twins import differences, lived

SYNC, LATER = ("sync", ""), ("move", "2026-04-09T12:00:00Z")
OPEN = {"pcp": "pcp", "iop": "iop"}
DOSE = an_administration("A-1")


def the_open_part(folder, **iop):
    """An IOP and a physician who know the person, with a consent between them and records of their own."""
    world = WorldFolder(folder)
    world.ehr(
        "iop", [a_goal("G-1", due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal("G-1", due="2026-07-31")]}, **iop
    )
    world.ehr("pcp", [a_goal("P-1", due="2026-06-30")], part2=False)
    world.consent(a_consent("C-1", discloser="iop", recipient="pcp"))
    return world


async def same(with_secret, without, steps=(SYNC, LATER, SYNC), *, to=OPEN, wrote=("pcp",)):
    secret, plain = await lived(with_secret, steps), await lived(without, steps)
    assert await differences(secret, plain, to=to) == []
    for ehr in wrote:  # else nothing was compared that matters
        assert any(one.method in {"PUT", "POST", "PATCH"} for one in secret.seen[ehr])


async def test_methadone_that_only_the_otp_knows(tmp_path):
    with_secret = the_open_part(tmp_path / "a")
    with_secret.ehr("otp", [DOSE], takes=READ_ONLY)
    await same(with_secret, the_open_part(tmp_path / "b"))


async def test_access_in_an_emergency_shows_nothing_to_others(tmp_path):
    with_secret = the_open_part(tmp_path / "a")
    with_secret.ehr("otp", [DOSE], takes=READ_ONLY)
    await same(with_secret, the_open_part(tmp_path / "b"), (SYNC, ("emergency", ""), LATER, SYNC))


async def test_a_dose_that_the_otp_tells_otherwise_is_disputed_with_nobody_else(tmp_path):
    """A question, a finding that closes or a write that does not come would each tell that there is another source."""

    def world(folder):
        known = the_open_part(folder)
        known.ehr("ced", [a_statement("S-1"), an_order("M-1", code=FILM_8)], part2=False)
        return known

    with_secret = world(tmp_path / "a")
    with_secret.ehr("otp", [an_order("M-9", code=FILM_2), DOSE], takes=READ_ONLY)
    await same(with_secret, world(tmp_path / "b"), to=OPEN | {"ced": "ced"})


async def test_a_consent_revoked_before_anything_was_sent_leaves_no_trace(tmp_path):
    with_secret = the_open_part(tmp_path / "a")
    with_secret.ehr("otp", [DOSE], takes=READ_ONLY)
    with_secret.consent(a_consent("C-9", discloser="otp", recipient="pcp"))
    secret = await lived(with_secret, (("revoke", "C-9"), SYNC, LATER, SYNC))
    plain = await lived(the_open_part(tmp_path / "b"), (SYNC, LATER, SYNC))
    assert await differences(secret, plain, to=OPEN) == []


async def test_what_changes_after_a_revocation_is_as_if_it_had_not_changed(tmp_path):
    def world(folder, later):
        known = the_open_part(folder)
        known.ehr("otp", [DOSE], takes=READ_ONLY, later=later)
        known.consent(a_consent("C-9", discloser="otp", recipient="pcp"))
        return known

    steps = (SYNC, ("revoke", "C-9"), LATER, SYNC)
    more = [an_administration("A-2", dose="95 mg", at="2026-04-08T07:00:00-04:00")]
    secret = await lived(world(tmp_path / "a", {"2026-04-08T12-00Z": more}), steps)
    plain = await lived(world(tmp_path / "b", None), steps)
    assert await differences(secret, plain, to=OPEN) == []


def a_referral(kind, status, **more):
    return {
        "resourceType": "Task",
        "id": kind,
        "identifier": [{"system": "https://pcp.example/referral", "value": "T-1"}],
        "status": status,
        "intent": "order",
        "for": {"reference": "Patient/p-1"},
        "authoredOn": "2026-04-01T14:00:00Z",
        **more,
    }


async def test_a_referral_that_was_accepted_declined_or_left_alone_looks_the_same_without_consent(tmp_path):
    """Were declines shown and acceptances not, silence would mean accepted."""

    def world(folder, answer):
        known = WorldFolder(folder)
        known.ehr("pcp", [a_referral("T-1", "requested")], part2=False)
        later = (
            {"2026-04-08T00-00Z": [a_referral("IT-7", answer, statusReason={"text": "too unstable"})]} if answer else {}
        )
        known.ehr("iop", [a_referral("IT-7", "received")], later=later)
        return known

    runs = [
        await lived(world(tmp_path / (answer or "none"), answer), (SYNC, LATER, SYNC))
        for answer in ("accepted", "rejected", "")
    ]
    for other in runs[1:]:
        assert await differences(runs[0], other, to={"pcp": "pcp"}) == []


async def test_a_neighbor_in_treatment_is_nobody_to_a_physician_who_knows_another_of_that_name(tmp_path):
    """A physician who wants to know whether a neighbor is in treatment enters somebody who looks alike."""

    def world(folder):
        known = WorldFolder(folder)
        look_alike = a_patient("p-1", mrn="OTHER", birthDate="1991-04-21")
        known.ehr("pcp", [a_goal("P-1", due="2026-06-30")], part2=False, patients=[look_alike])
        return known

    with_secret = world(tmp_path / "a")
    with_secret.ehr("otp", [DOSE], takes=READ_ONLY)
    await same(with_secret, world(tmp_path / "b"), to={"pcp": "pcp"}, wrote=())


async def test_a_plan_and_an_order_of_another_program_leave_no_trace_in_plan_and_list(tmp_path):
    with_secret = the_open_part(tmp_path / "a")
    with_secret.ehr("res", [a_goal("R-1", text="See the counselor weekly"), an_order("M-3")], takes=READ_ONLY)
    await same(with_secret, the_open_part(tmp_path / "b"))


# ---- seeded worlds ---------------------------------------------------------------------------------------------------
def drawn(chance, mark):
    """Return a few records of an EHR, drawn by chance."""
    days = [f"2026-0{chance.randint(1, 3)}-{chance.randint(10, 28)}" for _ in range(3)]
    makers = (
        lambda n: a_goal(
            f"{mark}G{n}", text=chance.choice(("Keep a job", "Stay sober", "Call a friend")), due=chance.choice(days)
        ),
        lambda n: a_statement(f"{mark}S{n}", code=chance.choice((FILM_8, FILM_2, METHADONE))),
        lambda n: an_order(f"{mark}M{n}", code=chance.choice((FILM_8, FILM_2))),
        lambda n: an_administration(f"{mark}A{n}", dose=f"{chance.choice((60, 80, 85))} mg"),
    )
    return [chance.choice(makers)(n) for n in range(chance.randint(0, 4))]


def seeded(folder, seed, *, secret):
    chance = Random(f"open {seed}")
    world = WorldFolder(folder)
    world.ehr("iop", drawn(chance, "i"), later={"2026-04-08T00-00Z": drawn(chance, "i")})
    world.ehr("pcp", drawn(chance, "p"), part2=False, later={"2026-04-08T06-00Z": drawn(chance, "p")})
    if chance.random() < 0.7:
        world.consent(a_consent("C-1", discloser="iop", recipient="pcp"))
    if secret:
        hidden = Random(f"secret {seed}")
        world.ehr("otp", [DOSE, *drawn(hidden, "o")], takes=READ_ONLY, later={"2026-04-08T03-00Z": drawn(hidden, "o")})
        if hidden.random() < 0.5:
            world.consent(a_consent("C-7", discloser="otp", recipient="res"))
    return world


@pytest.mark.slow
@pytest.mark.parametrize("tens", range(10))
async def test_a_hundred_small_worlds_look_the_same_without_consent(tmp_path, tens):
    wrote = 0
    for seed in range(10 * tens, 10 * tens + 10):
        steps = (SYNC, LATER, SYNC)
        secret = await lived(seeded(tmp_path / f"{seed}a", seed, secret=True), steps)
        plain = await lived(seeded(tmp_path / f"{seed}b", seed, secret=False), steps)
        assert (seed, await differences(secret, plain, to=OPEN)) == (seed, [])
        wrote += sum(one.method != "GET" for one in secret.seen["pcp"])
    assert wrote > 0


async def test_the_proof_can_fail(tmp_path):
    """With a consent the secret is no secret, and both runs differ."""
    with_consent = the_open_part(tmp_path / "a")
    with_consent.ehr("otp", [DOSE], takes=READ_ONLY)
    with_consent.consent(a_consent("C-9", discloser="otp", recipient="pcp"))
    told, plain = await lived(with_consent, (SYNC,)), await lived(the_open_part(tmp_path / "b"), (SYNC,))
    assert await differences(told, plain, to=OPEN) != []
