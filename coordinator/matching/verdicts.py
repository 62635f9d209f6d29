"""What people decided about pairs of records: the same person, or two."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coordinator.matching.ports import Answer

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What holds of a pair: the newest answer, by whom, and how far the records agreed then, feature by feature."""

    pair: Pair
    same: bool
    actor: str
    decided_at: datetime
    levels: Mapping[str, str] = field(default_factory=dict)


def verdicts(answers: Iterable[Answer]) -> dict[Pair, Verdict]:
    """Return the newest answer for each pair. Of two given at one moment the one that parts holds: it can be undone."""
    made = [verdict for one in answers if (verdict := _verdict(one)) is not None]
    return {one.pair: one for one in sorted(made, key=lambda one: (one.decided_at, not one.same, one.actor))}


def _verdict(one: Answer) -> Verdict | None:
    records, same = one.facts.get("records"), one.value.get("same")
    if not isinstance(records, list) or len(records) != 2 or not isinstance(same, bool):
        return None
    first, second = sorted(str(each) for each in records)
    features = one.facts.get("features")
    levels = {
        str(each["feature"]): str(each["agreement"])
        for each in (features if isinstance(features, list) else [])
        if isinstance(each, dict) and {"feature", "agreement"} <= set(each)
    }
    return Verdict(pair=(first, second), same=same, actor=one.actor, decided_at=one.decided_at, levels=levels)
