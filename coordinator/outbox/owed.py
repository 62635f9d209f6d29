"""What is owed to one EHR: desired minus observed, concept by concept."""

from coordinator.outbox.model import Intent
from coordinator.outbox.owed_care_plan import owed_goals, owed_plan
from coordinator.outbox.owed_enrollment import owed_proposals
from coordinator.outbox.owed_medication import owed_medications
from coordinator.outbox.owed_questions import owed_questions
from coordinator.outbox.receiver import Receiver
from coordinator.reconcile import Account


def owed(person: str, account: Account, receiver: Receiver) -> tuple[Intent, ...]:
    """Return what an EHR is owed of an account as that EHR may know it."""
    intents = (
        *owed_goals(person, account.plan, receiver),
        *owed_plan(person, account.plan, receiver),
        *owed_medications(person, account.courses, receiver),
        *owed_proposals(person, account.timeline, receiver),
        *owed_questions(person, account.findings, receiver),
    )
    return tuple(sorted(intents, key=lambda one: one.key))
