"""How far an EHR's clock is from ours: a token's assertion is refused where they differ by minutes."""

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from coordinator.clock import Clock
from coordinator.ehr.exchange import FHIR_JSON, Answer, Asked, base_of
from coordinator.ehr.wire import LIMITS, Limits, open_wire
from coordinator.sync.records import EhrConnection


async def clock_skew(connection: EhrConnection, clock: Clock, *, limits: Limits = LIMITS) -> timedelta | None:
    """Return by how much an EHR's clock is ahead of ours, as its Date header tells; None where none came."""
    asked = Asked(
        method="GET",
        url=f"{base_of(connection.url).url}/metadata",
        place=connection.name,
        headers={"accept": FHIR_JSON},
    )
    async with open_wire(limits=limits) as wire:
        reply = await wire(asked)
    told = reply.headers.get("date", "") if isinstance(reply, Answer) else ""
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - clock.now()
