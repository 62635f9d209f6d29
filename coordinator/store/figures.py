"""Counts for a collector of metrics, of one tenant."""

from collections.abc import Mapping

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coordinator.store.queries import query

Figure = tuple[str, float, Mapping[str, str]]


async def figures(connection: AsyncConnection[TupleRow], tenant: str) -> list[Figure]:
    """Return each figure as metric, value and labels."""
    rows = await (await connection.execute(query("figures", "figures"), {"tenant": tenant})).fetchall()
    return [
        (metric, value, {"ehr": ehr, "stage": stage, "outcome": outcome}) for metric, value, ehr, stage, outcome in rows
    ]
