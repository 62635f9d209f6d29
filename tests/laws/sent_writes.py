"""What goes out to EHRs of an account, and what comes back of it: as if each had taken it and shown it again."""

from collections.abc import Mapping
from dataclasses import replace

from coordinator.fhir import read_document
from coordinator.outbox import Entry, Form, Intent, Receiver, Status, owed
from coordinator.outbox.succession import succeeded
from coordinator.reconcile import Account, Evidence
from tests.builders import evidence
from tests.laws.lives import History

_NATIVE = {"care_plan": "CarePlan", "goal": "Goal", "medication": "MedicationStatement"}
_IN_WORDS = frozenset({"ced", "pcp"})  # EHRs that take documents and messages only


def receivers(history: History) -> tuple[Receiver, ...]:
    """Return each EHR of a life with its own ability: some take goals and statements, some only papers."""
    ehrs = sorted({one.ehr for one in history.now})
    return tuple(_receiver(ehr, history) for ehr in ehrs)


def _receiver(ehr: str, history: History) -> Receiver:
    prefix = history.telling.prefix

    def forms(concept: str) -> tuple[Form, ...]:
        if concept not in _NATIVE:
            return (Form.MESSAGE, Form.NONE)
        return (Form.DOCUMENT, Form.NONE) if ehr.removeprefix(prefix) in _IN_WORDS else (Form.NATIVE, Form.NONE)

    def types(concept: str, form: Form) -> str | None:
        return {Form.NATIVE: _NATIVE.get(concept), Form.DOCUMENT: "DocumentReference", Form.MESSAGE: "Task"}.get(form)

    return Receiver(ehr=ehr, patient=f"{prefix}p-1", forms=forms, types=types, can_store=lambda path, value: True)


def intents_of(history: History, account: Account) -> dict[str, tuple[Intent, ...]]:
    """Return what is owed to each EHR of an account."""
    return {one.ehr: owed("pe-1", account, one) for one in receivers(history)}


def written(history: History, intents: Mapping[str, tuple[Intent, ...]]) -> tuple[tuple[Evidence, ...], dict[str, str]]:
    """Return the evidence once all that was owed is in the EHRs, and what changed records are cited as since."""
    held = {one.place: one for one in history.now}
    cites: dict[str, str] = {}
    for intent in (one for each in intents.values() for one in each if one.body):
        tree = dict(read_document(intent.body).tree)
        if intent.target is not None:
            old = held[f"{intent.ehr}/{intent.type}/{intent.target}"]
            new = evidence(tree, ehr=intent.ehr, version="after", learned_at=old.learned_at)
            held[old.place] = replace(new, organization=old.organization)
            cites[old.ref] = new.ref
        else:
            tree |= {"id": intent.claim[1] if intent.claim else intent.key}
            echo = evidence(tree, ehr=intent.ehr, ours=True, learned_at=history.telling.now)
            held[echo.place] = echo
    return tuple(held.values()), cites


def owed_anew(history: History, before: Mapping[str, tuple[Intent, ...]], account: Account) -> list[Intent]:
    """Return what an account owes after all of before was written and verified."""
    entries = {
        ehr: [Entry(intent=one, status=Status.VERIFIED if one.body else Status.OWED) for one in each]
        for ehr, each in before.items()
    }
    return [
        entry.intent
        for ehr, intents in intents_of(history, account).items()
        for entry in succeeded(entries[ehr], intents, history.telling.now)
        if entry.status is Status.OWED and entry.intent.body
    ]
