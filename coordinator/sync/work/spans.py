"""How much of a budget is left where several spans of time count at once."""

from collections.abc import Mapping, Sequence

from coordinator.sync.work.records import Span


def fullest(spans: Sequence[Span], used: Mapping[str, int], most: int) -> tuple[int, list[Span]]:
    """Return how many requests may be taken of all spans at once, and the spans that are used up if that is none."""
    granted = max(0, min([most, *(one.most - used.get(one.name, 0) for one in spans)]))
    return granted, [] if granted else [one for one in spans if one.most <= used.get(one.name, 0)]
