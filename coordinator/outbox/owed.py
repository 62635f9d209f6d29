"""What is owed to one EHR: desired minus observed, concept by concept."""

import hashlib
from dataclasses import replace

from coordinator.outbox.model import Form, Intent
from coordinator.outbox.owed_care_plan import owed_goals, owed_plan
from coordinator.outbox.owed_enrollment import owed_proposals
from coordinator.outbox.owed_medication import owed_medications
from coordinator.outbox.owed_questions import owed_questions
from coordinator.outbox.receiver import Receiver
from coordinator.reconcile import Account
from coordinator.reconcile.rule_book import rests_on_unverified


def owed(person: str, account: Account, receiver: Receiver) -> tuple[Intent, ...]:
    """Return what an EHR is owed of an account as that EHR may know it.

    This is the one place at which rules are held to their standing: what rests on none but unverified rules, which the
    tenant did not adopt, is for a person to tell, and no write.
    """
    intents = (
        *owed_goals(person, account.plan, receiver),
        *owed_plan(person, account.plan, receiver),
        *owed_medications(person, account.courses, receiver),
        *owed_proposals(person, account.timeline, receiver),
        *owed_questions(person, account.findings, receiver),
    )
    standing = [for_a_person(one) if rests_on_unverified(one.rules, receiver.adopted) else one for one in intents]
    return tuple(sorted(standing, key=lambda one: one.key))


def for_a_person(intent: Intent) -> Intent:
    """Return the intent as one that nobody but a person delivers: without a body, told why."""
    rules = ", ".join(intent.rules)
    return replace(
        intent,
        form=Form.NONE,
        body=b"",
        claim=None,
        paths=(),
        material=hashlib.sha256(b"for a person\x1f" + (intent.material or intent.body)).digest(),
        summary=f"{intent.summary} (for a person: it rests on {rules} alone, not verified)",
    )
