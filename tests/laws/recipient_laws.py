"""The law of a recipient's view, a function of the way to see: what it may not receive is as if it did not exist."""

from collections.abc import Callable, Sequence

from coordinator.access import HeldConsent
from coordinator.care.consent.mapping import read_consent
from coordinator.disclosure import Recipient, Ruling, Sight
from coordinator.fhir import canonical
from coordinator.outbox import Form, Receiver, owed
from coordinator.reconcile import Account, Agreed, Decision, Evidence, reconcile
from tests.builders import FORMS, NOW, a_consent, document
from tests.laws.lives import History, Telling

See = Callable[..., Sight]
ALLOWING = "iop"  # the one program that the person let tell the PCP
CONSENT = HeldConsent(record=read_consent(document(a_consent(discloser=ALLOWING))), forms=FORMS)
RULING = Ruling(actor="system:sync", consents=[CONSENT], policy=Telling().policy, now=NOW)
PCP = Receiver(
    ehr="pcp",
    patient="p-1",
    forms=lambda concept: (Form.NATIVE, Form.NONE),
    types=lambda concept, form: "MedicationStatement" if form is Form.NATIVE else None,
    can_store=lambda path, value: True,
)


def view(
    see: See, evidence: Sequence[Evidence], decisions: Sequence[Decision], agreed: Agreed | None = None
) -> tuple[Account, bytes]:
    """Return what the PCP's world is, and all that would be sent to it."""
    seen = see(evidence, decisions, Recipient(organization="pcp"), ruling=RULING)
    account = reconcile(seen.evidence, agreed or Agreed(), seen.decisions, policy=RULING.policy, as_of=NOW)
    return account, b"\n".join(one.body + repr(one.evidence).encode() for one in owed("pe-1", account, PCP))


def what_may_not_be_received_changes_nothing(see: See, history: History) -> None:
    """Law: the view and every byte owed equal those of a world without the organizations that may not tell it.

    Consent names organizations. One may have two EHRs, and what either holds is told.
    """
    open_world = tuple(one for one in history.now if one.organization in {ALLOWING, "pcp"})
    known = {one.place for one in open_world}
    public = [one for one in history.decisions if {ref.partition("@")[0] for ref in one.evidence} <= known]
    with_secret = view(see, history.now, history.decisions)
    without = view(see, open_world, public)
    assert canonical(with_secret[0].content) == canonical(without[0].content)
    assert with_secret[1] == without[1]
