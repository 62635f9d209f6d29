"""What an EHR's own records say already of what it would be owed: the end of each delivery."""

from collections.abc import Collection, Mapping

from coordinator.outbox.receiver import Receiver
from coordinator.reconcile import Account


def held_already(account: Account, receiver: Receiver, wanted: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Return by the key of an intent the EHR's own records that say it; nothing of what it is still owed."""
    found: dict[str, tuple[str, ...]] = {}
    for course in account.courses:
        found[course.key] = tuple(sorted(take.seen.ref for take in course.takes if take.seen.ehr == receiver.ehr))
    own = {goal.key: goal.members[receiver.ehr].ref for goal in account.plan.goals if receiver.ehr in goal.members}
    found |= {f"goal:{key}": (ref,) for key, ref in own.items()}
    if own and len(own) == len(account.plan.goals):
        found["care-plan"] = tuple(sorted(own.values()))
    return {key: refs for key, refs in found.items() if refs and key not in wanted}
