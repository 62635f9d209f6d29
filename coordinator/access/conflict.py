"""Consents beside each other: what a restriction takes back, and which consents contradict each other."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from coordinator.access.model import HeldConsent, Inquiry
from coordinator.care.consent.model import ConsentRecord, Question
from coordinator.care.consent.rules import excepts, in_force, restricts


def is_restricted(held: Iterable[HeldConsent], question: Question, inquiry: Inquiry) -> bool:
    """Say whether a restriction that was agreed to is about this disclosure: it beats every permit (42 CFR 2.26)."""
    return any(restricts(one.record, question, inquiry.at) for one in held)


def contradicting(held: Iterable[HeldConsent], question: Question, inquiry: Inquiry) -> frozenset[str]:
    """Return the consents that deny in their exceptions what they are about, in force or revoked.

    Who takes a consent back does not take back what it kept from somebody: revoking must not let anything more out.
    """
    records = [replace(one.record, revoked_at=None) for one in held]
    current = [one for one in records if in_force(one, inquiry.at, is_treating=question.is_treating)]
    return frozenset(one.consent_id for one in current if excepts(one, question))


def undisputed(permitting: Sequence[ConsentRecord], against: Iterable[str], inquiry: Inquiry) -> list[ConsentRecord]:
    """Return the permitting consents of which people said that they count against each that contradicts them."""
    return [
        one for one in permitting if all(_answer(one.consent_id, other, inquiry) == one.consent_id for other in against)
    ]


def is_settled(permitting: Sequence[ConsentRecord], against: Iterable[str], inquiry: Inquiry) -> bool:
    """Say whether people have said of each permitting consent that one which contradicts it counts."""
    others = tuple(against)
    return all(any(_answer(one.consent_id, other, inquiry) == other for other in others) for one in permitting)


def _answer(one: str, other: str, inquiry: Inquiry) -> str | None:
    """Return which consent counted in the last answer about two, whatever others it was about."""
    told = [accepted for asked, accepted in inquiry.terms.answers.items() if {one, other} <= asked]
    return told[-1] if told else None
