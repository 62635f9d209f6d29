"""Consents beside each other: what a restriction takes back, and which consents contradict each other."""

from collections.abc import Iterable, Sequence

from coordinator.access.model import HeldConsent, Inquiry
from coordinator.care.consent.model import Question
from coordinator.care.consent.rules import excepts, in_force, restricts


def is_restricted(held: Iterable[HeldConsent], question: Question, inquiry: Inquiry) -> bool:
    """Say whether a restriction that was agreed to is about this disclosure: it beats every permit (42 CFR 2.26)."""
    return any(restricts(one.record, question, inquiry.at) for one in held)


def contradictions(
    valid: Sequence[HeldConsent], held: Iterable[HeldConsent], *, question: Question, inquiry: Inquiry
) -> frozenset[str]:
    """Return the consents that contradict each other about a disclosure; none where none does.

    Some permit it, and others of the same two, in force as well, deny it in their exceptions. Which of them the person
    means is asked of people; what they answer holds for these consents together.
    """
    current = [one for one in held if in_force(one.record, inquiry.at, is_treating=question.is_treating)]
    against = {one.record.consent_id for one in current if excepts(one.record, question)}
    if not against:
        return frozenset()
    return frozenset(against | {one.record.consent_id for one in valid})
