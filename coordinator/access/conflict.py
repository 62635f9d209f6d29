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
    """Return the consents that contradict each other about a disclosure, as long as nobody has said which counts.

    One permits it, and another of the same two, in force as well, denies it in its exceptions. Which of them the person
    means is asked of people; what they answer holds for these consents alone.
    """
    current = [one for one in held if in_force(one.record, inquiry.at, is_treating=question.is_treating)]
    against = {one.record.consent_id for one in current if excepts(one.record, question)}
    if not against:
        return frozenset()
    permitting = {one.record.consent_id for one in valid}
    asked = frozenset(permitting | against)
    return frozenset() if inquiry.terms.answers.get(asked) in permitting else asked
