"""A look at what is known of people is an event of the audit log, kept before anything is shown."""

from collections.abc import Collection

from coordinator.audit import Happening, audit_row
from coordinator.bootstrap import Product
from coordinator.sync.ports import Transaction

Persons = Collection[str | None]


async def note_look(tx: Transaction, opened: Product, actor: str, *, subject: str, persons: Persons = (None,)) -> None:
    """Keep that this actor looked at a subject, an event for each person concerned."""
    now = opened.clock.now()
    await tx.audit.append(
        [
            audit_row(Happening(kind="access", at=now, actor=actor, subject=subject, person=one, purpose="TREAT"))
            for one in sorted(persons, key=str)
        ]
    )
