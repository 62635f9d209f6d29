"""What bills tell of levels: care at one by the lines of a Claim or charge, and what a payer says may be given.

A bill is weak: it may show a possible stay and moves nothing. The payer's own view counts for the organization that it
names as the provider; of one that nobody knows it tells nothing, as the payer gave no care.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from coordinator.care.bill.model import BillLine, BillRecord, Span, Tells
from coordinator.care.bill.rules import PAYERS_VIEW, days_of, tells
from coordinator.care.level_of_care.billing import level_of_line
from coordinator.care.level_of_care.model import Level, Role, StatedLevel
from coordinator.fhir import Interval, day_of
from coordinator.reconcile.chart import Chart, Seen
from coordinator.reconcile.level_of_care.stated import Days, Statement, read_in_edition
from coordinator.reconcile.model import Policy


def billed_statements(chart: Chart, policy: Policy) -> list[Statement]:
    """Return the levels that lines of bills name, in the order of their records and days, each once for the same days.

    Raises ConfigurationError.
    """
    found: list[Statement] = []
    for seen in chart.bills:
        told = tells(seen.evidence.document.type, seen.record)
        if told is Tells.CARE:
            found += _care(seen, policy)
        elif told is Tells.AUTHORIZATION:
            found += _authorized(seen, policy)
    return found


def _care(seen: Seen[BillRecord], policy: Policy) -> Iterator[Statement]:
    provider = seen.record.provider
    organization = policy.organization_named(provider) if provider else None
    if organization is None and seen.evidence.document.type == PAYERS_VIEW:
        return
    for level, days in _lines(seen.record, Role.PROVIDED, policy.zone):
        stated = StatedLevel(level=level, organization=organization, path=seen.evidence.document.type)
        yield _statement(seen, stated, days, policy=policy, rule="LV-06")


def _authorized(seen: Seen[BillRecord], policy: Policy) -> Iterator[Statement]:
    """Yield what a payer authorized for the time it is in effect: without such a time it may have been refused."""
    spans = [_days(span, policy.zone) for span in seen.record.in_effect if span.start is not None]
    levels = list(dict.fromkeys(level for level, _ in _lines(seen.record, Role.AUTHORIZED, policy.zone)))
    for days in dict.fromkeys(spans):
        for level in levels:
            stated = StatedLevel(level=level, organization=None, path=seen.evidence.document.type)
            yield _statement(seen, stated, days, policy=policy, rule="LV-08")


def _lines(record: BillRecord, role: Role, zone: ZoneInfo) -> Sequence[tuple[Level, Days]]:
    """Return each level with its days, in order; an authorization's lines may tell no day."""
    found: dict[tuple[Level, Days], None] = {}
    for line in record.lines:
        level = level_of_line(_codes(line), role)
        days = _days(days_of(line, record), zone)
        if level is not None and (days[0] is not None or role is Role.AUTHORIZED):
            found[level, days] = None
    return sorted(found, key=lambda pair: (_first(pair[1]), pair[0].code, str(pair[0].edition)))


def _first(days: Days) -> date:
    return days[0].first if days[0] else date.min


def _codes(line: BillLine) -> list[tuple[str, str]]:
    concepts = [one for one in (line.service, line.revenue, line.place) if one is not None]
    return [coding.key for concept in concepts for coding in concept.codings]


def _days(span: Span, zone: ZoneInfo) -> Days:
    def read(text: str | None) -> Interval | None:
        return day_of(text, zone) if text else None

    return read(span.start), read(span.end)


def _statement(seen: Seen[BillRecord], stated: StatedLevel, days: Days, *, policy: Policy, rule: str) -> Statement:
    read = read_in_edition(seen.evidence, stated, days, policy=policy)
    return replace(read, billed=True, rules=(*read.rules, rule))
