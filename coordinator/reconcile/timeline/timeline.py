"""One timeline out of the stays of a person: their ends, what collides, the moves, and what a person must look at."""

from collections.abc import Sequence
from datetime import date

from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.model import Decision, Policy
from coordinator.reconcile.timeline.collisions import collisions
from coordinator.reconcile.timeline.ends import with_ends, without_reversed
from coordinator.reconcile.timeline.leaves import long_leaves, with_pauses, within_stay
from coordinator.reconcile.timeline.model import Timeline
from coordinator.reconcile.timeline.next_steps import no_next_steps, same_days, with_stale
from coordinator.reconcile.timeline.reasons import with_reasons
from coordinator.reconcile.timeline.records import Records, told_in_full
from coordinator.reconcile.timeline.referrals import never_admitted
from coordinator.reconcile.timeline.told import unseen
from coordinator.reconcile.timeline.transitions import gaps, transitions_of


def timeline_of(
    chart: Chart, stays: Sequence[Stay], decisions: Sequence[Decision], *, policy: Policy, as_of: date
) -> Timeline:
    """Return the timeline: ends that people decided hold, ends that the next stay implies are intervals."""
    records = Records.of(chart)
    sound, reversed_ones = without_reversed(told_in_full(stays, records))
    closed = with_ends(with_pauses(sound, chart, records, zone=policy.zone), decisions, policy=policy, as_of=as_of)
    reasoned, differing = with_reasons(closed.stays, decisions)
    kept = [with_stale(within_stay(one), policy, as_of=as_of) for one in reasoned]
    transitions = transitions_of(kept)
    findings = (
        *reversed_ones,
        *closed.findings,
        *differing,
        *collisions([one for one in kept if one.key not in closed.unsure], as_of, policy=policy),
        *gaps(transitions),
        *unseen(long_leaves(kept, as_of=as_of, zone=policy.zone), decisions),
        *unseen(same_days(transitions), decisions),
        *unseen(no_next_steps(chart, kept, transitions, policy=policy, as_of=as_of), decisions),
        *unseen(never_admitted(chart, kept, policy=policy, as_of=as_of), decisions),
    )
    return Timeline(stays=tuple(kept), transitions=transitions, findings=findings)
