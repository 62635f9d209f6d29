"""The receiving EHR as the outbox needs to know it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.fhir import Document
from coordinator.outbox.kept import KeptAs
from coordinator.outbox.model import Form
from coordinator.reconcile import Evidence

SYSTEM = "https://coordinator.example/fhir/identifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """An EHR that the person is known to: the id of the Patient there, the forms it takes, the values it can hold.

    `keeps` tells of a path whether what is written there stays. `echoes` are our own records found there;
    `adopted` are rules that nobody verified, but the tenant made its own; `kept` is by the key of an intent what this
    EHR made of an earlier write for it.
    """

    ehr: str
    patient: str
    forms: Callable[[str], tuple[Form, ...]]
    types: Callable[[str, Form], str | None]
    can_store: Callable[[str, str], bool]
    keeps: Callable[[str], bool] = lambda _path: True
    echoes: tuple[Evidence, ...] = ()
    adopted: frozenset[str] = frozenset()
    kept: Mapping[str, Sequence[KeptAs]] = field(default_factory=dict)

    def best(self, concept: str, *, native: bool = True) -> tuple[Form, str | None]:
        """Return the best form for a concept and the resource type that carries it."""
        for form in self.forms(concept):
            if form is Form.NATIVE and not native:
                continue
            return form, self.types(concept, form)
        return Form.NONE, None


def claim_for(kind: str, *parts: str) -> tuple[str, str]:
    """Return our business identifier for a thing that we write: stable, and telling nothing."""
    value = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    return f"{SYSTEM}/{kind}", value


def is_ours(document: Document) -> bool:
    """Tell whether a document carries our business identifier: what we wrote comes back as an echo, not evidence."""
    systems = (*document.all("identifier", "system"), *document.all("masterIdentifier", "system"))
    return any(isinstance(one, str) and one.startswith(f"{SYSTEM}/") for one in systems)
