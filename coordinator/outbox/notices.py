"""Notices of a revocation: what the staff of an EHR that received something by a consent may be told by a person."""

import hashlib
from collections.abc import Iterable

from coordinator.outbox.model import Form, Intent

CONCEPT = "revocation_notice"


def owed_notices(person: str, ehr: str, revoked: Iterable[str], *, own: tuple[str, ...]) -> tuple[Intent, ...]:
    """Return a notice for each revoked consent by which something was sent to an EHR.

    It is told by a person and written nowhere: after a revocation not even this goes out by itself. It rests on the
    EHR's own record of the person (`own`) and says nothing that its staff were not sent before.
    """
    return tuple(
        Intent(
            key=f"notice:{consent}",
            person=person,
            ehr=ehr,
            concept=CONCEPT,
            type="Communication",
            form=Form.NONE,
            material=hashlib.sha256(consent.encode()).digest(),
            evidence=own,
            summary=f"tell them that the consent {consent} was revoked: what they hold stays, nothing follows by it",
        )
        for consent in sorted(revoked)
    )
