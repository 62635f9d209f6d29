"""What is owed of enrollment: a proposal to the staff whose record of a stay lacks its end. Theirs is to close it."""

import hashlib

from coordinator.fhir import Interval, dumps
from coordinator.outbox.model import Form, Intent
from coordinator.outbox.papers import message, message_paths
from coordinator.outbox.receiver import Receiver, claim_for
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.timeline import Timeline

_DECIDED = "ST-05"
_JOINED = frozenset({"ST-03", "ST-07"})  # by which records of several EHRs are one stay


def owed_proposals(person: str, timeline: Timeline, receiver: Receiver) -> list[Intent]:
    """Return a proposal for each stay of this EHR that has an end here and none in its own record."""
    return [
        _proposal(person, stay, stay.end, timeline, receiver=receiver)
        for stay in timeline.stays
        if stay.key.partition("/")[0] == receiver.ehr and stay.end is not None and not stay.ends
    ]


def _causes(stay: Stay, timeline: Timeline) -> set[str]:
    """Return the evidence of the move out of a stay."""
    return {ref for move in timeline.transitions if move.before is stay for ref in move.evidence}


def _needed(stay: Stay, timeline: Timeline) -> tuple[str, ...]:
    """Return the rules that the proposed end needs.

    A person's word needs no other. That records of several EHRs are one stay matters where another's record gave a day.
    """
    if _DECIDED in stay.rules:
        return (_DECIDED,)
    found = {rule for rule in stay.rules if rule not in _JOINED}
    last = stay.last_service
    if last is not None and not last.ref.startswith(f"{stay.key.partition('/')[0]}/"):
        found.update(rule for rule in stay.rules if rule in _JOINED)
    for after in (move.after for move in timeline.transitions if move.before is stay and move.after is not None):
        found.update(after.rules if len({one.start for one in after.told}) > 1 else set(after.rules) - _JOINED)
    return tuple(sorted(found))


def _proposal(person: str, stay: Stay, end: Interval, timeline: Timeline, *, receiver: Receiver) -> Intent:
    form, type_ = receiver.best("stay-proposal")
    focus = stay.key.partition("/")[2]
    text = _sentence(end)
    claim = claim_for("stay-proposal", person, stay.key)
    is_told = form is Form.MESSAGE
    raw = dumps(message(type_, patient=receiver.patient, claim=claim, text=text, focus=focus)) if is_told else b""
    return Intent(
        key=f"stay-end:{stay.key}",
        person=person,
        ehr=receiver.ehr,
        concept="stay-proposal",
        type=type_ or "EpisodeOfCare",
        form=form,
        body=raw,
        material=hashlib.sha256(raw or text.encode()).digest(),
        claim=claim if raw else None,
        paths=message_paths(type_) if raw else (),
        evidence=tuple(sorted({*stay.evidence, *_causes(stay, timeline)})),
        rules=_needed(stay, timeline),
        summary=text,
    )


def _sentence(end: Interval) -> str:
    first, last = end.first, end.last
    when = f"on {first}" if first == last else f"between {first} and {last}"
    return f"This stay has no end in your record. By what is known it ended {when}. Please confirm its last day."
