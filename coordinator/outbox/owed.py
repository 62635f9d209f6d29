"""What is owed to one EHR: desired minus observed, concept by concept."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from coordinator.outbox.model import Form, Intent
from coordinator.outbox.owed_care_plan import owed_goals, owed_plan
from coordinator.outbox.owed_enrollment import owed_proposals
from coordinator.outbox.owed_medication import owed_medications
from coordinator.outbox.owed_questions import owed_questions
from coordinator.outbox.receiver import Receiver
from coordinator.reconcile import Account
from coordinator.reconcile.rule_book import unverified


def owed(person: str, account: Account, receiver: Receiver) -> tuple[Intent, ...]:
    """Return what an EHR is owed of an account as that EHR may know it.

    This is the one place at which rules are held to their standing. A value that needed a rule which nobody verified,
    and the tenant did not adopt, is for a person to tell and no write, however many verified rules helped to draw it.
    """
    intents = (
        *owed_goals(person, account.plan, receiver),
        *owed_plan(person, account.plan, receiver),
        *owed_medications(person, account.courses, receiver),
        *owed_proposals(person, account.timeline, receiver),
        *owed_questions(person, account.findings, receiver),
    )
    standing = (for_a_person(one, unverified(one.rules, receiver.adopted)) for one in intents)
    return tuple(sorted(standing, key=lambda one: one.key))


def for_a_person(intent: Intent, rules: Sequence[str]) -> Intent:
    """Return the intent as one that nobody but a person delivers, told why, where it rests on such rules."""
    if not rules:
        return intent
    return replace(
        intent,
        form=Form.NONE,
        body=b"",
        claim=None,
        paths=(),
        material=hashlib.sha256(b"for a person\x1f" + (intent.material or intent.body)).digest(),
        summary=f"{intent.summary} (for a person: it rests on {', '.join(rules)}, not verified)",
    )
