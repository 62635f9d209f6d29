"""The queue of wake-ups: jobs are fetched here and handed to who does them; no other module knows its library.

A job carries a place to look at and nothing else, and whatever it would say stands in our own tables: losing one costs
the time until the next sweep, doing one twice costs nothing. So the library can be replaced in a day.
"""

from coordinator.store.queue.fleet import Fleet, FleetLost, Slots

__all__ = ["Fleet", "FleetLost", "Slots"]
