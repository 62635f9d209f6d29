"""A look at what is known of people is an event of the audit log, kept before anything is shown."""

from collections.abc import Collection

from coordinator.audit import Happening, audit_row
from coordinator.bootstrap import Product
from coordinator.sync.ports import Transaction

Persons = Collection[str | None]


async def note_look(tx: Transaction, opened: Product, actor: str, *, subject: str, persons: Persons = (None,)) -> None:
    """Keep that this actor looked at a subject, an event for each person concerned, and one where there is nobody."""
    now = opened.clock.now()
    await tx.audit.append(
        [
            audit_row(Happening(kind="access", at=now, actor=actor, subject=subject, person=one, purpose="TREAT"))
            for one in sorted(persons or (None,), key=str)
        ]
    )


async def note_change(tx: Transaction, opened: Product, actor: str, *, subject: str, ehr: str | None = None) -> None:
    """Keep that this actor changed how things are set up, or asked for work anew."""
    happening = Happening(kind="configuration", at=opened.clock.now(), actor=actor, subject=subject, ehr=ehr)
    await tx.audit.append([audit_row(happening)])
