"""Questions about a care team: does it stand, who may take part on a day."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from coordinator.care.care_team.model import CareTeamRecord, Participant
from coordinator.fhir import day_of

_OVER = frozenset({"proposed", "inactive", "entered-in-error"})  # FHIR care-team-status of what is not a team now


def is_active(record: CareTeamRecord) -> bool:
    """Say whether the team is at work; one that is suspended for a while is still who would be asked."""
    return record.status not in _OVER


def members_on(record: CareTeamRecord, day: date, zone: ZoneInfo) -> Iterator[Participant]:
    """Yield who may take part on a day: nobody whose time certainly lies elsewhere, never the person in care."""
    if not is_active(record) or not _may_hold(record.start, record.end, day, zone):
        return
    for one in record.participants:
        is_other = one.member is not None and "Patient/" not in one.member
        if is_other and _may_hold(one.start, one.end, day, zone):
            yield one


def _may_hold(start: str | None, end: str | None, day: date, zone: ZoneInfo) -> bool:
    begun = start is None or day_of(start, zone).first <= day
    return begun and (end is None or day_of(end, zone).last >= day)
