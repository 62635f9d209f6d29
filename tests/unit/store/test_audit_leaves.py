"""The hash of an event is the same in SQL, by which older logs came to theirs, and in the program."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.ports.rows import an_event

ROWS = [
    an_event(),
    replace(an_event(), ehr=None, person=None, purpose=None, consent="C-1,C-2", subject="", body=b"\x00\xff{}"),
    replace(an_event(), actor="Zoë", at=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    replace(an_event(), at=datetime(2026, 3, 8, 9, 30, 0, 123_456, tzinfo=UTC), body=b"x" * 70_000),
]


@pytest.mark.parametrize("row", ROWS, ids=["plain", "with gaps", "before 1970", "large"])
async def test_the_database_and_the_program_agree_on_the_hash_of_an_event(postgres_store, owner, tenant, row):
    async with postgres_store.transaction() as tx:
        await tx.audit.append([an_event(), row])
    found = owner.execute(
        """
        select seq, leaf = audit_leaf(tenant, seq, kind, at, actor, person, ehr, consent, purpose, outcome, subject,
                                body)
          from audit where tenant = %s order by seq
        """,
        [tenant],
    ).fetchall()
    assert found == [(0, True), (1, True)]
