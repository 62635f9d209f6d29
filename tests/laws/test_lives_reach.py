"""The lives that laws are held to are no blind ones: what can be told of a person is told of some of them, by name."""

import pytest

from coordinator.reconcile.findings import finding_codes
from tests.laws.life_events import HAPPENINGS
from tests.laws.lives import of_lives
from tests.laws.lives_reach import reached

pytestmark = pytest.mark.slow

# Findings that lives don't bring: they are not about the evidence of one person at one look, or need what the EHRs of
# lives don't have. Each has its own tests.
OUTSIDE = {
    "other rooms tell it": (
        *("identity.possible", "identity.merged-at-source", "disclosure.wrong-person", "source.incomplete"),
        *("write.cannot-be-stored", "write.contested", "write.unknown-outcome"),
        *("consent.conflict", "consent.unverified"),
    ),
    "records are learned of at once": ("stay.back-dated", "source.restored"),
    "no place, authorization, certificate, referral or own mapping table": (
        *("modality.pos-mismatch", "level.authorized-differs", "certification.due", "referral.not-admitted"),
        *("level.unresolved", "level.no-assessment"),
    ),
    "every pull is complete": ("mat.unknown",),
    "no two long-acting doses within days, no readmission on the day of discharge": (
        *("mat.interval-short", "transition.same-day"),
    ),
    "too rare to rely on": ("stay.leave-long", "stay.no-next-step"),
}
MOVES = (
    *(
        "admission",
        "step-down",
        "step-up",
        "transfer",
        "readmission",
        "continuing-care",
        "leave",
        "return",
        "discharge",
    ),
    *("certain", "possible"),
)
ENROLLMENTS = ("enrolled", "on-leave", "stepped-down", "stepped-up", "transferred", "discharged")
STAYS = (
    *("active", "finished", "onhold", "stale", "told by two EHRs", "away, leave", "away, hospital"),
    *("ST-01", "ST-02", "ST-03", "ST-04", "ST-05", "ST-07", "beside another that it may run with"),
)
COURSES = (
    *("active", "stopped", "completed", "on-hold", "unknown", "disputed", "covered", "gaps", "bridged", "switched"),
    *("taking taking", "taking presumed", "taking not-taking", "taking unknown"),
)
GOALS = (
    *("active", "on-hold", "completed", "cancelled", "held", "in several EHRs"),
    *("disputed description", "disputed dueDate", "disputed lifecycleStatus"),
)
WEEKS = ("met", "short", "watch", "away", "unknown")
DECISIONS = ("holds", "asked anew")
AGREED = ("activity", "course", "goal", "told")
PRESENCES = ("present", "deleted", "hidden")
TYPES = ("Appointment", "CarePlan", "Encounter", "EpisodeOfCare", "MedicationDispense", "Observation", "ServiceRequest")


def named(what: str, words: tuple[str, ...]) -> set[str]:
    return {f"{what}: {word}" for word in words}


def test_lives_reach_every_event_state_move_and_finding_that_they_can_bring():
    seen: set[str] = set()

    @of_lives
    def look(history):
        seen.update(reached(history))

    look()
    outside = {code for codes in OUTSIDE.values() for code in codes}
    expected = {
        *named("event", tuple(one.__name__ for one in HAPPENINGS)),
        *named("finding", tuple(code for code in finding_codes() if code not in outside)),
        *(f"{number} EHRs" for number in (2, 3, 4)),
        *(f"record: {type_}, {presence}" for type_ in TYPES for presence in PRESENCES),
        *("record: came late", "record: Goal, deleted", "session: True", "session: False"),
        *(named("move", MOVES) | named("enrollment", ENROLLMENTS) | named("stay", STAYS)),
        *(named("course", COURSES) | named("goal", GOALS) | named("week", WEEKS)),
        *(named("decision", DECISIONS) | named("agreed", AGREED)),
    }
    assert expected - seen == set()
