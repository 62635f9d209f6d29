"""Records that tell nothing of the treatment: of kinds that we do not reconcile, called off, or our own echoes."""

from random import Random

from coordinator.outbox.receiver import SYSTEM
from coordinator.reconcile import Evidence
from tests.builders import (
    Tree,
    a_dispense,
    a_goal,
    a_plan,
    a_statement,
    an_appointment,
    an_encounter,
    an_episode,
    an_order,
    evidence,
)
from tests.laws.lives import EHRS

_SUBJECT = {"subject": {"reference": "Patient/p-1"}}
IDLE: tuple[Tree, ...] = (
    {"resourceType": "AllergyIntolerance", "id": "idle", "patient": {"reference": "Patient/p-1"}},
    {"resourceType": "DocumentReference", "id": "idle", "status": "current", **_SUBJECT},
    an_encounter("idle", status="planned", start="2026-04-20T09:00:00-04:00"),
    an_appointment("idle", status="entered-in-error"),
    an_order("idle", status="draft", dose="40 mg"),
    an_order("idle", status="entered-in-error", dose="40 mg"),
    a_dispense("idle", status="preparation"),
    a_dispense("idle", status="entered-in-error"),
    a_plan("idle", status="draft"),
    a_goal("idle", status="entered-in-error"),
)
ECHOES: tuple[Tree, ...] = (
    an_episode("echo", level="3e 3.5", start="2026-02-02"),
    an_encounter("echo", level="4e 2.1"),
    an_order("echo", dose="40 mg"),
    a_statement("echo", dose="40 mg"),
    a_dispense("echo"),
    a_goal("echo"),
    a_plan("echo", activities={"Group therapy": "completed"}),
)

UNRELATED: tuple[Evidence, ...] = (
    evidence(a_goal("unrelated", text="Play the violin again"), ehr="ced"),
    evidence(a_statement("unrelated", code="313782"), ehr="ced"),  # acetaminophen
    evidence(
        an_appointment("unrelated", start="2026-01-02T09:00:00-05:00", end="2026-01-02T10:00:00-05:00"), ehr="ced"
    ),
    evidence(
        {"resourceType": "Observation", "id": "unrelated", "status": "final", "code": {"text": "Weight"}}, ehr="ced"
    ),
)


def an_echo(tree: Tree, ehr: str = "iop") -> Evidence:
    """Return a record that we wrote ourselves, read back."""
    return evidence(tree | {"identifier": [{"system": f"{SYSTEM}/x", "value": "1"}]}, ehr=ehr, ours=True)


def idle_records(chance: Random) -> list[Evidence]:
    """Return up to four such records, in any EHR."""
    idle = [evidence(tree, ehr=ehr) for tree in IDLE for ehr in EHRS[:2]]
    echoes = [an_echo(tree, ehr) for tree in ECHOES for ehr in EHRS[:2]]
    return chance.sample([*idle, *echoes], chance.randint(1, 4))
