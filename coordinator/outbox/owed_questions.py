"""Questions to those who can answer them: prescribers whose records state different doses."""

import hashlib

from coordinator.fhir import Json, dumps
from coordinator.outbox.model import Form, Intent
from coordinator.outbox.papers import lines, message, message_paths
from coordinator.outbox.receiver import Receiver, claim_for
from coordinator.reconcile import Finding


def owed_questions(person: str, findings: tuple[Finding, ...], receiver: Receiver) -> list[Intent]:
    """Return a message for each dose that is disputed and that this EHR's own records state, too."""
    return [
        _question(person, finding, receiver)
        for finding in findings
        if finding.code == "mat.dose-differs" and receiver.ehr in _sides(finding)
    ]


def _sides(finding: Finding) -> dict[str, Json]:
    values = finding.facts.get("values")
    return values if isinstance(values, dict) else {}


def _question(person: str, finding: Finding, receiver: Receiver) -> Intent:
    form, type_ = receiver.best("stay-proposal", native=False)
    text = _text(finding)
    claim = claim_for("question", person, receiver.ehr, finding.key, text)
    is_told = form is Form.MESSAGE
    raw = dumps(message(type_, patient=receiver.patient, claim=claim, text=text)) if is_told else b""
    return Intent(
        key=f"question:{finding.key}",
        person=person,
        ehr=receiver.ehr,
        concept="question",
        type=type_ or "Communication",
        form=form,
        body=raw,
        material=hashlib.sha256(text.encode()).digest(),
        claim=claim if raw else None,
        paths=message_paths(type_) if raw else (),
        evidence=finding.evidence,
        rules=finding.rules,
        summary=finding.sentence,
    )


def _text(finding: Finding) -> str:
    """Return the question with each side's dose; the dose is theirs to settle, nothing is proposed."""
    doses = finding.facts.get("doses")
    told = [one for one in doses if isinstance(one, dict)] if isinstance(doses, list) else []
    said = [f"- {one.get('ehr')}: {one.get('value')} {one.get('unit')}" for one in told]
    return lines(["Different doses are recorded for one medication:", *said, "Please agree on the dose that is meant."])
